"""The audit trail tells what was done to it."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from sqlalchemy import text

import jupyter_mlops
from jupyter_mlops import config, workspace
from jupyter_mlops.cli import main
from jupyter_mlops.entities import AuditEntry
from jupyter_mlops.store import audit
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import migrate
from jupyter_mlops.testing.registry import model_version


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


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home with decisions on a model, for the command line."""
    for name in (config.DATABASE, config.BLOBS, config.ACCESS, *config.PROCESS_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    for name, folder in ((config.HOME, "home"), (config.RUNTIME, "runtime"), (config.LEASES, "leases")):
        monkeypatch.setenv(name, str(tmp_path / folder))
    monkeypatch.setenv(config.USER, "ada")
    workspace.use(None)
    store = workspace.current()._registry_store
    for digit in "123":
        store.register_model(model_version(digest=digit * 64, created_by="ada"))
    store.move_alias("model", "digits", "champion", 3, user="bob", reason="better")
    yield tmp_path / "home"
    workspace.use(None)


def tamper(home: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(home / "registry.sqlite")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def audit_command(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = main(["audit", *arguments])
    return status, capsys.readouterr().out


def test_a_whole_trail_is_verified_and_its_head_told(home: Path, capsys: Any) -> None:
    head = workspace.current().audit_trail.entries(limit=1)[0].hash
    assert audit_command(capsys, "--verify") == (
        0,
        f"✓ 4 rows, whole.\nThe hash of the last row: {head}\n",
    )


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE audit SET user = 'eve' WHERE seq = 2",
            "Audit row 2 (model.register model:digits@2) was changed",
        ),
        ("UPDATE audit SET detail = 'rubbish' WHERE seq = 2", "Audit row 2"),
        ("DELETE FROM audit WHERE seq = 3", "Audit row 3 is missing."),
        ("DELETE FROM audit WHERE seq > 2", "Audit rows 3 to 4 are missing."),
        ("UPDATE counters SET value = 9 WHERE name = 'audit'", "Audit rows 5 to 9 are missing."),
        ("UPDATE counters SET value = 2 WHERE name = 'audit'", "has 4 rows, but only 2 were counted"),
    ],
)
def test_tampering_is_named_with_status_1(home: Path, capsys: Any, statement: str, said: str) -> None:
    tamper(home, statement)
    status, out = audit_command(capsys, "--verify")
    assert (status, said in out) == (1, True), out
    status, out = audit_command(capsys, "--verify", "--json")
    assert (status, said in " ".join(json.loads(out)["problems"])) == (1, True)


def test_an_end_that_was_cut_off_with_its_count_shows_against_an_export(
    home: Path, capsys: Any, tmp_path: Path
) -> None:
    export = str(tmp_path / "audit.jsonl")
    assert audit_command(capsys, "--jsonl", export) == (0, f"4 rows in {export}\n")
    head = workspace.current().audit_trail.verify().head
    assert audit_command(capsys, "--verify", "--against", export)[0] == 0
    tamper(
        home,
        "DELETE FROM audit WHERE seq > 2",
        "UPDATE counters SET value = 2 WHERE name = 'audit'",
    )
    assert audit_command(capsys, "--verify")[0] == 0  # the chain by itself cannot tell
    status, out = audit_command(capsys, "--against", export)
    assert status == 1
    assert f"Audit row 3 and all after it, which {export} has, are missing." in out
    status, out = audit_command(capsys, "--against", head)
    assert (status, f"No row has the hash {head}" in out) == (1, True)


def test_a_chain_that_was_made_anew_shows_against_an_export(home: Path, capsys: Any, tmp_path: Path) -> None:
    export = str(tmp_path / "audit.jsonl")
    audit_command(capsys, "--jsonl", export)
    entries = reversed(workspace.current().audit_trail.entries())
    database = workspace.current()._registry_database
    with database.write() as connection:
        connection.execute(text("DELETE FROM audit"))
        connection.execute(text("UPDATE counters SET value = 0 WHERE name = 'audit'"))
        for entry in entries:
            values = {name: getattr(entry, name) for name in ("time", "action", "subject", "detail")}
            audit.append(connection, **values, user="eve")
    assert audit_command(capsys, "--verify")[0] == 0
    status, out = audit_command(capsys, "--verify", "--against", export)
    assert status == 1
    assert [line.split(" is not what ")[0] for line in out.splitlines()[:-1]] == [
        f"✗ Audit row {number}" for number in (1, 2, 3, 4)
    ]


def test_a_trail_that_has_grown_still_begins_as_its_export(home: Path, capsys: Any, tmp_path: Path) -> None:
    export = str(tmp_path / "audit.jsonl")
    audit_command(capsys, "--jsonl", export)
    workspace.current()._registry_store.move_alias("model", "digits", "champion", 1, user="bob")
    assert audit_command(capsys, "--against", export)[0] == 0


def test_what_is_no_export_is_refused(home: Path, capsys: Any, tmp_path: Path) -> None:
    export = tmp_path / "audit.jsonl"
    audit_command(capsys, "--jsonl", str(export))
    lines = export.read_text().splitlines(keepends=True)
    for content, said in (("rubbish\n", "line 1 is no decision"), (lines[1] + lines[0], "out of order")):
        export.write_text(content)
        assert main(["audit", "--against", str(export)]) == 1
        assert said in capsys.readouterr().err
    assert main(["audit", "--verify", "--user", "ada"]) == 1
    assert "leave the filters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--against", "nofile"], "not_found", "nofile cannot be read: No such file"),
        (["--against", "."], "not_found", ". cannot be read: Is a directory"),
        (["--jsonl", "nowhere/audit.jsonl"], "invalid_input", "nowhere/audit.jsonl cannot be written"),
    ],
)
def test_file_that_is_not_there_is_named(
    home: Path,
    capsys: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    code: str,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["audit", *words, "--json"]) == 1
    told = json.loads(capsys.readouterr().err)
    assert (told["code"], said in told["message"]) == (code, True), told


def test_decisions_are_listed_and_found(home: Path, capsys: Any) -> None:
    status, out = audit_command(capsys, "--user", "bob")
    assert status == 0
    assert [
        each for each in ("bob", "alias.set", "model:digits@champion", "reason=better") if each not in out
    ] == []
    _, out = audit_command(capsys, "--action", "model", "--json", "--limit", "2")
    assert [(each["seq"], each["subject"]) for each in json.loads(out)] == [
        (3, "model:digits@3"),
        (2, "model:digits@2"),
    ]
    assert audit_command(capsys, "--user", "nobody")[1] == "No decision matches.\n"
    frame = jupyter_mlops.audit("model:digits@champion")
    assert [*frame.columns] == ["seq", "time", "user", "action", "subject", "detail", "hash"]
    assert frame.loc[0, ["seq", "user"]].tolist() == [4, "bob"]
    assert jupyter_mlops.audit(user="nobody").empty


def test_an_export_has_what_matches_oldest_first(home: Path, capsysbinary: Any) -> None:
    assert main(["audit", "--action", "model.register", "--jsonl", "-"]) == 0
    lines = capsysbinary.readouterr().out.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3]
    first = json.loads(lines[0])
    previous = first.pop("previous")
    digest = first.pop("hash")
    canonical = json.dumps(first, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert blake3(previous.encode() + canonical.encode()).hexdigest() == digest  # as the README says
