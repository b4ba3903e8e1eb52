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
from ..errors import MlopsError, Unavailable
from ..protocols.jobs import Cluster, Executor, Machine

GROUP = "jupyter_mlops.executors"
OWN = {
    "local": ("local", "LocalExecutor"),
    "slurm": ("slurm.executor", "SlurmExecutor"),
    "ray": ("ray", "RayExecutor"),
}
"""Name, module of this package, and class."""

logger = logging.getLogger(__name__)


class Executors(Mapping[str, Executor]):
    """All executors by name; each is made when it is first asked for. May be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Executor] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Executor:
        """Raises KeyError for an unknown name, Unavailable for one that cannot be made."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**OWN, **self._added})

    def __len__(self) -> int:
        return len({**OWN, **self._added})

    def __contains__(self, name: object) -> bool:
        return name in OWN or name in self._added

    @cached_property
    def _added(self) -> dict[str, EntryPoint]:
        """Those of others; the names of this package's own are not theirs to give."""
        added = {each.name: each for each in entry_points(group=GROUP)}
        for name in sorted(set(added) & set(OWN)):
            logger.warning("The executor %r of %s is left out: it has this name.", name, added[name].value)
            del added[name]
        return added

    def _make(self, name: str) -> Executor:
        if name in OWN:
            module, attribute = OWN[name]
            own: Callable[[Settings], Executor] = getattr(import_module(f".{module}", __package__), attribute)
            return own(self._settings)
        where = self._added[name].value
        try:
            made: Executor = self._added[name].load()(self._settings)
        except MlopsError:
            raise
        except Exception as error:  # others' code may raise anything
            logger.exception("The executor %r (%s) cannot be made", name, where)
            raise Unavailable(
                f"The executor {name!r} ({where}) cannot be made: {type(error).__name__}: {error}"
            ) from error
        if missing := lacking(made):
            raise Unavailable(f"The executor {name!r} ({where}) lacks {', '.join(missing)}.")
        return made


def lacking(executor: object) -> list[str]:
    """What of its protocol an executor does not have."""
    kind = Cluster if getattr(executor, "keeps_queue", True) else Machine
    wanted = {name for each in kind.__mro__ for name in vars(each) if not name.startswith("_")}
    return sorted(name for name in wanted if not hasattr(executor, name))
