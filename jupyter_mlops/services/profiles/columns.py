"""The profiles of a table's columns, a hundred at a time.

Of a table that is small enough everything is counted. Of a larger one all values are read once more for what
one pass can give (nulls, ends, means, lengths, and with HyperLogLog the distinct values of columns that have
many); quantiles, deviations, histograms and the commonest values are those of a sample, and named in
``approximate``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ...entities import ColumnProfile, Histogram, ValueCount
from ..columnar.engine import Engine
from ..columnar.samples import Sample, take_sample
from ..columnar.tables import Ends, Table, TableColumn

COLUMNS_AT_ONCE = 100
COLUMNS_A_QUESTION = 20
"""DuckDB plans 500 aggregates in a second, and 100 in a twentieth of that."""
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
BINS = 20
TOP = 10
LONGEST_VALUE = 200
"""Characters of a value that are shown."""
FEW_VALUES = 50
"""Numbers and times have common values only where there are so few of them."""
FEWEST_SAMPLED = 10
"""Of a sample's values those are common that are there so often: their true number is known to a third.
"""
MOST_DOUBT = 0.05
"""So large a part of the values that are taken for different may not be."""
LARGEST_SUMMED = "1e290"
LARGEST_SQUARED = "1e150"
LARGEST_INTEGER = 2**63


@dataclass(slots=True)
class _Found:
    """What is known of a column so far."""

    present: int = 0
    low: Any = None
    high: Any = None
    total: float | None = None
    summed: int = 0
    infinite: int = 0
    trues: int = 0
    shortest: int | None = None
    longest: int | None = None
    distinct: int | None = None
    is_ascii: bool = True
    sampled: dict[str, Any] = field(default_factory=dict)


def profile_columns(
    engine: Engine, table: Table, *, size_bytes: int
) -> tuple[list[ColumnProfile], int | None]:
    """The columns' profiles, and of how many rows the sample was; None when all were looked at."""
    profiles: list[ColumnProfile] = []
    sampled: int | None = None
    for start in range(0, len(table.columns), COLUMNS_AT_ONCE):
        part = table.columns[start : start + COLUMNS_AT_ONCE]
        sample = take_sample(engine, table, part, size_bytes=size_bytes)
        sampled = None if sample.is_all else sample.rows
        profiles += _profiles(engine, table, part, sample)
    return profiles, sampled


def _profiles(
    engine: Engine, table: Table, columns: Sequence[TableColumn], sample: Sample
) -> list[ColumnProfile]:
    found = [_Found() for _ in columns]
    _look_at_sample(engine, columns, sample, found)
    _look_at_all(engine, table if not sample.is_all else None, columns, sample, found)
    return [_profile(engine, column, sample, each) for column, each in zip(columns, found, strict=True)]


def _look_at_sample(
    engine: Engine, columns: Sequence[TableColumn], sample: Sample, found: Sequence[_Found]
) -> None:
    for column, each in zip(columns, found, strict=True):
        each.sampled = _groups(engine, column, sample)
    asked = [_asked_of_sample(column) for column in columns]
    answers = _ask(engine, sample.source, asked)
    for each, answer in zip(found, answers, strict=True):
        each.sampled.update(answer)


def _groups(engine: Engine, column: TableColumn, sample: Sample) -> dict[str, Any]:
    """How many values there are, how many only once, and the commonest."""
    if column.kind in ("other", "boolean"):
        return {"singles": 0} if column.kind == "boolean" else {}
    groups, singles, top = engine.row(
        f"WITH groups AS MATERIALIZED (SELECT {column.sql} AS v, count(*) AS n FROM {sample.source} "
        f"WHERE {column.present} GROUP BY 1) SELECT count(*), count(*) FILTER (n = 1), "
        f"(SELECT list([left(v::VARCHAR, {LONGEST_VALUE}), n::VARCHAR] ORDER BY n DESC, v) FROM "
        f"(SELECT v, n FROM groups WHERE n > 1 OR {sample.rows} = 1 ORDER BY n DESC, v LIMIT {TOP})) "
        "FROM groups"
    )
    return {"groups": groups, "singles": singles, "top": [(value, int(count)) for value, count in top or []]}


