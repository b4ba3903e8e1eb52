"""The sources of the user's own modules that no commit and no patch holds."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

from ...capture.git import Repository, repository_of, tracked_among
from ...capture.modules import ImportedModules, SourceModule
from ...capture.redact import redact_source
from ...protocols.blobs import Blob

ALL_TOGETHER = 10
"""How many times the cap of one source all of them may take together."""

Mark = tuple[int, int, int]


class Sink(Protocol):
    """Where blobs go."""

    def put_blob(self, data: bytes) -> Blob | None: ...


class UserModules:
    """Finds them, and stores each once as long as its file does not change."""

    def __init__(self, cap_bytes: int) -> None:
        self._cap_bytes = cap_bytes
        self._imported = ImportedModules()
        self._kept: dict[str, tuple[Mark, dict[str, Any]]] = {}
        self._tracked: dict[Path, tuple[Mark, dict[str, bool]]] = {}
        self._looking = threading.Lock()
        self._storing = threading.Lock()

    def count(self) -> int:
        """How many modules of the user's own are imported by now.

        Costs little when asked again, and does not wait while sources are stored.
        """
        return len(self._look())

    def describe(self, sink: Sink, repository: Repository | None, *, patched: bool) -> list[dict[str, Any]]:
        """The context's ``modules``: ``name path digest size_bytes``, and whether the source was ``cut``.

        What git tracks in ``repository`` is in its commit and, when it was ``patched`` whole, the patch. Of
        sources beyond the caps the beginning, then nothing is stored: their ``digest`` is empty.
        """
        modules = self._look()
        with self._storing:
            if repository is not None and patched:
                tracked = self._tracked_in(repository, modules)
                modules = [each for each in modules if each.path not in tracked]
            return self._stored(sink, modules)

    def _look(self) -> list[SourceModule]:
        with self._looking:
            return self._imported.look()

    def _stored(self, sink: Sink, modules: Iterable[SourceModule]) -> list[dict[str, Any]]:
        left = ALL_TOGETHER * self._cap_bytes
        found = []
        for module in modules:
            room = min(left, self._cap_bytes)
            entry = self._entry(sink, module, room)
            if entry is not None:
                left -= min(entry["size_bytes"], room) if entry["digest"] else 0
                found.append(entry)
        return found

    def _entry(self, sink: Sink, module: SourceModule, room: int) -> dict[str, Any] | None:
        """None for a file that cannot be read, or is gone: the process runs what it has read before."""
        try:
            status = os.stat(module.path)
            mark = (status.st_ino, status.st_size, status.st_mtime_ns)
            known = self._kept.get(module.path)
            if known is not None and known[0] == mark and status.st_size <= room:
                return known[1]
            source = Path(module.path).read_bytes() if room else b""
        except OSError:
            known = self._kept.get(module.path)
            return None if known is None else known[1]
        shown = redact_source(source[:room].decode("utf-8", "surrogateescape"))
        blob = sink.put_blob(shown.encode("utf-8", "surrogateescape")) if source else None
        entry = {
            "name": module.name,
            "path": module.path,
            "digest": "" if blob is None else blob.digest,
            "size_bytes": status.st_size,
            "cut": status.st_size > room,
        }
        if blob is not None and not entry["cut"]:
            self._kept[module.path] = mark, entry
        return entry

    def _tracked_in(self, repository: Repository, modules: list[SourceModule]) -> set[str]:
        """The real paths of those that git tracks; asked anew when the index has changed."""
        root = os.path.realpath(repository.root)
        mark = repository.index_mark()
        before = self._tracked.get(repository.root)
        known = before[1] if before is not None and before[0] == mark else {}
        own = {
            each.path: os.path.relpath(each.path, root)
            for each in modules
            if each.path.startswith(root + os.sep) and _is_of(repository, each.path)
        }
        unknown = [path for path in own if path not in known]
        if unknown:
            answer = tracked_among(repository, [own[path] for path in unknown])
            if answer is None:
                return set()
            known |= {path: own[path].replace(os.sep, "/") in answer for path in unknown}
            self._tracked = {repository.root: (mark, known)}
        return {path for path in own if known[path]}


def _is_of(repository: Repository, path: str) -> bool:
    """Whether a file below the root is of this repository, and not of one inside it (a submodule)."""
    inner = repository_of(Path(path).parent)
    return inner is not None and os.path.realpath(inner.root) == os.path.realpath(repository.root)
