"""Runs of this process: starting them, and finding the one that ``log()`` means."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path

from ...capture.processes import current_process
from ...config import RUN, Settings
from ...entities import RunKind, RunStatus, VersionRef, is_id, new_id, short_id
from ...errors import NoActiveRun
from ...journal import JournalWriter
from ...journal.records import Close, End, Join, Start
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from .pools import in_pool_worker, run_of_makers
from .pruning import watch
from .pulse import Pulse
from .run_journal import RELEASE_WAIT_S, warn_line
from .sampler import Sampler
from .surroundings import capture_surroundings
from .tails import Tail, has_ended
from .writer import RunWriter

__all__ = ["RunWriter", "Tracker", "warn_line"]

NO_RUN = (
    "No run is active here. Put %%track on the first line of the cell, or log inside "
    "'with mlops.track(\"name\"):'."
)

_active: ContextVar[RunWriter | None] = ContextVar("jupyter_mlops_active_run", default=None)


class Tracker:
    """The runs that this process writes.

    The active run is that of the context (a ``with`` block, a tracked cell, the tasks and threads that
    took over its context); elsewhere, as in a plain thread, the one that the process has open (of runs
    that contain each other the innermost); and in a child process the run in ``JUPYTER_MLOPS_RUN``.
    While ``replaying``, nothing is recorded and nobody is told.
    """

    def __init__(self, settings: Settings, blobs: BlobStore, *, clock: Clock = time.time) -> None:
        self.settings = settings
        self.replaying = False
        self._blobs = blobs
        self._clock = clock
        self._lock = threading.RLock()
        self._open: dict[str, RunWriter] = {}
        self._joined: dict[str, RunWriter] = {}
        self._makers: RunWriter | None = None
        self._held: weakref.WeakSet[RunWriter] = weakref.WeakSet()
        """Runs that have ended while their surroundings were still being gathered."""
        self._exports: list[str] = []
        self._exported_before: str | None = None
        self._silent = RunWriter(new_id(clock()), tracker=None, blobs=None, journal=None, name="replay")
        self._pulse = Pulse(settings.heartbeat_s, self.open_runs)
        self._sampler = Sampler(settings.sample_s, self.open_runs)
        _trackers.add(self)

    def start(
        self,
        *,
        name: str,
        kind: RunKind,
        experiment: str | None = None,
        notebook: str | None = None,
        cell_id: str | None = None,
        job_id: str | None = None,
        sweep_id: str | None = None,
        parent_id: str | None = None,
        source: str = "",
        export: bool = True,
        run_id: str | None = None,
        surroundings: bool = False,
        read_before: Callable[[], Sequence[VersionRef]] | None = None,
    ) -> RunWriter:
        """Begin a run and make it the active one; ``parent_id`` defaults to the run active until now.

        ``run_id`` is for whoever had to say which run it will be before it began. ``read_before`` tells, once
        and beside the run's code, which registered versions that were read before it depends on.

        Never raises for want of a place to write: such a run warns once and records nothing. With
        ``export`` child processes find it in their environment; with ``surroundings`` packages, host and
        git are gathered beside it.
        """
        if self.replaying:
            return RunWriter(new_id(self._clock()), tracker=None, blobs=None, journal=None, name=name)
        run_id = run_id or new_id(self._clock())
        parent_id = parent_id or self._parent_id()
        experiment = experiment or (Path(notebook).stem if notebook else "default")
        start = Start(
            name=name,
            experiment=experiment,
            kind=kind,
            user=self.settings.user,
            notebook=notebook,
            cell_id=cell_id,
            parent_id=parent_id,
            job_id=job_id,
            sweep_id=sweep_id,
            process=current_process(),
        )
        run = self._writer(run_id, start, owns=True, name=name, experiment=experiment)
        run.parent_id = parent_id
        run.notebook = notebook
        run.read_before = read_before
        if source:
            run.source(source)
        if surroundings:
            capture_surroundings(run)
        self.activate(run, export=export)
        return run

    def join(self, run_id: str) -> RunWriter:
        """A further writer on somebody else's run: it writes, and never ends it."""
        if has_ended(self.settings.home, run_id):
            ended = RunWriter(run_id, tracker=self, blobs=None, journal=None)
            ended.leave()
            return ended
        return self._writer(run_id, Join(process=current_process()), owns=False)

    def active(self) -> RunWriter:
        """The run that ``log()`` writes to. Raises NoActiveRun, saying what to do."""
        if self.replaying:
            return self._silent
        run = _active.get()
        if run is None or run.tracker is not self:
            run = self._innermost_open() or self._from_environment()
        if run is not None and run.follows is not None:
            run = self._followed(run)
        if run is None:
            raise NoActiveRun(NO_RUN)
        return run

    def active_or_none(self) -> RunWriter | None:
        """Like :meth:`active`, None where there is none."""
        try:
            return self.active()
        except NoActiveRun:
            return None

    def reader(self) -> RunWriter | None:
        """The run whose inputs are recorded: the active one, and in a job's replayed cells the job's."""
        return self._from_environment() if self.replaying else self.active_or_none()

    def settle(self, run_id: str, status: RunStatus, reason: str) -> None:
        """End a run whose owner died; counts for as long as the owner's own end is not found.

        Raises OSError when its journal cannot be written.
        """
        journal = self._journal(run_id, Join(process=current_process(), role="agent"))
        journal.append(End(status=status, reason=reason))
        journal.append(Close())
        journal.close()

    def activate(self, run: RunWriter, *, export: bool = True) -> None:
        """Make ``run`` the active one of this context until it ends or is closed."""
        with self._lock:
            self._open[run.id] = run
            if export:
                self._export(run.id)
        run.in_main_thread = threading.current_thread() is threading.main_thread()
        run.before = _active.get()
        _active.set(run)
        if run.owns:
            self._pulse.start()
            self._sampler.start()

    def ended(self, run: RunWriter) -> None:
        """Called by the run: it is no longer open here."""
        with self._lock:
            if self._open.get(run.id) is run:
                del self._open[run.id]
                self._withdraw(run.id)
            if run.journal.is_held:
                self._held.add(run)
        if _active.get() is run:  # else this is another context, which ends with its task or thread
            _active.set(run.before)

    def open_runs(self) -> list[RunWriter]:
        """The runs that this process has open, the oldest first."""
        return list(self._open.values())

    # inside

    def _writer(
        self, run_id: str, first: Start | Join, *, owns: bool, name: str = "", experiment: str = ""
    ) -> RunWriter:
        trouble: OSError | None = None
        journal: JournalWriter | None = None
        try:
            journal = self._journal(run_id, first)
        except OSError as error:
            trouble = error
        run = RunWriter(
            run_id,
            tracker=self,
            blobs=None if journal is None else self._blobs,
            journal=journal,
            child_journal=lambda: self._journal(run_id, Join(process=current_process())),
            owns=owns,
            name=name,
            experiment=experiment,
        )
        if trouble is not None:
            run.trouble(trouble)
        return run

    def _journal(self, run_id: str, first: Start | Join) -> JournalWriter:
        watch()
        journal = JournalWriter(self.settings.home, run_id, clock=self._clock)
        journal.append(first)
        return journal

    def _innermost_open(self) -> RunWriter | None:
        """The open run, or the innermost of runs that contain each other. Raises NoActiveRun for others."""
        runs = self.open_runs()
        if len(runs) <= 1:
            return runs[0] if runs else None
        left = {run.id: run for run in runs}
        inner: RunWriter | None = runs[-1]
        while inner is not None:
            del left[inner.id]
            inner = left.get(inner.parent_id or "")
        if left:
            names = ", ".join(f"{short_id(run.id)} ({run.name})" for run in runs)
            raise NoActiveRun(
                f"Several runs are open in this process: {names}; which of them this thread belongs to "
                "cannot be known. Log through the run itself (run.log(...)), or start the thread with "
                "threading.Thread(target=contextvars.copy_context().run, args=(function,))."
            )
        return runs[-1]

    def _from_environment(self) -> RunWriter | None:
        run_id = os.environ.get(RUN, "")
        if not self._is_here(run_id):
            return self._of_makers()
        return self._joined_to(run_id)

    def _joined_to(self, run_id: str) -> RunWriter:
        with self._lock:
            if run_id not in self._joined:
                run = self._joined[run_id] = self.join(run_id)
                run.follows = Tail(self.settings.home, run_id).has_ended
            return self._joined[run_id]

    def _followed(self, run: RunWriter) -> RunWriter:
        """In a child process: the run as long as it lasts, then for a pool's worker its maker's next one."""
        if _goes_on(run):
            return run
        run.leave()
        return self._of_makers() or run

    def _of_makers(self) -> RunWriter | None:
        """In a pool's worker: the run that its maker has open now."""
        if self._makers is not None and _goes_on(self._makers):
            return self._makers
        found = run_of_makers(self.settings.home) if in_pool_worker() else None
        self._makers = None if found is None else self._joined_to(found)
        return self._makers

    def _is_here(self, run_id: str) -> bool:
        """Whether it is a run of this workspace (the variable may come from another one)."""
        return is_id(run_id) and (self.settings.home / "runs" / run_id).is_dir()

    def _parent_id(self) -> str | None:
        """The run that one started here belongs to.

        A bare thread belongs to what the main thread has open, never to another thread's run.
        """
        run = _active.get()
        if in_pool_worker() and (run := self.active_or_none()) is None:
            return None
        if run is not None and run.tracker is self and not run.ended:
            return run.id
        of_main = [run.id for run in self.open_runs() if run.in_main_thread]
        if of_main:
            return of_main[-1]
        outside = self._exported_before if self._exports else os.environ.get(RUN)
        return outside if outside and self._is_here(outside) else None

    def _export(self, run_id: str) -> None:
        if not self._exports:
            self._exported_before = os.environ.get(RUN)
        self._exports.append(run_id)
        os.environ[RUN] = run_id

    def _withdraw(self, run_id: str) -> None:
        """Restore the variable; runs that go on in parallel keep theirs."""
        if run_id not in self._exports:
            return
        self._exports.remove(run_id)
        value = self._exports[-1] if self._exports else self._exported_before
        if value is None:
            os.environ.pop(RUN, None)
        else:
            os.environ[RUN] = value

    def _forked(self) -> None:
        self._lock = threading.RLock()
        self._pulse = Pulse(self.settings.heartbeat_s, self.open_runs)
        self._sampler = Sampler(self.settings.sample_s, self.open_runs)
        self._held = weakref.WeakSet()
        for run in {*self._open.values(), *self._joined.values()}:
            run.forked()
            run.follows = None if run.ended else Tail(self.settings.home, run.id).has_ended

    def _exiting(self) -> None:
        for run in self.open_runs():
            if run.scoped:
                run.end(RunStatus.CANCELLED, reason="the process exited inside the run's with block")
        for run in list(self._joined.values()):
            run.close()
        until = time.monotonic() + RELEASE_WAIT_S
        for run in list(self._held):
            run.journal.await_release(max(0.0, until - time.monotonic()))


def _goes_on(run: RunWriter) -> bool:
    return not run.ended and not (run.follows is not None and run.follows())


_trackers: weakref.WeakSet[Tracker] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for tracker in list(_trackers):
        tracker._forked()


def _at_exit() -> None:
    for tracker in list(_trackers):
        tracker._exiting()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
atexit.register(_at_exit)