def _asked_of_sample(column: TableColumn) -> dict[str, str]:
    name = column.sql
    asked = {"present": f"count(*) FILTER ({column.present})"}
    if column.kind in ("number", "time"):
        value, usable = column.as_float, column.usable
        asked["quantiles"] = f"quantile_cont({value}, {list(SHARES)}) FILTER ({usable})"
        asked["low"] = f"min({value}) FILTER ({usable})"
        asked["high"] = f"max({value}) FILTER ({usable})"
    if column.kind == "number":
        squared = f"{column.usable} AND abs({column.as_float}) < {LARGEST_SQUARED}"
        asked["std"] = f"stddev_samp({column.as_float}) FILTER ({squared})"
    if column.kind == "text":
        asked |= {
            "first": f"left(min({name}::VARCHAR), {LONGEST_VALUE})",
            "last": f"left(max({name}::VARCHAR), {LONGEST_VALUE})",
            "characters": f"sum(length({name}::VARCHAR))",
            "is_ascii": f"coalesce(bool_and(strlen({name}::VARCHAR) = length({name}::VARCHAR)), true)",
        }
    if column.kind == "other":
        asked["distinct"] = f"approx_count_distinct({name})"
    return asked


def _look_at_all(
    engine: Engine,
    table: Table | None,
    columns: Sequence[TableColumn],
    sample: Sample,
    found: Sequence[_Found],
) -> None:
    """One pass over all rows; ``table`` is None when the sample has them."""
    source = sample.source if table is None else table.source
    asked = []
    for column, each in zip(columns, found, strict=True):
        wanted = _asked_of_all(column, careful=table is None)
        if table is not None and (ends := table.ends.get(column.name)):
            _take(each, ends, table.rows)
            wanted = {"total": wanted["total"]}
        if table is not None and not _is_settled(each) and not _is_unique(column, sample, each):
            wanted["distinct"] = f"approx_count_distinct({column.sql})"
        asked.append(wanted)
    for column, each, answer in zip(columns, found, _ask(engine, source, asked), strict=True):
        if table is not None and column.is_float and not _is_finite(answer):
            careful = _asked_of_all(column, careful=True)
            answer = {**answer, **_ask(engine, source, [careful])[0]}
        for name, value in answer.items():
            setattr(each, name, value)


def _take(found: _Found, ends: Ends, rows: int) -> None:
    """What the file says need not be looked for: a tenth of the pass."""
    found.low, found.high, found.present = ends.low, ends.high, rows - ends.nulls
    found.summed = found.present


def _asked_of_all(column: TableColumn, *, careful: bool) -> dict[str, str]:
    """Quick for finite values; ``careful`` leaves NaN and infinities out where they spoil a sum."""
    name = column.sql
    if column.kind == "number":
        only = f" FILTER ({column.present})" if careful and column.is_float else ""
        summed = f" FILTER ({column.usable} AND abs({column.as_float}) < {LARGEST_SUMMED})" if careful else ""
        end = "" if column.is_integer or column.is_float else "::DOUBLE"
        total = name if column.is_float or column.engine_type in ("INTEGER", "BIGINT") else f"{name}::DOUBLE"
        asked = {
            "present": f"count({name}){only}",
            "low": f"min({name}){only}{end}",
            "high": f"max({name}){only}{end}",
            "total": f"sum({total}){summed}::DOUBLE",
            "summed": f"count({name}){summed}",
        }
        if careful and column.is_float:
            asked["infinite"] = f"count(*) FILTER (abs({name}) = 'Infinity'::DOUBLE)"
        return asked
    asked = {"present": f"count({name})"}
    if column.kind == "time":
        asked |= {"low": f"min({name})::VARCHAR", "high": f"max({name})::VARCHAR"}
    elif column.kind == "boolean":
        asked |= {"trues": f"count(*) FILTER ({name})"}
    elif column.kind == "text":
        # bytes: their number is known without looking at each, and of ASCII texts it is that of characters
        measure = f"length({name}::VARCHAR)" if careful else f"strlen({name}::VARCHAR)"
        asked |= {
            "shortest": f"min({measure})",
            "longest": f"max({measure})",
            "total": f"sum({measure})::DOUBLE",
        }
    return asked


