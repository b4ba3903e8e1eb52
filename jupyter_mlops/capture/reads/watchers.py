"""What is done at each call of a watched function."""

from __future__ import annotations

import glob
import os
import stat
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from . import points
from .points import Point
from .scope import asked_for, is_data
from .sinks import Call, Sink, calls, is_watched, quietly, sink_here
from .swaps import WatchedCallable, Watcher
from .tables import facts_of
from .urls import is_url, local_path

MAX_ARGUMENTS = 1000
MAX_PATH = 4096
_WRITING = frozenset("wax")


def watcher_of(point: Point) -> Watcher:
    """Who watches a function that was swapped."""
    return _WATCHERS[point.kind](point.reader)


def replacement_of(point: Point, function: Callable[..., Any]) -> WatchedCallable:
    """What stands in for a function that cannot be swapped."""
    if point.kind == points.BUILTIN_OPEN:
        return WatchedCallable(_watched_open(function), function, "_io:open")
    watcher = watcher_of(point)
    return WatchedCallable(_watched_builtin(function, watcher), function, f"{point.module}:{point.path}")


class Reading:
    """Watches a reader: what it was given, and what it returned."""

    def __init__(self, reader: str) -> None:
        self._reader = reader

    def enter(self, value: Any) -> Call | None:
        return self.enter_from(sys._getframe(1), value)

    def enter_from(self, frame: FrameType, value: Any) -> Call | None:
        """Begin a call; None for one within another reader, which counts as a part of that."""
        with quietly:
            sink, under_way = sink_here(), calls()
            if sink is None:
                return None
            if under_way:
                if not under_way[-1].muted:
                    _note_argument(under_way[-1], value)
                return None
            call = Call(sink, self._reader, muted=asked_for(frame) is None)
            if not call.muted:
                _note_argument(call, value)
            under_way.append(call)
            return call
        return None

    def leave(self, call: Call | None, result: Any) -> Any:
        if call is not None:
            self._finish(call, result)
        return result

    def fail(self, call: Call | None) -> None:
        if call is not None:
            self._finish(call, None)

    def _finish(self, call: Call, result: Any) -> None:
        with quietly:
            under_way = calls()
            if call in under_way:
                del under_way[under_way.index(call) :]
            if call.muted or not is_watched(call.sink):
                return
            if not call.streamed:
                for url in call.urls:
                    call.sink.url(url, call.reader)
            facts = facts_of(result)
            if facts is not None:
                call.sink.table([*call.names, *call.urls], facts)


class Writing:
    """Watches a writer: what is written is not data that comes from elsewhere."""

    def __init__(self, reader: str) -> None:
        self._reader = reader

    def enter(self, value: Any) -> None:
        self.enter_from(sys._getframe(1), value)

    def enter_from(self, frame: FrameType, value: Any) -> None:
        with quietly:
            sink = sink_here()
            if sink is not None and isinstance(value, (str, os.PathLike)):
                path = _local(os.fspath(value))
                if path is not None:
                    sink.writes(path)

    def leave(self, call: None, result: Any) -> Any:
        return result

    def fail(self, call: None) -> None:
        return None


class Opening:
    """Watches what opens a URL and returns a stream of its content."""

    def __init__(self, reader: str) -> None:
        self._reader = reader

    def enter(self, *opened: Any) -> tuple[Sink, str, str, Call | None] | None:
        with quietly:
            sink, under_way = sink_here(), calls()
            if sink is None or (under_way and under_way[-1].muted):
                return None
            url = self._url(*opened)
            if url is None:
                return None
            outer = under_way[-1] if under_way else None
            if outer is not None:
                return sink, url, outer.reader, outer
            via = asked_for(sys._getframe(1))
            return None if via is None else (sink, url, self._reader, None)
        return None

    def leave(self, call: tuple[Sink, str, str, Call | None] | None, stream: Any) -> Any:
        if call is not None:
            with quietly:
                self._opened(*call, stream)
        return stream

    def fail(self, call: Any) -> None:
        return None

    def _opened(self, sink: Sink, url: str, reader: str, outer: Call | None, stream: Any) -> None:
        if not is_watched(sink) or not _is_read(stream):
            return
        if outer is not None:
            outer.streamed = True
            outer.names.append(url)
        sink.stream(url, stream, reader)

    def _url(self, request: Any) -> str | None:
        """The URL that ``urlopen`` was given; files and data within the URL are none."""
        url = getattr(request, "full_url", request)
        return url if isinstance(url, str) and not url.startswith(("file:", "data:")) else None


