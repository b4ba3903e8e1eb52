"""Migrations: the tables they make, what they cost, and many first opens at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, MetaData, event, insert, inspect, text

from jupyter_mlops.entities import JobStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.store import audit, migrations
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.lineage_registry import SqlRegistryLinks
from jupyter_mlops.store.migrations import HEAD, REVISIONS, VERSION_TABLE, migrate
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.wire import to_json

from .. import postgresql


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(sqlite_url(tmp_path / "registry.sqlite"))


def test_migrations_make_the_present_tables(database: Database) -> None:
    migrate(database)
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, VERSION_TABLE}
        assert context.get_current_revision() == HEAD


def test_migrations_listed_are_the_migrations_that_exist() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    script = ScriptDirectory.from_config(config)
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS


def test_current_migrations_cost_one_select(database: Database) -> None:
    migrate(database)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    migrate(database)
    assert [statement for statement in statements if not statement.startswith("BEGIN")] == [
        f"SELECT version_num FROM {VERSION_TABLE}"
    ]


def test_current_migrations_do_not_import_alembic(database: Database) -> None:
    migrate(database)
    program = (
        "import sys; from jupyter_mlops.store.database import Database\n"
        "from jupyter_mlops.store.migrations import migrate\n"
        "migrate(Database(sys.argv[1])); print('alembic' in sys.modules)"
    )
    url = database.url.render_as_string(hide_password=False)
    output = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)
    assert output.stdout == "False\n"


def test_migrations_of_a_later_version_are_refused(database: Database) -> None:
    migrate(database)
    with database.write() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(Unavailable, match=r"9999.*Upgrade"):
        migrate(database)


def test_migrations_that_fail_leave_nothing(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_index", fail)
        with pytest.raises(RuntimeError):
            migrate(database)
    with database.read() as connection:
        assert inspect(connection).get_table_names() == []
    migrate(database)
    with database.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM audit")) == 0


def test_migrations_by_many_processes_at_first_open(tmp_path: Path) -> None:
    program = (
        "import sys; from jupyter_mlops.store.database import Database\n"
        "from jupyter_mlops.store.migrations import migrate\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "database = Database(sys.argv[1]); migrate(database); migrate(database)"
    )
    url = str(sqlite_url(tmp_path / "deep" / "registry.sqlite"))
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", program, url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(6)
    ]
    for opener in openers:
        assert opener.stdout is not None
        opener.stdout.readline()
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    errors = [opener.communicate(timeout=100)[1] for opener in openers]
    assert [opener.returncode for opener in openers] == [0] * 6, errors


# ---------------------------------------------------------------------- data of released versions


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield Database(sqlite_url(tmp_path / "registry.sqlite"))
        return
    database = Database(request.getfixturevalue("postgres"))
    with database.write() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    yield database
    database.close()


@pytest.fixture(scope="module")
def postgres() -> Iterator[URL]:
    with postgresql.server() as url:
        yield url


DIGESTS = ("a" * 64, "b" * 64)
JOB_ID, RUN_ID = "01hzzzzzzzzzzzzzzzzzzzzzj1", "01hzzzzzzzzzzzzzzzzzzzzzr1"


def bring_to(database: Database, revision: str) -> None:
    """The tables as the version with that revision made them."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    config.set_main_option("path_separator", "os")
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill_as_released(database: Database) -> None:
    """Rows as the first version wrote them: its columns, and its words in JSON."""
    with database.write() as connection:
        tables = MetaData()
        tables.reflect(connection)
        put = {
            "datasets": [{"name": "train", "seq": 1}],
            "models": [{"name": "digits", "seq": 3}],
            "dataset_versions": [
                {"name": "train", "version": 1, "digest": DIGESTS[0], "run_id": RUN_ID, "created_at": 1.0}
                | {"entity": _dataset_version()}
            ],
            "model_versions": [
                {"name": "digits", "version": n, "digest": DIGESTS[1], "run_id": RUN_ID, "created_at": 2.0}
                | {"entity": _model_version(n)}
                for n in (1, 2)
            ],
            "aliases": [
                {"name": "digits", "alias": "champion", "version": 1},
                {"name": "digits", "alias": "challenger", "version": 2},
            ],
            "registrations": [{"key": f"{RUN_ID}/w/1", "kind": "model", "name": "digits", "version": 1}],
            "jobs": [_job_row()],
        }
        for name, rows in put.items():
            connection.execute(insert(tables.tables[name]), rows)
        connection.execute(text("UPDATE counters SET value = 3 WHERE name = 'changes'"))
        audit.append(connection, time=1.0, user="ada", action="dataset.register", subject="train@1")
        audit.append(connection, time=2.0, user="ada", action="model.register", subject="digits@1")


def _dataset_version() -> dict[str, Any]:
    return {"name": "train", "version": 1, "kind": "file", "digest": DIGESTS[0], "size_bytes": 12} | {
        "file_name": "train.csv",
        "created_at": 1.0,
        "created_by": "ada",
    }


def _model_version(number: int) -> dict[str, Any]:
    return {"name": "digits", "version": number, "digest": DIGESTS[1], "size_bytes": 34} | {
        "class_name": "sklearn.svm.SVC",
        "format": "cloudpickle",
        "created_at": 2.0,
        "created_by": "ada",
    }


def _job_row() -> dict[str, Any]:
    spec = job_spec(id=JOB_ID, submitted_at=5.0)
    return {
        "id": JOB_ID,
        "status": "succeeded",
        "priority": 0,
        "executor": "local",
        "user": "ada",
        "sweep_id": None,
        "parent_run_id": None,
        "spec": to_json(spec),
        "attempt": 1,
        "reason": "",
        "submitted_at": 5.0,
        "started_at": 6.0,
        "ended_at": 7.0,
        "run_id": RUN_ID,
        "gpus": [],
        "cancel_requested": False,
        "seq": 2,
    }


@pytest.mark.parametrize("revision", [each for each in REVISIONS if each != HEAD])
def test_data_of_every_released_version_is_kept(fresh: Database, revision: str) -> None:
    bring_to(fresh, REVISIONS[0])
    fill_as_released(fresh)
    bring_to(fresh, revision)
    migrate(fresh)
    store = SqlRegistryStore(fresh)
    (dataset,), (model,) = store.datasets(), store.models()
    assert (dataset.name, [each.digest for each in dataset.versions]) == ("train", [DIGESTS[0]])
    assert (model.name, model.aliases) == ("digits", {"champion": 1, "challenger": 2})
    assert store.model_version("digits", "champion").version == 1
    made = SqlRegistryLinks(lambda: fresh).registered_by([RUN_ID])
    assert [each.version.name for each in made] == ["train", "digits", "digits"]
    job = SqlJobStore(fresh).get(JOB_ID)
    assert (job.status, job.spec.name, job.run_id) == (JobStatus.SUCCEEDED, "train", RUN_ID)
    assert store.verify_audit() == []
    assert store.move_alias("model", "digits", "champion", 2, user="bob", expected=1)
    assert store.verify_audit() == []


def test_both_kinds_of_database_have_the_same_tables(fresh: Database) -> None:
    migrate(fresh)
    with fresh.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, VERSION_TABLE}
