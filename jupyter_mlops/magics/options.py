"""What stands on the ``%%track`` line."""

from __future__ import annotations

import argparse
import ast
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import InvalidInput, ParameterError
from ..notebooks.values import split_top_level
from .named_values import NamedValue, parse_named
from .refusals import BadArguments

USAGE = (
    "%%track [NAME] [-e EXPERIMENT] [-p NAME[=VALUE]]... [-m NAME]... [-t KEY=VALUE]... "
    "[--log-model NAME[=MODEL]]... [--no-auto]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackOptions:
    """``params`` are given values; ``named_params`` and ``named_metrics`` are read after the cell.

    ``models`` are variables, and the names that they are registered under after the cell.
    """

    name: str | None = None
    experiment: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    named_params: tuple[NamedValue, ...] = ()
    named_metrics: tuple[NamedValue, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    models: tuple[tuple[str, str], ...] = ()
    auto: bool = True

    @property
    def renamed(self) -> set[str]:
        """The variables that are taken by another name than their own."""
        named = (*self.named_params, *self.named_metrics)
        return {each.path for each in named if each.is_plain and each.name != each.path}


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
    named: list[NamedValue] = []
    for text in given.param:
        if (found := parse_named(text)) is not None:
            named.append(found)
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier():
            raise _no_variable(text, "-p")
        params[name] = literal_or_text(value)
    return TrackOptions(
        name=given.name[0] if given.name else None,
        experiment=_unquoted(given.experiment) if given.experiment else None,
        params=params,
        named_params=tuple(named),
        named_metrics=tuple(map(_metric, given.metric)),
        tags=dict(_tag(text) for text in given.tag),
        models=tuple(map(_model, given.log_model)),
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
    parser.add_argument("--log-model", action="append", default=[], metavar="NAME[=MODEL]")
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


def _metric(text: str) -> NamedValue:
    found = parse_named(text)
    if found is None:
        raise _no_variable(text, "-m")
    return found


def _model(text: str) -> tuple[str, str]:
    variable, equals, name = text.partition("=")
    name = _unquoted(name) if equals else variable
    if not variable.isidentifier():
        raise _no_variable(text, "--log-model")
    from ..services.registry.names import checked_name

    try:
        return variable, checked_name(name, "model's name")
    except InvalidInput as error:
        raise BadArguments(f"%%track: --log-model {text}: {error.message} Usage: {USAGE}") from error


def _no_variable(text: str, flag: str) -> BadArguments:
    return BadArguments(
        f"%%track: {flag} takes the name of a variable, or of a part of one (a.b, a['b']), "
        f"not {text!r}. Usage: {USAGE}"
    )


def _tag(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BadArguments(f"%%track: -t takes KEY=VALUE, not {text!r}. Usage: {USAGE}")
    return key.strip(), _unquoted(value)
