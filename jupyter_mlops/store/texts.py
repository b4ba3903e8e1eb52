"""Texts as every database can keep them.

A reason may be whatever an exception said. PostgreSQL keeps no NUL in a text, and no driver takes what is no
Unicode (PEP 383): each such character becomes the replacement character.
"""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: Any) -> Any:
    """A column's value; all but texts stay as they are."""
    return _UNSTORABLE.sub(REPLACEMENT, value) if isinstance(value, str) else value


def without_nul(value: Any) -> Any:
    """The same of a tree for a JSON column: PostgreSQL cannot look into one with a NUL in it.

    What is no Unicode is written as an escape there, and stays: it may be a path.
    """
    if isinstance(value, str):
        return value.replace("\0", REPLACEMENT)
    if isinstance(value, dict):
        return {without_nul(key): without_nul(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nul(item) for item in value]
    return value
