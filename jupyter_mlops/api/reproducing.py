"""Running a recorded run again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..capture.history import on_job_use
from ..workspace import current
from .jobs import Job
from .reading import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .. import entities


class Reproduction:
    """A run that is made again as a job; its properties show how far it has come."""

    def __init__(self, entity: entities.Reproduction) -> None:
        self._entity = entity

    @property
    def entity(self) -> entities.Reproduction:
        """The last reading; :meth:`refresh` makes a new one."""
        return self._entity

    @property
    def verdict(self) -> str:
        """``running``, ``reproduced``, ``differs`` or ``failed``, as it is now."""
        return self.refresh().verdict

    @property
    def metrics(self) -> list[entities.MetricMatch]:
        return self._entity.metrics

    @property
    def reasons(self) -> list[str]:
        """What is not as it was, and so may be why metrics differ."""
        return self._entity.reasons

    @property
    def warnings(self) -> list[str]:
        """What was known before it began."""
        return self._entity.warnings

    @property
    def job(self) -> Job:
        return Job(current().jobs.get(self._entity.job_id))

    @property
    def run(self) -> Run | None:
        """The new run, once there is one."""
        run_id = self.refresh().reproduced_run_id
        return None if run_id is None else Run(run_id)

    def refresh(self) -> entities.Reproduction:
        """Read the present state; what has ended is not read again."""
        if self._entity.verdict == "running":
            _used()
            self._entity = current().reproduction.report(self._entity.job_id)
        return self._entity

    def wait(self, timeout: float | None = None) -> Reproduction:
        """Wait for the job's end, however it ends. Raises WaitTimeout after ``timeout`` seconds."""
        _used()
        self._entity = current().reproduction.wait(self._entity.job_id, timeout_s=timeout)
        return self

    def __repr__(self) -> str:
        from ..services.reproduction.showing import as_text

        return as_text(self.refresh())

    def _repr_html_(self) -> str:
        from ..services.reproduction.showing import as_html

        return as_html(self.refresh())


def reproduce(
    run: str | Run,
    *,
    wait: bool = True,
    timeout: float | None = None,
    tolerance: float | Mapping[str, float] = 1e-6,
    gpus: float | None = None,
    cpus: int = 1,
    memory: str | int | None = None,
    time_limit: str | float | None = None,
    on: str = "local",
) -> Reproduction:
    """Make a run again as a batch job, from the cells that it depended on, and compare the metrics.

    Datasets are those versions that the run read. ``tolerance`` is absolute and relative, one for all
    metrics or ``{"loss": 1e-3}``. Resources are those of the run's job, where it was one and none are
    given. A run that was tracked in a script, that goes on, or of which no history was recorded is
    refused (InvalidInput, Conflict). ``timeout`` (seconds) bounds the waiting: WaitTimeout.
    """
    from ..entities import Resources
    from ..services.quantities import memory_bytes, seconds

    _used()
    resources = None
    if gpus is not None or cpus != 1 or memory is not None or time_limit is not None:
        resources = Resources(
            gpus=gpus or 0, cpus=cpus, memory_bytes=memory_bytes(memory), time_limit_s=seconds(time_limit)
        )
    run_id: Any = run.id if isinstance(run, Run) else run
    begun = current().reproduction.start(run_id, tolerance=tolerance, resources=resources, executor=on)
    handle = Reproduction(begun)
    return handle.wait(timeout) if wait else handle


def _used() -> None:
    for hook in on_job_use:
        hook()
