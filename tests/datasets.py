"""A workspace whose datasets are looked at, and files to put into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import ColumnProfile, DatasetKind, DatasetVersion, Profile
from jupyter_mlops.services.profiles.computing import compute
from jupyter_mlops.workspace import Workspace


def workspace_in(folder: Path, **settings: Any) -> Workspace:
    """A workspace of its own, in which nothing goes on in the background."""
    places = {"home": folder / "home", "runtime_dir": folder / "runtime", "leases_dir": folder / "leases"}
    quiet = {"profile_when_registered": 0, "user": "ada"}
    return Workspace(Settings(**{**places, **quiet, **settings}))


def version_of(path: Path, **changes: Any) -> DatasetVersion:
    """A version whose content is the file or folder at ``path``."""
    values: dict[str, Any] = {
        "name": "train",
        "version": 1,
        "kind": DatasetKind.FOLDER if path.is_dir() else DatasetKind.FILE,
        "digest": "a" * 64,
        "size_bytes": 0,
        "file_name": path.name,
        "created_at": 1.0,
        "created_by": "ada",
    }
    return DatasetVersion(**{**values, **changes})


def profile_at(path: Path) -> Profile:
    """The profile of a file or folder."""
    return compute(version_of(path), path, scratch=path.parent / f"scratch of {path.name}")


def columns_at(path: Path) -> dict[str, ColumnProfile]:
    """The profiles of a table's columns by their names."""
    return {each.name: each for each in profile_at(path).columns}
