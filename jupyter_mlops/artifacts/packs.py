"""Many small contents in one file: a folder of 10,000 images is one file to write, sync and list, not 10,000.

``<name>.pack`` holds contents, one after the other, then an index entry for each (digest, offset and size),
sorted by digest, then the mark and their number. Its name is the digest of its index, which verifies it,
and something that no other pack has. A pack never changes; what is deleted from it stands in ``<name>.gone``,
until half of it is, and the rest is written anew.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from uuid import uuid4

from ..protocols.blobs import Blob, StoredBlob
from .digests import digest_of

MARK = b"mlopspk1"
PACK_BYTES = 256 * 1024 * 1024
"""A pack that has come so far is closed, and the next one begun."""

_ENTRY = struct.Struct(">32sQQ")
_END = struct.Struct(">8sQ")


class Packs:
    """The packs of one folder, begun in ``incoming``. What other processes add and delete is seen."""

    def __init__(self, folder: Path, incoming: Path) -> None:
        self._folder = folder
        self._incoming = incoming
        self._packs: dict[str, _Pack] = {}

    def copies(self, digest: str) -> Iterator[bytes]:
        """The content from each pack that has it, not verified."""
        key, told = bytes.fromhex(digest), set()
        for look in (self._known, self._every):
            for pack in look():
                if pack.place not in told and (content := pack.read(key)) is not None:
                    told.add(pack.place)
                    yield content

    def among(self, digests: Collection[str]) -> set[str]:
        """Those that are in packs."""
        return self.younger(digests, than=-math.inf)

    def younger(self, digests: Collection[str], *, than: float) -> set[str]:
        """Those that are in packs which were stored at that time or later."""
        wanted, found = {bytes.fromhex(digest) for digest in digests}, set[bytes]()
        for pack in self._every():
            if pack.stored_at() >= than:
                found |= wanted & pack.live()
        return {key.hex() for key in found}

    def touch(self, digests: Collection[str], *, before: float, now: float) -> bool:
        """Have packs with one of these say that they were stored now, unless they were after ``before``.

        Whether there were such.
        """
        wanted, renewed = {bytes.fromhex(digest) for digest in digests}, False
        for pack in self._every():
            if pack.stored_at() < before and not wanted.isdisjoint(pack.live()):
                renewed = True
                with suppress(OSError):
                    os.utime(pack.place, (now, now))
        return renewed

    def stored(self) -> dict[str, StoredBlob]:
        """All contents by digest, those of several packs as the youngest has them."""
        found: dict[str, StoredBlob] = {}
        for pack in self._every():
            stored_at, live = pack.stored_at(), pack.live()
            for key, _, size in pack.entries():
                digest = key.hex()
                if key in live and (digest not in found or found[digest].stored_at < stored_at):
                    found[digest] = StoredBlob(digest, size, stored_at)
        return found

    def unreadable(self) -> list[Path]:
        """The packs that do not open: nothing in them counts as stored."""
        found: list[Path] = []
        for place in self._places():
            try:
                if _opened(place) is None and place.exists():
                    found.append(place)
            except OSError:
                found.append(place)
        return found

    def delete_many(self, digests: Collection[str], *, before: float = math.inf) -> set[str]:
        """Delete these from the packs that were stored before that time; those that one of them had."""
        wanted, deleted = {bytes.fromhex(digest) for digest in digests}, set[bytes]()
        for pack in self._every():
            live = pack.live()
            gone = live & wanted
            if not gone or pack.stored_at() >= before:
                continue
            if gone == live:
                pack.remove()
            else:
                pack.delete(gone)
                if (len(live) - len(gone)) * 2 < pack.count:
                    self._write_anew(pack)
            deleted |= gone
        return {key.hex() for key in deleted}

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
        os.replace(temporary, self._folder / f"{digest_of(entries)}-{uuid4().hex[:8]}.pack")
        sync_folder(self._folder)

    def _write_anew(self, pack: _Pack) -> None:
        """What is left of it as another pack, which is there before this one goes."""
        live, index = pack.live(), []
        self._incoming.mkdir(exist_ok=True)
        temporary = self._incoming / uuid4().hex
        try:
            with temporary.open("xb") as file:
                for key, offset, size in pack.entries():
                    if key in live:
                        index.append((key, file.tell(), size))
                        try:
                            file.write(pack.at(offset, size))
                        except FileNotFoundError:
                            return  # somebody else has written it anew
                if index:
                    self.publish(temporary, file, index)
        finally:
            temporary.unlink(missing_ok=True)
        pack.remove()

    def _known(self) -> list[_Pack]:
        return list(self._packs.values())

    def _every(self) -> Iterator[_Pack]:
        """All packs; also what one that went meanwhile was written anew as."""
        seen: set[Path] = set()
        while new := [pack for pack in self._listed() if pack.place not in seen]:
            seen.update(pack.place for pack in new)
            yield from new

    def _listed(self) -> list[_Pack]:
        known, self._packs = self._packs, {}
        for place in self._places():
            pack = known.get(place.name) or _opened(place)
            if pack is not None:
                self._packs[place.name] = pack
        return self._known()

    def _places(self) -> list[Path]:
        try:
            return [self._folder / name for name in os.listdir(self._folder) if name.endswith(".pack")]
        except FileNotFoundError:
            return []


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

    def stored_at(self) -> float:
        """When something of it was stored last; never, when it has just been removed."""
        try:
            return os.stat(self.place).st_mtime
        except FileNotFoundError:
            return -math.inf

    def live(self) -> frozenset[bytes]:
        """The digests of what it has and nobody deleted."""
        if not self._keys:
            self._keys = frozenset(key for key, _, _ in self.entries())
        self._read_gone()
        if not self.place.exists():
            return frozenset()  # and what was deleted from it last cannot be told any more
        return self._keys - self._gone if self._gone else self._keys

    def read(self, key: bytes) -> bytes | None:
        found = None if key in self._gone else self._find(key)
        try:
            return None if found is None else self.at(*found)
        except FileNotFoundError:
            return None  # it was written anew elsewhere

    def at(self, offset: int, size: int) -> bytes:
        with self.place.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def delete(self, keys: Collection[bytes]) -> None:
        gone = self.place.with_suffix(".gone")
        fd = os.open(gone, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            torn = os.fstat(fd).st_size % 32  # the disk was full
            os.write(fd, bytes(-torn % 32) + b"".join(keys))
        finally:
            os.close(fd)
        self._read_gone()
        if not self.place.exists():  # somebody has just written it anew
            gone.unlink(missing_ok=True)

    def remove(self) -> None:
        """The file first: what was deleted from it must not be seen in it again."""
        self.place.unlink(missing_ok=True)
        self.place.with_suffix(".gone").unlink(missing_ok=True)

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
            pass  # nothing was deleted, or the pack itself is gone


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
            index = file.read(count * _ENTRY.size)
            if digest_of(index) != place.stem.partition("-")[0]:
                return None
            if any(offset + length > start for _, offset, length in _ENTRY.iter_unpack(index)):
                return None
            return _Pack(place, index)
    except (FileNotFoundError, struct.error):
        return None
