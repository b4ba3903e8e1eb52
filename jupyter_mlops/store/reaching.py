"""The registry's databases as their stores use them, and what is said where one cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from ..errors import InvalidInput, MissingPackage, Unavailable
from .database import Database
from .migrations import migrate


class LazyDatabase:
    """A database that is opened, and given its tables by ``prepare``, when it is first used."""

    def __init__(
        self, database: Database | Callable[[], Database], *, prepare: Callable[[Database], None] = migrate
    ) -> None:
        self._given = database
        self._prepare = prepare
        self._opened: Database | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Raises Unavailable."""
        with _reachable(), self._open().read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction. Raises Unavailable, and InvalidInput for what the registry cannot hold."""
        with _reachable(), self._open().write() as connection:
            yield connection

    def _open(self) -> Database:
        if self._opened is None:
            database = self._given if isinstance(self._given, Database) else self._given()
            self._prepare(database)
            self._opened = database
        return self._opened


@contextmanager
def _reachable() -> Iterator[None]:
    """Without its driver or folder it is as if the database were away; what it cannot hold is refused."""
    try:
        yield
    except IntegrityError as error:
        raise InvalidInput(f"The registry cannot hold that: {error.orig}.") from error
    except (MissingPackage, OSError) as error:
        raise Unavailable(
            f"The registry cannot be reached: {error}. Check it with: jupyter mlops doctor"
        ) from error
