"""Unpacking what was carried, in the job."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import Corrupt, InvalidInput, MissingPackage, NotFound
from ...protocols.blobs import BlobStore
from . import arrays, tables
from .service import NUMPY, PICKLE, SAFETENSORS

TABLES = ("pandas", "polars", "arrow")
FORMATS = (*TABLES, NUMPY, SAFETENSORS, PICKLE)


def unpack(blobs: BlobStore, digest: str, format: str, names: Sequence[str]) -> Any:
    """The object, or a tuple of those that were packed together. A pickle runs its author's code.

    Raises NotFound for a blob that is gone, Corrupt for one that was damaged, MissingPackage and
    InvalidInput for what cannot be unpacked here.
    """
    what = " and ".join(map(repr, names)) or "what is carried"
    if format not in FORMATS:
        raise InvalidInput(f"{what} lies in the unknown format {format!r}. There are: {', '.join(FORMATS)}.")
    path = _path(blobs, digest, what)
    try:
        found = _read(path, format)
    except ImportError as error:
        package = (error.name or "").partition(".")[0] or "a package"
        raise MissingPackage(f"{what} needs {package!r}, which cannot be imported here: {error}.") from error
    except Exception as error:  # a __setstate__ may raise anything
        raise InvalidInput(f"{what} cannot be unpacked here: {type(error).__name__}: {error}.") from error
    if len(names) > 1 and (not isinstance(found, tuple) or len(found) != len(names)):
        raise InvalidInput(f"The blob {digest} does not hold {what}.")
    return found


def _path(blobs: BlobStore, digest: str, what: str) -> Path:
    again = "Submit the cell again from a kernel that has it."
    try:
        return blobs.path(digest)
    except NotFound as error:
        raise NotFound(f"{what} cannot be loaded: its blob is gone. {error.message} {again}") from error
    except Corrupt as error:
        raise Corrupt(f"{what} cannot be loaded: its blob was damaged. {error.message} {again}") from error


def _read(path: Path, format: str) -> Any:
    if format in TABLES:
        return tables.read(format, path)
    if format == NUMPY:
        return arrays.read_array(path)
    if format == SAFETENSORS:
        return arrays.read_state(path)
    from . import pickling

    with path.open("rb") as file:
        return pickling.load(file)
