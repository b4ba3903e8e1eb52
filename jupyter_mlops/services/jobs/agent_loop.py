"""The agent's loop: brings jobs forward, one ``tick`` at a time.

A tick reads the open jobs' rows and folders, looks at their workers, and acts. It keeps in memory only
whom it has asked to stop, so that an agent that was killed is replaced by any other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from ...config import Settings
from ...entities import Exit, GpuSlot, Job, JobStatus, Process, RunStatus, Started, short_id
from ...errors import MlopsError, NotFound, Unavailable
from ...protocols.jobs import Executor, JobStore, Launch, Presence, Sighting
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
        for executor in self._executors.values():
            executor.tidy()
        advanced = [self._guarded(job, partial(self._advance, now=now)) for job in jobs]
        open_jobs = [job for job in advanced if not job.status.ended]
        self._stopping = {job.id: self._stopping[job.id] for job in open_jobs if job.id in self._stopping}
        for name, executor in self._executors.items():
            self._place([job for job in open_jobs if job.spec.executor == name], executor, now)
        if not 0 <= now - self._swept_at <= SWEEP_EVERY_S:
            self._swept_at = now
            forget_old_environments(self._settings.home, now, is_open=self._is_open)
        return len(open_jobs) + open_sweeps

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
        if job.spec.executor not in self._executors or self._is_of_another_host(job):
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
        except Exception as error:  # one damaged job must not stop the others
            if self._troubles.get(job.id) != repr(error):
                logger.exception("Job %s cannot be brought forward", job.id)
            self._troubles[job.id] = repr(error)
            return job

    def _advance(self, job: Job, now: float) -> Job:
        folder = self._folder(job)
        if not folder.exists():
            reason = f"its folder {folder.path} is gone"
            return self._store.update(job, status=JobStatus.LOST, reason=reason, ended_at=now) or job
        job = self._follow(folder, job)
        if job.status.ended:
            return job
        if job.status is JobStatus.QUEUED:
            return self._check_dependencies(job, now)
        attempt = folder.attempt(job.attempt)
        started = attempt.started()
        process = started.process if started else None
        sighting = self._executors[job.spec.executor].sight(job.id, job.attempt, process)
        if sighting.presence is Presence.ALIVE:
            return self._watch(job, started, now)
        if sighting.presence is Presence.UNKNOWN:
            return self._doubt(job, process, attempt, now)
        if sighting.presence is Presence.ABSENT and not job.cancel_requested:
            return self._store.update(job, status=JobStatus.QUEUED, gpus=[], reason="") or job
        return self._bury(job, sighting, attempt, now)

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
                return self._end(
                    job, JobStatus.FAILED, f"job {other_id}, which it was to follow, is unknown", now
                )
            if other.status.ended and other.status is not JobStatus.SUCCEEDED:
                reason = f"job {short_id(other.id)}, which it was to follow, {other.status.value}"
                return self._end(job, JobStatus.FAILED, reason, now)
        return job

    def _watch(self, job: Job, started: Started | None, now: float) -> Job:
        """A living worker stops when it is asked to, and is killed when it does not."""
        if job.cancel_requested:
            return self._stop(job, started, now)
        limit = job.spec.resources.time_limit_s
        overdue = self._settings.cancel_grace_s + WRAP_UP_S
        if started and limit is not None and now > started.started_at + limit + overdue:
            return self._kill(job, JobStatus.FAILED, f"exceeded its time limit of {spoken(limit)}", now)
        return job

    def _stop(self, job: Job, started: Started | None, now: float) -> Job:
        if job.id not in self._stopping:
            self._stopping[job.id] = now + self._settings.cancel_grace_s + WRAP_UP_S
            process: Process | None = started.process if started else None
            self._executors[job.spec.executor].interrupt(job.id, process)
        elif now > self._stopping[job.id]:
            return self._kill(job, JobStatus.CANCELLED, "cancelled; it did not stop and was killed", now)
        return job

    def _doubt(self, job: Job, process: Process | None, attempt: Attempt, now: float) -> Job:
        """A worker that cannot be seen from here is lost when it has been silent for long.

        One of this host that was silent before the host booted is gone; two hosts may have one name.
        """
        beat = attempt.last_beat() or job.started_at or job.spec.submitted_at
        if self._witness.sees(process, beat) is False:
            gone = Sighting(presence=Presence.GONE, reason="the machine was restarted while it ran")
            return self._bury(job, gone, attempt, now)
        silent = now - beat
        if silent > self._settings.lost_after_s:
            return self._end(job, JobStatus.LOST, f"no sign of life for {spoken(silent)}", now)
        if silent > self._settings.silent_after_s:
            return self._explain(
                job, f"no sign of life for more than {spoken(self._settings.silent_after_s)}"
            )
        return job

    def _bury(self, job: Job, sighting: Sighting, attempt: Attempt, now: float) -> Job:
        """The worker is gone: what it left running is killed before anything else."""
        if job.cancel_requested:
            return self._kill(job, JobStatus.CANCELLED, "cancelled", now)
        reason = sighting.reason
        if attempt.started() is None and (words := last_line(attempt.log)):
            reason = f"{reason}: {words}"
        return self._kill(job, JobStatus.FAILED, reason, now)

    def _kill(self, job: Job, status: JobStatus, reason: str, now: float) -> Job:
        if not self._executors[job.spec.executor].kill(job.id):
            return job  # once more at the next tick: its GPUs are not free as long as something lives
        return self._end(job, status, reason, now)

    def _end(self, job: Job, status: JobStatus, reason: str, now: float) -> Job:
        folder = self._folder(job)
        end = Exit(status=status, ended_at=now, reason=reason, written_by="agent")
        attempt = folder.attempt(job.attempt)
        was_first = attempt.finish(end)  # else the worker was, and it is right
        if was_first and status in RUN_STATUS and (started := attempt.started()):
            self._settle_run(started.run_id, RUN_STATUS[status], reason)
        return self._follow(folder, job)

    def _explain(self, job: Job, reason: str) -> Job:
        if job.reason == reason:
            return job
        return self._store.update(job, reason=reason) or job

    def _place(self, jobs: Sequence[Job], executor: Executor, now: float) -> None:
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
        starting = self._store.update(job, status=JobStatus.STARTING, gpus=list(gpus), reason="")
        if starting is None:
            return job
        try:
            started = executor.start(self._launch(starting, gpus, executor))
        except (MlopsError, OSError) as error:
            return self._end(starting, JobStatus.FAILED, str(error), now)
        if not started:
            self._store.update(starting, status=JobStatus.QUEUED, gpus=[], reason="waits for a GPU")
        return starting

    def _launch(self, job: Job, gpus: Sequence[str], executor: Executor) -> Launch:
        folder = self._folder(job)
        attempt = folder.attempt(job.attempt)
        attempt.path.mkdir(parents=True, exist_ok=True)
        environment = worker_environment(job.spec, folder.environment(), self._settings, attempt=attempt.path)
        return Launch(
            job_id=job.id,
            attempt=job.attempt,
            interpreter=job.spec.interpreter,
            folder=folder.path,
            log=attempt.log,
            environment=environment,
            slots=[slot for slot in executor.slots() if slot.uuid in gpus],
        )


def _free_slots(executor: Executor) -> tuple[list[GpuSlot], str]:
    """The slots to be had, and why there are none where that cannot even be asked: other jobs start."""
    try:
        return executor.free_slots(), ""
    except Unavailable as error:
        return [], error.message
