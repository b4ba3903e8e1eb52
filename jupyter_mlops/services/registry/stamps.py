"""What published files looked like, to see cheaply later whether somebody has written to them.

The note of a file or folder has its inode's number for a name: it may be written before what it tells of is
renamed to its place, so that nobody sees the one without the other. Notes lie apart from the contents, in
which nothing may lie beside what was registered.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

STAMPS = ".stamps"
LEFT_OUT = "__pycache__"
"""Made beside a model's modules by loading it, where the user is root and nothing is read-only to him."""

Stamp = list[int | None]
"""Size and time of the last change; no time of hard links, whose blobs' ages are renewed by it."""


class Stamps:
    """``<root>/.stamps/<digest>/<inode>``: JSON, the stamp of each file by its relative path."""

    def __init__(self, root: Path) -> None:
        self._root = root / STAMPS

    def keep(self, digest: str, path: Path) -> None:
        """Remember what a file or folder looks like that is about to be published."""
        note = self._note(digest, path)
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(_listing(path)), encoding="ascii")

    def hold(self, digest: str, path: Path) -> bool:
        """Whether it is there and looks as it did."""
        try:
            then = json.loads(self._note(digest, path).read_bytes())
            now = _listing(path)
        except (OSError, ValueError):
            return False
        return then.keys() == now.keys() and all(_same(then[name], now[name]) for name in now)

    def forget(self, digest: str, path: Path) -> None:
        with suppress(OSError):
            self._note(digest, path).unlink()

    def _note(self, digest: str, path: Path) -> Path:
        return self._root / digest / str(path.lstat().st_ino)


def is_root() -> bool:
    """Whether read-only files are no obstacle to this process."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _listing(path: Path) -> dict[str, Stamp]:
    """By relative path; that of a folder ends in "/"."""
    seen = path.lstat()
    if not stat.S_ISDIR(seen.st_mode):
        return {"": _stamp(seen)}
    found: dict[str, Stamp] = {}
    pending = [(os.fspath(path), "")]
    while pending:
        folder, prefix = pending.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                name = prefix + entry.name
                if not entry.is_dir(follow_symlinks=False):
                    found[name] = _stamp(entry.stat(follow_symlinks=False))
                elif entry.name != LEFT_OUT:
                    found[f"{name}/"] = []
                    pending.append((entry.path, f"{name}/"))
    return found


def _stamp(seen: os.stat_result) -> Stamp:
    return [seen.st_size, seen.st_mtime_ns if seen.st_nlink < 2 else None]


def _same(then: Stamp, now: Stamp) -> bool:
    if then[1:] == [None]:
        return then[:1] == now[:1] and not is_root()
    return then == now or (then[:1] == now[:1] and now[1:] == [None])