def _profile(engine: Engine, column: TableColumn, sample: Sample, found: _Found) -> ColumnProfile:
    whole, seen = sample.is_all, found.sampled
    scale = 1.0 if whole or not seen["present"] else found.present / seen["present"]
    distinct = _distinct(column, sample, found)
    values: dict[str, Any] = {
        "distinct": distinct,
        "top": _top(column, found, distinct, scale),
        **_own(engine, column, sample, found),
    }
    histogram = values.get("histogram")
    if histogram is not None and scale != 1.0:
        counts = [round(count * scale) for count in histogram.counts]
        values["histogram"] = Histogram(edges=histogram.edges, counts=counts)
    return ColumnProfile(
        name=column.name,
        type=column.type,
        kind=column.kind,
        nulls=sample.whole - found.present,
        approximate=_approximate(column, whole, found, values),
        **values,
    )


def _distinct(column: TableColumn, sample: Sample, found: _Found) -> int | None:
    if column.kind == "boolean":
        return sum(1 for count in (found.trues, found.present - found.trues) if count)
    if sample.is_all or _is_settled(found):
        return found.sampled.get("groups", found.sampled.get("distinct"))
    if _is_unique(column, sample, found):
        return found.present
    return None if found.distinct is None else min(found.distinct, found.present)


def _number(engine: Engine, column: TableColumn, sample: Sample, found: _Found) -> dict[str, Any]:
    return {
        "min": _plain(found.low),
        "max": _plain(found.high),
        "mean": found.total / found.summed if found.summed and found.total is not None else None,
        "std": found.sampled["std"],
        "infinite": found.infinite,
        **_distribution(engine, column, sample, found.sampled, found.low, found.high),
    }


def _time(engine: Engine, column: TableColumn, sample: Sample, found: _Found) -> dict[str, Any]:
    seen = found.sampled
    return {
        "min": _iso(found.low),
        "max": _iso(found.high),
        **_distribution(engine, column, sample, seen, seen["low"], seen["high"]),
    }


def _text(engine: Engine, column: TableColumn, sample: Sample, found: _Found) -> dict[str, Any]:
    seen = found.sampled
    mean = found.total / found.present if found.present and found.total is not None else None
    if not sample.is_all and not seen["is_ascii"] and seen["present"]:
        mean = float(seen["characters"]) / seen["present"]
    return {
        "min": seen["first"],
        "max": seen["last"],
        "shortest": found.shortest,
        "longest": found.longest,
        "mean_length": mean,
    }


_KINDS = {"number": _number, "time": _time, "text": _text}


def _own(engine: Engine, column: TableColumn, sample: Sample, found: _Found) -> dict[str, Any]:
    """What only columns of its kind have."""
    kind = _KINDS.get(column.kind)
    return kind(engine, column, sample, found) if kind is not None else {}


def _distribution(
    engine: Engine, column: TableColumn, sample: Sample, seen: dict[str, Any], low: Any, high: Any
) -> dict[str, Any]:
    if seen["quantiles"] is None:
        return {}
    ends = [float(value) for value in (low, high) if value is not None and math.isfinite(float(value))]
    start, end = ends if len(ends) == 2 else (seen["low"], seen["high"])
    quantiles = dict(zip(map(str, SHARES), seen["quantiles"], strict=True))
    return {"quantiles": quantiles, "histogram": _histogram(engine, column, sample, start, end)}


