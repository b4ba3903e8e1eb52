"""Registering from anywhere: the run's journal first, then the registry, now or when it can be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ...capture.loaded import note_read
from ...entities import DatasetVersion, ModelVersion, VersionRef, VersionStatus
from ...errors import Unavailable
from ...wire import to_json

V = TypeVar("V", DatasetVersion, ModelVersion)


class RegistrationRecorder(Protocol):
    """The active run, as the registry sees it. Nothing here raises because of tracking trouble."""

    @property
    def id(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    @property
    def job_id(self) -> str | None: ...

    @property
    def made_in(self) -> str | None:
        """The notebook's path."""
        ...

    @property
    def versions_read(self) -> list[VersionRef]:
        """The versions that this process has read in the run so far."""
        ...

    def code(self) -> str:
        """What the run executes, without its secrets; empty where that is not known."""
        ...

    def input(self, kind: str, name: str, version: int | None, digest: str) -> None:
        """Record that the run read a version."""
        ...

    def register(self, kind: str, version: dict[str, Any], alias: str | None) -> str:
        """Record a registration; its key is ``<run>/<writer>/<record number>``.

        The number is 0 when nothing could be written.
        """
        ...


class NumberModel(Protocol):
    """Gives a model version its number, and the alias where roles and gates allow it."""

    def __call__(
        self, version: ModelVersion, *, alias: str | None = None, key: str | None = None
    ) -> ModelVersion: ...


class NumberDataset(Protocol):
    """Gives a dataset version its number, and the alias where roles allow it."""

    def __call__(
        self, version: DatasetVersion, *, alias: str | None = None, key: str | None = None
    ) -> DatasetVersion: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What the active run says of where a version comes from."""

    job_id: str | None = None
    notebook: str | None = None
    datasets: list[VersionRef] = field(default_factory=list)
    code: str = ""


class Registrar:
    """Registers versions in the name of the active run, and notes what it reads."""

    def __init__(
        self,
        recorder: Callable[[], RegistrationRecorder | None],
        replaying: Callable[[], bool],
        home: Path,
    ) -> None:
        self._recorder = recorder
        self._replaying = replaying
        self._home = home

    @property
    def replaying(self) -> bool:
        """Whether cells are replayed for a job: then nothing is decided."""
        return self._replaying()

    def links(self) -> Links:
        """Of the active run; empty outside of one."""
        run = self._recorder()
        if run is None:
            return Links()
        datasets = [each for each in run.versions_read if each.kind == "dataset"]
        return Links(job_id=run.job_id, notebook=run.made_in, datasets=datasets, code=run.code())

    def register(
        self,
        kind: str,
        version: V,
        *,
        alias: str | None = None,
        existing: Callable[[], V | None],
        add: Callable[[V, str | None], V],
    ) -> V:
        """Number ``version`` by ``add(version, key)``.

        While cells are replayed nothing is registered: it is the ``existing`` version then, as an input
        of the run, or stays pending. In a run it also stays pending when the registry cannot be reached:
        whoever ingests the run's journal applies it. Outside of a run Unavailable is raised.
        """
        if self.replaying:
            found = existing()
            return version if found is None else self.read(kind, found)
        run = self._recorder()
        version = replace(version, run_id=run.id if run else None)
        if run is None or run.ended:
            return add(version, None)
        key = run.register(kind, to_json(version), alias)
        if not _is_written(key):
            return add(version, None)
        try:
            return add(version, key)
        except Unavailable:
            return replace(version, status=VersionStatus.PENDING)

    def read(self, kind: str, version: V) -> V:
        """Note that the active run reads ``version``, and the running code: later runs may depend on it."""
        ref = VersionRef(kind=kind, name=version.name, version=version.version, digest=version.digest)
        note_read(ref, self._home)
        run = self._recorder()
        if run is not None and not run.ended:
            run.input(kind, version.name, version.version, version.digest)
        return version


def _is_written(key: str) -> bool:
    return key.rpartition("/")[2] not in ("", "0")
