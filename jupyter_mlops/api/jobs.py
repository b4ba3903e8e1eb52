"""Batch jobs: submit, wait, read."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from ..capture.history import on_job_use
from ..entities import short_id
from ..errors import JobFailed, NotFound
from ..services.rows import JOB_COLUMNS, job_row
from ..workspace import current
from .reading import Run

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities
    from .opening import OpenedNotebook


def job(job_id: str) -> Job:
    """One job, by its id or a unique end of it. Raises NotFound or Ambiguous."""
    return Job(current().jobs.get(job_id))


def jobs(
    *, status: str | None = None, sweep: str | None = None, schedule: str | None = None, limit: int = 100
) -> pd.DataFrame:
    """Jobs as a DataFrame, newest first; ``progress`` counts cells."""
    import pandas as pd

    found = current().jobs.search(status=status, sweep_id=sweep, schedule_id=schedule, limit=limit)
    rows = [job_row(each) for each in found]
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
        used()
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
    def cause(self) -> str | None:
        """What brought it to an end that is no success: error, memory, time, node and so on."""
        cause = self.refresh().cause
        return cause.value if cause else None

    @property
    def executor(self) -> str:
        """Where it runs or will run; empty as long as that is not chosen."""
        return self.refresh().executor

    @property
    def used(self) -> entities.Used | None:
        """What its last attempt used; None where that was not measured."""
        return self.refresh().used

    @property
    def progress(self) -> entities.Progress | None:
        """Cells done and in all, once it runs."""
        return self.refresh().progress

    def wait(self, timeout: float | None = None) -> Job:
        """Wait until it has ended, however it did; raises WaitTimeout after ``timeout`` seconds."""
        used()
        (self._entity,) = current().jobs.wait([self.id], timeout_s=timeout)
        return self

    def cancel(self) -> Job:
        """Ask it to end; a queued job is cancelled at once. A job that has ended raises Conflict."""
        used()
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
        could not be kept, with the reason, Untrusted when another user submitted the job, and MissingPackage
        or InvalidInput when the value cannot be unpickled here.
        """
        self.wait()
        self.raise_for_status()
        attempt, short = current().jobs.last_attempt(self.id), short_id(self.id)
        if attempt.result.exists():
            return self._load(attempt.result, f"The result of job {short}")
        if not self.spec.promoted:
            raise NotFound(
                f"Job {short} ran a whole notebook, which has no result of its own: submit it with --return "
                "NAME for job.namespace(NAME), log what you need, or look at job.notebook."
            )
        kept = attempt.result_note()
        if kept is None:
            raise NotFound(
                f"Job {short} left no result: its cell had no last value. Make what you need the cell's last "
                "expression, or log it."
            )
        raise NotFound(
            f"The result of job {short} ({kept.kind}) could not be kept: {kept.problem}. Make another value "
            "the cell's last expression, or log what you need."
        )

    @overload
    def namespace(self) -> list[str]: ...

    @overload
    def namespace(self, name: str) -> Any: ...

    def namespace(self, name: str | None = None) -> Any:
        """A variable that ``--return`` asked for, as it was at the end; without a name, those that there are.

        Waits for the end. Raises JobFailed when the job did not succeed, NotFound for a variable that was
        not asked for or could not be kept, with the reason, and otherwise what ``result`` raises.
        """
        self.wait()
        self.raise_for_status()
        attempt = current().jobs.last_attempt(self.id)
        kept = {each.name: (number, each) for number, each in enumerate(attempt.returned_note() or ())}
        there = [each for each, (_, found) in kept.items() if not found.problem]
        if name is None:
            return there
        number, found = kept.get(name, (0, None))
        if found is None or found.problem:
            raise NotFound(_not_returned(self._entity, name, there, found))
        what = f"The variable {name!r} of job {short_id(self.id)}"
        if not attempt.returned_path(number).exists():
            raise NotFound(f"{what} is gone: its file was deleted. Submit the cell again.")
        return self._load(attempt.returned_path(number), what)

    def open(self, *, copy: bool = True) -> OpenedNotebook:
        """The executed notebook, as a link that opens it, at the failing cell when it failed.

        Where the Jupyter server of this kernel does not show the job's folder (it is hidden, or not below
        the server's root), the link goes to a copy beside this notebook, unless ``copy`` is False. While
        the job runs, it shows how far that has come. Raises NotFound before.
        """
        from .opening import opened

        return opened(self.refresh(), self.notebook, copy=copy)

    def _load(self, path: Path, what: str) -> Any:
        from ..services.registry.pickles import load_file
        from ..services.registry.trust import require_trust_in_result

        workspace = current()
        here = workspace.jobs.is_here(self._entity)
        require_trust_in_result(short_id(self.id), self.spec.user, workspace.settings, here=here)
        return load_file(path, what=what)

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


def _not_returned(job: entities.Job, name: str, there: Sequence[str], kept: entities.Kept | None) -> str:
    """Why a variable is not there, and what to do."""
    what = f"Job {short_id(job.id)} did not keep {name!r}"
    if kept is not None and kept.problem:
        return f"{what}: {kept.problem}."
    if name in job.spec.returns:
        return f"{what}: its notebook ended before that."
    near = difflib.get_close_matches(name, there, n=1)
    if near:
        return f"{what}. Did you mean {near[0]!r}?"
    kept_ones = f"It kept: {', '.join(there)}." if there else "It kept no variables."
    return f"{what}: submit it with --return {name}. {kept_ones}"


def used() -> None:
    """The cell that runs has to do with jobs: a promoted notebook leaves it out."""
    for hook in on_job_use:
        hook()
