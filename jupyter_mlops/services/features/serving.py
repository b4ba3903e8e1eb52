"""The newest features of keys, from the online table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from ...entities import FeatureViewVersion, Materialization
from ...errors import InvalidInput, NotFound
from ...protocols.clock import Clock
from ...protocols.features import OnlineRead, OnlineStore, OnlineTable
from ..hints import did_you_mean
from ..registry.names import Reference, parse_reference
from . import online, selection, times
from .definition import SEPARATOR

_Read = tuple[OnlineRead, dict[str, Any], list[str | None]]
"""What was read, the keys as Arrow arrays, and as texts."""


class OnlineFeatures:
    """Fills the online table, and reads it without asking the registry."""

    def __init__(
        self, store: OnlineStore, number_of: Callable[[Reference], int | None], *, clock: Clock
    ) -> None:
        """``number_of`` is the version that an alias stands for."""
        self._store = store
        self._number_of = number_of
        self._clock = clock
        self._tables: dict[Reference, OnlineTable] = {}

    def put(self, view: FeatureViewVersion, computed: Materialization, stored: Any) -> int:
        """Serve a materialization; how many keys it has. Raises Conflict when a newer one is online."""
        rows = list(online.rows_of(view, stored, now_ns=self._now_ns()))
        self._store.replace(online.table_of(view, computed, stored), rows)
        return len({row.key for row in rows})

    def tables(self) -> list[OnlineTable]:
        """What is online."""
        return self._store.tables()

    def columns(
        self, features: str | Iterable[str], asked: Sequence[Mapping[str, Any]], *, full: bool = False
    ) -> dict[str, Any]:
        """The keys and their features as Arrow columns, in the order of ``asked``; null where none is known.

        Raises NotFound for a view that is not online, InvalidInput.
        """
        keys, found = self._found(features, asked, full)
        return {**keys, **{name: online.as_arrow(values) for name, values in found.items()}}

    def rows(
        self, features: str | Iterable[str], asked: Sequence[Mapping[str, Any]], *, full: bool = False
    ) -> list[dict[str, Any]]:
        """The same as a dict of Python's own values for each of ``asked``: faster for few."""
        keys, found = self._found(features, asked, full)
        columns = {name: column.to_pylist() for name, column in keys.items()}
        columns |= {name: online.as_python(values) for name, values in found.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _found(
        self, features: str | Iterable[str], asked: Sequence[Mapping[str, Any]], full: bool
    ) -> tuple[dict[str, Any], dict[str, online.Values]]:
        """The keys as Arrow arrays, and the features as they are stored."""
        now_ns = self._now_ns()
        keys: dict[str, Any] = {}
        found: dict[str, online.Values] = {}
        for view, wanted in _by_view(features).items():
            read, columns, texts = self._read(view, asked, now_ns)
            own = _features(read.table)
            if missing := [name for name in wanted if name not in own]:
                raise InvalidInput(
                    f"{view} has no feature {missing[0]!r}: it has {', '.join(own)}."
                    f"{did_you_mean(missing[0], own)}"
                )
            for name, values in online.values_of(read, texts, wanted or own, now_ns=now_ns).items():
                title = selection.FULL_NAME.format(view=read.table.view, feature=name) if full else name
                if title in found:
                    raise InvalidInput(
                        f"Two of the views have a feature {name!r}. Ask with full_names=True: they are "
                        "view__feature then."
                    )
                found[title] = values
            keys |= columns
        if both := [name for name in found if name in keys]:
            raise InvalidInput(f"{both[0]!r} is a key and a feature. Ask with full_names=True.")
        return keys, found

    def _read(self, view: str, asked: Sequence[Mapping[str, Any]], now_ns: int) -> _Read:
        """The rows. What is known of the table says how keys are written, until it is another."""
        reference = parse_reference(view)
        if isinstance(reference.selector, str):
            reference = replace(reference, selector=self._number_of(reference))
        number = reference.selector
        assert not isinstance(number, str)
        known = self._tables.get(reference)
        if known is not None:
            with suppress(InvalidInput):  # the table may have other keys by now
                found = self._rows(known, number, asked, now_ns)
                if _is_alike(found[0].table, known):
                    return found
        while True:
            known = self._table(reference.name, number, now_ns)
            self._tables[reference] = known
            found = self._rows(known, number, asked, now_ns)
            if _is_alike(found[0].table, known):
                return found

    def _table(self, view: str, number: int | None, now_ns: int) -> OnlineTable:
        """Raises NotFound, with the view that may have been meant."""
        try:
            return self._store.read(view, number, (), now_ns=now_ns).table
        except NotFound as error:
            there = {table.view for table in self._store.tables()} - {view}
            hint = did_you_mean(view, there)
            raise NotFound(f"{error.message}.{hint}" if hint else error.message) from error

    def _rows(
        self, table: OnlineTable, number: int | None, asked: Sequence[Mapping[str, Any]], now_ns: int
    ) -> _Read:
        columns = online.asked_columns(table, asked)
        texts = online.texts_of(columns)
        wanted = [text for text in texts if text is not None]
        return self._store.read(table.view, number, wanted, now_ns=now_ns), columns, texts

    def _now_ns(self) -> int:
        return int(self._clock() * times.PER_SECOND["us"]) * 1000


def _by_view(features: str | Iterable[str]) -> dict[str, list[str]]:
    """The features that are wanted of each view; none for all of them."""
    found: dict[str, list[str]] = {}
    whole: set[str] = set()
    for each in selection.listed(features):
        selection.parsed(each)
        view, _, feature = each.partition(SEPARATOR)
        names = found.setdefault(view, [])
        if not feature:
            whole.add(view)
        elif feature not in names:
            names.append(feature)
    return {view: [] if view in whole else names for view, names in found.items()}


def _is_alike(table: OnlineTable, other: OnlineTable) -> bool:
    """Whether keys are written in the same way in both."""
    return (table.schema, table.keys) == (other.schema, other.keys)


def _features(table: OnlineTable) -> list[str]:
    return [name for name in online.schema_of(table).names if name not in (*table.keys, table.timestamp)]
