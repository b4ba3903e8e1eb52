"""Who is told of reads, and which reader is under way in a thread."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from .tables import Facts

logger = logging.getLogger(__name__)


class Sink(Protocol):
    """Whoever is told of reads; its methods are called from the threads that read, and must be quick."""

    def wants(self, path: str) -> bool:
        """Whether this absolute path is of interest at all."""
        ...

    def knows(self, path: str) -> bool:
        """Whether it was read before: then nobody has to find out again who asked for it."""
        ...

    def file(self, path: str, status: os.stat_result, reader: str, fd: int | None = None) -> None:
        """A file is read. ``fd`` is where Python has opened it; else ``status`` was taken just before."""
        ...

    def folder(self, path: str, reader: str) -> None:
        """A library was given a whole folder to read."""
        ...

    def stream(self, url: str, stream: Any, reader: str) -> None:
        """A URL was opened; its content will be read from ``stream``."""
        ...

    def url(self, url: str, reader: str) -> None:
        """A library reads a URL by itself."""
        ...

    def table(self, names: Sequence[str], facts: Facts) -> None:
        """What these paths and URLs turned out to hold."""
        ...

    def writes(self, path: str) -> None:
        """A file is about to be written."""
        ...


class Call:
    """A call of a reader that is under way in one thread; what it opens is read on its behalf."""

    __slots__ = ("muted", "names", "reader", "sink", "streamed", "urls")

    def __init__(self, sink: Sink, reader: str, *, muted: bool = False) -> None:
        self.sink, self.reader, self.muted = sink, reader, muted
        self.names: list[str] = []
        self.urls: list[str] = []
        self.streamed = False


_watching: tuple[Sink, ...] = ()
_current: ContextVar[Sink | None] = ContextVar("jupyter_mlops_reads", default=None)
_threads = threading.local()


def add(sink: Sink) -> Sink | None:
    """Tell ``sink`` from now on what this context reads; returns whom it was told to until now."""
    global _watching
    _watching = (*_watching, sink)
    before = _current.get()
    _current.set(sink)
    return before


def remove(sink: Sink, before: Sink | None) -> None:
    """Tell it nothing more."""
    global _watching
    _watching = tuple(each for each in _watching if each is not sink)
    if _current.get() is sink:
        _current.set(before)


def forget_all() -> None:
    """In a forked child: the sinks are its parent's."""
    global _watching
    _watching = ()
    _threads.__dict__.clear()


def any_watching() -> bool:
    return bool(_watching)


def sink_here() -> Sink | None:
    """Whom to tell in this context; a thread without one of its own tells the sink that came last."""
    watching = _watching
    if not watching:
        return None
    current = _current.get()
    if current is None:
        return watching[-1]
    return current if current in watching else None


def is_watched(sink: Sink) -> bool:
    return sink in _watching


def calls() -> list[Call]:
    """The readers under way in this thread, the innermost last."""
    found: list[Call] | None = getattr(_threads, "calls", None)
    if found is None:
        found = _threads.calls = []
    elif found and not is_watched(found[0].sink):  # an interrupt came between a call and its end
        found.clear()
    return found


class _Quietly:
    """Nothing that goes wrong with watching may reach the user's code."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, Exception):
            logger.debug("A read was not recorded", exc_info=error)
            return True
        return False


quietly = _Quietly()
