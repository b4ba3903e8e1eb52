"""What stands on the ``%%track`` line."""

from __future__ import annotations

import argparse
import ast
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import ParameterError
from ..notebooks.values import split_top_level
from .refusals import BadArguments

USAGE = "%%track [NAME] [-e EXPERIMENT] [-p NAME[=VALUE]]... [-m NAME]... [-t KEY=VALUE]... [--no-auto]"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions:
    """``params`` are given values; ``param_names`` and ``metric_names`` are read after the cell."""

    name: str | None = None
    experiment: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    param_names: tuple[str, ...] = ()
    metric_names: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    auto: bool = True


def parse_track(line: str, expand: Callable[[str], str] = str) -> TrackOptions:
    """Raises BadArguments, saying what is wrong and how it is written.

    ``expand`` fills in variables (``{fold}``); dicts and sets that are given as values are none.
    """
    words = (word if _has_literal(word) else expand(word) for word in _split(line))
    given = _parser().parse_args([_unquoted(word) for word in words])
    if len(given.name) > 1:
        shown = " ".join(given.name)
        raise BadArguments(f"One name, or quotes around it: %%track {shlex.quote(shown)}. Usage: {USAGE}")
    params: dict[str, Any] = {}
    names: list[str] = []
    for text in given.param:
        name, equals, value = text.partition("=")
        if equals:
            params[_identifier(name, "-p")] = literal_or_text(value)
        else:
            names.append(_identifier(name, "-p"))
    return TrackOptions(
        name=given.name[0] if given.name else None,
        experiment=_unquoted(given.experiment) if given.experiment else None,
        params=params,
        param_names=tuple(names),
        metric_names=tuple(_identifier(name, "-m") for name in given.metric),
        tags=dict(_tag(text) for text in given.tag),
        auto=not given.no_auto,
    )


def literal_or_text(text: str) -> Any:
    """A Python literal's value, else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise BadArguments(f"%%track: {message}. Usage: {USAGE}")


def _parser() -> _Parser:
    parser = _Parser(prog="%%track", add_help=False, allow_abbrev=False)
    parser.add_argument("name", nargs="*")
    parser.add_argument("-e", "--experiment")
    parser.add_argument("-p", "--param", action="append", default=[], metavar="NAME[=VALUE]")
    parser.add_argument("-m", "--metric", action="append", default=[], metavar="NAME")
    parser.add_argument("-t", "--tag", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--no-auto", action="store_true")
    return parser


def _split(line: str) -> list[str]:
    """Words parted by blanks outside of quotes and brackets: ``-p layers={'conv': [3, 3]}`` is one word.

    Quotes around a whole word go later; those of a value stay, and make it a text (``-p n='5'``).
    """
    try:
        return [word for word in split_top_level(line, " \t") if word]
    except ParameterError as error:
        raise BadArguments(f"%%track: {error.message} Usage: {USAGE}") from error


def _has_literal(word: str) -> bool:
    return not isinstance(literal_or_text(_unquoted(word).partition("=")[2]), str)


def _unquoted(text: str) -> str:
    quote = text[:1]
    if len(text) < 2 or quote not in ("'", '"') or text[-1] != quote:
        return text
    return text[1:-1].replace("\\" + quote, quote)


def _identifier(name: str, flag: str) -> str:
    if not name.isidentifier():
        raise BadArguments(f"%%track: {flag} takes the name of a variable, not {name!r}. Usage: {USAGE}")
    return name


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BadArguments(f"%%track: -t takes KEY=VALUE, not {text!r}. Usage: {USAGE}")
    return key.strip(), _unquoted(value)
