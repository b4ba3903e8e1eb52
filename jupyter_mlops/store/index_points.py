"""The points of metrics in packed blocks: small ones where points are added, large ones where they stay.

A block is named by the place that its first point has among the writer's points of that metric. Points
come in at the end, into a block of less than SMALL, so that little is written again for one more point.
When LARGE of them are there, one block replaces their small ones. So the blocks follow from the journal
alone, in whatever parts it was read.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Integer, and_, delete, func, select

from ..protocols.points import Points
from ..protocols.runs import Delta
from . import index_tables as tables
from .index_rows import chunks, name_key, put

SMALL = 512
LARGE = 32 * SMALL

_NAMES_PER_QUERY = 500
_POINT_BYTES = 32
_IN_ORDER = 1
"""The flag of a block each of whose points is later than the one before it."""

_table = tables.points.c


class Series(NamedTuple):
    """One writer's points of one metric: the first columns of their rows."""

    run: int
    name: int
    journal: int


def write_points(
    connection: Connection,
    deltas: Sequence[Delta],
    runs: Mapping[str, int],
    journals: Mapping[tuple[str, str], int],
) -> None:
    """Add the points of these parts of journals, which go on where the index stands.

    ``runs`` and ``journals`` have the keys of the runs and, by run and writer, of their journals.
    """
    new, going_on = _by_series(deltas, runs, journals)
    if not new:
        return
    ends = _ends(connection, going_on)
    rows: list[tuple[Any, ...]] = []
    heads: dict[int, bytes] = {}
    for series, points in new.items():
        start = ends.get(series, 0)
        if start % SMALL or LARGE - len(points) <= start % LARGE > 0:
            start, points = _with_open_blocks(connection, series, start, points)
        elif len(points) <= SMALL:  # as most are: metrics that were logged together share their heads
            of_times = id(points.times)
            head = heads.get(of_times)
            if head is None:
                head = heads[of_times] = _head(points)
            rows.append((*series, start, head + _bytes(points.values)))
            continue
        for first, end in _cuts(start, len(points)):
            block = points.part(first, end)
            rows.append((*series, start + first, _head(block) + _bytes(block.values)))
    put(connection, tables.points, rows)


def read_points(connection: Connection, run: int, name: str) -> Points:
    """All points of a metric, in merged order."""
    query = select(_table.journal, _table.data).where(_table.run == run, _table.name == name_key(name))
    points, places, in_order = Points(), array("q"), True
    journals: list[int] = []
    last: tuple[float, int, int] = (float("-inf"), 0, 0)
    for journal, data in connection.execute(query.order_by(_table.journal, _table.block)):
        start = len(points)
        block_in_order = _add_block(points, data)
        if not journals or journal != journals[-1]:
            journals.append(journal)
        place = len(journals) - 1
        places.extend(array("q", [place]) * (len(points) - start))
        in_order = in_order and block_in_order and (points.times[start], place, points.numbers[start]) > last
        last = (points.times[-1], place, points.numbers[-1])
    if len(journals) > 1:
        ranks = _ranks_of_writers(connection, journals)
        in_order = in_order and ranks == sorted(ranks)
        places = array("q", map(ranks.__getitem__, places))
    return points if in_order else _merged(points, places)


def _ranks_of_writers(connection: Connection, journals: Sequence[int]) -> list[int]:
    """The place of each journal's writer among them by name; sorting rows by it would copy their blobs."""
    known = tables.journals.c
    names: dict[int, str] = {}
    for part in chunks(journals):
        query = select(known.key, known.writer).where(known.key.in_(part))
        names.update((key, writer) for key, writer in connection.execute(query))
    in_order = sorted(journals, key=names.__getitem__)
    return [in_order.index(journal) for journal in journals]