class FileSystemOpening(Opening):
    """Watches ``open`` of fsspec's file systems; local files are opened by Python's own ``open``."""

    def _url(self, file_system: Any, path: Any = None) -> str | None:
        protocol = getattr(file_system, "protocol", "")
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        if names & {"file", "local"} or not isinstance(path, str):
            return None
        return str(file_system.unstrip_protocol(file_system._strip_protocol(path)))


_WATCHERS: dict[str, Callable[[str], Watcher]] = {
    points.READ: Reading,
    points.WRITE: Writing,
    points.URL: Opening,
    points.FILE_SYSTEM: FileSystemOpening,
}


def _is_read(stream: Any) -> bool:
    """Whether a stream is the content itself; text and decompression lie around another one."""
    mode = getattr(stream, "mode", "rb")
    return not hasattr(stream, "buffer") and (not isinstance(mode, str) or "r" in mode)


def _watched_builtin(function: Callable[..., Any], watcher: Any) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        at = 1 if isinstance(watcher, Writing) else 0
        value = args[at] if len(args) > at else next(iter(kwargs.values()), None)
        call = watcher.enter_from(sys._getframe(2), value)
        try:
            result = function(*args, **kwargs)
        except BaseException:
            watcher.fail(call)
            raise
        return watcher.leave(call, result)

    return watched


def _watched_open(function: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*args: Any, **kwargs: Any) -> Any:
        sink = sink_here()
        if sink is None:
            return function(*args, **kwargs)
        file = args[0] if args else kwargs.get("file")
        mode = args[1] if len(args) > 1 else kwargs.get("mode", "r")
        writing = isinstance(mode, str) and not _WRITING.isdisjoint(mode)
        if writing:
            _note_written(sink, file)
        opened = function(*args, **kwargs)
        if not writing:
            _note_opened(sink, file, opened, sys._getframe(2))
        return opened

    return watched


def _note_written(sink: Sink, file: Any) -> None:
    with quietly:
        path = _local(file)
        if path is not None:
            sink.writes(path)


def _note_opened(sink: Sink, file: Any, opened: Any, frame: FrameType) -> None:
    """``open`` has opened a file for reading, for the user's code or for a reader under way."""
    with quietly:
        under_way = calls()
        outer = under_way[-1] if under_way else None
        if outer is not None and outer.muted:
            return
        path = _local(file)
        if path is None or not is_data(path) or not sink.wants(path):
            return
        via = ""
        if outer is None and not sink.knows(path):
            asked = asked_for(frame)
            if asked is None:
                return
            via = asked
        fd = opened.fileno()
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode):
            sink.file(path, status, outer.reader if outer is not None else via or "open", fd)
            if outer is not None:
                outer.names.append(path)


def _local(file: Any) -> str | None:
    """The absolute path; None for a file descriptor and anything else that is no path."""
    if not isinstance(file, (str, bytes, os.PathLike)):
        return None
    path = os.fspath(file)
    return os.path.abspath(os.fsdecode(path))


def _note_argument(call: Call, value: Any) -> None:
    """What a reader was given: a path, a URL, a pattern, an open file, or a list of them."""
    if isinstance(value, (list, tuple)):
        for each in value[:MAX_ARGUMENTS]:
            _note_argument(call, each)
    elif isinstance(value, (str, bytes, os.PathLike)):
        _note_text(call, os.fsdecode(value))
    elif hasattr(value, "read") and isinstance(name := getattr(value, "name", None), (str, bytes)):
        _note_path(call, os.fsdecode(name))


def _note_text(call: Call, text: str) -> None:
    if len(text) > MAX_PATH or "\0" in text or "\n" in text:  # JSON or HTML itself
        return
    if is_url(text):
        local = local_path(text)
        if local is None:
            if text not in call.urls:
                call.urls.append(text)
            return
        text = local
    if _note_path(call, text) or _note_path(call, os.path.expanduser(text)):
        return
    if glob.has_magic(text):
        for path in sorted(glob.glob(os.path.expanduser(text), recursive=True))[:MAX_ARGUMENTS]:
            _note_path(call, path)


def _note_path(call: Call, text: str) -> bool:
    """Whether there is a file or folder."""
    path = os.path.abspath(text)
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return False
    if not is_data(path) or not call.sink.wants(path):
        return True
    if stat.S_ISREG(status.st_mode):
        call.sink.file(path, status, call.reader)
        call.names.append(path)
    elif stat.S_ISDIR(status.st_mode):
        call.sink.folder(path, call.reader)
        call.names.append(path)
    return True
