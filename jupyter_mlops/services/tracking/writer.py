"""A run as the process that writes it sees it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from ...capture.metrics import metric_step, metric_values
from ...capture.redact import (
    REDACTED,
    is_peculiar,
    known_secrets,
    redact,
    redact_known,
    redact_shapes,
    redact_source,
    redact_text,
)
from ...capture.values import cut, encodable, param_value
from ...config import JOB, NOTEBOOK, Settings
from ...entities import CellTiming, Progress, RunError, RunStatus, VersionRef, short_id
from ...errors import InvalidInput, MlopsError, NotFound
from ...journal import JournalWriter
from ...journal.records import (
    Artifacts,
    Context,
    Data,
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
from .pruning import flag, obey
from .run_journal import RunJournal
from .sources import code_of_run


class RunOwner(Protocol):
    """Whoever keeps the list of open runs: the Tracker."""

    settings: Settings

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
        self.notebook: str | None = None
        self.parent_id: str | None = None
        self.scoped = False
        """Whether a ``with`` block will end it."""
        self._last: dict[str, float] = {}
        self.params: dict[str, Any] = {}
        """The params that this writer has logged, as they are shown."""
        self.tracker = tracker
        self.before: RunWriter | None = None
        """What was active in the context when this run was made the active one."""
        self.in_main_thread = False
        self.before_end: Callable[[], None] | None = None
        """Called when the run ends or is closed here, while it can still be held."""
        self.read_before: Callable[[], Sequence[VersionRef]] | None = None
        """Tells the registered versions that what the run depends on has read before it began."""
        self.follows: Callable[[], bool] | None = None
        """In a child process: whether the run has been ended by its owner meanwhile."""
        self.journal = RunJournal(journal, title=self._title, child_journal=child_journal)
        self._blobs = blobs
        self._secrets: frozenset[str] = frozenset()
        self._code = ""
        self._read: dict[tuple[str, str, int | None, str], VersionRef] = {}
        self._finding = threading.Lock()

    def __repr__(self) -> str:
        return f"<run {short_id(self.id)} {self.name!r}{' ended' if self.ended else ''}>"

    @property
    def ended(self) -> bool:
        return self.journal.ended

    @property
    def recorded(self) -> bool:
        """False for one that replays, or found no place to write; of what follows nothing is kept."""
        return self.journal.recorded

    @property
    def complete(self) -> bool:
        """False once something could not be written."""
        return self.journal.complete

    @property
    def job_id(self) -> str | None:
        """The job that this process belongs to."""
        return os.environ.get(JOB) or None

    @property
    def made_in(self) -> str | None:
        """The notebook's path."""
        return self.notebook or os.environ.get(NOTEBOOK) or None

    @property
    def versions_read(self) -> list[VersionRef]:
        """The registered versions that this process has read in the run, in order, after those before it."""
        self.record_read_before()
        return list(self._read.values())

    def code(self) -> str:
        """The code that the run executes, without secrets; of a run that was joined, its owner's."""
        if not self._code and self.tracker is not None:
            self._code = code_of_run(self.tracker.settings.home, self.id, self.job_id)
        return self._code

    @property
    def metric_names(self) -> set[str]:
        """The metrics that this writer has logged."""
        return set(self._last)

    def last_metrics(self) -> dict[str, float]:
        """The last value of each metric that this writer has logged."""
        return dict(self._last)

    # what people log

    def log(self, values: Mapping[str, Any], *, step: int | None = None) -> None:
        """Metrics of one step. Raises InvalidInput for what is no number, naming it.

        In a trial that its sweep's pruner wants to stop, TrialPruned, after they were recorded.
        """
        for name, value in values.items():
            if type(value) is not float or type(name) is not str or not name.isascii() or not name:
                values = metric_values(values)
                break
        if step is not None and type(step) is not int:
            step = metric_step(step)
        journal = self.journal.current or self.journal.opened()
        if journal is None or not values:
            return
        self._last.update(values)
        try:
            journal.metrics(values, step)
        except (OSError, ValueError) as error:
            self.trouble(error)
        if flag.reason is not None:
            obey()

    def log_params(self, values: Mapping[str, Any], *, source: str = "logged") -> None:
        """Input values; ``source`` says where they were taken from (see RunDetail)."""
        shown = {encodable(str(key)): self._param(str(key), value) for key, value in values.items()}
        if shown:
            self.params.update(shown)
            self.journal.append(Params(p=shown, source=source))

    def tag(self, values: Mapping[str, Any]) -> None:
        """Set tags; None removes one."""
        tags = {
            encodable(str(key)): None if value is None else cut(str(redact(str(key), str(value))))
            for key, value in values.items()
        }
        if tags:
            self.journal.append(Tags(g=tags))

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
        self._code = redact_source(encodable(text))
        self.journal.append(Source(text=self._code), late=True)

    def context(self, values: Mapping[str, Any]) -> None:
        """Surroundings; may still arrive after the end while :meth:`hold` is in force."""
        # by its name, the version of the package google-auth were a secret
        shown = {
            key: redact_shapes(value) if key == "packages" else redact(key, value)
            for key, value in to_json(dict(values)).items()
        }
        self.journal.append(Context(values=shown), late=True)

    def redact(self, text: str) -> str:
        """A text that the run shows, without secrets: those that its code spells out, and known shapes."""
        return redact_text(redact_known(text, self._secrets) if self._secrets else text)

    def displayed(self, record: Displayed) -> None:
        """A message that the front end got."""
        self.journal.append(record, late=True)

    def data_read(self, record: Data) -> None:
        """A file or URL that the run read; may still arrive after the end while :meth:`hold` is in force."""
        self.journal.append(record, late=True)

    def sample(self, values: Mapping[str, float]) -> None:
        """Points of series that nobody logged, as the machine's load; they are floats.

        They count as no metric of the run, and after its end they are dropped without a word, but for what
        is under way (:meth:`hold`).
        """
        journal = self.journal.late()
        if journal is None or not values:
            return
        try:
            journal.metrics(values, None)
        except (OSError, ValueError) as error:
            self.trouble(error)

    def put_blob(self, data: bytes) -> Blob | None:
        """Store bytes that a record will name; None when they cannot be stored."""
        if self._blobs is None:
            return None
        try:
            return self._blobs.put(data)
        except (OSError, MlopsError) as error:
            self.trouble(error)
            return None

    def input(self, kind: str, name: str, version: int | None, digest: str, *, late: bool = False) -> None:
        """A registered dataset or model version that the run reads; recorded the first time.

        ``late`` as for what is captured beside the user's code: it may come after the end.
        """
        key = (kind, name, version, digest)
        if key in self._read and self.journal.current is not None:
            return
        self._read[key] = VersionRef(kind=kind, name=name, version=version, digest=digest)
        self.journal.append(Input(kind=kind, name=name, version=version, digest=digest), late=late)

    def record_read_before(self) -> None:
        """Record what was read before the run began and it depends on, once; it may come after the end."""
        with self._finding:
            find, self.read_before = self.read_before, None
            for each in find() if find is not None else ():
                self.input(each.kind, each.name, each.version, each.digest, late=True)

    def register(self, kind: str, version: Mapping[str, Any], alias: str | None = None) -> str:
        """A version that the run registers. Returns the record's key, ``<run>/<writer>/<n>``."""
        journal = self.journal.current or self.journal.opened()
        number = self.journal.append(Register(kind=kind, version=dict(version), alias=alias))
        writer = journal.key.writer if journal is not None else "unwritten"
        return f"{self.id}/{writer}/{number}"

    def step(self, progress: Progress, cell: CellTiming | None = None) -> None:
        """Progress through a notebook, and the cell that has just ended."""
        self.journal.append(Step(progress=progress, cell=cell))

    def heartbeat(self) -> None:
        """A sign of life."""
        if not self.ended:
            self.journal.look_after()
            self.journal.append(Heartbeat(), late=True)

    # its end

    def end(
        self,
        status: RunStatus,
        *,
        reason: str | None = None,
        error: RunError | None = None,
        wait: bool = False,
    ) -> None:
        """End the run, once. A process that does not own it only closes its own journal.

        Context that is under way (:meth:`hold`) may still come: the process waits a little for it when it
        exits, and here with ``wait``, where it is about to be killed.
        """
        self._call_before_end()
        with self.journal.lock:
            if self.ended:
                return
            self.journal.look_after()
            if self.owns and self.journal.is_ours:
                self.journal.append(
                    End(status=status, reason=reason, error=error and self._without_secrets(error))
                )
            self._retire()
        if wait:
            self.journal.await_release()

    def close(self) -> None:
        """Write no more, and leave the run open: its owner ends it. Waits as :meth:`end` does."""
        self._call_before_end()
        with self.journal.lock:
            if self.ended:
                return
            self.journal.look_after()
            self._retire()
        self.journal.await_release()

    def leave(self) -> None:
        """Its owner has ended the run: nothing more is recorded here, and that is said once."""
        self.journal.leave()

    def hold(self) -> None:
        """Keep the journal open beyond the end, until :meth:`release`, for context that is under way."""
        self.journal.hold()

    def release(self) -> None:
        self.journal.release()

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
        """In a forked child: the run is its parent's, who ends it."""
        self.owns = False
        self.read_before = None
        self._finding = threading.Lock()
        self.journal.forked()

    def trouble(self, error: Exception) -> None:
        """Say once that tracking fails, in one line."""
        self.journal.trouble(error)

    def _artifact(self, name: str, put: Callable[[BlobStore], Blob], media_type: str) -> None:
        if not isinstance(name, str) or not name or "\0" in name or ".." in name.split("/"):
            raise InvalidInput(f"Not a name for an artifact: {name!r}. Take one such as 'roc.png'.")
        if self._blobs is None or (self.journal.current or self.journal.opened()) is None:
            return
        try:
            blob = put(self._blobs)
        except (OSError, MlopsError) as error:
            self.trouble(error)
            return
        self.journal.append(
            Artifacts(name=name, digest=blob.digest, size_bytes=blob.size_bytes, media_type=media_type)
        )

    def _param(self, name: str, value: Any) -> Any:
        shown = redact(name, param_value(value))
        if shown == REDACTED and isinstance(value, str) and is_peculiar(value):
            self._secrets |= {value}  # of an earlier cell, it may be: known now wherever it turns up
        return self.redact(shown) if isinstance(shown, str) else shown

    def _without_secrets(self, error: RunError) -> RunError:
        """An error's text and the code that its traceback quotes are shown to others."""
        return RunError(
            name=error.name,
            message=self.redact(error.message),
            traceback=self.redact(error.traceback),
        )

    def _call_before_end(self) -> None:
        call, self.before_end = self.before_end, None
        if call is not None and not self.ended and self.journal.is_ours:
            call()

    def _retire(self) -> None:
        self.journal.retire()
        if self.tracker is not None:
            self.tracker.ended(self)

    def _title(self) -> str:
        return f"{short_id(self.id)} ({self.name})" if self.name else short_id(self.id)
