"""Bring the registry's database to the present tables.

To change them: edit ``store/registry_tables.py``, add ``versions/r<number>_<word>.py`` and its number to
``REVISIONS``; never edit a revision that was released. ``tests/integration/test_migrations.py`` compares
the two.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from ...errors import Unavailable
from ..database import Database

REVISIONS = ("0001", "0002", "0003", "0004")
HEAD = REVISIONS[-1]
VERSION_TABLE = "jupyter_mlops_revision"

LOCK = 7_305_807_120
"""An arbitrary number that is ours among PostgreSQL's advisory locks of one database."""


def migrate(database: Database) -> None:
    """Create or upgrade the tables; one SELECT when there is nothing to do. Any number may call it at once.

    Raises Unavailable when the database is of a later version of this package.
    """
    database.keep_prepared(_bring_up)


def _bring_up(database: Database) -> None:
    if _revision(database) == HEAD:
        return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        _upgrade(connection)


def _revision(database: Database) -> str | None:
    try:
        with database.read() as connection:
            found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    except (ProgrammingError, Unavailable):  # no such table; what else is wrong shows in the upgrade
        return None
    if found not in (None, *REVISIONS):
        raise Unavailable(
            f"The registry {database.url!r} was changed by a later version of jupyter-mlops "
            f"(revision {found}, this one knows {HEAD}). Upgrade: pip install -U jupyter-mlops"
        )
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
