"""Sweeps as people see them: submitted, listed, looked into, waited for, cancelled."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...capture.redact import redact
from ...config import Settings
from ...entities import Job, JobStatus, Sweep, SweepDetail, SweepSpec, SweepStatus, Trial, short_id
from ...errors import Conflict, InvalidInput, WaitTimeout
from ...protocols.clock import Clock
from ...protocols.sweeps import SweepRuns, SweepStore
from ..jobs.service import JobService
from .folder import SweepFolder
from .readings import Readings
from .space import checked

REFRESH_EVERY_S = 0.5
WAIT_POLL_S = 0.2


class SweepService:
    """The sweeps of one workspace, for readers and submitters; an agent brings them forward.

    ``study_path`` is the file with Optuna's studies.
    """

    def __init__(
        self,
        store: SweepStore,
        jobs: JobService,
        runs: SweepRuns,
        settings: Settings,
        *,
        study_path: Path,
        clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self.study_path = study_path
        self._jobs = jobs
        self._settings = settings
        self._readings = Readings(jobs.store, runs)
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._refreshed_at = float("-inf")
        self._importance: tuple[tuple[str, int], dict[str, float] | None] | None = None

    def check(self, spec: SweepSpec) -> SweepSpec:
        """The spec of a search as it will be kept.

        Raises InvalidInput for what cannot be searched or can never run here, MissingPackage, NotFound.
        """
        template = self._jobs.checked(replace(spec.template, sweep_id=spec.id))
        user, host = spec.user or self._settings.user, spec.host or self._settings.host
        return checked(replace(spec, template=template, user=user, host=host))

    def submit(self, spec: SweepSpec, notebook: bytes, environment: Mapping[str, str]) -> Sweep:
        """Begin a search: its folder, then its row, then an agent is started where none runs.

        ``notebook`` is what all trials run; a trial's values are put into it. Raises as ``check`` does.
        """
        self._jobs.may_submit(f"sweep:{spec.name}")
        spec = self.check(spec)
        sweep = self._add(spec, lambda folder: folder.create(spec, notebook, environment))
        self._ensure_agent([sweep])
        return sweep

    def grid(self, spec: SweepSpec, jobs: Sequence[Job]) -> Sweep:
        """Make a sweep of jobs that are queued already: one for each point of a plain grid."""
        if not jobs:
            raise InvalidInput("A sweep needs at least one job.")
        template = replace(
            spec.template,
            params={name: redact(name, value) for name, value in spec.template.params.items()},
        )
        spec = replace(spec, trials=len(jobs), sampler="grid", template=template)
        sweep = self._add(spec, SweepFolder.create_empty)
        self._ensure_agent([sweep])
        return sweep

    def get(self, sweep_id: str) -> Sweep:
        """A sweep, by its id or a unique end of it. Raises NotFound or Ambiguous."""
        self._refresh_now_and_then()
        return self.store.get(sweep_id)

    def search(
        self, *, status: SweepStatus | str | None = None, limit: int = 100, offset: int = 0
    ) -> list[Sweep]:
        """The matching sweeps, newest first. Raises InvalidInput for an unknown status."""
        self._refresh_now_and_then()
        wanted = None if status is None else _status(status)
        return self.store.search(status=wanted, limit=limit, offset=offset)

    def jobs(self, sweep_id: str) -> list[Job]:
        """The sweep's jobs by the number of their trial. Raises NotFound or Ambiguous."""
        return self._readings.jobs(self.get(sweep_id))

    def trials(self, sweep_id: str) -> list[Trial]:
        """The trials by number, as they stand now. Raises NotFound or Ambiguous."""
        sweep = self.get(sweep_id)
        return self._readings.trials(sweep, self._readings.jobs(sweep))

    def detail(self, sweep_id: str) -> SweepDetail:
        """Everything that a sweep's page shows. Raises NotFound or Ambiguous."""
        sweep = self.get(sweep_id)
        trials = self._readings.trials(sweep, self._readings.jobs(sweep))
        return SweepDetail(
            sweep=sweep,
            trials=trials,
            importance=self._importance_of(sweep, trials),
            dashboard=self._dashboard_of(sweep),
        )

    def importance(self, sweep_id: str) -> dict[str, float] | None:
        """How much each parameter matters for the goal; None where that cannot be told."""
        return self.detail(sweep_id).importance

    def dashboard(self, sweep_id: str) -> str | None:
        """The command that opens the study with optuna-dashboard; None for a plain grid."""
        return self._dashboard_of(self.get(sweep_id))

    def cancel(self, sweep_id: str) -> Sweep:
        """Ask for no more trials, and cancel those that are open.

        Raises Conflict when it has ended, and Forbidden.
        """
        while True:
            sweep = self.store.get(sweep_id)
            self._jobs.may_end(sweep.spec.user, f"sweep:{sweep.id}")
            if sweep.status.ended:
                raise Conflict(
                    f"Sweep {short_id(sweep.id)} has ended already; its status is {sweep.status.value}."
                )
            cancelled = self.store.request_cancel(sweep, user=self._settings.user, time=self._clock())
            if cancelled is not None:
                break
        for job in self._readings.jobs(cancelled):
            if not job.status.ended:
                with contextlib.suppress(Conflict):  # it has ended meanwhile
                    self._jobs.cancel(job.id)
        self._ensure_agent([cancelled])
        return cancelled

    def wait(self, sweep_id: str, *, timeout_s: float | None = None) -> Sweep:
        """The sweep once it has ended, however it did. Raises WaitTimeout, NotFound."""
        deadline = None if timeout_s is None else self._monotonic() + timeout_s
        whole = self.store.get(sweep_id).id
        while True:
            self._refresh_now_and_then()
            sweep = self.store.get(whole)
            if sweep.status.ended:
                return sweep
            if deadline is not None and self._monotonic() >= deadline:
                counts = ", ".join(f"{count} {status}" for status, count in sweep.counts.items())
                raise WaitTimeout(
                    f"After {timeout_s:g} s, sweep {short_id(whole)} goes on: {counts or 'no trial yet'}."
                )
            self._sleep(WAIT_POLL_S)

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present change number, and the sweeps that changed after ``since``."""
        self._refresh_now_and_then()
        return self.store.changes(since)

    def refresh(self) -> None:
        """Have an agent where sweeps of this home are open."""
        self._refreshed_at = self._monotonic()
        if still_open := [sweep for sweep in self.store.open() if self._folder(sweep) is not None]:
            self._ensure_agent(still_open)

    def _refresh_now_and_then(self) -> None:
        if self._monotonic() - self._refreshed_at >= REFRESH_EVERY_S:
            self.refresh()

    def _add(self, spec: SweepSpec, make: Callable[[SweepFolder], None]) -> Sweep:
        folder = SweepFolder.of(self._settings.home, spec.id)
        make(folder)
        try:
            return self.store.add(Sweep(spec=spec, status=SweepStatus.RUNNING))
        except BaseException:
            folder.remove()
            raise

    def _ensure_agent(self, sweeps: Sequence[Sweep]) -> None:
        """As for queued jobs: the trials to come want the GPUs of the template."""
        self._jobs.ensure_agent([Job(spec=each.spec.template, status=JobStatus.QUEUED) for each in sweeps])

    def _folder(self, sweep: Sweep) -> SweepFolder | None:
        """None for a sweep of another home."""
        return SweepFolder.find(self._settings.home, sweep.id)

    def _importance_of(self, sweep: Sweep, trials: Sequence[Trial]) -> dict[str, float] | None:
        if sweep.spec.goal is None or len(trials) < 2:
            return None
        key = (sweep.id, sweep.seq)
        if self._importance is None or self._importance[0] != key:
            from .study import importance_of

            self._importance = (key, importance_of(sweep.spec, trials))
        return self._importance[1]

    def _dashboard_of(self, sweep: Sweep) -> str | None:
        folder = self._folder(sweep)
        if folder is None or not folder.is_search or not self.study_path.exists():
            return None
        return f"optuna-dashboard sqlite:///{self.study_path}"


def _status(text: SweepStatus | str) -> SweepStatus:
    try:
        return SweepStatus(text)
    except ValueError as error:
        names = ", ".join(each.value for each in SweepStatus)
        raise InvalidInput(f"No sweep status {text!r}. There are: {names}.") from error
