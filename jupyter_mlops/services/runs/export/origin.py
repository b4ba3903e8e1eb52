"""Which runs came from another workspace: what they registered is nobody's own here."""

from __future__ import annotations

from pathlib import Path

from ....journal.records import Register
from ....wire import encode
from ..foreign import as_of_elsewhere
from .manifest import Manifest

NAME = "imported.json"


def write_origin(folder: Path, manifest: Manifest) -> None:
    """Mark a run's folder before anybody sees it."""
    origin = {"from": manifest.exported_by, "workspace": manifest.origin, "exported_at": manifest.exported_at}
    (folder / NAME).write_bytes(encode(origin))


def as_registered_here(home: Path, run_id: str, record: Register) -> Register:
    """A version that a run registered, as this workspace may know it.

    An imported run's journal can say anything of who made a model, and where. Its pickles must not pass
    for this user's own: they say that they come from elsewhere, so that loading one takes ``trust=True``.
    Nor does an import move the aliases that are here.
    """
    return as_of_elsewhere(record) if (home / "runs" / run_id / NAME).exists() else record
