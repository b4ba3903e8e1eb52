"""The points of metrics: packed blocks of them, appended to as parts of journals come in."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, select

from ..protocols.runs import Delta, Point
from . import index_tables as tables
from .index_merge import int64, upsert

POINTS_PER_BLOCK = 1024

_POINT = struct.Struct("<dqqd")
_NO_STEP = -(1 << 63)


def write_points(connection: Connection, deltas: Sequence[Delta]) -> None:
    """Append to blocks; only the first block of a part can be there already."""
    blocks: dict[tuple[str, str, str, int], list[bytes]] = defaultdict(list)
    going_on: set[tuple[str, str, int]] = set()
    pack = _POINT.pack
    for delta in deltas:
        for name, points in delta.points.items():
            if delta.start:
                going_on.add((delta.run_id, delta.writer, points[0][1] // POINTS_PER_BLOCK))
            for time, number, step, value in points:
                packed = pack(time, number, _NO_STEP if int64(step) is None else step, value)
                blocks[delta.run_id, name, delta.writer, number // POINTS_PER_BLOCK].append(packed)
    if not blocks:
        return
    for key, data in _blocks(connection, going_on):
        if key in blocks:
            blocks[key].insert(0, data)
    columns = ("run_id", "name", "writer", "block")
    upsert(
        connection,
        tables.points,
        [{**dict(zip(columns, key, strict=True)), "data": b"".join(parts)} for key, parts in blocks.items()],
    )


def _blocks(
    connection: Connection, keys: Iterable[tuple[str, str, int]]
) -> Iterator[tuple[tuple[str, str, str, int], bytes]]:
    table = tables.points.c
    query = select(table.run_id, table.name, table.writer, table.block, table.data)
    for run_id, writer, block in keys:
        found = query.where(table.run_id == run_id, table.writer == writer, table.block == block)
        for row in connection.execute(found):
            yield (row.run_id, row.name, row.writer, row.block), row.data


def unpack_points(data: bytes) -> Iterator[Point]:
    for time, number, step, value in _POINT.iter_unpack(data):
        yield time, number, None if step == _NO_STEP else step, value
