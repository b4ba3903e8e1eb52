"""Many small contents in one file: a folder of 10,000 images is one file to write, sync and list, not 10,000.

``<name>.pack`` holds contents, one after the other, then an index entry for each (digest, offset and size),
sorted by digest, then the mark and their number. Its name is the digest of its index. A pack never changes;
what is deleted from it stands in ``<name>.gone``, until half of it is, and the rest is written anew.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ..protocols.blobs import Blob, StoredBlob
from .digests import digest_of

MARK = b"mlopspk1"
PACK_BYTES = 256 * 1024 * 1024
"""A pack that has come so far is closed, and the next one begun."""

_ENTRY = struct.Struct(">32sQQ")
_END = struct.Struct(">8sQ")


class Packs:
    """The packs of one folder. What other processes add and delete is seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._packs: dict[str, _Pack] = {}

    def read(self, digest: str) -> bytes | None:
        """The content, not verified; None where no pack has it."""
        for look in (self._known, self._listed):
            for pack in look():
                with suppress(FileNotFoundError):  # it was written anew elsewhere
                    if (content := pack.read(bytes.fromhex(digest))) is not None:
                        return content
        return None

    def among(self, digests: Collection[str]) -> set[str]:
        """Those that are in packs."""
        wanted = {bytes.fromhex(digest) for digest in digests}
        found = {key for pack in self._listed() for key in wanted & pack.live()}
        return {key.hex() for key in found}

    def touch(self, digests: Collection[str], *, before: float, now: float) -> None:
        """Have packs with one of these say that they were stored now, unless they were after ``before``."""
        wanted = {bytes.fromhex(digest) for digest in digests}
        for pack in self._listed():
            with suppress(OSError):
                if os.stat(pack.place).st_mtime < before and not wanted.isdisjoint(pack.live()):
                    os.utime(pack.place, (now, now))

    def stored(self) -> Iterator[StoredBlob]:
        for pack in self._listed():
            try:
                stored_at = os.stat(pack.place).st_mtime
            except FileNotFoundError:
                continue
            live = pack.live()
            for key, _, size in pack.entries():
                if key in live:
                    yield StoredBlob(key.hex(), size, stored_at)

    def delete(self, digest: str) -> bool:
        """Whether a pack had it."""
        key = bytes.fromhex(digest)
        having = [pack for pack in self._listed() if pack.has(key)]
        for pack in having:
            if pack.delete(key) * 2 < pack.count:
                self._write_anew(pack)
        return bool(having)

    def publish(self, temporary: Path, file: IO[bytes], index: Iterable[tuple[bytes, int, int]]) -> None:
        """Finish a pack whose contents are in ``file``, and make it visible and durable."""
        entries = b"".join(_ENTRY.pack(*entry) for entry in sorted(index))
        file.write(entries)
        file.write(_END.pack(MARK, len(entries) // _ENTRY.size))
        file.flush()
        os.chmod(temporary, 0o444)
        os.fsync(file.fileno())
        file.close()
        if not self._folder.is_dir():
            self._folder.mkdir(exist_ok=True)
            sync_folder(self._folder.parent)
        place = self._folder / f"{digest_of(entries)}.pack"
        os.replace(temporary, place)
        place.with_suffix(".gone").unlink(missing_ok=True)
        sync_folder(self._folder)

    def _write_anew(self, pack: _Pack) -> None:
        live = pack.live()
        if live:
            temporary = self._folder / f".{pack.place.stem}.{os.getpid()}"
            index = []
            try:
                with temporary.open("xb") as file:
                    for key, offset, size in pack.entries():
                        if key in live:
                            index.append((key, file.tell(), size))
                            file.write(pack.at(offset, size))
                    self.publish(temporary, file, index)
            finally:
                temporary.unlink(missing_ok=True)
        pack.place.unlink(missing_ok=True)
        pack.place.with_suffix(".gone").unlink(missing_ok=True)

    def _known(self) -> list[_Pack]:
        return list(self._packs.values())

    def _listed(self) -> list[_Pack]:
        try:
            names = [name for name in os.listdir(self._folder) if name.endswith(".pack")]
        except FileNotFoundError:
            names = []
        known, self._packs = self._packs, {}
        for name in names:
            pack = known.get(name) or _opened(self._folder / name)
            if pack is not None:
                self._packs[name] = pack
        return self._known()


@dataclass
class _Pack:
    """An open pack; ``index`` are its entries as they are in the file."""

    place: Path
    index: bytes
    _keys: frozenset[bytes] = frozenset()
    _gone: set[bytes] = field(default_factory=set)
    _gone_bytes: int = 0

    @property
    def count(self) -> int:
        return len(self.index) // _ENTRY.size

    def entries(self) -> Iterator[tuple[bytes, int, int]]:
        return _ENTRY.iter_unpack(self.index)

    def live(self) -> frozenset[bytes]:
        """The digests of what it has and nobody deleted."""
        if not self._keys:
            self._keys = frozenset(key for key, _, _ in self.entries())
        self._read_gone()
        return self._keys - self._gone if self._gone else self._keys

    def read(self, key: bytes) -> bytes | None:
        if key in self._gone:
            self._read_gone()
        found = None if key in self._gone else self._find(key)
        return None if found is None else self.at(*found)

    def at(self, offset: int, size: int) -> bytes:
        with self.place.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def has(self, key: bytes) -> bool:
        self._read_gone()
        return key not in self._gone and self._find(key) is not None

    def delete(self, key: bytes) -> int:
        """How many contents are left."""
        fd = os.open(self.place.with_suffix(".gone"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(fd, key)
        finally:
            os.close(fd)
        self._read_gone()
        return self.count - len(self._gone)

    def _find(self, key: bytes) -> tuple[int, int] | None:
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            found, offset, size = _ENTRY.unpack_from(self.index, middle * _ENTRY.size)
            if found == key:
                return offset, size
            low, high = (middle + 1, high) if found < key else (low, middle)
        return None

    def _read_gone(self) -> None:
        try:
            if os.stat(self.place.with_suffix(".gone")).st_size != self._gone_bytes:
                told = self.place.with_suffix(".gone").read_bytes()
                self._gone = {told[start : start + 32] for start in range(0, len(told) - 31, 32)}
                self._gone_bytes = len(told)
        except FileNotFoundError:
            self._gone, self._gone_bytes = set(), 0


class PackWriter:
    """Writes contents into a new file of ``incoming``; nothing is to be seen of it before ``close``."""

    def __init__(self, packs: Packs, temporary: Path, file: IO[bytes]) -> None:
        self._packs = packs
        self._temporary = temporary
        self._file = file
        self._index: dict[bytes, tuple[int, int]] = {}
        self.size = 0

    def add(self, contents: Iterable[tuple[Blob, bytes]]) -> None:
        new: list[bytes] = []
        for blob, content in contents:
            key = bytes.fromhex(blob.digest)
            if key not in self._index:
                new.append(content)
                self._index[key] = self.size, len(content)
                self.size += len(content)
        self._file.write(b"".join(new))

    def close(self) -> None:
        """Publish it, if there is anything in it."""
        if self._index:
            entries = ((key, offset, size) for key, (offset, size) in self._index.items())
            self._packs.publish(self._temporary, self._file, entries)


def sync_folder(folder: Path) -> None:
    """Make a rename durable; Windows has no such call."""
    if os.name == "nt":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    except OSError:
        pass  # some network file systems refuse it for folders
    finally:
        os.close(fd)


def _opened(place: Path) -> _Pack | None:
    """None when it is no pack: then nothing of it counts as stored."""
    try:
        with place.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _END.size))
            mark, count = _END.unpack(file.read())
            start = size - _END.size - count * _ENTRY.size
            if mark != MARK or start < 0:
                return None
            file.seek(start)
            return _Pack(place, file.read(count * _ENTRY.size))
    except (FileNotFoundError, struct.error):
        return None
