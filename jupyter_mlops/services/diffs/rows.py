"""Two tables row by row, matched by a key, inside the engine."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from ...entities import RowChange, RowDiff
from ...errors import InvalidInput
from ..columnar.engine import Engine
from ..columnar.tables import Table, TableColumn

EXAMPLES = 10
"""Of each kind."""
LONGEST_VALUE = 200
COLUMNS_AT_ONCE = 100
MARK = '"in this version, says jupyter-mlops"'
"""No column of the tables may have the same name."""


def diff_rows(engine: Engine, before: Table, after: Table, keys: Sequence[str]) -> RowDiff:
    """Rows of the same key are one row, also where the key has no value.

    Raises InvalidInput when a key is missing in one of them, or not unique, naming the value.
    """
    for table, which in ((before, "before"), (after, "after")):
        _refuse_bad_keys(engine, table, keys, which)
    pairs = [
        (column, other)
        for column in before.columns
        if column.name not in keys and (other := after.column(column.name)) is not None
    ]
    joined = _joined(before, after, keys)
    different = " OR ".join(_differs(*pair) for pair in pairs) or "false"
    both = f"a.{MARK} AND b.{MARK}"
    added, removed, changed, same = engine.row(
        f"SELECT count(*) FILTER (a.{MARK} IS NULL), count(*) FILTER (b.{MARK} IS NULL), "
        f"count(*) FILTER ({both} AND ({different})), count(*) FILTER ({both} AND NOT ({different})) "
        f"FROM {joined}"
    )
    return RowDiff(
        keys=list(keys),
        added=added,
        removed=removed,
        changed=changed,
        unchanged=same,
        changed_columns=_changed_columns(engine, joined, pairs) if changed else {},
        examples=[
            *(_one_sided(engine, joined, after, keys, "added", "b", "a") if added else []),
            *(_one_sided(engine, joined, before, keys, "removed", "a", "b") if removed else []),
            *(_changes(engine, joined, before, keys, pairs, different) if changed else []),
        ],
    )


def _refuse_bad_keys(engine: Engine, table: Table, keys: Sequence[str], which: str) -> None:
    there = [column.name for column in table.columns]
    if missing := [key for key in keys if key not in there]:
        raise InvalidInput(
            f"There is no column {missing[0]!r} in the version {which}. Its columns: "
            f"{', '.join(map(repr, there[:20]))}."
        )
    listed = ", ".join(_column(table, key).sql for key in keys)
    texts = ", ".join(f"left({_column(table, key).sql}::VARCHAR, {LONGEST_VALUE})" for key in keys)
    twice = engine.rows(
        f"SELECT count(*), {texts} FROM {table.source} GROUP BY {listed} HAVING count(*) > 1 LIMIT 1"
    )
    if twice:
        count, *values = twice[0]
        said = ", ".join(f"{key}={value!r}" for key, value in zip(keys, values, strict=True))
        raise InvalidInput(
            f"{', '.join(keys)} is no key of the version {which}: {said} is there {count:,} times. Give "
            "columns that tell each row from all others."
        )


def _joined(before: Table, after: Table, keys: Sequence[str]) -> str:
    on = " AND ".join(
        f"{_value('a', x, y)} IS NOT DISTINCT FROM {_value('b', y, x)}"
        for x, y in ((_column(before, key), _column(after, key)) for key in keys)
    )
    return (
        f"(SELECT *, true AS {MARK} FROM {before.source}) AS a FULL OUTER JOIN "
        f"(SELECT *, true AS {MARK} FROM {after.source}) AS b ON {on}"
    )


def _differs(x: TableColumn, y: TableColumn) -> str:
    return f"({_value('a', x, y)} IS DISTINCT FROM {_value('b', y, x)})"


def _value(side: str, column: TableColumn, other: TableColumn) -> str:
    """A value as it is compared: as a number or a text where the types are not the same."""
    name = f"{side}.{column.sql}"
    if column.engine_type == other.engine_type:
        return name
    if column.is_integer and other.is_integer:
        return f"{name}::HUGEINT"
    return f"{name}::DOUBLE" if column.kind == other.kind == "number" else f"{name}::VARCHAR"


def _changed_columns(
    engine: Engine, joined: str, pairs: Sequence[tuple[TableColumn, TableColumn]]
) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(pairs), COLUMNS_AT_ONCE):
        part = pairs[start : start + COLUMNS_AT_ONCE]
        counts = ", ".join(f"count(*) FILTER ({_differs(*pair)})" for pair in part)
        row = engine.row(f"SELECT {counts} FROM {joined} WHERE a.{MARK} AND b.{MARK}")
        found |= {pair[0].name: count for pair, count in zip(part, row, strict=True) if count}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _one_sided(
    engine: Engine, joined: str, table: Table, keys: Sequence[str], kind: str, side: str, absent: str
) -> list[RowChange]:
    columns = [_column(table, key) for key in keys]
    columns += [column for column in table.columns if column.name not in keys]
    rows = engine.rows(
        f"SELECT {', '.join(_shown(side, column) for column in columns)} FROM {joined} "
        f"WHERE {absent}.{MARK} IS NULL ORDER BY {_order(side, columns[: len(keys)])} LIMIT {EXAMPLES}"
    )
    changes = []
    for row in rows:
        values = dict(zip((column.name for column in columns), row, strict=True))
        key = {name: values.pop(name) for name in keys}
        shown = {"after": values} if kind == "added" else {"before": values}
        changes.append(RowChange(kind=kind, key=key, **shown))
    return changes


def _changes(
    engine: Engine,
    joined: str,
    before: Table,
    keys: Sequence[str],
    pairs: Sequence[tuple[TableColumn, TableColumn]],
    different: str,
) -> list[RowChange]:
    columns = [_column(before, key) for key in keys]
    asked = [_shown("a", column) for column in columns]
    asked += [part for x, y in pairs for part in (_differs(x, y), _exact("a", x), _exact("b", y))]
    rows = engine.rows(
        f"SELECT {', '.join(asked)} FROM {joined} WHERE a.{MARK} AND b.{MARK} AND ({different}) "
        f"ORDER BY {_order('a', columns)} LIMIT {EXAMPLES}"
    )
    changes = []
    for row in rows:
        rest = row[len(keys) :]
        triples = [rest[start : start + 3] for start in range(0, len(rest), 3)]
        changed = [
            (x.name, *_unlike(old, new))
            for (x, _), (is_so, old, new) in zip(pairs, triples, strict=True)
            if is_so
        ]
        changes.append(
            RowChange(
                kind="changed",
                key=dict(zip(keys, row, strict=False)),
                before={name: old for name, old, _ in changed},
                after={name: new for name, _, new in changed},
            )
        )
    return changes


def _column(table: Table, name: str) -> TableColumn:
    column = table.column(name)
    assert column is not None
    return column


def _order(side: str, columns: Sequence[TableColumn]) -> str:
    return ", ".join(f"{side}.{column.sql}" for column in columns)


def _unlike(old: Any, new: Any) -> tuple[Any, Any]:
    """Decimals as numbers, or as texts where numbers do not have the digits that differ."""
    plain = [float(each) if isinstance(each, Decimal) else each for each in (old, new)]
    return (str(old), str(new)) if plain[0] == plain[1] and isinstance(old, Decimal) else (plain[0], plain[1])


def _exact(side: str, column: TableColumn) -> str:
    """As ``_shown``, with all digits."""
    return f"{side}.{column.sql}" if column.kind == "number" else _shown(side, column)


def _shown(side: str, column: TableColumn) -> str:
    """A value as it is shown: numbers and truths as they are, anything else as a text."""
    name = f"{side}.{column.sql}"
    if column.kind == "boolean" or column.is_integer or column.is_float:
        return name
    return f"{name}::DOUBLE" if column.kind == "number" else f"left({name}::VARCHAR, {LONGEST_VALUE})"
