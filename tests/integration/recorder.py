"""A run recorder that remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.entities import CellTiming, Progress, RunError, RunStatus


@dataclass
class RememberingRecorder:
    """Satisfies ``protocols.recorders.RunRecorder``."""

    id: str = "0" * 26
    params: dict[str, Any] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    steps: list[tuple[Progress, CellTiming | None]] = field(default_factory=list)
    artifacts: dict[str, bytes] = field(default_factory=dict)
    ends: list[tuple[RunStatus, str | None, RunError | None]] = field(default_factory=list)

    def log_params(self, values: Mapping[str, Any], *, source: str = "logged") -> None:
        self.params.update(values)

    def source(self, text: str) -> None:
        self.sources.append(text)

    def context(self, values: Mapping[str, Any]) -> None:
        return

    def step(self, progress: Progress, cell: CellTiming | None = None) -> None:
        self.steps.append((progress, cell))

    def log_bytes(self, name: str, data: bytes, *, media_type: str) -> None:
        self.artifacts[name] = data

    def end(self, status: RunStatus, *, reason: str | None = None, error: RunError | None = None) -> None:
        self.ends.append((status, reason, error))

    @property
    def timed(self) -> list[tuple[int, bool]]:
        """Index and success of every executed cell."""
        return [(cell.index, cell.ok) for _, cell in self.steps if cell is not None]

    @property
    def progress(self) -> list[tuple[int, int]]:
        return [(progress.done, progress.total) for progress, _ in self.steps]
