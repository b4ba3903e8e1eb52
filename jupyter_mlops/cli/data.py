"""``profile``, ``diff``, ``check`` and ``expect``."""

from __future__ import annotations

import ast
import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from ..entities import ProfileStatus
from ..errors import InvalidInput, NotFound
from ..services.expectations.stating import state
from ..services.showing.diffs_text import diff_text
from ..services.showing.expectations import expectations_text, report_text
from ..services.showing.profiles_text import profile_text
from ..workspace import current
from .tables import console, print_json


def profile(arguments: Namespace) -> int:
    """``jupyter mlops profile``; exit status 1 when it could not be computed."""
    found = current().profiles.of(arguments.reference, wait=not arguments.no_wait)
    _print(found, profile_text(found, arguments.reference), as_json=arguments.json)
    return 1 if found.status is ProfileStatus.FAILED else 0


def diff(arguments: Namespace) -> int:
    """``jupyter mlops diff``."""
    keys = arguments.keys.split(",") if arguments.keys else ()
    found = current().diffs.diff(arguments.before, arguments.after, keys)
    _print(found, diff_text(found), as_json=arguments.json)
    return 0


def check(arguments: Namespace) -> int:
    """``jupyter mlops check``; exit status 1 when something is not as expected."""
    found = current().expectations.check(arguments.reference)
    _print(found, report_text(found), as_json=arguments.json)
    return 0 if found.passed else 1


def expect(arguments: Namespace) -> int:
    """``jupyter mlops expect``."""
    service = current().expectations
    stated = state(
        arguments.name,
        columns=_names(arguments.columns),
        types=_by_column("--type", arguments.type),
        not_null=arguments.not_null or None,
        unique=[each.split(",") for each in arguments.unique] or None,
        between={name: _range("--between", said) for name, said in _pairs("--between", arguments.between)}
        or None,
        one_of={name: _values(said.split(",")) for name, said in _pairs("--one-of", arguments.one_of)}
        or None,
        matches=_by_column("--matches", arguments.matches),
        rows=_range("--rows", arguments.rows) if arguments.rows else None,
        files=_range("--files", arguments.files) if arguments.files else None,
        on_fail="warn" if arguments.warn else "refuse",
    )
    for name in arguments.remove:
        service.remove(arguments.name, name)
    if stated:
        found = service.set(arguments.name, stated, new_columns=_names(arguments.new_column))
        _note_unknown(arguments.name)
    else:
        found = service.all(arguments.name) if arguments.remove else service.of(arguments.name)
    _print(found, expectations_text(arguments.name, found), as_json=arguments.json)
    return 0


def _note_unknown(dataset: str) -> None:
    """What is said before the first version may be said of a misspelt name."""
    try:
        current().registry.dataset(dataset)
    except NotFound as error:
        said = error.message.partition(" List them")[0]
        print(f"{said} What is expected holds from its first version on.", file=sys.stderr)


def _names(given: Sequence[str]) -> list[str] | None:
    return [name for each in given for name in each.split(",")] or None


def _print(found: Any, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        console().print(text, markup=False, soft_wrap=True)


def _by_column(flag: str, given: Sequence[str]) -> dict[str, str] | None:
    return dict(_pairs(flag, given)) or None


def _pairs(flag: str, given: Sequence[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in given:
        name, equals, said = text.partition("=")
        if not (name and equals and said):
            raise InvalidInput(f"{flag} takes a column, = and what is said of it, not {text!r}.")
        pairs.append((name, said))
    return pairs


def _range(flag: str, text: str) -> tuple[Any, Any]:
    """``0..120``, ``0..``, ``..120`` or the number ``5``."""
    low, dots, high = text.partition("..")
    if not dots:
        high = low
    if not (low or high) or not (dots or isinstance(_value(text), (int, float))):
        raise InvalidInput(f"{flag} takes MIN..MAX, of which one may be left out, not {text!r}.")
    return (_value(low) if low else None, _value(high) if high else None)


def _values(texts: Sequence[str]) -> list[Any]:
    """Numbers where all of them are, else texts."""
    values = [_value(text) for text in texts]
    return list(texts) if any(isinstance(value, str) for value in values) else values


def _value(text: str) -> Any:
    """A number, or the text itself, such as a date."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else text
