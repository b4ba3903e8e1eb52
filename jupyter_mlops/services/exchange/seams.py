"""What exchange asks of the parts around it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import IO, Protocol

from ...entities import ModelVersion, RunDetail
from ..runs.export.manifest import Manifest


class Cards(Protocol):
    def card_of(self, version: ModelVersion) -> str: ...


class Runs(Protocol):
    def detail(self, run_id: str) -> RunDetail: ...


class RunExports(Protocol):
    def write_zip(self, run_id: str, file: IO[bytes], *, without: Collection[str] = ()) -> None: ...


class RunImports(Protocol):
    def check(self, path: Path) -> Manifest:
        """What is in an export that could be taken in. Raises as ``read`` does, and changes nothing."""
        ...

    def read(self, path: Path, *, registers: bool = True) -> object:
        """Take it in; unless it ``registers``, what the run registered gets no version here."""
        ...
