"""Which runs came from another workspace: what they registered is nobody's own here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ....errors import InvalidInput
from ....journal.layout import IMPORTED
from ....journal.records import Register
from ....wire import decode, encode
from ..foreign import as_of_elsewhere
from .manifest import Manifest


def write_origin(folder: Path, manifest: Manifest, *, by: str, registers: bool = True) -> None:
    """Mark a run's folder before anybody sees it; unless it ``registers``, its versions are none here."""
    origin: dict[str, Any] = {
        "by": by,
        "from": manifest.exported_by,
        "workspace": manifest.origin,
        "exported_at": manifest.exported_at,
        "registers": registers,
    }
    (folder / IMPORTED).write_bytes(encode(origin))


def origin_in(folder: Path) -> dict[str, Any] | None:
    """The mark of a run's folder; None of a run that was not imported."""
    try:
        return dict(decode((folder / IMPORTED).read_bytes(), dict))
    except FileNotFoundError:
        return None


def as_registered_here(
    origin: Mapping[str, Any], run_id: str, record: Register, *, is_known: Callable[[], bool]
) -> Register:
    """A version that an imported run registered, as this workspace may know it. ``origin`` is the run's mark.

    An imported run's journal can say anything of who made a model, and where. Its pickles must not pass
    for this user's own: they say that they come from elsewhere, so that loading one takes ``trust=True``.
    Nor does an import move the aliases that are here. A run that came with a model brings that model only:
    InvalidInput for what it registered besides, unless the record ``is_known`` to the registry.
    """
    if origin.get("registers", True) or is_known():
        return as_of_elsewhere(record)
    raise InvalidInput(
        f"The {record.kind} {record.version.get('name')!r} is not registered here: run {run_id} came with "
        "the export of a model, and brings that model only."
    )
