"""A run as the process that writes it sees it."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ...capture.redact import known_secrets, redact, redact_known, redact_source, redact_text
from ...capture.values import cut, encodable, metric_step, metric_values, param_value
from ...entities import CellTiming, Progress, RunError, RunStatus, short_id
from ...errors import InvalidInput, MlopsError, NotFound
from ...journal import JournalWriter
from ...journal.records import (
    AnyRecord,
    Artifacts,
    Close,
    Context,
    Displayed,
    End,
    Heartbeat,
    Input,
    Params,
    Register,
    Source,
    Step,
    Tags,
)
from ...protocols.blobs import Blob, BlobStore
from ...wire import to_json
from .endings import ending
from .figures import figure_bytes, media_type_of

RELEASE_WAIT_S = 1.0


def warn_line(text: str) -> None:
    """One line on stderr; never an exception, whatever stderr is."""
    try:
        print(f"jupyter-mlops: {text}", file=sys.stderr)
    except (OSError, ValueError, AttributeError):
        return


class RunOwner(Protocol):
    """Whoever keeps the list of open runs: the Tracker."""

    def ended(self, run: RunWriter) -> None:
        """The run is no longer open in this process."""
        ...


class RunWriter:
    """Writes one run's records from one process; its methods may be called from any thread.

    Unusable arguments raise. Trouble with tracking itself (disk full, no permission) never does: the run
    says so in one line and goes on trying. After its end nothing is recorded, and that is said once.
    Made by the Tracker; as a context manager it ends the run by the way the block ends.
    """

    def __init__(
        self,
        run_id: str,
        *,
        tracker: RunOwner | None,
        blobs: BlobStore | None,
        journal: JournalWriter | None,
        child_journal: Callable[[], JournalWriter] | None = None,
        owns: bool = False,
        name: str = "",
        experiment: str = "",
    ) -> None:
        self.id = run_id
        self.name = name
        self.experiment = experiment
        self.owns = owns
        self.ended = False
        self.parent_id: str | None = None
        self.scoped = False
        """Whether a ``with`` block will end it."""
        self._last: dict[str, float] = {}
        self.param_names: set[str] = set()
        self.tracker = tracker
        self.before: RunWriter | None = None
        """What was active in the context when this run was made the active one."""
        self.in_main_thread = False
        self.follows: Callable[[], bool] | None = None
        """In a child process: whether the run has been ended by its owner meanwhile."""
        self.recorded = journal is not None
        """False for one that replays, or found no place to write."""
        self._blobs = blobs
        self._file = journal
        self._journal = journal
        self._child_journal = child_journal
        self._reopen: Callable[[], JournalWriter] | None = None
        self._lock = threading.RLock()
        self._pid = os.getpid()
        self._holds = 0
        self._released = threading.Event()
        self._warned: set[str] = set()
        self._secrets: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"<run {short_id(self.id)} {self.name!r}{' ended' if self.ended else ''}>"

    @property
    def metric_names(self) -> set[str]:
        """The metrics that this writer has logged."""
        return set(self._last)

    def last_metrics(self) -> dict[str, float]:
        """The last value of each metric that this writer has logged."""
        return dict(self._last)

    # what people log

    def log(self, values: Mapping[str, Any], *, step: int | None = None) -> None:
        """Metrics of one step. Raises InvalidInput for what is no number, naming it."""
        for name, value in values.items():
            if type(value) is not float or type(name) is not str or not name.isascii():
                values = metric_values(values)
                break
        if step is not None and type(step) is not int:
            step = metric_step(step)
        journal = self._journal or self._slow_path()
        if journal is None:
            return
        self._last.update(values)
        try:
            journal.metrics(values, step)
        except (OSError, ValueError) as error:
            self.trouble(error)

    def log_params(self, values: Mapping[str, Any], *, source: str = "logged") -> None:
        """Input values; ``source`` says where they were taken from (see RunDetail)."""
        shown = {encodable(str(key)): self._param(str(key), value) for key, value in values.items()}
        if shown:
            self.param_names.update(shown)
            self._append(Params(p=shown, source=source))

    def tag(self, values: Mapping[str, Any]) -> None:
        """Set tags; None removes one."""
        tags = {
            encodable(str(key)): None if value is None else cut(str(redact(str(key), str(value))))
            for key, value in values.items()
        }
        if tags:
            self._append(Tags(g=tags))

    def log_bytes(self, name: str, data: bytes, *, media_type: str = "application/octet-stream") -> None:
        """An artifact from memory."""
        self._artifact(name, lambda blobs: blobs.put(data), media_type)

    def log_file(self, path: str | os.PathLike[str], name: str | None = None) -> None:
        """An artifact from a file, or one for each file of a folder. Raises NotFound."""
        source = Path(path).expanduser()
        if source.is_dir():
            for each in sorted(item for item in source.rglob("*") if item.is_file()):
                self.log_file(each, f"{name or source.name}/{each.relative_to(source).as_posix()}")
            return
        if not source.is_file():
            raise NotFound(f"No file {str(path)!r} to log (looked in {Path.cwd()}).")
        self._artifact(name or source.name, lambda blobs: blobs.put_file(source), media_type_of(source.name))

    def log_figure(self, figure: Any, name: str) -> None:
        """A picture of a figure (matplotlib, plotly, PIL, anything with a rich display) as an artifact."""
        data, media_type, suffix = figure_bytes(figure)
        full_name = name if name.endswith(suffix) else name + suffix
        self.log_bytes(full_name, data, media_type=media_type)

    # what is captured

    def source(self, text: str) -> None:
        """The code that the run executes."""
        self._secrets |= known_secrets(text)
        self._append(Source(text=redact_source(encodable(text))), late=True)

    def context(self, values: Mapping[str, Any]) -> None:
        """Surroundings; may still arrive after the end while :meth:`hold` is in force."""
        shown = {key: redact(key, value) for key, value in to_json(dict(values)).items()}
        self._append(Context(values=shown), late=True)

    def redact(self, text: str) -> str:
        """A text that the run shows, without the secrets that its code spells out."""
        return redact_known(text, self._secrets) if self._secrets else text

    def displayed(self, record: Displayed) -> None:
        """A message that the front end got."""
        self._append(record, late=True)

    def put_blob(self, data: bytes) -> Blob | None:
        """Store bytes that a record will name; None when they cannot be stored."""
        if self._blobs is None:
            return None
        try:
            return self._blobs.put(data)
        except (OSError, MlopsError) as error:
            self.trouble(error)
            return None

    def input(self, kind: str, name: str, version: int | None, digest: str) -> None:
        """A registered dataset or model version that the run reads."""
        self._append(Input(kind=kind, name=name, version=version, digest=digest))

    def register(self, kind: str, version: Mapping[str, Any], alias: str | None = None) -> str:
        """A version that the run registers. Returns the record's key, ``<run>/<writer>/<n>``."""
        journal = self._journal or self._slow_path()
        number = self._append(Register(kind=kind, version=dict(version), alias=alias))
        writer = journal.key.writer if journal is not None else "unwritten"
        return f"{self.id}/{writer}/{number}"

    def step(self, progress: Progress, cell: CellTiming | None = None) -> None:
        """Progress through a notebook, and the cell that has just ended."""
        self._append(Step(progress=progress, cell=cell))

    def heartbeat(self) -> None:
        """A sign of life."""
        if not self.ended:
            self._append(Heartbeat(), late=True)

    # its end

    def end(self, status: RunStatus, *, reason: str | None = None, error: RunError | None = None) -> None:
        """End the run, once. A process that does not own it only closes its own journal.

        Then waits a little for context that is under way (:meth:`hold`): the process may be about to exit.
        """
        with self._lock:
            if self.ended:
                return
            if self.owns and os.getpid() == self._pid:
                self._append(End(status=status, reason=reason, error=error and self._without_secrets(error)))
            self._retire()
        self._await_release()

    def close(self) -> None:
        """Write no more, and leave the run open: its owner ends it. Waits as :meth:`end` does."""
        with self._lock:
            if self.ended:
                return
            self._retire()
        self._await_release()

    def leave(self) -> None:
        """Its owner has ended the run: nothing more is recorded here, and that is said once."""
        with self._lock:
            if not self.ended:
                self.ended = True
                self._journal = self._reopen = None
                self._close_file()

    def hold(self) -> None:
        """Keep the journal open beyond the end, until :meth:`release`, for context that is under way."""
        with self._lock:
            self._holds += 1
            self._released.clear()

    def release(self) -> None:
        with self._lock:
            self._holds = max(0, self._holds - 1)
            if not self._holds:
                self._released.set()
            if self.ended and not self._holds:
                self._close_file()

    def __enter__(self) -> RunWriter:
        self.scoped = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status, reason, run_error = ending(error)
        self.end(status, reason=reason, error=run_error)

    # inside

    def forked(self) -> None:
        """In a forked child: the parent's file is not ours; what is logged goes to a journal of our own."""
        self._lock = threading.RLock()
        self._holds = 0
        self.owns = False
        file, self._file, self._journal = self._file, None, None
        if file is not None:
            file.close()
            self._reopen = self._child_journal

    def _append(self, record: AnyRecord, *, late: bool = False) -> int:
        journal = self._journal or (self._file if late else None) or self._slow_path(quiet=late)
        if journal is None:
            return 0
        try:
            return journal.append(record)
        except (OSError, ValueError, TypeError) as error:
            self.trouble(error)
            return 0

    def _slow_path(self, *, quiet: bool = False) -> JournalWriter | None:
        """No journal at hand: ended, recording nothing, or in a forked child that has none yet."""
        with self._lock:
            if self.ended:
                if not quiet:
                    self._warn_once("ended", f"run {self._title()} has ended; what is logged to it is lost.")
                return None
            if self._journal is None and self._reopen is not None:
                reopen, self._reopen = self._reopen, None
                try:
                    self._file = self._journal = reopen()
                except OSError as error:
                    self.trouble(error)
                self._pid = os.getpid()
            return self._journal

    def _artifact(self, name: str, put: Callable[[BlobStore], Blob], media_type: str) -> None:
        if not isinstance(name, str) or not name or "\0" in name or ".." in name.split("/"):
            raise InvalidInput(f"Not a name for an artifact: {name!r}. Take one such as 'roc.png'.")
        if self._blobs is None or (self._journal or self._slow_path()) is None:
            return
        try:
            blob = put(self._blobs)
        except (OSError, MlopsError) as error:
            self.trouble(error)
            return
        self._append(
            Artifacts(name=name, digest=blob.digest, size_bytes=blob.size_bytes, media_type=media_type)
        )

    def _param(self, name: str, value: Any) -> Any:
        shown = redact(name, param_value(value))
        return self.redact(shown) if isinstance(shown, str) else shown

    def _without_secrets(self, error: RunError) -> RunError:
        """An error's text and the code that its traceback quotes are shown to others."""
        return RunError(
            name=error.name,
            message=redact_text(self.redact(error.message)),
            traceback=redact_text(self.redact(error.traceback)),
        )

    def _await_release(self) -> None:
        if self._holds:
            self._released.wait(RELEASE_WAIT_S)

    def _retire(self) -> None:
        self.ended = True
        self._journal = None
        if not self._holds:
            self._close_file()
        if self.tracker is not None:
            self.tracker.ended(self)

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.append(Close())
        except (OSError, ValueError) as error:
            self.trouble(error)
        finally:
            file.close()

    def _title(self) -> str:
        return f"{short_id(self.id)} ({self.name})" if self.name else short_id(self.id)

    def trouble(self, error: Exception) -> None:
        """Say once that tracking fails, in one line."""
        text = str(error) or type(error).__name__
        self._warn_once("trouble", f"run {self._title()} is not fully recorded: {text}. Your code goes on.")

    def _warn_once(self, what: str, text: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warn_line(text)
