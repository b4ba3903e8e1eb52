"""Where the outputs of a cell pass by, in a kernel and elsewhere.

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
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from .outputs import COMM_KINDS, KINDS, OutputRecorder

logger = logging.getLogger(__name__)

DRAIN_S = 2.0
EMIT_S = 0.2


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
            except Exception as error:
                logger.debug("An output could not be recorded", exc_info=error)
        self._send(message, *args, **kwargs)

    def _look_at(self, frames: list[Any]) -> None:
        """The wire protocol: identities, a delimiter, the signature, then four parts."""
        start = next(index for index, frame in enumerate(frames) if bytes(frame[:9]) == b"<IDS|MSG>") + 2
        header, parent, _metadata, content = frames[start : start + 4]
        recorders = self._recorders.get(self._unpack(parent).get("msg_id", ""))
        if not recorders:
            return
        kind = self._unpack(header)["msg_type"]
        if kind in KINDS:
            told = self._unpack(content)
            for recorder in recorders:
                recorder.message(kind, told)
        elif kind in COMM_KINDS:
            told, buffers = self._unpack(content), [bytes(each) for each in frames[start + 4 :]]
            for recorder in recorders:
                recorder.comm(kind, told, buffers)

    def _unpack(self, frame: Any) -> Any:
        """A part of a message; by msgspec, which is quicker by far where a cell prints a lot."""
        data = bytes(frame)
        try:
            return msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):  # NaN, lone surrogates, another packer
            return self._session.unpack(data)


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
        self._recorder.close()


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
        self._recorder.close()
