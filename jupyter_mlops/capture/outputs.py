"""Everything that a cell displays, recorded while it is displayed.

In a kernel there is one place that all output passes: the IOPub thread's send. There messages are told
apart by their parent, the execute request, so that output of C code, of child processes and of threads
is seen, in its order, off the user's thread. Elsewhere the streams and the display publisher are wrapped.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from ..entities import RunError
from ..journal.records import Displayed
from ..protocols.blobs import Blob
from .values import both_ends

logger = logging.getLogger(__name__)

KINDS = frozenset(
    ("stream", "display_data", "execute_result", "update_display_data", "error", "clear_output")
)
ERROR_BYTES = 64 * 1024
"""Errors are kept up to this length also when the cap is reached."""
DRAIN_S = 2.0
EMIT_S = 0.2

Content = Mapping[str, Any]


class OutputSink(Protocol):
    """The run that outputs belong to. No method raises."""

    def redact(self, text: str) -> str: ...

    def displayed(self, record: Displayed) -> None: ...

    def put_blob(self, data: bytes) -> Blob | None: ...


class OutputRecorder:
    """Makes records of messages; large values become blobs, and all together have a cap.

    Streams leave a quarter of it: the figure at the end of a long, talkative training is kept.

    A blob holds the value as nbformat has it: text (for pictures base64) in UTF-8, other values as JSON.
    ``counts`` says how many outputs of which sort were seen, ``error`` the last one that was shown.
    """

    def __init__(self, sink: OutputSink, *, inline_bytes: int, cap_bytes: int) -> None:
        self.counts: Counter[str] = Counter()
        self.error: RunError | None = None
        self._sink = sink
        self._inline_bytes = inline_bytes
        self._left = cap_bytes
        self._reserved = cap_bytes // 4
        self._cut: set[str] = set()
        self._lock = threading.Lock()

    def message(self, kind: str, content: Content) -> None:
        """Record a message of the Jupyter protocol; other kinds than :data:`KINDS` are passed over."""
        if kind not in KINDS:
            return
        with self._lock:
            if kind == "error":
                self._take_error(content)
            else:
                self._take(kind, content)

    def _take_error(self, content: Content) -> None:
        text = both_ends(self._sink.redact("\n".join(content.get("traceback") or [])), ERROR_BYTES)
        name = str(content.get("ename", ""))
        plain = without_colours(text)
        self.error = RunError(
            name=name, message=str(content.get("evalue", ""))[:ERROR_BYTES], traceback=plain
        )
        self.counts["error"] += 1
        self._sink.displayed(Displayed(message="error", data={"text/plain": text}, name=name))

    def _take(self, kind: str, content: Content) -> None:
        if kind == "stream":
            self._take_text(content)
            return
        values = {
            mime: self._sink.redact(value) if isinstance(value, str) else value
            for mime, value in (content.get("data") or {}).items()
        }
        if self._keep(kind, content, values):
            self._count(kind, values)
        else:
            self._say_cut(kind, content)

    def _take_text(self, content: Content) -> None:
        """What fits of a stream: the beginning. A part of the cap is left for what comes at the end."""
        text = self._sink.redact(str(content.get("text", "")))
        room = self._left - self._reserved
        if "stream" in self._cut or self._keep("stream", content, {"text/plain": text}, room):
            return
        if beginning := _encoded(text)[: max(0, room)].decode("utf-8", "ignore"):
            self._keep("stream", content, {"text/plain": beginning}, room)
        self._say_cut("stream", content)

    def _say_cut(self, kind: str, content: Content) -> None:
        sort = "stream" if kind == "stream" else "display"
        if sort not in self._cut:
            self._cut.add(sort)
            self._sink.displayed(Displayed(message=kind, name=content.get("name"), cut=True))

    def _keep(self, kind: str, content: Content, values: dict[str, Any], room: int | None = None) -> bool:
        """Record a message, unless it is larger than the room (by default all that is left)."""
        encoded = {mime: _encoded(value) for mime, value in values.items()}
        size = sum(map(len, encoded.values()))
        if size > (self._left if room is None else room):
            return False
        self._left -= size
        blobs = self._blobs(encoded)
        self._sink.displayed(
            Displayed(
                message=kind,
                data={mime: value for mime, value in values.items() if mime not in blobs},
                blobs=blobs,
                metadata=dict(content.get("metadata") or {}),
                name=content.get("name"),
                display_id=(content.get("transient") or {}).get("display_id"),
                wait=bool(content.get("wait")),
            )
        )
        return True

    def _blobs(self, encoded: Mapping[str, bytes]) -> dict[str, str]:
        blobs = {}
        for mime, data in encoded.items():
            if len(data) > self._inline_bytes and (blob := self._sink.put_blob(data)) is not None:
                blobs[mime] = blob.digest
        return blobs

    def _count(self, kind: str, values: Mapping[str, Any]) -> None:
        if kind in ("stream", "clear_output", "update_display_data"):
            return
        if any(mime.startswith("image/") or "plotly" in mime or "vega" in mime for mime in values):
            self.counts["figure"] += 1
        elif "<table" in str(values.get("text/html", ""))[:20_000]:
            self.counts["table"] += 1
        else:
            self.counts["output"] += 1


def _encoded(value: Any) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else msgspec.json.encode(value)


def without_colours(text: str) -> str:
    """The text without ANSI escape sequences (ECMA-48, CSI)."""
    if "\x1b" not in text:
        return text
    import re

    return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", text)


class Recording(Protocol):
    """A recorder at work."""

    def stop(self) -> None:
        """Take in what is still under way, and record no more."""
        ...


def record(shell: Any, recorder: OutputRecorder) -> Recording:
    """Let ``recorder`` see what the cell displays that ``shell`` runs now, until it is stopped."""
    thread = getattr(getattr(shell, "kernel", None), "iopub_thread", None)
    if callable(getattr(thread, "_really_send", None)):
        parent = shell.get_parent() or {}
        message_id = (parent.get("header") or {}).get("msg_id")
        if message_id:
            return _KernelRecording(_seam(thread, shell.kernel.session), message_id, recorder)
    return _TerminalRecording(shell, recorder)


# in a kernel


class _Seam:
    """Looks at every message just before an IOPub thread sends it: what people saw is recorded."""

    def __init__(self, thread: Any, session: Any) -> None:
        self.thread = thread
        self._session = session
        self._recorders: dict[str, list[OutputRecorder]] = {}
        self._pid = os.getpid()
        self._send: Callable[..., None] = thread._really_send
        thread._really_send = self._really_send

    def add(self, message_id: str, recorder: OutputRecorder) -> None:
        self._recorders[message_id] = [*self._recorders.get(message_id, []), recorder]

    def remove(self, message_id: str, recorder: OutputRecorder) -> None:
        left = [each for each in self._recorders.get(message_id, []) if each is not recorder]
        if left:
            self._recorders[message_id] = left
        else:
            self._recorders.pop(message_id, None)

    def _really_send(self, message: Any, *args: Any, **kwargs: Any) -> None:
        if self._recorders and os.getpid() == self._pid:  # a forked child's output comes through its parent
            try:
                self._look_at(message)
            except Exception:
                logger.exception("An output could not be recorded")
        self._send(message, *args, **kwargs)

    def _look_at(self, frames: list[Any]) -> None:
        """The wire protocol: identities, a delimiter, the signature, then four parts."""
        parts = [bytes(frame) for frame in frames]
        start = parts.index(b"<IDS|MSG>") + 2
        header, parent, _metadata, content = parts[start : start + 4]
        unpack = self._session.unpack
        recorders = self._recorders.get(unpack(parent).get("msg_id", ""))
        if recorders:
            kind = unpack(header)["msg_type"]
            if kind in KINDS:
                told = unpack(content)
                for recorder in recorders:
                    recorder.message(kind, told)


def _seam(thread: Any, session: Any) -> _Seam:
    """The thread's seam; one for each thread, made at first use."""
    seam = getattr(thread, "_jupyter_mlops_seam", None)
    if seam is None:
        seam = thread._jupyter_mlops_seam = _Seam(thread, session)
    return seam


