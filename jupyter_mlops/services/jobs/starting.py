"""The step that starts an attempt, or hands it over to a cluster."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from ...config import Settings
from ...entities import Cause, GpuSlot, Job, JobStatus
from ...errors import MlopsError, Unavailable
from ...protocols.jobs import Executor, JobStore, Launch
from .attending import unbegun
from .ends import Ends, failed
from .environment import worker_environment
from .patience import Patience

logger = logging.getLogger(__name__)


class Starter:
    """Starts what is to start now: the row first, so that a job which was cancelled meanwhile is not."""

    def __init__(
        self,
        store: JobStore,
        ends: Ends,
        executors: Mapping[str, Executor],
        settings: Settings,
        patience: Patience,
    ) -> None:
        self._store = store
        self._ends = ends
        self._executors = executors
        self._settings = settings
        self._patience = patience

    def start(
        self, job: Job, name: str, now: float, *, slots: Sequence[GpuSlot] = (), choice: str = ""
    ) -> Job:
        """The job after it was started at the executor of that name; unchanged where it was not."""
        if not self._ends.folder(job).exists():
            return self._ends.lose(job, f"its folder {self._ends.folder(job).path} is gone", now)
        followed = self._ends.follow(job)
        if followed.seq != job.seq:  # a worker that came late, or an end
            return followed
        executor = self._executors[name]
        begins = {"handed_over": True} if executor.keeps_queue else {"status": JobStatus.STARTING}
        reason = self._patience.trouble(name)  # until it has answered
        chosen = {"executor": name, "choice": choice, "gpus": [slot.uuid for slot in slots], "reason": reason}
        starting = self._store.update(job, **begins, **chosen)
        return job if starting is None else self._begin(starting, executor, slots, now)

    def _begin(self, job: Job, executor: Executor, slots: Sequence[GpuSlot], now: float) -> Job:
        try:
            started = executor.start(self._launch(job, slots))
        except Unavailable as error:
            if executor.keeps_queue:  # it may have arrived all the same: the executor is asked again
                self._patience.failed(job.executor, job.id, error.message)
                return self._explain(job, error.message)
            return self._ends.end(job, failed(Cause.START, error.message, now))
        except (MlopsError, OSError) as error:
            return self._ends.end(job, failed(Cause.START, str(error), now))
        except Exception as error:  # it would be the same with the next try
            logger.exception("Job %s cannot be started", job.id)
            return self._ends.end(job, failed(Cause.START, f"{type(error).__name__}: {error}", now))
        self._patience.answered(job.executor)
        if started:
            return job
        reason = "its files are on their way" if executor.keeps_queue else "waits for a GPU"
        return self._store.update(job, **unbegun(job, reason)) or job

    def _explain(self, job: Job, reason: str) -> Job:
        if job.reason == reason:
            return job
        return self._store.update(job, reason=reason) or job

    def _launch(self, job: Job, slots: Sequence[GpuSlot]) -> Launch:
        folder, attempt = self._ends.folder(job), self._ends.attempt(job)
        attempt.path.mkdir(parents=True, exist_ok=True)
        spec = folder.spec()  # not the row's, which everybody can write in a team's database
        environment = worker_environment(spec, folder.environment(), self._settings, attempt=attempt.path)
        return Launch(
            spec=spec,
            attempt=job.attempt,
            folder=folder.path,
            log=attempt.log,
            environment=environment,
            slots=slots,
            exclusive=job.exclusive,
        )
