"""Files and folders as they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ....entities import Signature
from . import predicting
from .flavour import Saved


class File:
    """Any file: loading gives its read-only path."""

    name = "file"
    runs_code = False
    deterministic = True
    packages: tuple[str, ...] = ()

    def accepts(self, model: Any) -> bool:
        return isinstance(model, os.PathLike) and Path(model).is_file()

    def save(self, model: Any, folder: Path) -> Saved:
        return Saved(path=Path(model), class_name=self.name)

    def load(self, path: Path, *, trusted: bool) -> Any:
        return path

    def predict(self, model: Any, data: Any) -> Any:
        raise predicting.nothing("A file as it is")

    def signature(self, model: Any) -> Signature | None:
        return None


class Folder:
    """Any folder: loading gives its read-only path."""

    name = "folder"
    runs_code = False
    deterministic = True
    packages: tuple[str, ...] = ()

    def accepts(self, model: Any) -> bool:
        return isinstance(model, os.PathLike) and Path(model).is_dir()

    def save(self, model: Any, folder: Path) -> Saved:
        return Saved(path=Path(model), class_name=self.name)

    def load(self, path: Path, *, trusted: bool) -> Any:
        return path

    def predict(self, model: Any, data: Any) -> Any:
        raise predicting.nothing("A folder as it is")

    def signature(self, model: Any) -> Signature | None:
        return None


def is_file(model: Any, *suffixes: str) -> bool:
    """Whether ``model`` is the path of a file with one of these endings."""
    return isinstance(model, os.PathLike) and Path(model).suffix.lower() in suffixes and Path(model).is_file()
