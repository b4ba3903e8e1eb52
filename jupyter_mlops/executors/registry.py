"""The executors that there are: this package's own, and those that others add by entry point.

An entry point of the group ``jupyter_mlops.executors`` is named as people type it after ``--on`` and loads a
callable that takes ``config.Settings`` and returns a ``protocols.jobs.Machine`` or ``Cluster``.
"""

from __future__ import annotations

import logging
import threading
import time
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
LONGEST_NAME = 32
"""What the queue's tables keep of a name."""
TRY_AGAIN_S = 1.0
"""How long what was in the way of making one is taken to be there still."""

logger = logging.getLogger(__name__)


class Executors(Mapping[str, Executor]):
    """All executors by name; each is made when it is first asked for. May be used by several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Executor] = {}
        self._failed: dict[str, tuple[float, MlopsError]] = {}
        self._lock = threading.RLock()

    def __getitem__(self, name: str) -> Executor:
        """Raises KeyError for an unknown name.

        One that cannot be made raises what it says of that itself (MissingPackage, InvalidInput or any
        other MlopsError), else Unavailable.
        """
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make_now_and_then(name)
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
        for name in sorted(added):
            if why := _unusable(name):
                logger.warning("The executor %r of %s is left out: %s.", name, added[name].value, why)
                del added[name]
        return added

    def _make_now_and_then(self, name: str) -> Executor:
        """Who asks for each of ten thousand jobs has it tried once."""
        until, known = self._failed.get(name, (float("-inf"), None))
        if known is not None and time.monotonic() < until:
            raise known.with_traceback(None)
        try:
            made = self._make(name)
        except MlopsError as error:
            self._failed[name] = (time.monotonic() + TRY_AGAIN_S, error)
            raise
        self._failed.pop(name, None)
        return made

    def _make(self, name: str) -> Executor:
        where = ".".join(OWN[name]) if name in OWN else self._added[name].value
        try:
            made = self._loaded(name)(self._settings)
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

    def _loaded(self, name: str) -> Callable[[Settings], Executor]:
        """What makes it."""
        if name not in OWN:
            others: Callable[[Settings], Executor] = self._added[name].load()
            return others
        module, attribute = OWN[name]
        own: Callable[[Settings], Executor] = getattr(import_module(f".{module}", __package__), attribute)
        return own


def _unusable(name: str) -> str:
    """Why another's executor cannot have this name; empty when it can."""
    if name in OWN:
        return "an executor of this package has this name"
    if len(name) > LONGEST_NAME:
        return f"its name is longer than {LONGEST_NAME} characters"
    return ""


def lacking(executor: object) -> list[str]:
    """What of its protocol an executor does not have."""
    kind = Cluster if getattr(executor, "keeps_queue", True) else Machine
    wanted = {name for each in kind.__mro__ for name in vars(each) if not name.startswith("_")}
    return sorted(name for name in wanted if not hasattr(executor, name))