def _histogram(
    engine: Engine, column: TableColumn, sample: Sample, low: float, high: float
) -> Histogram | None:
    if not math.isfinite(high - low):
        return None
    bins, width = BINS, (high - low) / BINS
    if low == high:
        bins, width = 1, 0.0
    elif column.is_integer and high - low < BINS:
        bins, width = int(high - low) + 1, 1.0
    if bins > 1 and low + width == low:  # numbers too large to be told apart by so little
        return None
    place = f"least(floor(({column.as_float} - {low!r}) / {width or 1.0!r}), {bins - 1})::INTEGER"
    rows = engine.rows(f"SELECT {place}, count(*) FROM {sample.source} WHERE {column.usable} GROUP BY 1")
    counted: dict[int, int] = dict((number, count) for number, count in rows)  # noqa: C402
    edges = [low + number * width for number in range(bins)] + [max(high, low + bins * width)]
    return Histogram(edges=edges, counts=[counted.get(number, 0) for number in range(bins)])


def _top(column: TableColumn, found: _Found, distinct: int | None, scale: float) -> list[ValueCount]:
    if column.kind == "boolean":
        counted = {"true": found.trues, "false": found.present - found.trues}
        ranked = sorted(counted.items(), key=lambda item: -item[1])
        return [ValueCount(value=value, count=count) for value, count in ranked if count]
    if column.kind != "text" and (distinct or 0) > FEW_VALUES:
        return []
    fewest = 1 if scale == 1.0 else FEWEST_SAMPLED
    common = [(value, n) for value, n in found.sampled.get("top", []) if n >= fewest]
    shown = [(_iso(value) if column.kind == "time" else value, n) for value, n in common]
    return [ValueCount(value=value, count=round(count * scale)) for value, count in shown]


def _approximate(column: TableColumn, whole: bool, found: _Found, values: dict[str, Any]) -> list[str]:
    """The fields that are estimates."""
    if whole:
        return ["distinct"] if column.kind == "other" else []
    names = ["quantiles", "histogram", "std"]
    if column.kind == "text":
        names += ["min", "max"]
        names += [] if found.sampled["is_ascii"] else ["shortest", "longest", "mean_length"]
    if column.kind != "boolean":
        names += ["distinct", "top"]
    return sorted(name for name in names if values.get(name) not in (None, {}, []))


def _ask(engine: Engine, source: str, asked: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """The answers to named expressions over all rows: a pass over the values of each column."""
    answers: list[dict[str, Any]] = []
    for start in range(0, len(asked), COLUMNS_A_QUESTION):
        part = asked[start : start + COLUMNS_A_QUESTION]
        expressions = [sql for each in part for sql in each.values()]
        values = iter(engine.row(f"SELECT {', '.join(expressions)} FROM {source}"))
        answers += [{name: next(values) for name in each} for each in part]
    return answers


def _is_settled(found: _Found) -> bool:
    """Whether the sample has all values: each of them more than once."""
    return found.sampled.get("singles") == 0


def _is_unique(column: TableColumn, sample: Sample, found: _Found) -> bool:
    """Whether no value of a measurement is there twice in the sample, which then holds for nearly all rows.

    Where n rows of N have no pair, the chance of a pair is below 6 / n² (at 95 %), so that there are at
    least N / (1 + 6 N / n²) values. Keys are counted all the same: that a table holds another twice is worth
    knowing.
    """
    if not (column.is_float or column.kind == "time"):
        return False
    looked_at, repeated = found.sampled["groups"], found.sampled["groups"] - found.sampled["singles"]
    return bool(looked_at) and not repeated and 6 * sample.whole / looked_at**2 <= MOST_DOUBT


def _is_finite(answer: dict[str, Any]) -> bool:
    """NULL is an empty column's; DuckDB takes NaN for the greatest number, so that ``max`` tells of it."""
    return all(value is None or math.isfinite(value) for name, value in answer.items())


def _plain(value: Any) -> Any:
    """A number as JSON can carry it to a browser's."""
    return float(value) if isinstance(value, int) and abs(value) >= LARGEST_INTEGER else value


def _iso(value: Any) -> Any:
    return None if value is None else str(value).replace(" ", "T", 1)
