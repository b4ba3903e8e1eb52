"""Putting the hooks in while somebody watches, and taking them out after."""

from __future__ import annotations

import logging
import os
import sys
import threading
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from . import points, sinks
from .points import Point
from .sinks import Sink
from .swaps import Replacement, Swap, WatchedCallable, swappable
from .watchers import replacement_of, watcher_of

logger = logging.getLogger(__name__)


_lock = threading.Lock()
_made: dict[Point, tuple[Any, Swap | Replacement]] = {}
_in: list[Swap | Replacement] = []


def start(sink: Sink) -> Sink | None:
    """Tell ``sink`` what this context reads; returns whom it was told to until now, for :func:`stop`."""
    with _lock:
        first = not sinks.any_watching()
        before = sinks.add(sink)
        if first:
            _put_in_all()
    return before


def stop(sink: Sink, before: Sink | None = None) -> None:
    """Tell it nothing more; with the last one the hooks go."""
    with _lock:
        sinks.remove(sink, before)
        if not sinks.any_watching():
            _take_out_all()


# putting in and taking out


def _put_in_all() -> None:
    sys.meta_path.insert(0, _imports)
    for module in points.modules():
        if module in sys.modules:
            _put_in(module)


def _put_in(module: str) -> None:
    for point in points.points_of(module):
        try:
            function = point.function()
            if function is None:
                continue
            hook = _hook(point, function)
            if hook is not None:
                hook.put_in()
                _in.append(hook)
        except Exception as error:  # noqa: BLE001  a foreign module's __getattr__
            logger.debug("Reads by %s are not seen: %s", point.reader, error)


def _hook(point: Point, function: Any) -> Swap | Replacement | None:
    known = _made.get(point)
    if known is not None and known[0] is function:
        return known[1]
    made = _make(point, function)
    if made is not None:
        _made[point] = function, made
    return made


def _make(point: Point, function: Any) -> Swap | Replacement | None:
    if point.kind == points.BUILTIN_OPEN:
        if isinstance(function, WatchedCallable):
            return None
        name = point.path.rpartition(".")[2]
        return Replacement(point.owner(), name, replacement_of(point, function))
    if swappable(function):
        first = 1 if point.is_method or point.kind == points.WRITE else 0
        with_self = point.kind == points.FILE_SYSTEM
        return Swap(function, watcher_of(point), first=first, with_self=with_self)
    if callable(function) and not isinstance(function, (type, WatchedCallable)) and not point.is_method:
        return Replacement(point.owner(), point.path, replacement_of(point, function))
    return None


def _take_out_all() -> None:
    with suppress(ValueError):
        sys.meta_path.remove(_imports)
    while _in:
        _in.pop().take_out()


# libraries that are imported meanwhile


class _Imports:
    """A finder that finds nothing by itself: it adds the hooks to a module when that has been imported."""

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in points.modules() or not sinks.any_watching():
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            if finder is self or find is None:
                continue
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                if hasattr(spec.loader, "exec_module"):
                    spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """Lets the module's own loader do everything, and is gone once the module is there."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)  # type: ignore[no-any-return]

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        with _lock:
            if sinks.any_watching():
                _put_in(module.__name__)


_imports: Any = _Imports()


def _after_fork_in_child() -> None:
    """What a child process reads is not seen; its parent's sinks are not its own."""
    global _lock
    _lock = threading.Lock()
    if sinks.any_watching():
        _take_out_all()
    sinks.forget_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
