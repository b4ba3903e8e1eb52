"""Expectations of datasets in a SQL database."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from ..entities import CheckReport, Expectation
from ..errors import NotFound
from ..protocols.clock import Clock
from ..wire import from_json, to_json
from .audit import append
from .changes import bump
from .database import Database
from .reaching import LazyDatabase
from .registry_tables import check_reports, expectations
from .texts import without_nul


class SqlExpectationStore:
    """An ``ExpectationStore``. Nothing is opened before the first call."""

    def __init__(self, database: Callable[[], Database], *, clock: Clock = time.time) -> None:
        self._database = LazyDatabase(database)
        self._clock = clock

    def all(self, dataset: str) -> list[Expectation]:
        with self._database.read() as connection:
            return _all(connection, dataset)

    def set(self, given: Sequence[Expectation], *, user: str) -> list[Expectation]:
        with self._database.write() as connection:
            bump(connection)
            for each in given:
                self._set(connection, each, user)
            return _all(connection, given[0].dataset) if given else []

    def remove(self, dataset: str, name: str, *, user: str) -> list[Expectation]:
        with self._database.write() as connection:
            bump(connection)
            there = {each.name: each for each in _all(connection, dataset)}
            if name not in there:
                names = ", ".join(map(repr, there)) or "none"
                raise NotFound(f"No expectation {name!r} of dataset {dataset!r}. Its expectations: {names}.")
            _delete(connection, dataset, name)
            self._trace(connection, "expectation.remove", there[name], user, said(there[name]))
            return _all(connection, dataset)

    def report(self, dataset: str, digest: str) -> CheckReport | None:
        query = select(check_reports.c.entity).where(
            check_reports.c.dataset == dataset, check_reports.c.digest == digest
        )
        with self._database.read() as connection:
            entity = connection.scalar(query)
        return None if entity is None else from_json(entity, CheckReport)

    def keep(self, report: CheckReport, *, of: Sequence[Expectation]) -> None:
        at = (check_reports.c.dataset == report.dataset, check_reports.c.digest == report.digest)
        with self._database.write() as connection:
            bump(connection)  # before the look: who changes expectations meanwhile waits here
            if _all(connection, report.dataset) != list(of):
                return
            connection.execute(delete(check_reports).where(*at))
            connection.execute(
                insert(check_reports).values(
                    dataset=report.dataset,
                    digest=report.digest,
                    passed=report.passed,
                    checked_at=report.checked_at,
                    entity=without_nul(to_json(report)),
                )
            )

    def _set(self, connection: Connection, given: Expectation, user: str) -> None:
        given = replace(given, created_at=self._clock(), created_by=user)
        at = (expectations.c.dataset == given.dataset, expectations.c.name == given.name)
        row = connection.execute(select(expectations).where(*at)).one_or_none()
        entity = without_nul(to_json(given))
        before = None if row is None else from_json(row.entity, Expectation)
        if before is not None and said(before) == said(from_json(entity, Expectation)):
            return
        position = _next_position(connection, given.dataset) if row is None else row.position
        _delete(connection, given.dataset, given.name)
        values = {"dataset": given.dataset, "name": given.name, "position": position, "entity": entity}
        connection.execute(insert(expectations).values(values))
        changed = {"from": said(before)} if before is not None else {}
        self._trace(connection, "expectation.set", given, user, {**said(given), **changed})

    def _trace(
        self, connection: Connection, action: str, about: Expectation, user: str, detail: Mapping[str, Any]
    ) -> None:
        append(
            connection,
            time=self._clock(),
            user=user,
            action=action,
            subject=f"dataset:{about.dataset}",
            detail=without_nul(to_json({"name": about.name, **detail})),
        )


def said(expectation: Expectation) -> dict[str, Any]:
    """What is expected, without who said so and when."""
    return {
        "check": expectation.check,
        "columns": expectation.columns,
        "arguments": expectation.arguments,
        "severity": expectation.severity.value,
    }


def _all(connection: Connection, dataset: str) -> list[Expectation]:
    query = (
        select(expectations.c.entity)
        .where(expectations.c.dataset == dataset)
        .order_by(expectations.c.position, expectations.c.name)
    )
    return [from_json(entity, Expectation) for entity in connection.scalars(query)]


def _next_position(connection: Connection, dataset: str) -> int:
    query = select(func.max(expectations.c.position)).where(expectations.c.dataset == dataset)
    return (connection.scalar(query) or 0) + 1


def _delete(connection: Connection, dataset: str, name: str) -> None:
    """An expectation, and what came of checks before: they no longer say how a content is."""
    connection.execute(
        delete(expectations).where(expectations.c.dataset == dataset, expectations.c.name == name)
    )
    connection.execute(delete(check_reports).where(check_reports.c.dataset == dataset))
