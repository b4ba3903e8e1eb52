"""What the execution of a notebook tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..entities import CellTiming, Progress, RunError, RunStatus


class RunRecorder(Protocol):
    """The run that an executing notebook belongs to. Nothing here raises or blocks for long."""

    @property
    def id(self) -> str:
        """The run's id, for ``JUPYTER_MLOPS_RUN``."""
        ...

    def log_params(self, values: Mapping[str, Any], *, source: str = "logged") -> None: ...

    def source(self, text: str) -> None: ...

    def context(self, values: Mapping[str, Any]) -> None: ...

    def step(self, progress: Progress, cell: CellTiming | None = None) -> None: ...

    def log_bytes(self, name: str, data: bytes, *, media_type: str) -> None: ...

    def end(self, status: RunStatus, *, reason: str | None = None, error: RunError | None = None) -> None: ...
