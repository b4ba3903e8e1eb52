"""What is shipped: numbered batches of changes to a tree of files, applied in order, as often as it takes.

An object store cannot append, so that each batch is an object of its own and says of each file which bytes
it got. A batch is there whole or not at all, and is applied after the one before it: whoever applies them has
the tree as its owner had it a moment ago, never a mixture. Applying one twice changes nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from uuid import uuid4

import msgspec
from blake3 import blake3

from ..errors import Corrupt, InvalidInput

BATCH_BYTES = 8 * 1024 * 1024
"""About so much is in one batch."""
OBJECT_BYTES = 1024 * 1024
"""Larger files are objects of their own, and a batch only names them."""
CHUNK_BYTES = 1024 * 1024

GROWS, REPLACED, ONCE, GONE = "grows", "replaced", "once", "gone"
"""``GROWS``: bytes from ``offset`` on, none of which changes. ``ONCE``: who creates it first is right."""


class Part(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Some bytes of one file, or the name of the object that holds all of them."""

    path: str
    kind: str = REPLACED
    data: bytes = b""
    offset: int = 0
    digest: str = ""
    mode: int = 0o600


class Batch(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """Parts in the order in which they are applied. ``alive``: the worker was seen to live since the last."""

    parts: list[Part] = []
    alive: bool = False


Fetch = Callable[[str, Path], bool]
"""Bring the object of a digest to a local file; False where there is none."""


def encode(batch: Batch) -> bytes:
    return msgspec.msgpack.encode(batch)


def decode(data: bytes) -> Batch:
    """Raises Corrupt."""
    try:
        return msgspec.msgpack.decode(data, type=Batch)
    except msgspec.DecodeError as error:
        raise Corrupt(f"What arrived is no batch of files: {error}.") from error


def batched(parts: Iterable[Part]) -> Iterable[list[Part]]:
    """The parts in lists of about ``BATCH_BYTES``."""
    found: list[Part] = []
    size = 0
    for part in parts:
        if found and size + len(part.data) > BATCH_BYTES:
            yield found
            found, size = [], 0
        found.append(part)
        size += len(part.data)
    if found:
        yield found


def apply(
    part: Part, root: Path, allowed: re.Pattern[str], fetch: Fetch, *, only_grows: bool = False
) -> None:
    """Bring one file below ``root`` up to date; one that ``only_grows`` keeps the lines that it has.

    Raises InvalidInput for a path that is not ``allowed``, Corrupt for bytes that do not fit what is there,
    Unavailable as ``fetch`` does.
    """
    target = _below(root, part.path, allowed)
    target.parent.mkdir(parents=True, exist_ok=True)
    if part.kind == GONE:
        target.unlink(missing_ok=True)
    elif part.kind == GROWS:
        _grow(target, part)
    else:
        _replace(target, part, fetch, only_grows=only_grows)


def digest_of(path: Path) -> str:
    digest = blake3()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _below(root: Path, path: str, allowed: re.Pattern[str]) -> Path:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path or not allowed.fullmatch(path):
        raise InvalidInput(f"A batch of files has the place {path!r}, which is not its to write.")
    return root / pure


def _grow(target: Path, part: Part) -> None:
    """Write what is new; what is there already must be the same, so that a prefix never changes."""
    fd = os.open(target, os.O_RDWR | os.O_CREAT, part.mode)
    try:
        size = os.fstat(fd).st_size
        if size < part.offset:
            raise Corrupt(f"{target} ends at {size}, and what arrived begins at {part.offset}.")
        there = os.pread(fd, min(len(part.data), size - part.offset), part.offset)
        if there != part.data[: len(there)]:
            raise Corrupt(f"{target} has other contents from {part.offset} on than what arrived.")
        rest, offset = part.data[len(there) :], part.offset + len(there)
        while rest:
            written = os.pwrite(fd, rest, offset)
            rest, offset = rest[written:], offset + written
    finally:
        os.close(fd)


def _replace(target: Path, part: Part, fetch: Fetch, *, only_grows: bool) -> None:
    if part.digest and target.exists() and digest_of(target) == part.digest:
        return
    temporary = _beside(target)
    try:
        if part.digest:
            _fetch(temporary, part, fetch)
        else:
            temporary.write_bytes(part.data)
        if only_grows and not _keeps_lines(target, temporary):
            raise Corrupt(f"{part.path} arrived without lines that it has here.")
        _settle(temporary, target, part)
    finally:
        temporary.unlink(missing_ok=True)


def _fetch(temporary: Path, part: Part, fetch: Fetch) -> None:
    if not fetch(part.digest, temporary):
        raise Corrupt(f"The contents of {part.path} ({part.digest}) are not there.")
    if (found := digest_of(temporary)) != part.digest:
        raise Corrupt(f"The contents of {part.path} arrived as {found}, not as {part.digest}.")


def _keeps_lines(before: Path, after: Path) -> bool:
    """Whether all whole lines of the one begin the other."""
    try:
        with before.open("rb") as old, after.open("rb") as new:
            return all(line == new.readline() for line in old if line.endswith(b"\n"))
    except FileNotFoundError:
        return True


def _settle(temporary: Path, target: Path, part: Part) -> None:
    os.chmod(temporary, part.mode)
    if part.kind != ONCE:
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)
    except FileExistsError:
        pass
    finally:
        temporary.unlink(missing_ok=True)


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{uuid4().hex}")
