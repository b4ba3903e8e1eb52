"""The executors that there are: this package's own, and those that others add by entry point.

An entry point of the group ``jupyter_mlops.executors`` is named as people type it after ``--on`` and loads a
callable that takes ``config.Settings`` and returns a ``protocols.jobs.Machine`` or ``Cluster``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from ..config import Settings
from ..errors import Unavailable
from ..protocols.jobs import Executor

GROUP = "jupyter_mlops.executors"
OWN = {"local": ("local", "LocalExecutor")}
"""Name, module of this package, and class."""

logger = logging.getLogger(__name__)


class Executors(Mapping[str, Executor]):
    """All executors by name; each is made when it is first asked for. May be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Executor] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Executor:
        """Raises KeyError for an unknown name, Unavailable for one that cannot be loaded."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._factory(name)(self._settings)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**OWN, **self._added})

    def __len__(self) -> int:
        return len({**OWN, **self._added})

    def __contains__(self, name: object) -> bool:
        return name in OWN or name in self._added

    @cached_property
    def _added(self) -> dict[str, EntryPoint]:
        return {each.name: each for each in entry_points(group=GROUP)}

    def _factory(self, name: str) -> Callable[[Settings], Executor]:
        if name in OWN:
            module, attribute = OWN[name]
            own: Callable[[Settings], Executor] = getattr(import_module(f".{module}", __package__), attribute)
            return own
        try:
            added: Callable[[Settings], Executor] = self._added[name].load()
        except (ImportError, AttributeError) as error:
            where = self._added[name].value
            raise Unavailable(f"The executor {name!r} ({where}) cannot be loaded: {error}") from error
        return added