class _KernelRecording:
    def __init__(self, seam: _Seam, message_id: str, recorder: OutputRecorder) -> None:
        self._seam, self._message_id, self._recorder = seam, message_id, recorder
        self._streams = [each for each in (sys.stdout, sys.stderr) if hasattr(each, "pub_thread")]
        seam.add(message_id, recorder)

    def stop(self) -> None:
        for stream in self._streams:
            _await_pipe(stream)
        for stream in self._streams:
            stream.flush()
        passed = threading.Event()
        self._seam.thread.schedule(passed.set)
        passed.wait(DRAIN_S)
        self._seam.remove(self._message_id, self._recorder)


def _await_pipe(stream: Any) -> None:
    """Wait until ipykernel has read what C code and child processes wrote to the file descriptor.

    ipykernel replaces the descriptor by a pipe that a thread of its own reads (``_watch_pipe_fd``).
    """
    descriptor = getattr(stream, "_fid", None)
    if descriptor is None:
        return
    import fcntl
    import termios

    deadline = time.monotonic() + DRAIN_S
    waited = False
    while time.monotonic() < deadline:
        try:
            waiting = int.from_bytes(fcntl.ioctl(descriptor, termios.FIONREAD, b"\0" * 4), sys.byteorder)
        except OSError:
            return
        if not waiting:
            break
        waited = True
        time.sleep(0.001)
    if waited:
        time.sleep(0.002)  # it was read; the reading thread has to put it into the stream yet


