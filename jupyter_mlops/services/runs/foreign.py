"""What is known of versions that a run registered in another workspace."""

from __future__ import annotations

from msgspec.structs import replace

from ...journal.records import Register
from ..registry.trust import IMPORTED

MARKS: dict[str, dict[str, object]] = {"model": {"origin": IMPORTED}, "dataset": {"imported": True}}
"""What versions of a kind have that were registered elsewhere."""


def as_of_elsewhere(record: Register) -> Register:
    """A version that somebody says was registered elsewhere: nobody's own here, and it moves no alias."""
    return replace(record, version={**record.version, **MARKS.get(record.kind, {})}, alias=None)
