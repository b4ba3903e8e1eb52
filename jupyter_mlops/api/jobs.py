"""Batch jobs: submit, wait, read."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..capture.history import on_job_use
from ..entities import short_id
from ..errors import InvalidInput, JobFailed, NotFound
from ..services.rows import JOB_COLUMNS, job_row
from ..workspace import current
from .reading import Run

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities
    from ..services.submission.service import Submitted


def submit(
    notebook: str | os.PathLike[str],
    *,
    params: Mapping[str, Any] | None = None,
    name: str | None = None,
    gpus: int = 0,
    cpus: int = 1,
    memory: str | int | None = None,
    time_limit: str | float | None = None,
    on: str = "local",
    priority: int = 0,
    retries: int = 0,
    after: Sequence[str | Job] = (),
) -> Job | Sweep:
    """Run a notebook as a batch job; a list as a parameter's value makes a sweep, one job each.

    ``memory`` is bytes or text such as ``"8G"``, ``time_limit`` seconds or text such as ``"2h"``.
    Unknown parameters, values of the wrong type and missing notebooks are refused before anything is
    queued (ParameterError, NotFound).
    """
    from ..entities import Resources
    from ..services.quantities import memory_bytes, seconds
    from ..services.submission.request import Request

    _used()
    resources = Resources(
        gpus=gpus, cpus=cpus, memory_bytes=memory_bytes(memory), time_limit_s=seconds(time_limit)
    )
    request = Request(
        name=name,
        params=params or {},
        resources=resources,
        executor=on,
        priority=priority,
        retries=retries,
        after=tuple(each.id if isinstance(each, Job) else each for each in after),
    )
    submitted = current().submission.submit_notebook(Path(notebook), request=request)
    return job_handle(submitted)


def job_handle(submitted: Submitted) -> Job | Sweep:
    """The handle of what was submitted: a Job, or a Sweep when it is one."""
    _used()
    handles = [Job(each) for each in submitted.jobs]
    if submitted.sweep_id is None:
        return handles[0]
    return Sweep(submitted.sweep_id, handles)


def job(job_id: str) -> Job:
    """One job, by its id or a unique end of it. Raises NotFound or Ambiguous."""
    return Job(current().jobs.get(job_id))


def jobs(*, status: str | None = None, sweep: str | None = None, limit: int = 100) -> pd.DataFrame:
    """Jobs as a DataFrame, newest first; ``progress`` counts cells."""
    import pandas as pd

    rows = [job_row(each) for each in current().jobs.search(status=status, sweep_id=sweep, limit=limit)]
    names = sorted({name for row in rows for name in row if name not in JOB_COLUMNS})
    table = pd.DataFrame(rows, columns=[*JOB_COLUMNS, *names])
    for column in ("submitted", "started"):
        table[column] = pd.to_datetime(table[column], utc=True)
    return table


class Log(str):
    """Text that shows itself as it is, also as the last value of a cell."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Job:
    """One batch job. Its properties show its present state; nothing is cached but the last reading."""

    def __init__(self, entity: entities.Job) -> None:
        self._entity = entity

    @property
    def id(self) -> str:
        return self._entity.id

    @property
    def spec(self) -> entities.JobSpec:
        return self._entity.spec

    @property
    def entity(self) -> entities.Job:
        """The last reading; ``refresh`` makes a new one."""
        return self._entity

    def refresh(self) -> entities.Job:
        """Read the job's present state."""
        _used()
        self._entity = current().jobs.get(self.id)
        return self._entity

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def params(self) -> dict[str, Any]:
        return self.spec.params

    @property
    def status(self) -> str:
        return self.refresh().status.value

    @property
    def reason(self) -> str:
        """Why it ended as it did; empty when there is nothing to say."""
        return self.refresh().reason

    @property
    def progress(self) -> entities.Progress | None:
        """Cells done and in all, once it runs."""
        return self.refresh().progress

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until it has ended, however it did; raises WaitTimeout after ``timeout`` seconds."""
        _used()
        (self._entity,) = current().jobs.wait([self.id], timeout_s=timeout)
        return self

    def cancel(self) -> Job:
        """Ask it to end; a queued job is cancelled at once. A job that has ended raises Conflict."""
        _used()
        self._entity = current().jobs.cancel(self.id)
        return self

    def logs(self, *, follow: bool = False) -> Log:
        """What it printed so far; with ``follow``, print it as it comes until it ends."""
        text: list[str] = []
        for part in current().jobs.log_texts(self.id, follow=follow):
            text.append(part)
            if follow:
                print(part, end="", flush=True)
        return Log("" if follow else "".join(text))

    @property
    def result(self) -> Any:
        """The submitted cell's last value; waits for the end.

        Raises JobFailed when the job did not succeed, NotFound when the cell had no value or one that
        could not be pickled, Untrusted when another user submitted the job, and MissingPackage or
        InvalidInput when the value cannot be unpickled here.
        """
        from ..services.registry.pickles import load
        from ..services.registry.trust import require_trust_in_result

        self.wait()
        self.raise_for_status()
        workspace, short = current(), short_id(self.id)
        path = workspace.jobs.result_path(self.id)
        if not path.exists() and not self.spec.promoted:
            raise NotFound(
                f"Job {short_id(self.id)} ran a whole notebook, which has no result of its own: log what you "
                "need, or look at job.notebook."
            )
        if not path.exists():
            raise NotFound(
                f"Job {short} left no result: its cell had no last value, or one that cannot "
                "be pickled. Log what you need, or make it the cell's last expression."
            )
        require_trust_in_result(short, self.spec.user, workspace.settings)
        return load(path.read_bytes(), what=f"The result of job {short}")

    def raise_for_status(self) -> Job:
        """Raise JobFailed when it has ended without success."""
        job = self._entity
        if job.status.ended and job.status.value != "succeeded":
            raise JobFailed(
                f"Job {short_id(job.id)} ({job.spec.name}) {job.status.value}: "
                f"{job.reason.rstrip('.') or 'no reason given'}. Its log: %mlops logs {short_id(job.id)}"
            )
        return self

    @property
    def run(self) -> Run:
        """The run it was tracked as. Raises NotFound before it has started."""
        run_id = self.refresh().run_id
        if run_id is None:
            raise NotFound(f"Job {short_id(self.id)} has no run yet: it is {self._entity.status.value}.")
        return Run(run_id)

    @property
    def notebook(self) -> Path:
        """The executed notebook; while it runs, as far as it has come."""
        return current().jobs.output_notebook(self.id)

    def __repr__(self) -> str:
        job = self.refresh()
        progress = f", cell {job.progress.done} of {job.progress.total}" if job.progress else ""
        reason = f": {job.reason}" if job.reason else ""
        return f"Job({short_id(job.id)}, {job.spec.name!r}, {job.status.value}{progress}{reason})"


class Sweep(Sequence[Job]):
    """The jobs of one sweep, in the order of their parameters."""

    def __init__(self, sweep_id: str, jobs: Sequence[Job]) -> None:
        self.id, self.jobs = sweep_id, list(jobs)

    def __len__(self) -> int:
        return len(self.jobs)

    def __getitem__(self, index: Any) -> Any:
        return self.jobs[index]

    @property
    def name(self) -> str:
        return self.jobs[0].name

    def refresh(self) -> list[entities.Job]:
        """Read the present state of all jobs."""
        return [each.refresh() for each in self.jobs]

    def wait(self, timeout: float | None = None) -> Sweep:
        """Wait until all have ended, however they did; raises WaitTimeout after ``timeout`` seconds."""
        _used()
        ended = current().jobs.wait([each.id for each in self.jobs], timeout_s=timeout)
        for handle, entity in zip(self.jobs, ended, strict=True):
            handle._entity = entity
        return self

    def cancel(self) -> Sweep:
        """Ask all that have not ended to end."""
        for each in self.jobs:
            if not each.refresh().status.ended:
                each.cancel()
        return self

    def raise_for_status(self) -> Sweep:
        """Raise JobFailed for the first job that ended without success."""
        for each in self.jobs:
            each.raise_for_status()
        return self

    @property
    def results(self) -> list[Any]:
        """The results of all jobs, in order; waits. Raises as ``Job.result`` does."""
        self.wait()
        return [each.result for each in self.jobs]

    def runs(self) -> pd.DataFrame:
        """The jobs' runs as a DataFrame, with the columns of ``mlops.runs``."""
        from .reading import runs

        return runs(f"sweep = '{self.id}' and kind = 'job'", limit=max(len(self), 100))

    def best(self, metric: str, *, goal: str = "maximize") -> Job:
        """The job whose run has the best last value of ``metric``; NaN is never best.

        Raises InvalidInput for another goal than maximize and minimize, NotFound when no job logged it.
        """
        if goal not in ("maximize", "minimize"):
            raise InvalidInput(f"goal must be 'maximize' or 'minimize', not {goal!r}.")
        found = [(value, each) for each in self.jobs if (value := _last(each, metric)) is not None]
        if not found:
            raise NotFound(f"No job of sweep {short_id(self.id)} has logged {metric!r}.")
        pick = max if goal == "maximize" else min
        return pick(found, key=lambda pair: pair[0])[1]

    def __repr__(self) -> str:
        counts: dict[str, int] = {}
        for each in self.refresh():
            counts[each.status.value] = counts.get(each.status.value, 0) + 1
        states = ", ".join(f"{count} {status}" for status, count in counts.items())
        return f"Sweep({short_id(self.id)}, {self.name!r}, {len(self)} jobs: {states})"


def _last(job: Job, metric: str) -> float | None:
    run_id = job.refresh().run_id
    summary = current().runs.get(run_id).metrics.get(metric) if run_id else None
    return None if summary is None or math.isnan(summary.last) else summary.last


def _used() -> None:
    for hook in on_job_use:
        hook()
