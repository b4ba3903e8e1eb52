"""Read a journal from an offset to its last complete line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from .records import AnyRecord

CHUNK_BYTES = 4 * 1024 * 1024

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are no record; a text that is no UTF-8 is not among its own errors."""

_decoder = msgspec.json.Decoder(AnyRecord)
_KNOWN = {kind.__struct_config__.tag for kind in AnyRecord.__args__}  # type: ignore[attr-defined]


@dataclass(slots=True)
class Chunk:
    """What lies between two offsets of a journal.

    ``more`` says that the file goes on with at least one complete line. ``bad_lines`` were no
    records; ``unknown`` have a type of a later version of this package.
    """

    start: int
    end: int
    records: list[AnyRecord] = field(default_factory=list)
    bad_lines: int = 0
    unknown: int = 0
    more: bool = False


def read_chunk(path: Path, offset: int = 0, *, limit: int = CHUNK_BYTES, writer_ended: bool = False) -> Chunk:
    """The complete lines from ``offset`` on, about ``limit`` bytes of them.

    A last line without its newline is left for the next call. A line with NUL bytes is a hole that
    the file system has not filled yet: reading stops before it while its writer lives, and counts it
    as bad once ``writer_ended``. A missing file reads as empty.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            block = file.read(limit)
            more = len(block) == limit
            while more and b"\n" not in block:  # one line longer than the limit
                block += (rest := file.read(limit))
                more = len(rest) == limit
    except FileNotFoundError:
        return Chunk(offset, offset)
    block = block[: block.rfind(b"\n") + 1]
    if not writer_ended and (hole := block.find(b"\0")) >= 0:
        block, more = block[: block.rfind(b"\n", 0, hole) + 1], False
    chunk = Chunk(offset, offset + len(block), more=more)
    try:
        chunk.records = [_decoder.decode(line) for line in block.splitlines()]
    except UNREADABLE:
        _decode_singly(block, chunk)
    return chunk


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
