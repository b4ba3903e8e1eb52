"""Migrations: the tables they make, what they cost, and many first opens at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event, inspect, text

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.store import migrations
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import HEAD, REVISIONS, VERSION_TABLE, migrate
from jupyter_mlops.store.registry_tables import metadata


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
