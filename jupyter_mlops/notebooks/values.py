"""The grammar of ``-p NAME=VALUE``: a Python literal, else a string; top-level commas make a sweep, and
``loguniform(1e-5, 1e-1)`` and its like a search.
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from .distributions import CALL, distribution_name, parsed

if TYPE_CHECKING:
    from ..entities import Distribution

OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Given:
    """One value as somebody typed it: the text, and the Python literal that it is (else the text)."""

    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class Values:
    """Several values of one parameter: one job each."""

    each: tuple[Any, ...]


def parse_parameters(arguments: Iterable[str]) -> dict[str, Given | Values | Distribution]:
    """All ``NAME=VALUE`` of a command line. Raises ParameterError, also for a name given twice."""
    found: dict[str, Given | Values | Distribution] = {}
    for argument in arguments:
        name, value = parse_parameter(argument)
        if name in found:
            raise ParameterError(f"The parameter {name!r} is given twice. To sweep, write -p {name}=1,2.")
        found[name] = value
    return found


def parse_parameter(argument: str) -> tuple[str, Given | Values | Distribution]:
    """The name and the value, or values, of ``lr=0.1`` or ``lr=0.1,0.01``. Raises ParameterError."""
    name, equals, text = argument.partition("=")
    name = name.strip()
    if not equals:
        raise ParameterError(f"-p {argument}: write -p NAME=VALUE, such as -p lr=0.1.")
    check_name(name)
    try:
        return name, parse_value(text)
    except ParameterError as error:
        raise ParameterError(f"-p {argument}: {error.message}") from error


def check_name(name: str) -> None:
    """Raise ParameterError unless it can be a variable's name."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise ParameterError(f"{name!r} cannot be a parameter's name: it is no Python variable.")


def parse_value(text: str) -> Given | Values | Distribution:
    """One value, several that commas outside of quotes and brackets part, or a distribution.

    Raises ParameterError.
    """
    parts = split_top_level(text.strip(), ",")
    if len(parts) == 1:
        return distribution(parts[0]) or _given(parts[0])
    if not all(part.strip() for part in parts):
        raise ParameterError(f"a value is missing between the commas of {text!r}.")
    for part in parts:
        if distribution(part):
            raise ParameterError(
                f"{part.strip()} is a search of its own: it cannot stand among other values."
            )
    return Values(tuple(_given(part.strip()) for part in parts))


def distribution(text: str) -> Distribution | None:
    """The distribution that a text is; None for any other text. Raises ParameterError for a wrong one."""
    word = distribution_name(text)
    match = CALL.fullmatch(text)
    if word is None or match is None:
        return None
    inner = split_top_level(match[2].strip(), ",") if match[2].strip() else []
    if not all(part.strip() for part in inner):
        raise ParameterError(f"a value is missing between the commas of {text.strip()!r}.")
    return parsed(word, text.strip(), [_given(part.strip()) for part in inner])


def _given(text: str) -> Given:
    try:
        return Given(text, ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return Given(text, text)


def split_top_level(text: str, separators: str) -> list[str]:
    """Split at separators outside of quotes and brackets; raises ParameterError for one never closed.

    A quote opens only at the start of a part or after a bracket, comma or equals sign, so that
    ``it's`` is plain text.
    """
    parts, start, closing = [""], True, list[str]()
    quote = ""
    escaped = False
    for character in text:
        if not quote and not closing and character in separators:
            parts.append("")
            start = True
            continue
        parts[-1] += character
        if quote:
            quote = "" if character == quote and not escaped else quote
            escaped = character == "\\" and not escaped
        elif character in "'\"" and start:
            quote = character
        elif character in OPENING:
            closing.append(OPENING[character])
        elif closing and character == closing[-1]:
            closing.pop()
        start = character in "([{,=:" or (start and character.isspace())
    if quote or closing:
        raise ParameterError(f"{quote or closing[-1]} is missing at the end of {text!r}.")
    return parts


def expand(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One dictionary a job: the product of all Values, the last parameter varying fastest."""
    lists = [value.each if isinstance(value, Values) else (value,) for value in params.values()]
    return [dict(zip(params, combination, strict=True)) for combination in product(*lists)]


def source_of(value: Any) -> str:
    """Python source that evaluates to a literal value, NaN and infinities included."""
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, list):
        return f"[{', '.join(map(source_of, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(source_of, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{source_of(key)}: {source_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (set, frozenset)) and value:
        return "{" + ", ".join(sorted(map(source_of, value))) + "}"
    return repr(value)