# elsewhere


class _Tee:
    """A text stream that also tells what is written."""

    def __init__(self, stream: Any, name: str, recorder: OutputRecorder) -> None:
        self._stream, self._name, self._recorder = stream, name, recorder
        self._held: list[str] = []
        self._emitted_at = time.monotonic()
        self.quiet = False

    def write(self, text: str) -> Any:
        written = self._stream.write(text)
        if not self.quiet:
            self._held.append(text)
            if time.monotonic() - self._emitted_at > EMIT_S:
                self.emit()
        return written

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def emit(self) -> None:
        held, self._held = self._held, []
        self._emitted_at = time.monotonic()
        if held:
            self._recorder.message("stream", {"name": self._name, "text": "".join(held)})

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _TerminalRecording:
    def __init__(self, shell: Any, recorder: OutputRecorder) -> None:
        self._recorder = recorder
        self._publisher = shell.display_pub
        self._before = sys.stdout, sys.stderr
        self._tees = [_Tee(sys.stdout, "stdout", recorder), _Tee(sys.stderr, "stderr", recorder)]
        sys.stdout, sys.stderr = self._tees
        self._publish: Callable[..., Any] = self._publisher.publish
        self._publisher.publish = self._published

    def _published(self, data: Any, metadata: Any = None, **options: Any) -> Any:
        for tee in self._tees:
            tee.emit()
            tee.quiet = True  # a terminal shows the text of a display by printing it
        try:
            return self._publish(data, metadata, **options)
        finally:
            for tee in self._tees:
                tee.quiet = False
            kind = "update_display_data" if options.get("update") else "display_data"
            content = {"data": data, "metadata": metadata, "transient": options.get("transient")}
            self._recorder.message(kind, content)

    def stop(self) -> None:
        for tee in self._tees:
            tee.emit()
        for name, tee, before in zip(("stdout", "stderr"), self._tees, self._before, strict=True):
            if getattr(sys, name) is tee:
                setattr(sys, name, before)
        if self._publisher.__dict__.get("publish") == self._published:
            self._publisher.publish = self._publish