def _by_series(
    deltas: Iterable[Delta], runs: Mapping[str, int], journals: Mapping[tuple[str, str], int]
) -> tuple[dict[Series, Points], set[Series]]:
    """The new points, and those series that may have points in the index already."""
    found: dict[Series, Points] = {}
    going_on: set[Series] = set()
    owned: set[Series] = set()
    for delta in deltas:
        run, journal = runs[delta.run_id], journals[delta.run_id, delta.writer]
        goes_on = delta.start > 0
        for name, points in delta.points.items():
            series = Series(run, name_key(name), journal)
            if series not in found:
                found[series] = points
                if goes_on:
                    going_on.add(series)
                continue
            if series not in owned:  # a delta's columns may be those of several metrics
                owned.add(series)
                found[series] = found[series].part(0, len(found[series]))
            found[series].extend(points)
    return found, going_on


def _ends(connection: Connection, going_on: Iterable[Series]) -> dict[Series, int]:
    """How many points of each series there are."""
    names: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for series in going_on:
        names[series.run, series.journal].append(series.name)
    found = {}
    size = func.length(_table.data, type_=Integer)
    for (run, journal), all_names in names.items():
        for start in range(0, len(all_names), _NAMES_PER_QUERY):
            of_writer = and_(
                _table.run == run,
                _table.name.in_(all_names[start : start + _NAMES_PER_QUERY]),
                _table.journal == journal,
            )
            query = select(_table.name, func.max(_table.block + size // _POINT_BYTES))
            for name, end in connection.execute(query.where(of_writer).group_by(_table.name)):
                found[Series(run, name, journal)] = int(end)
    return found


def _with_open_blocks(
    connection: Connection, series: Series, start: int, points: Points
) -> tuple[int, Points]:
    """The place of the first block to write, and its points: those of blocks that change come first."""
    fills_large = start % LARGE + len(points) >= LARGE
    first = start - start % (LARGE if fills_large else SMALL)
    changing = and_(
        _table.run == series.run,
        _table.name == series.name,
        _table.journal == series.journal,
        _table.block >= first,
    )
    before = Points()
    for data in connection.scalars(select(_table.data).where(changing).order_by(_table.block)).all():
        _add_block(before, data)
    if fills_large:
        connection.execute(delete(tables.points).where(changing))
    before.extend(points)
    return first, before


def _cuts(start: int, count: int) -> Iterator[tuple[int, int]]:
    """Where ``count`` points from ``start`` on are cut: large blocks as far as they are full."""
    first = 0
    while first < count:
        whole = (start + first) % LARGE == 0 and count - first >= LARGE
        end = min(first + (LARGE if whole else SMALL), count)
        yield first, end
        first = end


def _head(points: Points) -> bytes:
    """A flag and the columns before the values, little-endian."""
    flag = _IN_ORDER if len(points) == 1 or points.in_order else 0
    return bytes([flag]) + _bytes(points.times) + _bytes(points.numbers) + _bytes(points.steps)


def _bytes(column: array[Any]) -> bytes:
    return _swapped(column).tobytes()


def _add_block(points: Points, data: bytes) -> bool:
    """Add a packed block's points; returns whether they are in order."""
    size = len(data) // 4
    columns: list[array[Any]] = [points.times, points.numbers, points.steps, points.values]
    view = memoryview(data)
    for place, column in enumerate(columns):
        part = view[1 + place * size : 1 + (place + 1) * size]
        if sys.byteorder == "little":
            column.frombytes(part)
        else:
            column.extend(_swapped(array(column.typecode, part.tobytes())))
    return data[0] == _IN_ORDER


def _swapped(column: array[Any]) -> array[Any]:
    """The column as it is where the machine's order of bytes is the index's own."""
    if sys.byteorder == "little":
        return column
    column = column[:]
    column.byteswap()
    return column


def _merged(points: Points, writers: array[int]) -> Points:
    """In the order of time, writer and number; ``writers`` has the place of each point's writer."""
    order = sorted(range(len(points)), key=points.numbers.__getitem__)
    order.sort(key=writers.__getitem__)
    order.sort(key=points.times.__getitem__)
    return points.at(order)
