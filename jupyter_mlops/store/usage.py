"""The rows of ended attempts in the registry database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, insert, select
from sqlalchemy.exc import IntegrityError

from ..entities import Cause, EndedAttempt, JobStatus, OpenCount, Totals, Used
from ..wire import from_json, to_json
from .database import Database
from .registry_tables import attempts, jobs
from .texts import storable

OPEN = tuple(status.value for status in JobStatus if not status.ended)


class SqlAttemptStore:
    """See ``protocols.usage.AttemptStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, attempt: EndedAttempt) -> None:
        with self._database.write() as connection:
            add_ended(connection, attempt)

    def of_notebook(
        self, *, user: str, name: str, notebook: str | None, status: JobStatus | None = None, limit: int = 10
    ) -> list[EndedAttempt]:
        query = select(attempts).where(
            attempts.c.user == user,
            attempts.c.name == storable(name),
            attempts.c.notebook.is_not_distinct_from(storable(notebook)),
        )
        if status is not None:
            query = query.where(attempts.c.status == status.value)
        return self._all(query.order_by(attempts.c.ended_at.desc(), attempts.c.job_id.desc()).limit(limit))

    def since(self, time: float, *, user: str | None = None) -> list[EndedAttempt]:
        query = select(attempts).where(attempts.c.ended_at > time)
        if user is not None:
            query = query.where(attempts.c.user == user)
        return self._all(query.order_by(attempts.c.ended_at, attempts.c.job_id, attempts.c.attempt))

    def totals(self) -> list[Totals]:
        began = attempts.c.started_at.is_not(None)
        ran = case((began & (attempts.c.ended_at > attempts.c.started_at), _run_s()), else_=0.0)
        waited = attempts.c.started_at - attempts.c.queued_at
        query = select(
            attempts.c.user,
            attempts.c.executor,
            attempts.c.status,
            func.count().label("attempts"),
            func.sum(ran).label("run_s"),
            func.sum(ran * attempts.c.gpus).label("gpu_s"),
            func.sum(ran * attempts.c.cpus).label("cpu_asked_s"),
            func.count(attempts.c.started_at).label("waits"),
            func.sum(case((began & (waited > 0), waited), else_=0.0)).label("wait_s"),
        ).group_by(attempts.c.user, attempts.c.executor, attempts.c.status)
        with self._database.read() as connection:
            return [_totals(row) for row in connection.execute(query.order_by(*query.selected_columns[:3]))]

    def open_jobs(self) -> list[OpenCount]:
        query = select(
            jobs.c.executor,
            jobs.c.status,
            func.count().label("jobs"),
            func.sum(case((jobs.c.warning != "", 1), else_=0)).label("flagged"),
            func.min(jobs.c.submitted_at).label("oldest"),
        ).where(jobs.c.status.in_(OPEN))
        query = query.group_by(jobs.c.executor, jobs.c.status).order_by(jobs.c.executor, jobs.c.status)
        with self._database.read() as connection:
            return [_count(row) for row in connection.execute(query)]

    def _all(self, query: Select[Any]) -> list[EndedAttempt]:
        with self._database.read() as connection:
            return [_attempt(row) for row in connection.execute(query)]


def add_ended(connection: Connection, attempt: EndedAttempt, *, follows: Sequence[str] = ()) -> None:
    """Keep it, in the transaction in which its job's row follows; one that is there already stays.

    It could not start before the attempt before it, and the jobs that it ``follows``, had ended.
    """
    before = [attempts.c.job_id == attempt.job_id, attempts.c.attempt == attempt.attempt - 1]
    ends = [
        connection.scalar(select(attempts.c.ended_at).where(*before)),
        connection.scalar(select(func.max(jobs.c.ended_at)).where(jobs.c.id.in_(follows)))
        if follows
        else None,
    ]
    queued_at = max(attempt.queued_at, *(each or 0.0 for each in ends))
    values = _values(replace(attempt, queued_at=min(queued_at, attempt.started_at or attempt.ended_at)))
    try:
        with connection.begin_nested():
            connection.execute(insert(attempts).values(values))
    except IntegrityError:  # another reader has followed it as well
        pass


def _run_s() -> Any:
    return attempts.c.ended_at - attempts.c.started_at


def _values(attempt: EndedAttempt) -> dict[str, Any]:
    fields: dict[str, Any] = to_json(attempt)
    return {name: storable(value) for name, value in fields.items()}


def _attempt(row: Row[Any]) -> EndedAttempt:
    return EndedAttempt(
        job_id=row.job_id,
        attempt=row.attempt,
        user=row.user,
        name=row.name,
        notebook=row.notebook,
        executor=row.executor,
        status=JobStatus(row.status),
        cause=row.cause and Cause(row.cause),
        queued_at=row.queued_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        gpus=row.gpus,
        cpus=row.cpus,
        memory_bytes=row.memory_bytes,
        used=row.used and from_json(row.used, Used),
    )


def _totals(row: Row[Any]) -> Totals:
    values = dict(row._mapping)
    return Totals(**{**values, "status": JobStatus(row.status)})


def _count(row: Row[Any]) -> OpenCount:
    values = dict(row._mapping)
    return OpenCount(**{**values, "status": JobStatus(row.status)})
