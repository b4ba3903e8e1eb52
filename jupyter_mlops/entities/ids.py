"""Identifiers: 26 characters that sort by the time they were made.

The format is ULID (https://github.com/ulid/spec), in lower case: 48 bits of milliseconds since the
epoch and 80 random bits, in Crockford's base 32.
"""

from __future__ import annotations

import hashlib
import os

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_LENGTH = 26
SHORT_LENGTH = 6


def new_id(time_s: float) -> str:
    """A new identifier for something that began at ``time_s`` (seconds since the epoch)."""
    return _encoded(time_s, os.urandom(10))


def derived_id(time_s: float, parent_id: str) -> str:
    """The one identifier of what ``parent_id`` makes for ``time_s``: always the same."""
    digest = hashlib.sha256(f"{parent_id} {int(time_s * 1000)}".encode()).digest()
    return _encoded(time_s, digest[:10])


def _encoded(time_s: float, random: bytes) -> str:
    value = (int(time_s * 1000) & (1 << 48) - 1) << 80 | int.from_bytes(random, "big")
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def short_id(full_id: str) -> str:
    """The end of an identifier, which people read and type: its beginning is shared by the day."""
    return full_id[-SHORT_LENGTH:]


def is_id(text: str) -> bool:
    """Whether ``text`` has the form of a whole identifier."""
    return len(text) == ID_LENGTH and all(character in ALPHABET for character in text)
