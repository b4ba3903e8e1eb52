"""The audit trail tells what was done to it."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest
from sqlalchemy import text

from jupyter_mlops.entities import AuditEntry
from jupyter_mlops.store import audit
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import migrate


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    migrate(database)
    with database.write() as connection:
        for number in range(1, 6):
            add(connection, number)
    return database


def add(connection: object, number: int) -> AuditEntry:
    return audit.append(
        connection,  # type: ignore[arg-type]
        time=1000 + number,
        user="ada",
        action="model.register",
        subject=f"model:digits@{number}",
        detail={"größe": number, "loss": float("nan"), "nested": {"a": [1, None, 0.1]}},
    )


def problems_after(database: Database, *statements: str) -> list[str]:
    with database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))
    with database.read() as connection:
        return audit.verify(connection)


def test_untouched_audit_trail_is_whole(database: Database) -> None:
    assert problems_after(database) == []
    with database.read() as connection:
        newest, before = audit.entries(connection, limit=2)
    assert (newest.seq, newest.time, newest.user, newest.subject) == (5, 1005.0, "ada", "model:digits@5")
    assert newest.detail == {"größe": 5, "loss": "NaN", "nested": {"a": [1, None, 0.1]}}
    assert newest.previous == before.hash


def test_empty_audit_trail_is_whole(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "empty.sqlite"))
    migrate(database)
    assert problems_after(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "\"user\" = 'mallory'",
        "time = time + 1",
        "action = 'model.delete'",
        "subject = 'model:other@3'",
        "detail = '{}'",
        "previous = hash",
        "hash = previous",
    ],
)
def test_changed_audit_row_is_named(database: Database, change: str) -> None:
    problems = problems_after(database, f"UPDATE audit SET {change} WHERE seq = 3")
    assert any("Audit row 3" in problem for problem in problems), problems


def test_removed_audit_rows_are_named(database: Database) -> None:
    assert problems_after(database, "DELETE FROM audit WHERE seq IN (2, 3)") == [
        "Audit rows 2 to 3 are missing."
    ]


def test_audit_rows_removed_at_the_beginning_or_the_end_are_named(database: Database) -> None:
    assert problems_after(database, "DELETE FROM audit WHERE seq = 1") == ["Audit row 1 is missing."]
    assert problems_after(database, "DELETE FROM audit WHERE seq > 3") == [
        "Audit row 1 is missing.",
        "Audit rows 4 to 5 are missing.",
    ]


def test_reordered_audit_rows_are_named(database: Database) -> None:
    problems = problems_after(
        database,
        "UPDATE audit SET seq = 100 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 4",
        "UPDATE audit SET seq = 4 WHERE seq = 100",
    )
    assert {"2", "4"} <= {word for problem in problems for word in problem.split()}


def test_audit_row_replaced_by_a_consistent_one_breaks_the_chain(database: Database) -> None:
    with database.write() as connection:
        forged = {"seq": 3, "time": 1.0, "user": "ada", "action": "x", "subject": "y", "detail": {}}
        previous = connection.scalar(text("SELECT hash FROM audit WHERE seq = 2"))
        digest = audit._hash({**forged, "previous": previous})
        connection.execute(
            text("UPDATE audit SET time=1.0, action='x', subject='y', detail='{}', hash=:hash WHERE seq=3"),
            {"hash": digest},
        )
    assert problems_after(database) == [
        "Audit row 4 does not follow the row before it: one of them was replaced or moved."
    ]


def test_audit_row_of_a_rolled_back_decision_is_no_row(database: Database) -> None:
    with database.engine.connect().execution_options(writes=True) as connection:
        add(connection, 6)
        connection.rollback()
    with database.write() as connection:
        assert add(connection, 6).seq == 6
    assert problems_after(database) == []


def _append_many(url: str, first: int) -> None:
    database = Database(url)
    for number in range(first, first + 10):
        with database.write() as connection:
            add(connection, number)


def test_audit_chain_is_whole_when_processes_append_at_once(database: Database) -> None:
    context = multiprocessing.get_context("spawn")
    url = database.url.render_as_string(hide_password=False)
    writers = [context.Process(target=_append_many, args=(url, 100 * number)) for number in (1, 2, 3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(100)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with database.read() as connection:
        assert [entry.seq for entry in audit.entries(connection)] == list(range(35, 0, -1))
    assert problems_after(database) == []
