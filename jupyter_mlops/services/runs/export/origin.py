"""Which runs came from another workspace: what they registered is nobody's own here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ....errors import InvalidInput
from ....journal.records import Register
from ....wire import decode, encode
from ..foreign import as_of_elsewhere
from .manifest import Manifest

NAME = "imported.json"


def write_origin(folder: Path, manifest: Manifest, *, registers: bool = True) -> None:
    """Mark a run's folder before anybody sees it; unless it ``registers``, its versions are none here."""
    origin: dict[str, Any] = {
        "from": manifest.exported_by,
        "workspace": manifest.origin,
        "exported_at": manifest.exported_at,
        "registers": registers,
    }
    (folder / NAME).write_bytes(encode(origin))


def as_registered_here(
    home: Path, run_id: str, record: Register, *, is_known: Callable[[], bool]
) -> Register:
    """A version that a run registered, as this workspace may know it.

    An imported run's journal can say anything of who made a model, and where. Its pickles must not pass
    for this user's own: they say that they come from elsewhere, so that loading one takes ``trust=True``.
    Nor does an import move the aliases that are here. A run that came with a model brings that model only:
    InvalidInput for what it registered besides, unless the record ``is_known`` to the registry.
    """
    try:
        origin = decode((home / "runs" / run_id / NAME).read_bytes(), dict)
    except FileNotFoundError:
        return record
    if origin.get("registers", True) or is_known():
        return as_of_elsewhere(record)
    raise InvalidInput(
        f"The {record.kind} {record.version.get('name')!r} is not registered here: run {run_id} came with "
        "the export of a model, and brings that model only."
    )
