"""Where the index and the studies of a home lie: in it, or aside where SQLite's WAL cannot work.

WAL needs shared memory between all processes that use a database, which no network file system gives
(https://www.sqlite.org/wal.html).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..capture.file_systems import file_system, is_network, mounts_here

INDEX = "index.sqlite"
STUDIES = "optuna.sqlite"


@dataclass(frozen=True, slots=True)
class IndexLocation:
    """``aside`` says that other hosts may keep indexes of the same home."""

    path: Path
    aside: bool


def index_path(home: Path) -> Path:
    """The index's file for this home on this machine."""
    return locate(home).path


def studies_path(home: Path) -> Path:
    """The file of this home's Optuna studies on this machine: beside the index.

    It may be lost, as the index may: a sweep's host makes its study anew from its jobs and their runs.
    """
    index = index_path(home)
    return index.with_name(index.name.replace(INDEX, STUDIES))


def locate(home: Path) -> IndexLocation:
    """The index's place, from this machine's mounts and this user's cache folder."""
    place = Path(os.path.realpath(home))
    return index_location(place, mounts=mounts_here(), cache=cache_folder(os.environ))


def index_location(home: Path, *, mounts: str, cache: Path) -> IndexLocation:
    """The index's place for a home without symbolic links; ``mounts`` is a text as in /proc/mounts."""
    if not is_network(file_system(home, mounts)):
        return IndexLocation(home / INDEX, aside=False)
    key = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return IndexLocation(cache / f"{key}.index.sqlite", aside=True)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """This user's cache folder for indexes."""
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "jupyter-mlops"
