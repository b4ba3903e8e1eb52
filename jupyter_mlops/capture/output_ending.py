"""The end of what a cell displays: the last texts and the last displays, for the time when it ends."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ..journal.records import Displayed
from .output_tail import Tail

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _OpenText:
    name: str | None
    number: int
    at: float
    size: int = 0
    parts: list[str] = field(default_factory=list)


class Ending:
    """The last texts and the last displays, and how much there was between them and the beginning."""

    def __init__(self, stem: Path | None, capacity: int, redacted: Callable[[Displayed], Displayed]) -> None:
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._redacted = redacted
        self._texts: Tail[Displayed] = Tail(_beside(stem, "texts"), capacity, self._line)
        self._displays: Tail[Displayed] = Tail(_beside(stem, "displays"), capacity, self._line)
        self._number = 0
        self._cleared = self._clear_next = False
        self._oversized = 0
        self._last_updates: dict[str, tuple[Displayed, int]] = {}
        self._open: _OpenText | None = None

    def add_text(self, name: str | None, text: str, at: float) -> None:
        """Only the last part of a long one: no more than all texts together may have."""
        self._clear_if_due()
        if len(text) > self._texts.capacity:
            kept = text[-self._texts.capacity :]
            self._texts.dropped.add(len(text) - len(kept), 0)
            text = kept
        piece = max(1, self._texts.segment_bytes // 2)
        for start in range(0, len(text), piece):
            part = text[start : start + piece]
            if self._open is None or self._open.name != name or self._open.size + len(part) > piece:
                self._seal()
                self._number += 1
                self._open = _OpenText(name, self._number, at)
            self._open.parts.append(part)
            self._open.size += len(part)

    def _seal(self) -> None:
        """Small texts of one stream that follow each other are one line."""
        opened, self._open = self._open, None
        if opened is not None:
            record = text_record(opened.name, "".join(opened.parts))
            self._texts.add(msgspec.structs.replace(record, n=opened.number, at=opened.at), opened.size)

    def add(self, record: Displayed, at: float) -> None:
        if record.message == "clear_output":
            self._clear_next = True
            if not record.wait:
                self._clear_if_due()
            return
        self._clear_if_due()
        self._seal()
        self._number += 1
        record, size = self._fitting(msgspec.structs.replace(record, n=self._number, at=at))
        if record.message == "update_display_data" and record.display_id:
            self._last_updates.pop(record.display_id, None)
            self._last_updates[record.display_id] = record, size
            self._forget_old_updates()
        self._displays.add(record, size)

    def _fitting(self, record: Displayed) -> tuple[Displayed, int]:
        """The message and its size; one that is too large loses its largest representations."""
        sizes = {mime: len(encoded(value)) for mime, value in record.data.items()}
        data = dict(record.data)
        while data and sum(sizes[mime] for mime in data) > self._displays.capacity:
            largest = max(data, key=lambda mime: sizes[mime])
            self._oversized += 1
            del data[largest]
            data = data or {"text/plain": f"[{largest} of {sizes[largest]} bytes: too large to be kept]"}
            sizes.setdefault("text/plain", 0)
        return msgspec.structs.replace(record, data=data), sum(sizes[mime] for mime in data)

    def flush(self) -> None:
        """Put what is in memory where other processes can read it."""
        self._seal()
        for tail in (self._texts, self._displays):
            if tail.waits:
                header = b"".join(self._encode(each) + b"\n" for each in self._marks())
                try:
                    tail.flush(header)
                except OSError as error:
                    logger.info("The end of an output is kept in memory only: %s", error)

    def records(self) -> Iterator[Displayed]:
        """What is kept, in its order, after a mark for what is not."""
        self._seal()
        yield from self._marks()
        for record in in_order(self._texts.lines(), self._displays.lines()):
            yield record
            if record.message == "update_display_data" and record.display_id:
                self._last_updates.pop(record.display_id, None)
        lines = sorted(self._last_updates.values(), key=lambda update: update[0].n)
        yield from in_order(self._line(record) for record, _ in lines)

    def clear(self) -> None:
        self._texts.clear()
        self._displays.clear()
        self._last_updates.clear()
        self._oversized = 0
        self._open = None

    def _marks(self) -> Iterator[Displayed]:
        if self._cleared:
            yield Displayed(message="clear_output")
        texts, displays = self._texts.dropped, self._displays.dropped
        if texts.bytes or displays.messages or self._oversized:
            yield Displayed(
                message="stream",
                name="stderr",
                cut=True,
                dropped_bytes=texts.bytes,
                dropped=displays.messages,
            )

    def _clear_if_due(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._cleared = True
            self.clear()

    def _line(self, record: Displayed) -> bytes:
        return self._encode(self._redacted(record)) + b"\n"

    def _forget_old_updates(self) -> None:
        while sum(size for _, size in self._last_updates.values()) > self._displays.capacity:
            self._last_updates.pop(next(iter(self._last_updates)))


def _beside(stem: Path | None, name: str) -> Path | None:
    return None if stem is None else stem.with_name(f"{stem.name}.{name}")


def in_order(*tails: Iterator[bytes]) -> Iterator[Displayed]:
    """The messages of several tails as they were displayed; marks and damaged lines are left out."""
    for _, record in heapq.merge(*map(_numbered, tails), key=lambda each: each[0]):
        yield msgspec.structs.replace(record, n=0)


def _numbered(lines: Iterator[bytes]) -> Iterator[tuple[int, Displayed]]:
    for line in lines:
        if (record := message_of(line)) is not None and record.n:
            yield record.n, record


def message_of(line: bytes) -> Displayed | None:
    """The message that a line of a tail says; None for a line that is torn."""
    try:
        return msgspec.json.decode(line, type=Displayed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def text_record(name: Any, text: str) -> Displayed:
    """A part of a stream."""
    return Displayed(message="stream", data={"text/plain": text}, name=name)


def encoded(value: Any) -> bytes:
    """A value of an output as a blob holds it: texts in UTF-8, all else as JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return msgspec.json.encode(value, enc_hook=str)
