"""The sweeps' rows in the registry database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select
from sqlalchemy.exc import IntegrityError

from ..entities import Sweep, SweepSpec, SweepStatus
from ..errors import Conflict
from ..wire import from_json, number_from_json, to_json
from .audit import append
from .changes import bump, change, changed_since
from .database import Database
from .registry_tables import sweeps
from .short_ids import row_of
from .texts import storable

OPEN = tuple(status.value for status in SweepStatus if not status.ended)


class SqlSweepStore:
    """See ``protocols.sweeps.SweepStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, sweep: Sweep) -> Sweep:
        spec = sweep.spec
        with self._database.write() as connection:
            values = {
                "id": spec.id,
                "user": spec.user,
                "spec": to_json(spec),
                "submitted_at": spec.submitted_at,
                **_values(sweep),
                "seq": bump(connection),
            }
            try:
                connection.execute(insert(sweeps).values(values))
            except IntegrityError as error:
                raise Conflict(f"There is a sweep with the id {spec.id} already.") from error
            append(
                connection,
                time=spec.submitted_at,
                user=spec.user,
                action="sweep.submit",
                subject=f"sweep:{spec.id}",
                detail={"name": spec.name, "trials": spec.trials, "sampler": spec.sampler},
            )
            return _get(connection, spec.id)

    def get(self, sweep_id: str) -> Sweep:
        with self._database.read() as connection:
            return _get(connection, sweep_id)

    def search(self, *, status: SweepStatus | None = None, limit: int = 100, offset: int = 0) -> list[Sweep]:
        query = select(sweeps).order_by(sweeps.c.submitted_at.desc(), sweeps.c.id.desc())
        if status is not None:
            query = query.where(sweeps.c.status == status.value)
        return self._all(query.limit(limit).offset(offset))

    def open(self) -> list[Sweep]:
        query = select(sweeps).where(sweeps.c.status.in_(OPEN))
        return self._all(query.order_by(sweeps.c.submitted_at, sweeps.c.id))

    def update(self, sweep: Sweep, /, **changes: Any) -> Sweep | None:
        with self._database.write() as connection:
            return _update(connection, sweep, changes)

    def request_cancel(self, sweep: Sweep, *, user: str, time: float) -> Sweep | None:
        with self._database.write() as connection:
            changed = _update(connection, sweep, {"cancel_requested": True, "reason": f"cancelled by {user}"})
            if changed is not None:
                append(connection, time=time, user=user, action="sweep.cancel", subject=f"sweep:{sweep.id}")
            return changed

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._database.read() as connection:
            return changed_since(connection, sweeps, since)

    def _all(self, query: Select[Any]) -> list[Sweep]:
        with self._database.read() as connection:
            return [_sweep(row) for row in connection.execute(query)]


def _get(connection: Connection, sweep_id: str) -> Sweep:
    return _sweep(row_of(connection, sweeps, sweep_id, noun="sweep"))


def _update(connection: Connection, sweep: Sweep, changes: Mapping[str, Any]) -> Sweep | None:
    values = {name: storable(to_json(value)) for name, value in changes.items()}
    return _get(connection, sweep.id) if change(connection, sweeps, sweep, values) else None


def _values(sweep: Sweep) -> dict[str, Any]:
    """The columns that change in a sweep's life."""
    names = (
        "status",
        "reason",
        "ended_at",
        "cancel_requested",
        "counts",
        "best",
        "best_value",
        "best_params",
    )
    return {name: storable(to_json(getattr(sweep, name))) for name in names}


def _sweep(row: Row[Any]) -> Sweep:
    return Sweep(
        spec=replace(from_json(row.spec, SweepSpec), id=row.id),
        status=SweepStatus(row.status),
        reason=row.reason,
        ended_at=row.ended_at,
        cancel_requested=row.cancel_requested,
        counts=dict(row.counts),
        best=row.best,
        best_value=None if row.best_value is None else number_from_json(row.best_value),
        best_params=dict(row.best_params),
        seq=row.seq,
    )
