"""Profiles of contents in a SQL database."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, insert, select

from ..entities import Profile
from ..wire import from_json, to_json
from .database import Database
from .reaching import LazyDatabase
from .registry_tables import profiles
from .texts import without_nul


class SqlProfileStore:
    """A ``ProfileStore``. Nothing is opened before the first call."""

    def __init__(self, database: Callable[[], Database]) -> None:
        self._database = LazyDatabase(database)

    def get(self, digest: str, *, format: int) -> Profile | None:
        query = select(profiles.c.entity).where(profiles.c.digest == digest, profiles.c.format == format)
        with self._database.read() as connection:
            entity = connection.scalar(query)
        return None if entity is None else from_json(entity, Profile)

    def put(self, profile: Profile, *, format: int) -> None:
        row = {
            "digest": profile.digest,
            "status": profile.status.value,
            "format": format,
            "computed_at": profile.computed_at,
            "entity": without_nul(to_json(profile)),
        }
        with self._database.write() as connection:
            connection.execute(delete(profiles).where(profiles.c.digest == profile.digest))
            connection.execute(insert(profiles).values(row))
