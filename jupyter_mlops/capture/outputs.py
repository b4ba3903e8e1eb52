"""Everything that a cell displays, recorded while it is displayed, within a bound.

The first part goes to the journal message by message. Beyond it the end is kept: the last texts and the last
figures wait in files of their own (:mod:`output_ending`) until the cell ends, for what is in a journal cannot
be taken back. Whoever reads meanwhile, or after the kernel was killed, finds them there.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import msgspec

from ..entities import RunError, new_id
from ..journal.records import Displayed
from ..protocols.blobs import Blob
from .ansi import without_colours
from .output_ending import Ending, encoded, text_record
from .redact import redact_shapes
from .values import both_ends, encodable
from .widgets import STATE, VIEW, WidgetStates

logger = logging.getLogger(__name__)

KINDS = frozenset(
    ("stream", "display_data", "execute_result", "update_display_data", "error", "clear_output")
)
COMM_KINDS = frozenset(("comm_open", "comm_msg", "comm_close"))
ERROR_BYTES = 64 * 1024
"""Longer tracebacks lose their middle."""
LATER_S = 1.0
"""What changes often is written so often: updates of one display, the end of a long output."""

Content = Mapping[str, Any]


class OutputSink(Protocol):
    """The run that outputs belong to. No method raises."""

    def redact(self, text: str) -> str: ...

    def displayed(self, record: Displayed) -> None: ...

    def put_blob(self, data: bytes) -> Blob | None: ...


class OutputRecorder:
    """Makes records of messages; large values become blobs, and all together have a cap.

    Three eighths of the cap are for the beginning of what is displayed, one quarter each for the last texts
    and the last displays, one eighth for the state of widgets. Updates of one display come in at most once a
    second, the last one always. ``tail`` is the folder where the end waits; without one it does so in memory.

    A blob holds the value as nbformat has it: text (for pictures base64) in UTF-8, other values as JSON.
    ``counts`` says how many outputs of which sort were seen, ``error`` the last one that was shown.
    """

    def __init__(
        self,
        sink: OutputSink,
        *,
        inline_bytes: int,
        cap_bytes: int,
        tail: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.error: RunError | None = None
        self._sink = sink
        self._inline_bytes = inline_bytes
        self._head_left = cap_bytes * 3 // 8
        self._clock = clock
        self._lock = threading.Lock()
        self._widgets = WidgetStates(cap_bytes // 8)
        self._views: set[str] = set()
        self._updates: dict[str, tuple[float, Displayed | None]] = {}
        self._stem = tail / new_id(clock()) if tail is not None else None
        self._ending = Ending(self._stem, cap_bytes // 4, self._redacted)
        self._in_tail = False
        self._flushed_at = 0.0
        self._timer: threading.Timer | None = None
        self._closed = False

    # what is displayed

    def message(self, kind: str, content: Content) -> None:
        """Record a message of the Jupyter protocol; other kinds than :data:`KINDS` are passed over."""
        if kind not in KINDS:
            return
        with self._lock:
            if kind == "stream":
                self._stream(content)
            elif kind == "error":
                self._error(content)
            elif kind == "update_display_data":
                self._update(content)
            else:
                self._write_updates(everything=True)
                self._record(self._displayed(kind, content))

    def comm(self, kind: str, content: Content, buffers: Sequence[bytes] = ()) -> None:
        """Follow a widget by a message of its comm."""
        with self._lock:
            self._widgets.take(kind, content, buffers)
            if self._widgets.changed:
                self._later()

    def close(self) -> None:
        """Write what was held back. Nothing is recorded after it."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            self._write_updates(everything=True)
            for record in self._ending.records():
                self._write(record, redacted=True)
            self._widgets.add_shown(self._views)
            if (state := self._widget_state()) is not None:
                self._write(state, redacted=True)
            self._ending.clear()
            if self._stem is not None:
                _remove(self._snapshot_path())

    # one sort each

    def _stream(self, content: Content) -> None:
        text, name = str(content.get("text", "")), content.get("name")
        if not text.isascii():
            text = encodable(text)
        if not self._in_tail:
            size = len(text) if text.isascii() else len(text.encode())
            if size <= self._head_left:
                self._head_left -= size
                self._write(text_record(name, text))
                return
            beginning = encoded(text)[: self._head_left].decode("utf-8", "ignore")
            if beginning:
                self._write(text_record(name, beginning))
            text = text[len(beginning) :]
            self._enter_tail()
        self._ending.add_text(name, text, self._clock())
        self._flush_now_or_later()

    def _error(self, content: Content) -> None:
        text = both_ends(self._sink.redact("\n".join(content.get("traceback") or [])), ERROR_BYTES)
        name = str(content.get("ename", ""))
        self.error = RunError(
            name=name, message=str(content.get("evalue", ""))[:ERROR_BYTES], traceback=without_colours(text)
        )
        self.counts["error"] += 1
        self._record(Displayed(message="error", data={"text/plain": text}, name=name))

    def _update(self, content: Content) -> None:
        """Of many updates of one display within a second, the last one is recorded."""
        record, now = self._displayed("update_display_data", content), time.monotonic()
        written_at, _ = self._updates.get(record.display_id or "", (0.0, None))
        if record.display_id and now - written_at < LATER_S:
            self._updates[record.display_id] = (written_at, record)
            self._later()
        else:
            self._updates[record.display_id or ""] = (now, None)
            self._record(record)

    def _displayed(self, kind: str, content: Content) -> Displayed:
        values = dict(content.get("data") or {})
        self._count(kind, values)
        return Displayed(
            message=kind,
            data=values,
            metadata=dict(content.get("metadata") or {}),
            name=content.get("name"),
            display_id=(content.get("transient") or {}).get("display_id"),
            wait=bool(content.get("wait")),
        )

    def _count(self, kind: str, values: dict[str, Any]) -> None:
        if kind in ("clear_output", "update_display_data"):
            return
        if VIEW in values and isinstance(values[VIEW], Mapping):
            self._views.add(str(values[VIEW].get("model_id")))
        if any(mime.startswith("image/") or "plotly" in mime or "vega" in mime for mime in values):
            self.counts["figure"] += 1
        elif "<table" in str(values.get("text/html", ""))[:20_000]:
            self.counts["table"] += 1
        else:
            self.counts["output"] += 1

    # where it goes

    def _record(self, record: Displayed) -> None:
        if not self._in_tail:
            size = _size(record)
            if size <= self._head_left:
                self._head_left -= size
                self._write(record)
                return
            self._enter_tail()
        self._ending.add(record, self._clock())
        self._flush_now_or_later()

    def _enter_tail(self) -> None:
        self._in_tail = True
        self._flushed_at = time.monotonic()

    def _flush_now_or_later(self) -> None:
        if time.monotonic() - self._flushed_at >= LATER_S:
            self._flush()
        else:
            self._later()

    def _later(self) -> None:
        """See to it that what waits is written also when nothing more is displayed."""
        if self._timer is None and not self._closed:
            self._timer = threading.Timer(LATER_S, self._on_time)
            self._timer.daemon = True
            self._timer.start()

    def _on_time(self) -> None:
        with self._lock:
            self._timer = None
            if not self._closed:
                try:
                    self._write_updates()
                    self._flush()
                except Exception as error:
                    logger.debug("The end of an output could not be kept", exc_info=error)

    def _flush(self) -> None:
        self._flushed_at = time.monotonic()
        self._ending.flush()
        if self._widgets.changed and self._stem is not None:
            state = self._widget_state()
            try:
                _replace(self._snapshot_path(), msgspec.json.encode(state) if state else b"")
            except OSError as error:
                logger.info("The state of widgets is kept in memory only: %s", error)

    def _write_updates(self, *, everything: bool = False) -> None:
        now = time.monotonic()
        for display_id, (written_at, waiting) in list(self._updates.items()):
            if waiting is not None and (everything or now - written_at >= LATER_S):
                self._updates[display_id] = (now, None)
                self._record(waiting)
            elif waiting is not None:
                self._later()

    def _write(self, record: Displayed, *, redacted: bool = False) -> None:
        """Put a message into the journal; large values become blobs."""
        record = record if redacted else self._redacted(record)
        blobs = {}
        for mime, value in record.data.items():
            data = encoded(value)
            if len(data) > self._inline_bytes and (blob := self._sink.put_blob(data)) is not None:
                blobs[mime] = blob.digest
        left = {mime: value for mime, value in record.data.items() if mime not in blobs}
        self._sink.displayed(msgspec.structs.replace(record, data=left, blobs=blobs))

    def _redacted(self, record: Displayed) -> Displayed:
        """Without secrets. Done only to what is kept; pictures have none that could be seen so."""
        values = {
            mime: value
            if mime.startswith("image/") and mime != "image/svg+xml"
            else self._sink.redact(value)
            if isinstance(value, str)
            else redact_shapes(value)
            for mime, value in record.data.items()
        }
        return msgspec.structs.replace(record, data=values)

    def _widget_state(self) -> Displayed | None:
        state = self._widgets.state()
        if state is None:
            return None
        return self._redacted(Displayed(message="widget_state", data={STATE: state}, at=self._clock()))

    def _snapshot_path(self) -> Path:
        assert self._stem is not None
        return self._stem.with_name(f"{self._stem.name}.widgets.json")


def _size(record: Displayed) -> int:
    return sum(len(encoded(value)) for value in record.data.values())


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
        path.parent.rmdir()  # refused while another cell's output waits there
