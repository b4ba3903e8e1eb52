"""What the index holds of one run beyond its row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from ..entities import RunError
from ..protocols.runs import (
    HARDWARE,
    RecordedInput,
    RecordedOutput,
    Registration,
    RunRecords,
    Stamped,
)
from . import index_tables as tables
from .index_document import Document, detail_from, long_texts, unpack, unpack_details
from .index_texts import bodies

_decode = msgspec.json.Decoder().decode


def records(connection: Connection, run_id: str, run: int) -> RunRecords:
    """Everything but the run's row; empty for a run that is not there."""
    document = _document(connection, run)
    metrics = sorted(document.metrics.items())
    return RunRecords(
        error=None if document.error is None else RunError(**document.error),
        details=_details(connection, run),
        params_from={name: source for name, (_, source, _) in sorted(document.params.items())},
        hardware={name: each for name, (each, _) in metrics if name.startswith(HARDWARE)},
        outputs=[_output(row) for row in _merged(connection, tables.outputs, run)],
        inputs=[_input(row) for row in _merged(connection, tables.inputs, run)],
        registrations=[_registration(row, run_id) for row in _merged(connection, tables.registrations, run)],
    )


def metric_names(connection: Connection, run: int) -> list[str]:
    """All metrics of a run, the hardware's, too."""
    return sorted(_document(connection, run).metrics)


def pending_registrations(connection: Connection) -> list[Registration]:
    """Those that the registry has not numbered yet nor refused, oldest first."""
    table, run = tables.registrations, tables.runs.c
    query = select(table, run.id).join(tables.runs, run.key == table.c.run)
    query = query.where(table.c.version.is_(None), table.c.problem == "")
    rows = connection.execute(query.order_by(table.c.time, table.c.writer, table.c.n))
    return [_registration(row, row.id) for row in rows]


def _document(connection: Connection, run: int) -> Document:
    query = select(tables.documents.c.data).where(tables.documents.c.run == run)
    data = connection.execute(query).scalar_one_or_none()
    return Document() if data is None else unpack(data)


def _details(connection: Connection, run: int) -> dict[str, dict[str, Stamped]]:
    query = select(tables.details.c.data).where(tables.details.c.run == run)
    data = connection.execute(query).scalar_one_or_none()
    details = {} if data is None else unpack_details(data)
    texts = bodies(connection, long_texts(value for value, _ in details.values()))
    found: dict[str, dict[str, Stamped]] = {}
    for (kind, name), (value, stamp) in details.items():
        found.setdefault(kind, {})[name] = Stamped(detail_from(kind, value, texts), stamp)
    return found


def _merged(connection: Connection, table: Any, run: int) -> Iterable[Row[Any]]:
    query = select(table).where(table.c.run == run)
    return connection.execute(query.order_by(table.c.time, table.c.writer, table.c.n))


def _output(row: Row[Any]) -> RecordedOutput:
    return RecordedOutput(row.n, row.time, _decode(row.message))


def _input(row: Row[Any]) -> RecordedInput:
    return RecordedInput(row.n, row.time, row.kind, row.name, row.version, row.digest)


def _registration(row: Row[Any], run_id: str) -> Registration:
    return Registration(
        run_id=run_id,
        writer=row.writer,
        number=row.n,
        time=row.time,
        kind=row.kind,
        name=row.name,
        digest=row.digest,
        user=row.user,
        record=_decode(row.record),
        version=row.version,
        problem=row.problem,
    )
