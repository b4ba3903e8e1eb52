"""Jobs as people see them: submitted, listed, waited for, cancelled."""

from __future__ import annotations

import copy
import logging
import math
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol, cast

from ...capture.redact import redact
from ...config import Settings
from ...entities import Exit, GpuSlot, Job, JobSpec, JobStatus, LogChunk, Resources, is_id, short_id
from ...errors import Conflict, InvalidInput, NotFound, Unavailable, Unsupported, WaitTimeout
from ...protocols.clock import Clock
from ...protocols.jobs import Agent, Executor, JobRuns, JobStore, Machine
from ..registry.deciding import Access, EverythingAllowed
from .folder import Attempt, JobFolder
from .following import follow
from .logs import log_texts, read_log
from .run_ends import RunEnds, SettleRun

REFRESH_EVERY_S = 0.5
WAIT_POLL_S = 0.1
LOG_CHUNK_BYTES = 256 * 1024
SEEN_OPEN = 50
"""How many open jobs a reader looks at to see whether an agent is needed: whoever submits sees to it, too."""

logger = logging.getLogger(__name__)


class JobFiles(Protocol):
    """Files that go along with a job."""

    def write(self, folder: Path) -> object:
        """Copy them into the job's folder."""
        ...


class JobService:
    """The queue of one workspace, for readers and submitters; an agent brings the jobs forward."""

    def __init__(
        self,
        store: JobStore,
        settings: Settings,
        *,
        executors: Mapping[str, Executor],
        runs: JobRuns,
        agent: Agent,
        access: Access | None = None,
        elsewhere: Callable[[str], Path | None] = lambda job_id: None,
        clock: Clock = time.time,
        settle_run: SettleRun | None = None,
        monotonic: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store = store
        self._run_ends = None if settle_run is None else RunEnds(settings.home, settle_run)
        self.executors = executors
        self._settings = settings
        self._runs = runs
        self._agent = agent
        self._elsewhere = elsewhere
        self._access = access or EverythingAllowed()
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._refreshed_at = float("-inf")
        self._warned: set[str] = set()

    def for_agent(self) -> JobService:
        """The same queue for who carries out what was decided, and is not asked whether he may."""
        trusted = copy.copy(self)
        trusted._access = EverythingAllowed()
        return trusted

    def submit(
        self,
        spec: JobSpec,
        notebook: bytes,
        environment: Mapping[str, str],
        *,
        files: JobFiles | None = None,
    ) -> Job:
        """Queue a job: its folder, then its row, then an agent is started where none runs.

        ``files`` go along where the executor does not share this file system.

        Raises InvalidInput for what no executor here can ever run, NotFound for an unknown job in
        ``after``, Forbidden, Unavailable where the disk is full, Unsupported on Windows.
        """
        self.may_submit(f"job:{spec.name}")
        job = self.enqueue(spec, notebook, environment, files=files)
        self.ensure_agent([job])
        return job

    def shares_files(self, executor: str) -> bool:
        """Whether workers there see this file system. Raises InvalidInput for an unknown executor."""
        return self._executor(executor).shares_files

    def enqueue(
        self,
        spec: JobSpec,
        notebook: bytes,
        environment: Mapping[str, str],
        *,
        files: JobFiles | None = None,
    ) -> Job:
        """As ``submit``, without having an agent or asking who may: for the agent itself."""
        spec = self.checked(spec)
        folder = JobFolder.of(self._settings.home, spec.id)
        try:
            folder.create(spec, notebook, environment)
        except FileExistsError:
            raise  # no job of this id can be queued again
        except OSError as error:
            raise Unavailable(
                f"The job cannot be queued: its folder in {folder.path.parent} cannot be written ({error})."
            ) from error
        try:
            names = spec.executors or [spec.executor]
            if files is not None and not all(self.shares_files(name) for name in names):
                files.write(folder.path)
            job = self.store.add(Job(spec=spec, status=JobStatus.QUEUED))
        except BaseException:
            folder.remove()
            raise
        folder.finish()
        return job

    def get(self, job_id: str) -> Job:
        """A job, by its id or a unique end of it. Raises NotFound or Ambiguous."""
        self._refresh_now_and_then()
        (job,) = self._with_progress([self.store.get(job_id)])
        return job

    def search(
        self,
        *,
        status: JobStatus | str | None = None,
        sweep_id: str | None = None,
        parent_run_id: str | None = None,
        schedule_id: str | None = None,
        ids: Collection[str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """The matching jobs, newest first. Raises InvalidInput for an unknown status."""
        self._refresh_now_and_then()
        found = self.store.search(
            status=None if status is None else _status(status),
            sweep_id=sweep_id,
            parent_run_id=parent_run_id,
            schedule_id=schedule_id,
            ids=ids,
            limit=limit,
            offset=offset,
        )
        return self._with_progress(found)

    def find(self, text: str) -> Job:
        """The job that people mean: an id, a unique end of one, else the newest of that name.

        Raises NotFound or Ambiguous.
        """
        try:
            return self.store.get(text)
        except NotFound:
            named = self.store.named(text)
            if named is None:
                raise
            return named

    def cancel(self, job_id: str) -> Job:
        """Ask a job to end; a queued one has ended at once.

        Raises Conflict when it has ended already, and Forbidden.
        """
        while True:
            job = self.store.get(job_id)
            self.may_end(job.spec.user, f"job:{job.id}")
            if job.status.ended:
                raise Conflict(f"Job {short_id(job.id)} has ended already; its status is {job.status.value}.")
            now = self._clock()
            cancelled = self.store.request_cancel(job, user=self._settings.user, time=now)
            if cancelled is not None:
                break
        if cancelled.status.ended:
            self._close_folder(cancelled, now)
        else:
            self.ensure_agent([cancelled])
        return cancelled

    def may_submit(self, subject: str) -> None:
        """Raises Forbidden unless the user may have things run."""
        self._access.require(self._settings.user, "submit", subject)

    def may_end(self, owner: str, subject: str) -> None:
        """Raises Forbidden unless the user may end, or change, what ``owner`` has begun."""
        user = self._settings.user
        self._access.require(user, "cancel" if owner in ("", user) else "interfere", subject)

    def log(self, job_id: str, *, offset: int = 0, limit: int = LOG_CHUNK_BYTES) -> LogChunk:
        """What the job printed, from a byte on; all attempts one after the other."""
        job = self.get(job_id)
        return read_log(self._readable_folder(job), job, offset=offset, limit=limit)

    def log_texts(self, job_id: str, *, follow: bool = False) -> Iterator[str]:
        """The whole log in pieces; with ``follow`` as it comes, until the job has ended."""
        return log_texts(lambda offset: self.log(job_id, offset=offset), follow=follow, sleep=self._sleep)

    def wait(self, ids: Sequence[str], *, timeout_s: float | None = None) -> list[Job]:
        """The jobs once all have ended, in the order of ``ids``. Raises WaitTimeout, NotFound."""
        deadline = None if timeout_s is None else self._monotonic() + timeout_s
        whole = [self.store.get(each).id for each in ids]
        while True:
            self._refresh_now_and_then()
            jobs = {job.id: job for job in self.store.search(ids=whole, limit=len(whole))}
            waiting = [job for job in jobs.values() if not job.status.ended]
            if not waiting:
                return self._with_progress([jobs[each] for each in whole])
            if deadline is not None and self._monotonic() >= deadline:
                names = ", ".join(f"{short_id(job.id)} ({job.status.value})" for job in waiting[:5])
                raise WaitTimeout(
                    f"After {timeout_s:g} s, {len(waiting)} of {len(jobs)} jobs go on: {names}."
                )
            self._sleep(WAIT_POLL_S)

    def output_notebook(self, job_id: str) -> Path:
        """The executed notebook; while the job runs, as far as it has come. Raises NotFound before."""
        job = self.get(job_id)
        path = self._readable_folder(job).attempt(job.attempt).output
        if not path.exists():
            raise NotFound(f"Job {short_id(job.id)} has no executed notebook yet: it is {job.status.value}.")
        return path

    def result_path(self, job_id: str) -> Path:
        """Where the submitted cell's last value lies once the job has ended; there may be none."""
        job = self.get(job_id)
        return self._readable_folder(job).attempt(job.attempt).result

    def last_attempt(self, job_id: str) -> Attempt:
        """The folder of a job's present attempt. Raises NotFound, Ambiguous."""
        job = self.get(job_id)
        return self._readable_folder(job).attempt(job.attempt)

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present change number, and the jobs that changed after ``since``."""
        self._refresh_now_and_then()
        return self.store.changes(since)

    def slots(self) -> list[GpuSlot]:
        """The GPUs that local jobs may lease."""
        return cast(Machine, self.executors["local"]).slots()

    def refresh(self) -> None:
        """Bring rows in line with folders, and have an agent where jobs of this home are open."""
        self._refreshed_at = self._monotonic()
        for job in self.store.begun():
            if self.is_here(job):
                self._follow(job)
        if still_open := [job for job in self.store.open(limit=SEEN_OPEN) if self.is_here(job)]:
            self.ensure_agent(still_open)

    def is_here(self, job: Job) -> bool:
        """Whether this home made it: in a team's database are the jobs of others, whatever their rows say."""
        return self._settings.database is None or (is_id(job.id) and self._folder(job).exists())

    def _follow(self, job: Job) -> Job:
        try:
            after = follow(self.store, self._folder(job), job)
            if self._run_ends is not None and (after.status.ended or after.attempt != job.attempt):
                self._run_ends.see_to(self._folder(job).attempt(job.attempt))
            return after
        except (InvalidInput, OSError, Unavailable) as error:
            # neither a damaged folder nor a full disk must hide the jobs
            self._warn_once(f"The row of job {job.id} cannot be brought in line: {error}")
            return job

    def _warn_once(self, text: str) -> None:
        if text not in self._warned:  # who waits for a job reads twice a second
            self._warned.add(text)
            logger.warning("%s", text)

    def _refresh_now_and_then(self) -> None:
        if self._monotonic() - self._refreshed_at >= REFRESH_EVERY_S:
            self.refresh()

    def ensure_agent(self, jobs: Sequence[Job]) -> None:
        """Have an agent for these jobs. A queued one is safe without: the next reader starts one."""
        queued = [job.spec for job in jobs if job.status is JobStatus.QUEUED]
        gpus = max((math.ceil(spec.resources.gpus) for spec in queued), default=0)
        gpu_slots = max((spec.gpu_slots or 0 for spec in queued), default=0)
        reachable = gpus and gpus <= max(len(self.slots()), gpu_slots)
        try:
            self._agent.ensure(gpus=gpus if reachable else 0, gpu_slots=gpu_slots or None)
        except (OSError, Unavailable) as error:
            logger.warning("The agent that runs the jobs cannot be started: %s", error)

    def _folder(self, job: Job) -> JobFolder:
        return JobFolder.of(self._settings.home, job.id)

    def _readable_folder(self, job: Job) -> JobFolder:
        """The job's folder; of a colleague's job what was sealed of it. Raises NotFound before that."""
        if self.is_here(job):
            return self._folder(job)
        if (place := self._elsewhere(job.id)) is not None:
            return JobFolder.of(place, job.id)
        spec = job.spec
        when = "soon, when a reader of that home has looked" if job.status.ended else "when it has ended"
        raise NotFound(
            f"The files of job {short_id(job.id)} lie in the home of {spec.user or 'its author'}"
            f"{f' on {spec.host}' if spec.host else ''}. They reach colleagues {when}, if that home shares "
            "its blobs (JUPYTER_MLOPS_BLOBS)."
        )

    def _close_folder(self, job: Job, now: float) -> None:
        folder = self._folder(job)
        if folder.exists():
            end = Exit(status=JobStatus.CANCELLED, ended_at=now, reason=job.reason, written_by="user")
            folder.attempt(job.attempt).finish(end)
            folder.forget_environment()

    def _with_progress(self, jobs: list[Job]) -> list[Job]:
        started = [job.id for job in jobs if job.run_id is not None]
        try:
            runs = self._runs.of_jobs(started) if started else {}
        except Unavailable as error:  # as in _follow
            self._warn_once(f"The progress of jobs cannot be read: {error}")
            return jobs
        return [replace(job, progress=runs[job.id].progress) if job.id in runs else job for job in jobs]

    def _executor(self, name: str) -> Executor:
        if name not in self.executors:
            raise InvalidInput(f"No executor {name!r}. There are: {', '.join(self.executors)}.")
        return self.executors[name]

    def checked(self, spec: JobSpec) -> JobSpec:
        """The spec as it is kept. Raises as ``submit`` does."""
        if sys.platform == "win32":
            raise Unsupported("Batch jobs need Linux or macOS; on Windows, use WSL.")
        names = self._accepting(spec)
        check_spec(spec)
        return replace(
            spec,
            executor=names[0],
            executors=names if len(names) > 1 else [],
            after=[self.find(each).id for each in spec.after],
            after_any=[self.find(each).id for each in spec.after_any],
            # only for people to read: the values themselves are in the notebook
            params={name: redact(name, value) for name, value in spec.params.items()},
            gpu_slots=spec.gpu_slots or self._settings.gpu_slots,
            user=spec.user or self._settings.user,
            host=spec.host or self._settings.host,
        )

    def _accepting(self, spec: JobSpec) -> list[str]:
        """Those of the places named where the job can ever run; one that does not answer just now may be.

        Raises InvalidInput where there is none, Unavailable where nobody answers.
        """
        check_resources(spec.resources)
        names = list(dict.fromkeys(spec.executors or [spec.executor]))
        refusals: dict[str, str] = {}
        silent: dict[str, Unavailable] = {}
        for name in names:
            try:
                if refusal := self._executor(name).refusal(spec):
                    refusals[name] = refusal
            except Unavailable as error:
                silent[name] = error
        if len(silent) == len(names) - len(refusals) and silent:
            raise next(iter(silent.values()))
        if accepting := [name for name in names if name not in refusals]:
            return accepting
        if len(names) == 1:
            raise InvalidInput(refusals[names[0]])
        raise InvalidInput(" ".join(f"{name}: {refusal}" for name, refusal in refusals.items()))


def check_spec(spec: JobSpec) -> None:
    """Refuse, with InvalidInput, what is wrong wherever it is to run."""
    if not Path(spec.cwd).is_dir():
        raise InvalidInput(f"The job's folder {spec.cwd} does not exist.")
    if not os.access(spec.interpreter, os.X_OK):
        raise InvalidInput(f"The job's interpreter {spec.interpreter} cannot be run.")
    if spec.retries < 0:
        raise InvalidInput(f"retries must be 0 or more, not {spec.retries}.")
    if not 0 <= spec.retry_delay_s < math.inf:
        raise InvalidInput(f"The retry delay must be 0 or more seconds, not {spec.retry_delay_s:g}.")
    if spec.id in (*spec.after, *spec.after_any):
        raise InvalidInput(f"Job {short_id(spec.id)} cannot follow itself.")


def check_resources(wanted: Resources) -> None:
    """Refuse, with InvalidInput, what no executor could make sense of."""
    if wanted.gpus < 0 or wanted.cpus < 1:
        raise InvalidInput(
            f"A job needs 0 or more GPUs and 1 or more CPU cores, not {wanted.gpus:g} and {wanted.cpus}."
        )
    if wanted.gpus > 1 and wanted.gpus % 1:
        raise InvalidInput(f"A job takes whole GPUs, or a share of one such as 0.5, not {wanted.gpus:g}.")
    positive = {
        "memory": wanted.memory_bytes,
        "GPU memory": wanted.gpu_memory_bytes,
        "time limit": wanted.time_limit_s,
    }
    for name, value in positive.items():
        if value is not None and value <= 0:
            raise InvalidInput(f"The {name} must be more than 0, not {value:g}.")


def _status(text: JobStatus | str) -> JobStatus:
    try:
        return JobStatus(text)
    except ValueError as error:
        names = ", ".join(each.value for each in JobStatus)
        raise InvalidInput(f"No job status {text!r}. There are: {names}.") from error
