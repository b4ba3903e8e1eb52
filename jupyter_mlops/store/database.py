"""Opening a database and its two kinds of transaction."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)

from ..config import DATABASE
from ..errors import InvalidInput, MissingPackage, Unavailable

BUSY_TIMEOUT_S = 30.0
WAL_RETRY_S = 0.02
CACHE_KIB = 64 * 1024
"""SQLite's own 2 MiB would be read and written again for every thousand runs that are taken in."""
CHECKPOINT_PAGES = 8192
"""Of 4 KiB: with SQLite's own 1,000 each batch of a large ingest would wait for the disk."""

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


class Database:
    """An engine; ``read`` and ``write`` are its transactions.

    On SQLite a write begins IMMEDIATE, so that two writers queue instead of deadlocking on an
    upgrade (https://www.sqlite.org/lang_transaction.html); other databases use their default.
    """

    def __init__(self, url: str | URL) -> None:
        self.url = _parsed(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            _make_folder(Path(self.url.database))
        self._prepare: Callable[[Database], None] | None = None
        self._prepared_file: int | None = None
        self._opened_file: int | None = None
        self._lock = threading.RLock()
        self.engine = self._create_engine()
        _engines.add(self.engine)

    def _create_engine(self) -> Engine:
        if not self.is_sqlite:
            with _driver_of(self.url):
                return create_engine(self.url, pool_pre_ping=True)
        engine = create_engine(self.url, connect_args={"timeout": BUSY_TIMEOUT_S})
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "do_connect", self._note_file)
        return engine

    def keep_prepared(self, prepare: Callable[[Database], None]) -> None:
        """Have ``prepare`` make the tables now, and again when the SQLite file was deleted or replaced.

        Who has a deleted file open goes on reading and writing it, and nobody else sees that.
        """
        with self._lock:
            self._prepare = None
            prepare(self)
            self._prepared_file = self._file()
            self._prepare = prepare

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Raises Unavailable when the database cannot be read just now."""
        self._follow_file()
        with self._usable("read"), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Commits at the end, rolls back on an exception.

        Raises Unavailable when the database cannot be written just now (a full disk, no permission, a
        lock that stays), InvalidInput for a value that it does not take.
        """
        self._follow_file()
        with self._usable("written"), self.engine.connect().execution_options(writes=True) as connection:
            with connection.begin():
                yield connection

    @contextmanager
    def _usable(self, what: str) -> Iterator[None]:
        """What the database's state or place forbids is Unavailable; what a caller did wrong is not."""
        try:
            yield
        except (IntegrityError, ProgrammingError):
            raise
        except DataError as error:
            raise InvalidInput(f"The database cannot hold that: {error.orig}") from error
        except (DBAPIError, OSError) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise Unavailable(
                f"The database {self.url.render_as_string()} cannot be {what}: {reason}."
                " Look into it with: jupyter mlops doctor"
            ) from error

    def _follow_file(self) -> None:
        if self._file() == self._prepared_file:
            return
        with self._lock:  # which the thread that prepares it holds
            prepare = self._prepare
            if prepare is None or self._file() == self._prepared_file:
                return
            self.engine.dispose()
            _make_folder(Path(self.url.database or ""))
            try:
                self.keep_prepared(prepare)
            finally:
                self._prepare = prepare

    def _file(self) -> int | None:
        """The inode of the SQLite file; None where there is none."""
        try:
            return os.stat(self.url.database).st_ino if self.is_sqlite and self.url.database else None
        except OSError:
            return None

    def _note_file(self, *_: object) -> None:
        self._opened_file = self._file()

    def set_aside_if_damaged(self, error: BaseException) -> bool:
        """Rename a SQLite file that ``error`` says is none, so that the next transaction makes a new one."""
        if not (self.is_sqlite and self.url.database and _says_damaged(error)):
            return False
        self.engine.dispose()
        if self._file() != self._opened_file:
            return True  # another process was first, and has made a new one
        path = Path(self.url.database)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            path.replace(f"{path}.damaged")
        return True

    def close(self) -> None:
        self.engine.dispose()


_DAMAGED = ("file is not a database", "malformed", "vtable constructor failed")


def _make_folder(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _says_damaged(error: BaseException | None) -> bool:
    """SQLITE_NOTADB or SQLITE_CORRUPT, told by their texts (https://www.sqlite.org/rescode.html), or FTS5
    tables that cannot be opened."""
    while error is not None:
        if any(text in str(error) for text in _DAMAGED):
            return True
        error = error.__cause__
    return False


def sqlite_url(path: Path) -> URL:
    """The SQLAlchemy URL of a SQLite file, whatever characters its path has."""
    return URL.create("sqlite", database=str(path))


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise InvalidInput(
            f"{DATABASE} is no database URL: {str(url)!r}. Write it like postgresql+psycopg://user@host/name."
        ) from error


@contextmanager
def _driver_of(url: URL) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"{DATABASE} ({url.render_as_string()}) wants the package {error.name!r}. Install a driver with: "
            "pip install 'jupyter-mlops[postgres]', and write the URL as postgresql+psycopg://..."
        ) from error
    except NoSuchModuleError as error:
        raise InvalidInput(f"{DATABASE} names an unknown kind of database: {error}.") from error


def _configure_sqlite(connection, _record) -> None:  # type: ignore[no-untyped-def]
    connection.isolation_level = None  # the driver must not begin transactions of its own
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        _use_wal(cursor)
    except Exception as error:
        raise Unavailable(f"The database cannot be opened: {error}") from error
    finally:
        cursor.close()


def _use_wal(cursor) -> None:  # type: ignore[no-untyped-def]
    """Switch to the write-ahead log; of several that do so at once SQLite refuses some without waiting."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(WAL_RETRY_S)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _forget_connections_in_child() -> None:
    # SQLite connections and sockets must not be used across a fork
    for engine in list(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections_in_child)
