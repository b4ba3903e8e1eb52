"""Names of datasets, models and aliases, and references such as ``train@2`` or ``digits@champion``."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import InvalidInput

LATEST = "latest"
LONGEST = 200
MOST_DIGITS = 18
"""So many digits always fit into the 64 bits in which stores keep versions."""
FORBIDDEN = ("/", "\\", "@", "..")


@dataclass(frozen=True, slots=True)
class Reference:
    """A name and which of its versions: a number, an alias, or None for the newest."""

    name: str
    selector: int | str | None = None


def pinned(reference: Reference, kind: str, pins: Mapping[str, int]) -> Reference:
    """With the version that a pin gives to a name without a number.

    Pins are like ``{"dataset train": 2, "model digits@champion": 1}``.
    """
    if isinstance(reference.selector, int):
        return reference
    alias = "" if reference.selector is None else f"@{reference.selector}"
    number = pins.get(f"{kind} {reference.name}{alias}")
    return reference if number is None else Reference(reference.name, number)


def checked_name(name: str, what: str = "name") -> str:
    """The name in Unicode's composed form (NFC), so that two spellings that look alike are one.

    Raises InvalidInput when it is empty, too long, or has characters that paths and references need.
    """
    if not isinstance(name, str):
        raise InvalidInput(f"A {what} is text, not {name!r}.")
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise InvalidInput(f"A {what} must not be empty: {name!r}.")
    if len(name) > LONGEST:
        raise InvalidInput(f"A {what} has at most {LONGEST} characters, this one {len(name)}: {name[:40]!r}…")
    for text in FORBIDDEN:
        if text in name:
            raise InvalidInput(f"A {what} must not contain {text!r}: {name!r}.")
    if name == "." or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise InvalidInput(f"A {what} must not be '.' or contain control characters: {name!r}.")
    return name


def checked_alias(alias: str) -> str:
    """An alias that no reference takes for something else. Raises InvalidInput."""
    alias = checked_name(alias, "alias")
    if alias == LATEST or _is_number(alias):
        raise InvalidInput(f"{alias!r} cannot be an alias: in a reference it already means a version.")
    return alias


def parse_reference(text: str) -> Reference:
    """``name``, ``name@2``, ``name@latest`` or ``name@alias``. Raises InvalidInput."""
    if not isinstance(text, str):
        raise InvalidInput(f"A reference is text such as 'train' or 'train@2', not {text!r}.")
    name, at, selector = text.partition("@")
    name = checked_name(name)
    if not at or selector == LATEST:
        return Reference(name)
    if _is_number(selector):
        if len(selector) > MOST_DIGITS:
            raise InvalidInput(f"No version has a number of {len(selector)} digits: {text[:LONGEST]!r}.")
        return Reference(name, int(selector))
    try:
        return Reference(name, checked_name(selector, "version"))
    except InvalidInput as error:
        raise InvalidInput(
            f"{text!r} is no reference: after the @ stands a number, 'latest' or an alias. {error.message}"
        ) from None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
