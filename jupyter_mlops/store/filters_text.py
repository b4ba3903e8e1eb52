"""Conditions on what a run's code and output say: ``like`` a pattern, or ``=`` all of some words.

A word may stand anywhere, also within a longer one; case does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, or_, select

from ..errors import FilterError
from . import index_tables as tables
from .filters import Predicate
from .filters_values import pattern_of, words_of
from .index_texts import CODE_WORDS, OUTPUT_WORDS

Condition = ColumnElement[bool]

_KEPT: dict[str, tuple[Any, Any, Any]] = {
    "code": (tables.texts.c.key, tables.texts.c.body, CODE_WORDS.c),
    "output": (tables.printed.c.run, tables.printed.c.body, OUTPUT_WORDS.c),
}
_OPERATORS = ("=", "!=", "in", "like", "null")


def text_condition(test: Predicate, *, words: bool) -> Condition:
    """The rows of ``runs`` for which the test holds; ``words`` says that there are full-text tables."""
    _check(test)
    has = tables.runs.c.code.is_not(None)
    if test.field.name == "output":
        has = tables.runs.c.key.in_(select(tables.printed.c.run).where(tables.printed.c.body != ""))
    if test.operator == "null":
        return has if test.negated else ~has
    said = or_(*(_told_by(test).in_(found) for found in _texts(test, words)))
    return and_(has, ~said if test.negated or test.operator == "!=" else said)


def text_candidates(test: Predicate, *, words: bool) -> Select[Any] | None:
    """Keys of the runs with one of the texts that a test asks for; None where it asks for all others."""
    _check(test)
    if test.negated or test.operator in ("!=", "null"):
        return None
    said = or_(*(_told_by(test).in_(found) for found in _texts(test, words)))
    return select(tables.runs.c.key).where(said)


def _check(test: Predicate) -> None:
    if test.operator not in _OPERATORS:
        raise FilterError(
            f"'{test.operator}' at column {test.column} does not go with {test.field}: use = (all of these"
            " words), !=, in or like"
        )


def _told_by(test: Predicate) -> ColumnElement[Any]:
    column: ColumnElement[Any] = tables.runs.c.code if test.field.name == "code" else tables.runs.c.key
    return column


def _texts(test: Predicate, words: bool) -> Sequence[Select[Any]]:
    """The texts that are meant, as keys; a query for each alternative."""
    key, body, full_text = _KEPT[test.field.name]
    if test.operator == "like":
        pattern = pattern_of(test)
        if words:  # LIKE without ESCAPE: with it FTS5 does not look into its trigrams
            return [select(full_text.rowid).where(full_text.body.like(test.values[0].value))]
        return [select(key).where(body.ilike(pattern, escape="\\"))]
    found = []
    for value in test.values:
        parts = words_of(test, value)
        exact = [body.ilike(f"%{_escaped(part)}%", escape="\\") for part in parts]
        if words:
            # "_" and "%" of a word stand for others, too: what is found so is looked at exactly
            wide = [full_text.body.like(f"%{part}%") for part in parts]
            found.append(select(key).where(key.in_(select(full_text.rowid).where(*wide)), *exact))
        else:
            found.append(select(key).where(*exact))
    return found


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
