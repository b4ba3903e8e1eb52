"""The agent's loop: brings jobs forward, one ``tick`` at a time.

A tick reads the open jobs' rows and folders, looks at their workers, and acts. It keeps in memory only
whom it has asked to stop, so that an agent that was killed is replaced by any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, cast

from ...config import Settings
from ...entities import Cause, Exit, GpuSlot, Job, JobStatus, RunStatus, Started, short_id
from ...errors import MlopsError, NotFound, Unavailable
from ...protocols.jobs import Begun, Executor, JobStore, Launch, Machine, Presence, Sighting
from ..quantities import spoken
from ..runs.liveness import Witness
from ..tracking.tails import has_ended
from .environment import worker_environment
from .folder import Attempt, JobFolder, forget_old_environments
from .following import follow
from .logs import last_line
from .placement import Capacity, place

WRAP_UP_S = 10.0
"""What a worker gets, after its kernel's grace time, to write its notebook and its run's end."""

SWEEP_EVERY_S = 3600.0

AGENT = "agent"
UNBEGUN: dict[str, Any] = {"status": JobStatus.QUEUED, "gpus": [], "handed_over": False, "reason": ""}
"""The row of a job whose attempt has not begun after all."""

RUN_STATUS = {
    JobStatus.SUCCEEDED: RunStatus.FINISHED,
    JobStatus.FAILED: RunStatus.FAILED,
    JobStatus.CANCELLED: RunStatus.CANCELLED,
}

logger = logging.getLogger(__name__)


class Sweeps(Protocol):
    """Whatever submits jobs by itself, and follows them."""

    def tick(self, now: float) -> int:
        """Bring all forward as far as they go just now; returns how many are open."""
        ...


class AgentLoop:
    """Runs the queue of one home on one host.

    ``settle_run`` ends the run of an attempt that could not do so itself (run id, status, reason).
    ``shared_home`` says that other hosts may have agents of the same home: then a job starts where it was
    submitted. ``sweeps`` are brought forward before the jobs.
    """

    def __init__(
        self,
        store: JobStore,
        executors: Mapping[str, Executor],
        settings: Settings,
        *,
        settle_run: Callable[[str, RunStatus, str], None],
        shared_home: bool = False,
        witness: Witness | None = None,
        sweeps: Sweeps | None = None,
    ) -> None:
        self._store = store
        self._sweeps = sweeps
        self._settle_run = settle_run
        self._shared_home = shared_home
        self._witness = witness or Witness()
        self._executors = executors
        self._settings = settings
        self._stopping: dict[str, float] = {}
        self._troubles: dict[str, str] = {}
        self._swept_at = float("-inf")

    def tick(self, now: float) -> int:
        """Bring every open sweep and job forward as far as it goes just now; returns how many are open."""
        open_sweeps = self._advance_sweeps(now)
        jobs = [job for job in self._store.open() if self._is_ours(job)]
        self._look(jobs)
        advanced = [self._guarded(job, partial(self._advance, now=now)) for job in jobs]
        open_jobs = [job for job in advanced if not job.status.ended]
        self._stopping = {job.id: self._stopping[job.id] for job in open_jobs if job.id in self._stopping}
        for name, there in _by_executor(open_jobs).items():
            executor = self._executors[name]
            if executor.keeps_queue:
                self._hand_over(there, executor, now)
            else:
                self._place(there, cast(Machine, executor), now)
        if not 0 <= now - self._swept_at <= SWEEP_EVERY_S:
            self._swept_at = now
            forget_old_environments(self._settings.home, now, is_open=self._is_open)
        return len(open_jobs) + open_sweeps

    def _look(self, jobs: Sequence[Job]) -> None:
        """Have each executor see how its jobs do, all with one look."""
        for name, there in _by_executor(jobs).items():
            try:
                self._executors[name].look([self._begun(job) for job in there if has_begun(job)])
            except Exception as error:  # noqa: BLE001  # what cannot be seen is UNKNOWN; other executors go on
                self._report(name, "Executor %s cannot be looked at", error)

    def _begun(self, job: Job) -> Begun:
        folder = self._folder(job)
        started = folder.attempt(job.attempt).started()
        process = started.process if started else None
        return Begun(job_id=job.id, attempt=job.attempt, folder=folder.path, process=process)

    def _advance_sweeps(self, now: float) -> int:
        if self._sweeps is None:
            return 0
        try:
            return self._sweeps.tick(now)
        except Unavailable:
            raise
        except Exception:  # jobs go on all the same
            logger.exception("The sweeps cannot be brought forward")
            return 1

    def _is_open(self, job_id: str) -> bool:
        try:
            return not self._store.get(job_id).status.ended
        except NotFound:
            return False

    def _is_ours(self, job: Job) -> bool:
        """Other homes may keep their jobs in the same database; theirs have no folder here."""
        if job.executor not in self._executors or self._is_of_another_host(job):
            return False
        return self._settings.database is None or self._folder(job).exists()

    def _is_of_another_host(self, job: Job) -> bool:
        """A job that runs there is looked at from here as well: who sees it silent for long says so."""
        elsewhere = job.spec.host not in ("", self._settings.host)
        return self._shared_home and elsewhere and job.status is not JobStatus.RUNNING

    def _folder(self, job: Job) -> JobFolder:
        return JobFolder.of(self._settings.home, job.id)

    def _guarded(self, job: Job, step: Callable[[Job], Job]) -> Job:
        try:
            return step(job)
        except Exception as error:  # noqa: BLE001  # one damaged job must not stop the others
            self._report(job.id, "Job %s cannot be brought forward", error)
            return job

    def _report(self, subject: str, message: str, error: Exception) -> None:
        """Log a trouble when it is new; to be called while it is handled."""
        if self._troubles.get(subject) != repr(error):
            logger.exception(message, subject)
        self._troubles[subject] = repr(error)

    def _advance(self, job: Job, now: float) -> Job:
        folder = self._folder(job)
        if not folder.exists():
            reason = f"its folder {folder.path} is gone"
            return self._store.update(job, status=JobStatus.LOST, reason=reason, ended_at=now) or job
        job = self._follow(folder, job)
        if job.status.ended:
            return job
        if not has_begun(job):
            return self._check_dependencies(job, now)
        attempt, begun = folder.attempt(job.attempt), self._begun(job)
        sighting = self._executors[job.executor].sight(begun)
        if sighting.presence is Presence.WAITING:
            return self._attend(job, begun, sighting, now)
        if sighting.presence is Presence.ALIVE:
            return self._watch(job, begun, attempt.started(), now)
        if sighting.presence is Presence.UNKNOWN:
            return self._doubt(job, begun, attempt, now)
        if sighting.presence is Presence.ABSENT and not job.cancel_requested:
            return self._store.update(job, **UNBEGUN) or job
        return self._bury(job, begun, sighting, attempt, now)

    def _attend(self, job: Job, begun: Begun, sighting: Sighting, now: float) -> Job:
        """A job in an executor's own queue: why it waits there, or that it need not."""
        if job.cancel_requested:
            return self._kill(job, begun, _cancelled("cancelled", now))
        return self._explain(job, sighting.reason)

    def _follow(self, folder: JobFolder, job: Job) -> Job:
        """Bring the row in line with its folder, and at an attempt's end the run with that."""
        after = follow(self._store, folder, job)
        if after.status.ended or after.attempt != job.attempt:
            self._see_to_the_runs_end(folder.attempt(job.attempt))
        return after

    def _see_to_the_runs_end(self, attempt: Attempt) -> None:
        """A worker that found the disk full may have said how its job ended and not how its run did."""
        end, started = attempt.exit(), attempt.started()
        if end is None or end.written_by != "worker" or end.status not in RUN_STATUS or started is None:
            return
        if has_ended(self._settings.home, started.run_id):
            return
        try:
            self._settle_run(started.run_id, RUN_STATUS[end.status], end.reason)
        except OSError as error:  # the run reads lost; its job has ended all the same
            logger.warning("The end of run %s cannot be written: %s", started.run_id, error)

    def _check_dependencies(self, job: Job, now: float) -> Job:
        """A queued job ends when one that it is to follow did not succeed."""
        for other_id in job.spec.after:
            try:
                other = self._store.get(other_id)
            except NotFound:
                reason = f"job {other_id}, which it was to follow, is unknown"
                return self._end(job, _failed(Cause.DEPENDENCY, reason, now))
            if other.status.ended and other.status is not JobStatus.SUCCEEDED:
                reason = f"job {short_id(other.id)}, which it was to follow, {other.status.value}"
                return self._end(job, _failed(Cause.DEPENDENCY, reason, now))
        return job

    def _watch(self, job: Job, begun: Begun, started: Started | None, now: float) -> Job:
        """A living worker stops when it is asked to, and is killed when it does not."""
        if job.cancel_requested:
            return self._stop(job, begun, now)
        limit = job.spec.resources.time_limit_s
        overdue = self._settings.cancel_grace_s + WRAP_UP_S
        if started and limit is not None and now > started.started_at + limit + overdue:
            reason = f"exceeded its time limit of {spoken(limit)}"
            return self._kill(job, begun, _failed(Cause.TIME, reason, now))
        return job

    def _stop(self, job: Job, begun: Begun, now: float) -> Job:
        if job.id not in self._stopping:
            self._stopping[job.id] = now + self._settings.cancel_grace_s + WRAP_UP_S
            self._executors[job.executor].interrupt(begun)
        elif now > self._stopping[job.id]:
            return self._kill(job, begun, _cancelled("cancelled; it did not stop and was killed", now))
        return job

    def _doubt(self, job: Job, begun: Begun, attempt: Attempt, now: float) -> Job:
        """A worker that cannot be seen from here is lost when it has been silent for long.

        One of this host that was silent before the host booted is gone; two hosts may have one name.
        """
        beat = attempt.last_beat() or job.started_at or job.spec.submitted_at
        if self._witness.sees(begun.process, beat) is False:
            reason = "the machine was restarted while it ran"
            gone = Sighting(presence=Presence.GONE, reason=reason, cause=Cause.NODE)
            return self._bury(job, begun, gone, attempt, now)
        silent = now - beat
        if silent > self._settings.lost_after_s:
            reason = f"no sign of life for {spoken(silent)}"
            lost = Exit(status=JobStatus.LOST, ended_at=now, reason=reason, written_by=AGENT)
            return self._end(job, lost)
        if silent > self._settings.silent_after_s:
            return self._explain(
                job, f"no sign of life for more than {spoken(self._settings.silent_after_s)}"
            )
        return job

    def _bury(self, job: Job, begun: Begun, sighting: Sighting, attempt: Attempt, now: float) -> Job:
        """The worker is gone: what it left running is killed before anything else."""
        if job.cancel_requested:
            return self._kill(job, begun, _cancelled("cancelled", now))
        reason = sighting.reason
        if attempt.started() is None and (words := last_line(attempt.log)):
            reason = f"{reason}: {words}"
        return self._kill(job, begun, _failed(sighting.cause or Cause.KILLED, reason, now))

    def _kill(self, job: Job, begun: Begun, end: Exit) -> Job:
        if not self._executors[job.executor].kill(begun):
            return job  # once more at the next tick: its GPUs are not free as long as something lives
        return self._end(job, end)

    def _end(self, job: Job, end: Exit) -> Job:
        folder = self._folder(job)
        attempt = folder.attempt(job.attempt)
        was_first = attempt.finish(end)  # else the worker was, and it is right
        if was_first and end.status in RUN_STATUS and (started := attempt.started()):
            self._settle_run(started.run_id, RUN_STATUS[end.status], end.reason)
        return self._follow(folder, job)

    def _explain(self, job: Job, reason: str) -> Job:
        if job.reason == reason:
            return job
        return self._store.update(job, reason=reason) or job

    def _hand_over(self, jobs: Sequence[Job], executor: Executor, now: float) -> None:
        """Give a cluster what is ready: it keeps the queue."""
        for job in jobs:
            if not has_begun(job) and self._is_ready(job):
                self._guarded(job, partial(self._start, gpus=[], executor=executor, now=now))

    def _place(self, jobs: Sequence[Job], executor: Machine, now: float) -> None:
        queued = [job for job in jobs if job.status is JobStatus.QUEUED]
        if not queued:
            return
        ready = [job for job in queued if self._is_ready(job)]
        busy = [job for job in jobs if job.status is not JobStatus.QUEUED]
        wants_gpus = any(job.spec.resources.gpus for job in ready)
        free_slots, trouble = _free_slots(executor) if wants_gpus else ([], "")
        capacity = Capacity(
            slots=len(executor.slots()) if wants_gpus else 0,
            cpus=executor.cpus(),
            free_slots=free_slots,
            free_cpus=executor.cpus() - sum(job.spec.resources.cpus for job in busy),
        )
        placement = place(ready, capacity)
        for job, slots in placement.starts:
            gpus = [slot.uuid for slot in slots]
            self._guarded(job, partial(self._start, gpus=gpus, executor=executor, now=now))
        for job in ready:
            if job.id in placement.waits:
                gpus_trouble = trouble if job.spec.resources.gpus else ""
                self._explain(job, gpus_trouble or placement.waits[job.id])

    def _is_ready(self, job: Job) -> bool:
        """Whether all that it is to follow have succeeded; those that failed have ended it before."""
        missing = [each for each in job.spec.after if self._store.get(each).status is not JobStatus.SUCCEEDED]
        if missing:
            self._explain(job, f"waits for job {short_id(missing[0])}")
        return not missing

    def _start(self, job: Job, *, gpus: Sequence[str], executor: Executor, now: float) -> Job:
        """The row first: a job that was cancelled meanwhile is not started."""
        begins = {"handed_over": True} if executor.keeps_queue else {"status": JobStatus.STARTING}
        starting = self._store.update(job, **begins, gpus=list(gpus), reason="")
        if starting is None:
            return job
        try:
            started = executor.start(self._launch(starting, gpus, executor))
        except (MlopsError, OSError) as error:
            return self._end(starting, _failed(Cause.START, str(error), now))
        if not started:
            self._store.update(starting, **{**UNBEGUN, "reason": "waits for a GPU"})
        return starting

    def _launch(self, job: Job, gpus: Sequence[str], executor: Executor) -> Launch:
        slots = [] if executor.keeps_queue else cast(Machine, executor).slots()
        folder = self._folder(job)
        attempt = folder.attempt(job.attempt)
        attempt.path.mkdir(parents=True, exist_ok=True)
        environment = worker_environment(job.spec, folder.environment(), self._settings, attempt=attempt.path)
        return Launch(
            spec=job.spec,
            attempt=job.attempt,
            folder=folder.path,
            log=attempt.log,
            environment=environment,
            slots=[slot for slot in slots if slot.uuid in gpus],
            exclusive=job.exclusive,
        )


def _by_executor(jobs: Iterable[Job]) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for job in jobs:
        found.setdefault(job.executor, []).append(job)
    return found


def has_begun(job: Job) -> bool:
    """Whether the present attempt was started, or handed over to an executor's own queue."""
    return job.handed_over or job.status is not JobStatus.QUEUED


def _failed(cause: Cause, reason: str, now: float) -> Exit:
    return Exit(status=JobStatus.FAILED, ended_at=now, reason=reason, written_by=AGENT, cause=cause)


def _cancelled(reason: str, now: float) -> Exit:
    return Exit(status=JobStatus.CANCELLED, ended_at=now, reason=reason, written_by=AGENT, cause=Cause.USER)


def _free_slots(executor: Machine) -> tuple[list[GpuSlot], str]:
    """The slots to be had, and why there are none where that cannot even be asked: other jobs start."""
    try:
        return executor.free_slots(), ""
    except Unavailable as error:
        return [], error.message
