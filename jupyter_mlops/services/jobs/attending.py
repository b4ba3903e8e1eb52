"""The agent's care for attempts that have begun: who lives, who is to stop, who is gone.

How long something takes is told by the monotonic clock, from when this agent first saw it: a wall clock
that is set back or forward ends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ...config import Settings
from ...entities import Cause, Exit, Job, JobStatus, Started
from ...errors import MlopsError
from ...protocols.clock import Clock
from ...protocols.jobs import Begun, Executor, JobStore, Presence, Sighting
from ..quantities import spoken
from ..runs.liveness import Witness
from .ends import Ends, cancelled, failed, lost
from .folder import Attempt
from .following import AFRESH
from .logs import last_line

WRAP_UP_S = 10.0
"""What a worker gets, after its kernel's grace time, to write its notebook and its run's end."""


@dataclass(slots=True)
class _Watched:
    """What is remembered of one attempt; times are monotonic."""

    attempt: int
    seen_at: float
    started: Started | None = None
    beat: float | None = None
    runs_since: float | None = None
    stop_by: float | None = None


class Attendant:
    """Brings begun jobs forward, one at a time. A killed agent's is replaced by any other."""

    def __init__(
        self,
        store: JobStore,
        ends: Ends,
        executors: Mapping[str, Executor],
        settings: Settings,
        *,
        witness: Witness,
        monotonic: Clock,
    ) -> None:
        self._store = store
        self._ends = ends
        self._executors = executors
        self._settings = settings
        self._witness = witness
        self._monotonic = monotonic
        self._watched: dict[str, _Watched] = {}

    def begun(self, job: Job) -> Begun:
        """The attempt, with its worker's process where that is known."""
        watched = self._watch_over(job)
        if watched.started is None:
            watched.started = self._ends.attempt(job).started()
        process = watched.started.process if watched.started else None
        path = self._ends.folder(job).path
        return Begun(job_id=job.id, attempt=job.attempt, folder=path, process=process)

    def forget_all_but(self, job_ids: Collection[str]) -> None:
        """Only these are still watched over."""
        if len(self._watched) > len(job_ids):
            self._watched = {each: self._watched[each] for each in self._watched if each in job_ids}

    @property
    def is_pressed(self) -> bool:
        """Whether somebody was asked to stop, and is waited for."""
        return any(each.stop_by is not None for each in self._watched.values())

    def advance(self, job: Job, sighting: Sighting | None, now: float) -> Job:
        """The job after what its folder and its executor say; without a sighting only its folder counts."""
        if not self._ends.folder(job).exists():
            return self._ends.lose(job, f"its folder {self._ends.folder(job).path} is gone", now)
        before, job = job, self._ends.follow(job)
        if job.status.ended or job.attempt != before.attempt or sighting is None:
            return job
        begun = self.begun(job)
        if sighting.presence is Presence.WAITING:
            return self._attend(job, begun, sighting, now)
        if sighting.presence is Presence.ALIVE:
            return self._see_alive(job, begun, sighting, now)
        if sighting.presence is Presence.UNKNOWN:
            return self._doubt(job, begun, sighting, now)
        if sighting.presence is Presence.ABSENT and not (begun.process or job.cancel_requested):
            # a cluster's last word stays: until there is a better one, it says why the job waits
            return self._store.update(job, **unbegun(job, job.reason if job.handed_over else "")) or job
        return self._bury(job, begun, sighting, now)

    def _watch_over(self, job: Job) -> _Watched:
        watched = self._watched.get(job.id)
        if watched is None or watched.attempt != job.attempt:
            watched = self._watched[job.id] = _Watched(attempt=job.attempt, seen_at=self._monotonic())
        return watched

    def _attend(self, job: Job, begun: Begun, sighting: Sighting, now: float) -> Job:
        """A job in an executor's own queue: why it waits there, or that it need not."""
        self._watch_over(job).seen_at = self._monotonic()
        if job.cancel_requested:
            return self._kill(job, begun, cancelled("cancelled", now))
        if job.status is JobStatus.RUNNING:  # its cluster has put it back into the queue
            return job
        return self._explain(job, sighting.reason)

    def _see_alive(self, job: Job, begun: Begun, sighting: Sighting, now: float) -> Job:
        """A living worker stops when it is asked to, and is killed when it does not."""
        watched = self._watch_over(job)
        watched.seen_at = self._monotonic()
        if job.cancel_requested:
            return self._stop(job, begun, now)
        if watched.started is None:
            return self._explain(job, sighting.reason) if sighting.reason else job
        if watched.runs_since is None:
            watched.runs_since = watched.seen_at
        limit = job.spec.resources.time_limit_s
        if limit is not None and watched.seen_at > watched.runs_since + limit + self._overdue_s:
            reason = f"exceeded its time limit of {spoken(limit)}"
            return self._kill(job, begun, failed(Cause.TIME, reason, now))
        return self._heed(job)

    @property
    def _overdue_s(self) -> float:
        return self._settings.cancel_grace_s + WRAP_UP_S

    def _heed(self, job: Job) -> Job:
        """What its worker says that somebody should see to; a doubt of before is none any longer."""
        warning = self._ends.attempt(job).warning()
        if (job.warning, job.reason) == (warning, ""):
            return job
        return self._store.update(job, warning=warning, reason="") or job

    def _stop(self, job: Job, begun: Begun, now: float) -> Job:
        watched = self._watch_over(job)
        if watched.stop_by is None:
            self._executors[job.executor].interrupt(begun)
            watched.stop_by = self._monotonic() + self._overdue_s
        elif self._monotonic() > watched.stop_by:
            return self._kill(job, begun, cancelled("cancelled; it did not stop and was killed", now))
        return job

    def _doubt(self, job: Job, begun: Begun, sighting: Sighting, now: float) -> Job:
        """A worker that cannot be seen from here is lost when it has been silent for long.

        One of this host that was silent before the host booted is gone; two hosts may have one name. A job
        that its executor has not begun is not lost because nobody answers there: it waits.
        """
        watched, beat = self._watch_over(job), self._ends.attempt(job).last_beat()
        if beat is not None and beat != watched.beat:
            if watched.beat is not None:
                watched.seen_at = self._monotonic()
            watched.beat = beat
        known = beat or job.started_at or job.spec.submitted_at
        if self._writes_here(job) and self._witness.sees(begun.process, known) is False:
            reason = "the machine was restarted while it ran"
            gone = Sighting(presence=Presence.GONE, reason=reason, cause=Cause.NODE)
            return self._bury(job, begun, gone, now)
        silent = self._monotonic() - watched.seen_at
        if job.cancel_requested:
            return self._stop_unseen(job, begun, silent, now)
        return self._judge_silence(job, sighting, silent, has_begun=watched.started is not None, now=now)

    def _writes_here(self, job: Job) -> bool:
        """A worker elsewhere may have said how it ended where that has not come here yet."""
        try:
            return self._executors[job.executor].shares_files
        except (KeyError, MlopsError):  # it cannot be had just now
            return False

    def _judge_silence(
        self, job: Job, sighting: Sighting, silent: float, *, has_begun: bool, now: float
    ) -> Job:
        limits = self._settings
        if silent > limits.lost_after_s and (has_begun or not job.handed_over):
            why = f" ({sighting.reason})" if sighting.reason else ""
            return self._ends.end(job, lost(f"no sign of life for {spoken(silent)}{why}", now))
        if silent > limits.silent_after_s:
            quiet = f"no sign of life for more than {spoken(limits.silent_after_s)}"
            return self._explain(job, f"{quiet}: {sighting.reason}" if sighting.reason else quiet)
        if sighting.reason or has_begun:
            return self._explain(job, sighting.reason)
        return job

    def _stop_unseen(self, job: Job, begun: Begun, silent: float, now: float) -> Job:
        """Nobody may be there to be stopped: the folder says that it is cancelled, and a worker gives way."""
        if silent > self._settings.lost_after_s:
            reason = f"cancelled; there was no sign of life for {spoken(silent)}"
            return self._ends.end(job, cancelled(reason, now))
        return self._stop(job, begun, now)

    def _bury(self, job: Job, begun: Begun, sighting: Sighting, now: float) -> Job:
        """The worker is gone: what it left running is killed before anything else."""
        attempt = self._ends.attempt(job)
        if job.cancel_requested:
            return self._kill(job, begun, cancelled("cancelled", now))
        if sighting.cause is Cause.USER:
            return self._kill(job, begun, cancelled(sighting.reason, now))
        has_begun = attempt.started() is not None
        cause = sighting.cause or (Cause.KILLED if has_begun else Cause.START)
        reason = sighting.reason or "its worker is gone"
        if not has_begun:
            reason = _with_last_words(reason, attempt)
        return self._kill(job, begun, failed(cause, reason, now))

    def _kill(self, job: Job, begun: Begun, end: Exit) -> Job:
        if not self._executors[job.executor].kill(begun):
            return job  # once more at the next turn: its GPUs are not free as long as something lives
        return self._ends.end_of_dead(job, end)

    def _explain(self, job: Job, reason: str) -> Job:
        if job.reason == reason:
            return job
        return self._store.update(job, reason=reason) or job


def unbegun(job: Job, reason: str = "") -> dict[str, Any]:
    """The row of a job whose attempt has not begun after all; its place is to be chosen again."""
    changes = {**AFRESH, "reason": reason}
    return {**changes, "executor": "", "choice": ""} if len(job.spec.executors) > 1 else changes


def _with_last_words(reason: str, attempt: Attempt) -> str:
    words = last_line(attempt.log)
    return f"{reason}: {words}" if words else reason
