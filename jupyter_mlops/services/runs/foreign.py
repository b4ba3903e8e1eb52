"""What is known of versions that a run registered in another workspace."""

from __future__ import annotations

from msgspec.structs import replace

from ...journal.records import Register
from ..registry.trust import IMPORTED


def as_of_elsewhere(record: Register) -> Register:
    """A version that somebody says was registered elsewhere: nobody's own here, and it moves no alias."""
    return replace(record, version={**record.version, "origin": IMPORTED}, alias=None)
