"""Registering from anywhere: the run's journal first, then the registry, now or when it can be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from ...entities import DatasetVersion, ModelVersion, VersionStatus
from ...errors import Unavailable
from ...wire import to_json

V = TypeVar("V", DatasetVersion, ModelVersion)


class RegistrationRecorder(Protocol):
    """The active run, as the registry sees it. Nothing here raises because of tracking trouble."""

    @property
    def id(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    def input(self, kind: str, name: str, version: int | None, digest: str) -> None:
        """Record that the run read a version."""
        ...

    def register(self, kind: str, version: dict[str, Any], alias: str | None) -> str:
        """Record a registration; its key is ``<run>/<writer>/<record number>``.

        The number is 0 when nothing could be written.
        """
        ...


class Registrar:
    """Registers versions in the name of the active run, and notes what it reads."""

    def __init__(
        self, recorder: Callable[[], RegistrationRecorder | None], replaying: Callable[[], bool]
    ) -> None:
        self._recorder = recorder
        self._replaying = replaying

    @property
    def replaying(self) -> bool:
        """Whether cells are replayed for a job: then nothing is decided."""
        return self._replaying()

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
        """Note that the active run reads ``version``."""
        run = self._recorder()
        if run is not None and not run.ended:
            run.input(kind, version.name, version.version, version.digest)
        return version


def _is_written(key: str) -> bool:
    return key.rpartition("/")[2] not in ("", "0")
