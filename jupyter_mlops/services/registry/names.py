"""Names of datasets, models and aliases, and references such as ``train@2`` or ``digits@champion``."""

from __future__ import annotations

import difflib
import operator
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...errors import InvalidInput

CHAMPION = "champion"
LATEST = "latest"
LONGEST = 200
MOST_DIGITS = 18
"""So many digits always fit into the 64 bits in which stores keep versions."""
FORBIDDEN = ("/", "\\", "@", "..")
NEAR = 0.8
"""How alike two aliases are, by ``difflib``, of which one is taken for a misspelt other."""


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


def checked_tags(tags: Mapping[str, str | None] | None) -> Mapping[str, str | None]:
    """Tags by their names, as texts; None says that a tag goes. Raises InvalidInput."""
    if tags is None:
        return {}
    if not isinstance(tags, Mapping) or not all(isinstance(key, str) and key for key in tags):
        raise InvalidInput(f"tags= is a dict of texts, such as {{'team': 'vision'}}, not {tags!r}.")
    return {key: None if value is None else str(value) for key, value in tags.items()}


def checked_new_tags(tags: Mapping[str, str | None] | None) -> dict[str, str]:
    """Tags of a version that is registered: there is none yet that could go. Raises InvalidInput."""
    said = {key: value for key, value in checked_tags(tags).items() if value is not None}
    if none := next((key for key in tags or {} if key not in said), None):
        raise InvalidInput(
            f"The tag {none!r} is None, which takes a tag away when a version is edited. Leave it out here, "
            "or give it a text."
        )
    return said


def checked_alias(alias: str) -> str:
    """An alias that no reference takes for something else. Raises InvalidInput."""
    alias = checked_name(alias, "alias")
    if alias == LATEST:
        raise InvalidInput(
            f"{LATEST!r} cannot be an alias: NAME@{LATEST} is always the newest version. Choose "
            "another word, such as 'stable'."
        )
    if _is_number(alias):
        raise InvalidInput(
            f"{alias!r} cannot be an alias: NAME@{alias} is the version of that number. Choose a "
            "word, such as 'stable'."
        )
    return alias


def check_texts(**said: object) -> None:
    """Raises InvalidInput unless what is said of a name or a version is text, or None."""
    for what, value in said.items():
        if value is not None and not isinstance(value, str):
            raise InvalidInput(f"{what}= is text, not {value!r}.")


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


def version_reference(name: str, version: int | str | None = None) -> Reference:
    """A version that was named, as ``"digits@2"``, ``"digits@champion"``, or as ``"digits"`` and 2.

    Raises InvalidInput, also when nothing says which version, or two things do.
    """
    if isinstance(name, str) and "@" in name:
        if version is not None:
            raise InvalidInput(
                f"{name!r} says which version: leave {version!r} out, or write alias={version!r} where it is "
                "the alias that is meant."
            )
        return parse_reference(name)
    if version is None:
        name = checked_name(name)
        raise InvalidInput(f"Which version of {name!r}? Write '{name}@2', or {name!r} and 2.")
    if isinstance(version, str):
        return parse_reference(f"{checked_name(name)}@{version}")
    try:
        number = None if isinstance(version, bool) else operator.index(version)
    except TypeError:
        number = None
    if number is None or number < 1:
        raise InvalidInput(f"A version is a number from 1 on, or an alias, not {version!r}.")
    return Reference(checked_name(name), number)


def alias_reference(name: str, alias: str | None = None) -> tuple[str, str]:
    """The name and the alias that were given, as ``"digits@champion"`` or apart; without one the champion.

    Raises InvalidInput.
    """
    if not isinstance(name, str) or "@" not in name:
        return checked_name(name), checked_alias(CHAMPION if alias is None else alias)
    if alias is not None:
        raise InvalidInput(f"{name!r} says which alias: leave {alias!r} out.")
    name, _, alias = name.partition("@")
    return checked_name(name), checked_alias(alias)


def misspelt(alias: str, known: Collection[str]) -> str | None:
    """The known alias that a new one is nearly the same as; None where it is one of them, or like none.

    Names that differ in their digits, or of which one goes on with a further word, are told apart by
    everybody: ``shadow-2`` and ``shadow-1``, ``champion-eu`` and ``champion``.
    """
    if alias in known:
        return None
    spelt = {each: _letters(each) for each in known}
    meant = _letters(alias)
    for each in difflib.get_close_matches(alias, known, len(known) or 1, NEAR):
        longer, shorter = sorted((alias, each), key=len, reverse=True)
        goes_on = longer.startswith(shorter) and not longer[len(shorter)].isalpha()
        if spelt[each] != meant and not goes_on:
            return each
    return None


def _letters(text: str) -> str:
    return "".join(character for character in text if not character.isdigit())


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
