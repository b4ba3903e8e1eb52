"""Schedules as people see them: made, listed, paused, resumed, run at once, deleted."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from ...config import Settings
from ...entities import Job, Schedule, ScheduleDetail, ScheduleSpec, new_id, short_id
from ...errors import Conflict, InvalidInput, NotFound
from ...protocols.clock import Clock
from ...protocols.schedules import ScheduleStore
from ..jobs.service import JobService
from .folder import Files, ScheduleFolder
from .occurrences import in_words, next_after, said, upcoming
from .runs import queue_run
from .whereabouts import is_lost, lies_here, say_that_it_is_lost

REFRESH_EVERY_S = 5.0
SHOWN_RUNS = 5
SHOWN_JOBS = 10


class ScheduleService:
    """The schedules of one workspace, for readers and their makers; an agent queues the runs."""

    def __init__(
        self,
        store: ScheduleStore,
        jobs: JobService,
        settings: Settings,
        *,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self.store = store
        self._jobs = jobs
        self._settings = settings
        self._clock = clock
        self._monotonic = monotonic
        self._refreshed_at = float("-inf")

    def check(self, spec: ScheduleSpec) -> ScheduleSpec:
        """The spec as it will be kept. Raises InvalidInput for what never comes or can never run here."""
        if next_after(spec.timing, self._clock()) is None:
            raise InvalidInput(f"cron: {spec.timing.cron!r} names no time that ever comes.")
        template = self._jobs.checked(replace(spec.template, schedule_id=spec.id))
        user, host = spec.user or self._settings.user, spec.host or self._settings.host
        home = spec.home or str(self._settings.home)
        return replace(spec, template=template, user=user, host=host, home=home)

    def add(
        self,
        spec: ScheduleSpec,
        notebook: bytes,
        environment: Mapping[str, str],
        *,
        files: Files | None = None,
    ) -> Schedule:
        """Keep a schedule: its folder, then its row, then an agent is started where none runs.

        ``notebook``, ``environment`` and ``files`` are what all its runs get. Raises as ``check`` does.
        """
        self._jobs.may_submit(f"schedule:{spec.name}")
        spec = self.check(spec)
        folder = ScheduleFolder.of(self._settings.home, spec.id)
        folder.create(spec, notebook, environment, files)
        try:
            due = next_after(spec.timing, self._clock())
            schedule = self.store.add(Schedule(spec=spec, next_at=due))
        except BaseException:
            folder.remove()
            raise
        folder.finish()
        self._jobs.ensure_agent([])
        return schedule

    def notes(self, spec: ScheduleSpec) -> list[str]:
        """What its maker should know: its times, and schedules like it that go on besides."""
        soon = ", ".join(said(spec.timing, when) for when in islice(self._upcoming(spec), 2))
        notes = [
            f"{in_words(spec.timing)}; next: {soon}. Each run gets the notebook as it is now.",
        ]
        template = spec.template
        like = [
            each
            for each in self.store.enabled()
            if (each.spec.user, each.spec.name, each.spec.template.notebook)
            == (spec.user, spec.name, template.notebook)
        ]
        if like:
            ids = ", ".join(short_id(each.id) for each in like)
            notes.append(
                f"{ids} of the same name goes on besides. To end it: %mlops schedules delete "
                f"{short_id(like[0].id)}"
            )
        return notes

    def get(self, schedule_id: str) -> Schedule:
        """A schedule, by its id or a unique end of it. Raises NotFound or Ambiguous."""
        self._refresh_now_and_then()
        return self.store.get(schedule_id)

    def search(self, *, enabled: bool | None = None, limit: int = 100, offset: int = 0) -> list[Schedule]:
        """The matching schedules, newest first."""
        self._refresh_now_and_then()
        return self.store.search(enabled=enabled, limit=limit, offset=offset)

    def detail(self, schedule_id: str) -> ScheduleDetail:
        """All that a schedule's page shows. Raises NotFound or Ambiguous."""
        schedule = self.get(schedule_id)
        next_runs = list(islice(self._upcoming(schedule.spec), SHOWN_RUNS)) if schedule.enabled else []
        return ScheduleDetail(
            schedule=schedule,
            text=in_words(schedule.spec.timing),
            next_runs=next_runs,
            jobs=self.jobs(schedule.id, limit=SHOWN_JOBS),
        )

    def jobs(self, schedule_id: str, *, limit: int = 100) -> list[Job]:
        """Its runs, newest first. Raises NotFound or Ambiguous."""
        return self._jobs.search(schedule_id=self.get(schedule_id).id, limit=limit)

    def pause(self, schedule_id: str) -> Schedule:
        """Queue no more runs until it is resumed; those that there are go on. Again does nothing."""
        return self._switch(schedule_id, enabled=False)

    def resume(self, schedule_id: str) -> Schedule:
        """Go on from now; what would have run while it was paused is not caught up. Again does nothing."""
        schedule = self._switch(schedule_id, enabled=True)
        self._jobs.ensure_agent([])
        return schedule

    def delete(self, schedule_id: str) -> Schedule:
        """Forget it, with its environment; its runs stay as they are.

        Raises NotFound, Ambiguous, Forbidden.
        """
        while True:
            schedule = self.store.get(schedule_id)
            self._may_change(schedule)
            now = self._clock()
            if self.store.remove(schedule, user=self._settings.user, time=now):
                if (folder := ScheduleFolder.find(self._settings.home, schedule.id)) is not None:
                    folder.remove()
                return replace(schedule, enabled=False, next_at=None)

    def run_now(self, schedule_id: str) -> Job:
        """One run more, at once, whatever the time and whether it is paused or not.

        Raises Conflict for a schedule of another home, NotFound for one whose folder is gone, Forbidden,
        and what queueing raises.
        """
        schedule, now = self.store.get(schedule_id), self._clock()
        self._may_change(schedule)
        if not lies_here(schedule, self._settings) and not is_lost(schedule, self._settings):
            where = ":".join(filter(None, (schedule.spec.host, schedule.spec.home)))
            raise Conflict(f"Schedule {short_id(schedule.id)} lies in another home ({where}): run it there.")
        job = queue_run(schedule, new_id(now), self._jobs, self._settings, when=now, now=now)
        with contextlib.suppress(NotFound):  # deleted meanwhile, which leaves its runs
            while self.store.ran(schedule, job.id, user=self._settings.user, time=now) is None:
                schedule = self.store.get(schedule.id)
        self._jobs.ensure_agent([job])
        return job

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present change number, and the schedules that changed after ``since``."""
        self._refresh_now_and_then()
        return self.store.changes(since)

    def _switch(self, schedule_id: str, *, enabled: bool) -> Schedule:
        while True:
            schedule, now = self.store.get(schedule_id), self._clock()
            self._may_change(schedule)
            if schedule.enabled is enabled:
                return schedule
            due = next_after(schedule.spec.timing, now) if enabled else None
            user = self._settings.user
            changed = self.store.switch(schedule, enabled=enabled, next_at=due, user=user, time=now)
            if changed is not None:
                return changed

    def _may_change(self, schedule: Schedule) -> None:
        self._jobs.may_end(schedule.spec.user, f"schedule:{schedule.id}")

    def _upcoming(self, spec: ScheduleSpec) -> Iterator[float]:
        return upcoming(spec.timing, self._clock())

    def _refresh_now_and_then(self) -> None:
        """Who looks at schedules sees to it that there is an agent for them, or is told why there is none."""
        if self._monotonic() - self._refreshed_at < REFRESH_EVERY_S:
            return
        self._refreshed_at = self._monotonic()
        enabled = self.store.enabled()
        for each in enabled:
            if is_lost(each, self._settings):
                say_that_it_is_lost(each, self.store, self._settings)
        if any(lies_here(each, self._settings) for each in enabled):
            self._jobs.ensure_agent([])
