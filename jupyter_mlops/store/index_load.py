"""Whole runs from their rows and documents, with their status as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from ..entities import Progress, Run, RunKind, RunStatus
from ..protocols.runs import IndexedRun, Sight
from . import index_tables as tables
from .index_document import listed
from .index_rows import chunks

_SOURCE = tables.runs.join(tables.documents, tables.documents.c.run == tables.runs.c.key).outerjoin(
    tables.marks, tables.marks.c.run == tables.runs.c.key
)
_QUERY = (
    select(tables.runs, tables.documents.c.data, tables.marks.c.seq, tables.marks.c.dead)
    .select_from(_SOURCE)
    .where(tables.runs.c.key.in_(bindparam("keys", expanding=True)))
)
_KINDS = {each.value: each for each in RunKind}
_STATUSES = {each.value: each for each in RunStatus}


def load(connection: Connection, keys: Sequence[int], sight: Sight) -> list[IndexedRun]:
    """Whole runs, in the order of the keys."""
    found: dict[int, IndexedRun] = {}
    for part in chunks(keys):
        for row in connection.execute(_QUERY, {"keys": part}):
            found[row[0]] = _indexed(row, sight)
    return [found[key] for key in keys if key in found]


def keys_of(connection: Connection, run_ids: Sequence[str]) -> list[int]:
    """The keys of those of these runs that exist, in this order."""
    run = tables.runs.c
    found: dict[str, int] = {}
    for part in chunks(run_ids):
        found.update(connection.execute(select(run.id, run.key).where(run.id.in_(part))).all())
    return [found[run_id] for run_id in run_ids if run_id in found]


def _indexed(row: Row[Any], sight: Sight) -> IndexedRun:
    # unpacked at once: the names of a Row cost as much as the rest
    (
        _, run_id, name, experiment, kind, status, started_at, ended_at, archived, last_seen, open_writers,
        user, host, notebook, parent_id, job_id, sweep_id, note, _, data, seq, dead,
    ) = tuple(row)  # fmt: skip
    sign = started_at if last_seen is None else last_seen
    now = _STATUSES[status]
    gone = dead or not open_writers or sign < sight.lost_before
    if now is RunStatus.RUNNING and gone and run_id not in sight.alive:
        now = RunStatus.LOST
    until = ended_at
    if until is None:
        until = sign if now is RunStatus.LOST else sight.now
    document = listed(data)
    progress = document.progress
    run = Run(
        id=run_id,
        name=name,
        experiment=experiment,
        kind=_KINDS[kind],
        status=now,
        started_at=started_at,
        status_reason=document.reason,
        ended_at=ended_at,
        duration_s=max(0.0, until - started_at),
        notebook=notebook,
        cell_id=document.cell_id,
        parent_id=parent_id,
        job_id=job_id,
        sweep_id=sweep_id,
        user=user,
        host=host,
        params=document.params,
        metrics=document.metrics,
        tags=document.tags,
        note=note,
        archived=bool(archived),
        progress=None if progress is None else Progress(done=progress[0], total=progress[1]),
        seq=seq or 0,
    )
    return IndexedRun(run, sign, bool(dead), open_writers)
