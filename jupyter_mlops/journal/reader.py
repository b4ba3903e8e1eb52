"""Read a journal from an offset to its last complete line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from .records import AnyRecord

CHUNK_BYTES = 256 * 1024
"""So much that a call costs nothing beside its lines, and so little that their records stay in cache."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no record; a text that is no UTF-8 is not among its own errors."""

_decoder = msgspec.json.Decoder(AnyRecord)
_KNOWN = {kind.__struct_config__.tag for kind in AnyRecord.__args__}  # type: ignore[attr-defined]


@dataclass(slots=True)
class Chunk:
    """What lies between two offsets of a journal.

    ``more`` says that the file went on behind what was read. ``bad_lines`` were no records; ``unknown``
    have a type of a later version of this package.
    """

    start: int
    end: int
    records: list[AnyRecord] = field(default_factory=list)
    bad_lines: int = 0
    unknown: int = 0
    more: bool = False


def read_chunk(
    path: Path | str, offset: int = 0, *, limit: int = CHUNK_BYTES, writer_ended: bool = False
) -> Chunk:
    """The complete lines from ``offset`` on, about ``limit`` bytes of them.

    A last line without its newline is left for the next call. A line with NUL bytes is a hole that
    the file system has not filled yet: reading stops before it while its writer lives, and counts it
    as bad once ``writer_ended``. A missing file reads as empty.
    """
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        return Chunk(offset, offset)
    try:
        block, more = _read(fd, offset, limit)
    finally:
        os.close(fd)
    block = block[: block.rfind(b"\n") + 1]
    if not writer_ended and (hole := block.find(b"\0")) >= 0:
        block, more = block[: block.rfind(b"\n", 0, hole) + 1], False
    chunk = Chunk(offset, offset + len(block), more=more)
    if not _decode_at_once(block, chunk):
        _decode_singly(block, chunk)
    return chunk


def _read(fd: int, offset: int, limit: int) -> tuple[bytes, bool]:
    """About ``limit`` bytes, with at least one whole line if there is one; and whether there are more."""
    size = os.fstat(fd).st_size - offset
    os.lseek(fd, offset, os.SEEK_SET)
    block = _read_whole(fd, min(limit, size))
    while len(block) < size and b"\n" not in block:  # one line longer than the limit
        if not (rest := _read_whole(fd, len(block))):
            break
        block += rest
    return block, len(block) < size


def _read_whole(fd: int, count: int) -> bytes:
    """``count`` bytes, less only at the end of the file."""
    block = os.read(fd, max(0, count))
    while 0 < len(block) < count:  # a network file system, or more than 2 GiB
        if not (rest := os.read(fd, count - len(block))):
            break
        block += rest
    return block


def _decode_at_once(block: bytes, chunk: Chunk) -> bool:
    """Whether every line of ``block`` is one record: then ``chunk`` has them.

    msgspec takes any white space between values and within them, so that two records glued together, or
    one torn in two, would pass. They must be bad lines here as they are where lines are read one by one.
    """
    try:
        records = _decoder.decode_lines(block)
    except UNREADABLE:
        return False
    if not len(records) == block.count(b"\n") == block.count(b"}\n{") + bool(block):
        return False
    chunk.records = records
    return True


def _decode_singly(block: bytes, chunk: Chunk) -> None:
    for line in block.split(b"\n")[:-1]:
        if not line:
            continue
        try:
            chunk.records.append(_decoder.decode(line))
        except UNREADABLE:
            if _is_unknown(line):
                chunk.unknown += 1
            else:
                chunk.bad_lines += 1


def _is_unknown(line: bytes) -> bool:
    try:
        kind = msgspec.json.decode(line, type=dict).get("k")
    except UNREADABLE:
        return False
    return isinstance(kind, str) and kind not in _KNOWN
