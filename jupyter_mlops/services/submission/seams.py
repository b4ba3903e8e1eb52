"""What submitting needs of other services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from ...entities import Job, JobSpec, Schedule, ScheduleSpec, Sweep, SweepSpec

if TYPE_CHECKING:
    from ..files.packing import Packing


class Queue(Protocol):
    """What submitting needs of the jobs' service."""

    def submit(self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str]) -> Job: ...

    def find(self, text: str) -> Job:
        """The job that people mean: by its id, the end of one, or its name. Raises NotFound, Ambiguous."""
        ...


class Sweeps(Protocol):
    """What submitting needs of the sweeps' service."""

    def check(self, spec: SweepSpec) -> SweepSpec:
        """The spec with all that was left open. Raises InvalidInput or MissingPackage."""
        ...

    def submit(self, spec: SweepSpec, notebook: bytes, environment: Mapping[str, str]) -> Sweep: ...

    def grid(self, spec: SweepSpec, jobs: Sequence[Job]) -> Sweep: ...


class Schedules(Protocol):
    """What submitting needs of the schedules' service."""

    def check(self, spec: ScheduleSpec) -> ScheduleSpec:
        """The spec as it will be kept. Raises InvalidInput."""
        ...

    def add(
        self,
        spec: ScheduleSpec,
        notebook: bytes,
        environment: Mapping[str, str],
        *,
        files: Packing | None = None,
    ) -> Schedule: ...

    def notes(self, spec: ScheduleSpec) -> list[str]:
        """Its times in words, then what else the user should know: of schedules like it."""
        ...
