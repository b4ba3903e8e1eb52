"""Real registries in temporary homes, for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import VersionRef
from jupyter_mlops.journal.records import Register
from jupyter_mlops.protocols.registry import RegistryStore
from jupyter_mlops.services.registry.guarding import DatasetGuard
from jupyter_mlops.services.registry.service import RegistryService
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.registry import SqlRegistryStore

RUN = "01hzzzzzzzzzzzzzzzzzzzzzz1"


@dataclass
class RecordedRun:
    """A run that keeps what is recorded on it."""

    id: str = RUN
    ended: bool = False
    writes: bool = True
    inputs: list[tuple[str, str, int | None, str]] = field(default_factory=list)
    registered: list[tuple[str, Register]] = field(default_factory=list)
    job_id: str | None = None
    made_in: str | None = None
    source: str = ""

    @property
    def versions_read(self) -> list[VersionRef]:
        return [
            VersionRef(kind=kind, name=name, version=version, digest=digest)
            for kind, name, version, digest in self.inputs
        ]

    def code(self) -> str:
        return self.source

    def input(self, kind: str, name: str, version: int | None, digest: str) -> None:
        self.inputs.append((kind, name, version, digest))

    def register(self, kind: str, version: dict[str, Any], alias: str | None) -> str:
        if not self.writes:
            return f"{self.id}/writer/0"
        key = f"{self.id}/writer/{len(self.registered) + 1}"
        self.registered.append((key, Register(kind=kind, version=version, alias=alias)))
        return key


@dataclass
class Registry:
    """A service, its parts, and the switches that a test turns."""

    settings: Settings
    store: RegistryStore
    blobs: LocalBlobStore
    run: RecordedRun | None = None
    replaying: bool = False
    now: float = 1000.0
    guard: DatasetGuard | None = None

    def __post_init__(self) -> None:
        self.service = RegistryService(
            self.store,
            self.blobs,
            self.settings,
            recorder=lambda: self.run,
            replaying=lambda: self.replaying,
            guard=lambda: self.guard,
            clock=lambda: self.now,
        )


def settings_in(home: Path, *, user: str = "ada", trusted_users: tuple[str, ...] = ()) -> Settings:
    return Settings(
        home=home,
        runtime_dir=home / "runtime",
        leases_dir=home / "leases",
        user=user,
        trusted_users=trusted_users,
    )


def open_registry(
    home: Path,
    *,
    user: str = "ada",
    trusted_users: tuple[str, ...] = (),
    database: Path | None = None,
    blobs: Path | None = None,
    wrap: Callable[[RegistryStore], RegistryStore] = lambda store: store,
) -> Registry:
    """A registry of ``home``; ``database`` and ``blobs`` may be shared with another home."""
    store = SqlRegistryStore(Database(sqlite_url(database or home / "registry.sqlite")))
    return Registry(
        settings_in(home, user=user, trusted_users=trusted_users),
        wrap(store),
        LocalBlobStore(blobs or home / "blobs"),
    )
