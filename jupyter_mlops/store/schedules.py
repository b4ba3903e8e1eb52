"""The schedules' rows in the registry database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select
from sqlalchemy.exc import IntegrityError

from ..entities import Schedule, ScheduleSpec
from ..errors import Conflict
from ..wire import from_json, to_json
from .audit import append
from .changes import bump, change, changed_since
from .database import Database
from .registry_tables import audit, schedules
from .short_ids import row_of
from .texts import storable, without_nul

REMOVED = "schedule.delete"


class SqlScheduleStore:
    """See ``protocols.schedules.ScheduleStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, schedule: Schedule) -> Schedule:
        spec = schedule.spec
        with self._database.write() as connection:
            values = {
                "id": spec.id,
                "user": spec.user,
                "spec": without_nul(to_json(spec)),
                "enabled": schedule.enabled,
                "next_at": schedule.next_at,
                "last_at": schedule.last_at,
                "last_job_id": schedule.last_job_id,
                "reason": storable(schedule.reason),
                "seq": bump(connection),
            }
            try:
                connection.execute(insert(schedules).values(values))
            except IntegrityError as error:
                raise Conflict(f"There is a schedule with the id {spec.id} already.") from error
            append(
                connection,
                time=spec.created_at,
                user=spec.user,
                action="schedule.add",
                subject=f"schedule:{spec.id}",
                detail={"name": spec.name, "cron": spec.timing.cron, "timezone": spec.timing.timezone},
            )
            return _get(connection, spec.id)

    def get(self, schedule_id: str) -> Schedule:
        with self._database.read() as connection:
            return _get(connection, schedule_id)

    def search(self, *, enabled: bool | None = None, limit: int = 100, offset: int = 0) -> list[Schedule]:
        query = select(schedules).order_by(schedules.c.id.desc())
        if enabled is not None:
            query = query.where(schedules.c.enabled.is_(enabled))
        return self._all(query.limit(limit).offset(offset))

    def enabled(self) -> list[Schedule]:
        return self._all(select(schedules).where(schedules.c.enabled.is_(True)).order_by(schedules.c.id))

    def update(self, schedule: Schedule, /, **changes: Any) -> Schedule | None:
        with self._database.write() as connection:
            return _update(connection, schedule, changes)

    def switch(
        self, schedule: Schedule, *, enabled: bool, next_at: float | None, user: str, time: float
    ) -> Schedule | None:
        with self._database.write() as connection:
            changes = {
                "enabled": enabled,
                "next_at": next_at,
                "reason": "" if enabled else f"paused by {user}",
            }
            changed = _update(connection, schedule, changes)
            if changed is not None:
                action = "schedule.resume" if enabled else "schedule.pause"
                append(connection, time=time, user=user, action=action, subject=f"schedule:{schedule.id}")
            return changed

    def ran(self, schedule: Schedule, job_id: str, *, user: str, time: float) -> Schedule | None:
        with self._database.write() as connection:
            changed = _update(connection, schedule, {"last_job_id": job_id})
            if changed is not None:
                subject, detail = f"schedule:{schedule.id}", {"job": job_id}
                append(
                    connection, time=time, user=user, action="schedule.run", subject=subject, detail=detail
                )
            return changed

    def remove(self, schedule: Schedule, *, user: str, time: float) -> bool:
        with self._database.write() as connection:
            bump(connection)  # who follows the changes looks again
            if connection.execute(delete(schedules).where(schedules.c.id == schedule.id)).rowcount == 0:
                return False
            append(connection, time=time, user=user, action=REMOVED, subject=f"schedule:{schedule.id}")
            return True

    def was_removed(self, schedule_id: str) -> bool:
        query = select(audit.c.seq).where(
            audit.c.action == REMOVED, audit.c.subject == f"schedule:{schedule_id}"
        )
        with self._database.read() as connection:
            return connection.scalar(query.limit(1)) is not None

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._database.read() as connection:
            return changed_since(connection, schedules, since)

    def _all(self, query: Select[Any]) -> list[Schedule]:
        with self._database.read() as connection:
            return [_schedule(row) for row in connection.execute(query)]


def _get(connection: Connection, schedule_id: str) -> Schedule:
    return _schedule(row_of(connection, schedules, schedule_id, noun="schedule"))


def _update(connection: Connection, schedule: Schedule, changes: Mapping[str, Any]) -> Schedule | None:
    values = {name: storable(value) for name, value in changes.items()}
    return _get(connection, schedule.id) if change(connection, schedules, schedule, values) else None


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        spec=replace(from_json(row.spec, ScheduleSpec), id=row.id),
        enabled=row.enabled,
        next_at=row.next_at,
        last_at=row.last_at,
        last_job_id=row.last_job_id,
        reason=row.reason,
        seq=row.seq,
    )
