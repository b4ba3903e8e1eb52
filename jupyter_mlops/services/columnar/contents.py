"""Where contents come from, as those who look at them see it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...entities import DatasetVersion


class Contents(Protocol):
    """Dataset versions and their contents, without a trace of who looks."""

    def dataset_version(self, ref: str) -> DatasetVersion: ...

    def dataset_content(self, version: DatasetVersion) -> Path: ...
