"""Databases, stores and blobs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Unavailable, Unsupported

if TYPE_CHECKING:
    from ..protocols.blobs import BlobStore
    from ..protocols.jobs import JobStore
    from ..protocols.registry import RegistryStore
    from ..protocols.runs import RunIndex
    from ..protocols.schedules import ScheduleStore
    from ..protocols.sealing import SealStore
    from ..protocols.sweeps import SweepStore
    from ..protocols.usage import AttemptStore
    from ..store.database import Database
    from . import Workspace


def blobs(workspace: Workspace) -> BlobStore:
    # made here, where all that writes passes by: parents made by mkdir would be open to others
    with contextlib.suppress(OSError):
        workspace.settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    local = workspace.settings.home / "blobs"
    if workspace.settings.blobs:
        from ..artifacts.remote import FsspecBlobStore

        return FsspecBlobStore(workspace.settings.blobs, cache=local)
    from ..artifacts.local import LocalBlobStore

    return LocalBlobStore(local)


def local_blobs(workspace: Workspace) -> BlobStore:
    """The blobs on this machine: all of them, or copies of the team's."""
    if not workspace.settings.blobs:
        return workspace.blobs
    from ..artifacts.local import LocalBlobStore

    return LocalBlobStore(workspace.settings.home / "blobs")


@contextlib.contextmanager
def fetching(workspace: Workspace) -> Iterator[Callable[[str], None]]:
    """A way to read a content of the team's blobs whole, of which nothing stays here."""
    if not workspace.settings.blobs:
        yield lambda digest: None
        return
    from ..artifacts.remote import FsspecBlobStore

    with tempfile.TemporaryDirectory(prefix="mlops-fetched-") as folder:
        store = FsspecBlobStore(workspace.settings.blobs, cache=Path(folder))
        yield lambda digest: store.path(digest).unlink(missing_ok=True)


def travelled(workspace: Workspace) -> Path | None:
    """What a job has of the registry that runs where there is none; None anywhere else."""
    path = workspace.settings.home / "registered.json"
    return path if path.exists() else None


def registry_store(workspace: Workspace) -> RegistryStore:
    if workspace._travelled is not None:
        from ..services.registry.travelling import TravellingStore

        return TravellingStore(workspace._travelled)
    from ..store.registry import SqlRegistryStore

    # opened by its first call: a version can be registered, pending, where no registry can be reached
    return SqlRegistryStore(lambda: workspace._registry_database, clock=workspace.clock)


def job_store(workspace: Workspace) -> JobStore:
    from ..store.jobs import SqlJobStore

    return SqlJobStore(workspace._registry_database)


def attempt_store(workspace: Workspace) -> AttemptStore:
    from ..store.usage import SqlAttemptStore

    return SqlAttemptStore(workspace._registry_database)


def schedule_store(workspace: Workspace) -> ScheduleStore:
    from ..store.schedules import SqlScheduleStore

    return SqlScheduleStore(workspace._registry_database)


def sweep_store(workspace: Workspace) -> SweepStore:
    from ..store.sweeps import SqlSweepStore

    return SqlSweepStore(workspace._registry_database)


def registry_database(workspace: Workspace) -> Database:
    if workspace._travelled is not None:
        raise Unsupported(
            "This job runs where its home cannot be reached: it cannot submit, list or cancel jobs."
        )
    from ..store.database import Database, sqlite_url
    from ..store.migrations import migrate

    database = Database(
        workspace.settings.database or sqlite_url(workspace.settings.home / "registry.sqlite")
    )
    migrate(database)
    return database


def index_database(workspace: Workspace) -> Database:
    from ..store.database import Database, sqlite_url
    from ..store.index_location import index_path

    return Database(workspace.settings.database or sqlite_url(index_path(workspace.settings.home)))


def online_database(workspace: Workspace) -> Database:
    """Beside the registry: it only repeats what is in there, and is read far more often."""
    from ..store.database import Database, sqlite_url

    workspace._features_database()
    return Database(workspace.settings.database or sqlite_url(workspace.settings.home / "online.sqlite"))


def features_database(workspace: Workspace) -> Database:
    if workspace._travelled is not None:
        raise Unavailable(
            "Feature views cannot be reached from here: this job runs where the registry is not. Give the "
            "training set a name at home, training_set(..., save_as='name'), and load that dataset here."
        )
    return workspace._registry_database


def home_in_team(workspace: Workspace) -> str:
    """What tells this home from others that push to the same index; empty where there is only this one."""
    if not workspace.settings.database or workspace._travelled is not None:
        return ""
    from ..ownership import workspace_id

    return workspace_id(workspace.settings.home)


def seals(workspace: Workspace) -> SealStore | None:
    """What was sealed, where a team shares a database."""
    if not workspace._home_in_team:
        return None
    from ..store.sealing import SqlSealStore

    return SqlSealStore(lambda: workspace._registry_database)


def index(workspace: Workspace) -> RunIndex:
    from ..store.index import SqlRunIndex

    return SqlRunIndex(workspace._index_database, reader=workspace._home_in_team)
