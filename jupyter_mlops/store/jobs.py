"""The queue's rows in the registry database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from ..entities import Cause, EndedAttempt, Job, JobSpec, JobStatus, Used
from ..errors import Conflict
from ..wire import from_json, to_json
from .audit import append, is_told
from .changes import bump, change, changed_since, current
from .database import Database
from .registry_tables import jobs
from .short_ids import row_of
from .texts import storable, without_nul
from .usage import add_ended

CHANGING = (
    "status",
    "attempt",
    "reason",
    "started_at",
    "ended_at",
    "run_id",
    "gpus",
    "cancel_requested",
    "choice",
    "handed_over",
    "not_before",
    "exclusive",
    "cause",
    "used",
    "warning",
)
BATCH = 500
"""How many ids go into one query."""

OPEN = tuple(status.value for status in JobStatus if not status.ended)


class SqlJobStore:
    """See ``protocols.jobs.JobStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: Job) -> Job:
        spec = job.spec
        with self._database.write() as connection:
            seq = bump(connection)
            values = {
                "id": spec.id,
                "priority": spec.priority,
                "user": spec.user,
                "sweep_id": spec.sweep_id,
                "parent_run_id": spec.parent_run_id,
                "schedule_id": spec.schedule_id,
                "spec": without_nul(to_json(spec)),
                "submitted_at": spec.submitted_at,
                **_values(job),
                "seq": seq,
            }
            try:
                connection.execute(insert(jobs).values(values))
            except IntegrityError as error:
                raise Conflict(f"There is a job with the id {spec.id} already.") from error
            _trace_submission(connection, spec)
            return _get(connection, spec.id)

    def get(self, job_id: str) -> Job:
        with self._database.read() as connection:
            return _get(connection, job_id)

    def search(
        self,
        *,
        status: JobStatus | None = None,
        sweep_id: str | None = None,
        parent_run_id: str | None = None,
        schedule_id: str | None = None,
        ids: Collection[str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        query = select(jobs).order_by(jobs.c.submitted_at.desc(), jobs.c.id.desc())
        wanted = {
            "status": status and status.value,
            "sweep_id": sweep_id,
            "parent_run_id": parent_run_id,
            "schedule_id": schedule_id,
        }
        for column, value in wanted.items():
            if value is not None:
                query = query.where(jobs.c[column] == value)
        if ids is not None:
            query = query.where(jobs.c.id.in_(list(ids)))
        return self._all(query.limit(limit).offset(offset))

    def named(self, name: str) -> Job | None:
        query = select(jobs).where(jobs.c.spec["name"].as_string() == without_nul(name))
        found = self._all(query.order_by(jobs.c.submitted_at.desc(), jobs.c.id.desc()).limit(1))
        return found[0] if found else None

    def open(self, *, limit: int | None = None) -> list[Job]:
        query = select(jobs).where(jobs.c.status.in_(OPEN))
        return self._all(query.order_by(jobs.c.submitted_at, jobs.c.id).limit(limit))

    def begun(self) -> list[Job]:
        query = select(jobs).where(jobs.c.status.in_(OPEN))
        has_begun = or_(jobs.c.status != JobStatus.QUEUED.value, jobs.c.handed_over)
        return self._all(query.where(has_begun).order_by(jobs.c.submitted_at, jobs.c.id))

    def update(self, job: Job, /, **changes: Any) -> Job | None:
        with self._database.write() as connection:
            return _update(connection, job, changes)

    def explain(self, reasons: Sequence[tuple[Job, str]]) -> list[Job]:
        if not reasons:
            return []
        with self._database.write() as connection:
            seq = bump(connection)
            unchanged = [
                (job, reason) for job, reason in reasons if _set_reason(connection, job, reason, seq=seq)
            ]
        return [replace(job, reason=storable(reason), seq=seq) for job, reason in unchanged]

    def finish(self, job: Job, ended: EndedAttempt, /, **changes: Any) -> Job | None:
        with self._database.write() as connection:
            changed = _update(connection, job, changes)
            if changed is not None:
                add_ended(connection, ended, follows=[*job.spec.after, *job.spec.after_any])
            return changed

    def request_cancel(self, job: Job, *, user: str, time: float) -> Job | None:
        changes: dict[str, Any] = {"cancel_requested": True}
        if job.status is JobStatus.QUEUED and not job.handed_over:
            changes |= {"status": JobStatus.CANCELLED, "ended_at": time, "cause": Cause.USER}
            changes |= {"reason": f"cancelled by {user}"}
        with self._database.write() as connection:
            changed = _update(connection, job, changes)
            if changed is not None and not _ends_with_its_sweep(connection, job):
                append(connection, time=time, user=user, action="job.cancel", subject=f"job:{job.id}")
            return changed

    def changes(self, since: int) -> tuple[int, list[str]]:
        with self._database.read() as connection:
            return changed_since(connection, jobs, since)

    def changed(self, since: int, known: Mapping[str, int]) -> tuple[int, list[Job]]:
        with self._database.read() as connection:
            seq = current(connection)
            if seq == since:
                return seq, []
            moved = connection.execute(select(jobs.c.id, jobs.c.seq).where(jobs.c.seq > since)).all()
            unknown = [row.id for row in moved if known.get(row.id) != row.seq]
            found: list[Job] = []
            for start in range(0, len(unknown), BATCH):
                query = select(jobs).where(jobs.c.id.in_(unknown[start : start + BATCH]))
                found += [_job(row) for row in connection.execute(query)]
        return seq, sorted(found, key=lambda job: job.seq)

    def _all(self, query: Select[Any]) -> list[Job]:
        with self._database.read() as connection:
            return [_job(row) for row in connection.execute(query)]


def _trace_submission(connection: Connection, spec: JobSpec) -> None:
    """A row for a job; of all trials of a sweep one, since it is the sweep that somebody decided on.

    That one is the sweep's own where there is one before its trials. A grid's comes after them: its first
    trial leaves a trace, so that nothing is queued of which the trail knows nothing.
    """
    subject = f"job:{spec.id}" if spec.sweep_id is None else f"sweep:{spec.sweep_id}"
    if spec.sweep_id is not None and is_told(connection, subject):
        return
    origin = {"schedule": spec.schedule_id} if spec.schedule_id else {}
    detail = {"name": spec.name, "notebook": spec.notebook, "executor": spec.executor, **origin}
    append(
        connection,
        time=spec.submitted_at,
        user=spec.user,
        action="job.submit",
        subject=subject,
        detail=detail,
    )


def _ends_with_its_sweep(connection: Connection, job: Job) -> bool:
    """Whether that the whole sweep was cancelled is told already."""
    sweep_id = job.spec.sweep_id
    return sweep_id is not None and is_told(connection, f"sweep:{sweep_id}", "sweep.cancel")


def _get(connection: Connection, job_id: str) -> Job:
    return _job(row_of(connection, jobs, job_id, noun="job"))


def _update(connection: Connection, job: Job, changes: Mapping[str, Any]) -> Job | None:
    values = {name: _column(value) for name, value in changes.items()}
    return _get(connection, job.id) if change(connection, jobs, job, values) else None


def _set_reason(connection: Connection, job: Job, reason: str, *, seq: int) -> bool:
    values = {"reason": storable(reason), "seq": seq}
    statement = update(jobs).where(jobs.c.id == job.id, jobs.c.seq == job.seq).values(values)
    return connection.execute(statement).rowcount > 0


def _values(job: Job) -> dict[str, Any]:
    """The columns that change in a job's life."""
    named = {name: _column(getattr(job, name)) for name in CHANGING}
    chosen = "" if len(job.spec.executors) > 1 else job.spec.executor
    return {**named, "executor": job.executor or chosen}


def _column(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return to_json(value) if isinstance(value, Used) else storable(value)


def _job(row: Row[Any]) -> Job:
    return Job(
        spec=replace(from_json(row.spec, JobSpec), id=row.id),
        status=JobStatus(row.status),
        attempt=row.attempt,
        reason=row.reason,
        started_at=row.started_at,
        ended_at=row.ended_at,
        run_id=row.run_id,
        gpus=list(row.gpus),
        cancel_requested=row.cancel_requested,
        executor=row.executor,
        choice=row.choice,
        handed_over=row.handed_over,
        not_before=row.not_before,
        exclusive=row.exclusive,
        cause=row.cause and Cause(row.cause),
        used=row.used and from_json(row.used, Used),
        warning=row.warning,
        seq=row.seq,
    )
