"""The journal that a process keeps of a run, from its beginning until nothing more is under way."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable

from ...journal import JournalWriter
from ...journal.records import AnyRecord, Close

RELEASE_WAIT_S = 1.0


def warn_line(text: str) -> None:
    """One line on stderr; never an exception, whatever stderr is."""
    try:
        print(f"jupyter-mlops: {text}", file=sys.stderr)
    except (OSError, ValueError, AttributeError):
        return


class RunJournal:
    """Writes what it is given, and says in one line when it cannot. Safe to call from any thread.

    In a forked child the parent's file is left alone, and the first record opens a journal of the child's
    own. What :meth:`hold` announces may still be written after the end. ``title`` names the run in warnings.
    """

    def __init__(
        self,
        journal: JournalWriter | None,
        *,
        title: Callable[[], str],
        child_journal: Callable[[], JournalWriter] | None = None,
    ) -> None:
        self.current = journal
        """Where to write; None after the end, and in a forked child that has written nothing yet."""
        self.ended = False
        self.recorded = journal is not None
        """False for a run that replays, or found no place to write; of what follows nothing is kept."""
        self.complete = True
        """False once something could not be written."""
        self.lock = threading.RLock()
        self._file = journal
        self._title = title
        self._child_journal = child_journal
        self._reopen: Callable[[], JournalWriter] | None = None
        self._pid = os.getpid()
        self._holds = 0
        self._released = threading.Event()
        self._warned: set[str] = set()

    @property
    def is_ours(self) -> bool:
        """Whether it was opened by this process, and not by one that forked it."""
        return os.getpid() == self._pid

    def append(self, record: AnyRecord, *, late: bool = False) -> int:
        """Returns the record's number, 0 when it could not be written.

        A ``late`` one is still written after the end while somebody holds the journal, else dropped silently.
        """
        journal = self.current or (self._file if late else None) or self.opened(quiet=late)
        if journal is None:
            return 0
        try:
            return journal.append(record)
        except (OSError, ValueError, TypeError) as error:
            self.trouble(error)
            return 0

    def opened(self, *, quiet: bool = False) -> JournalWriter | None:
        """Where to write when there is no ``current``: ended, recording nothing, or in a forked child."""
        with self.lock:
            if self.ended:
                if not quiet:
                    self.warn_once("ended", f"run {self._title()} has ended; what is logged to it is lost.")
                return None
            if self.current is None and self._reopen is not None:
                reopen, self._reopen = self._reopen, None
                try:
                    self._file = self.current = reopen()
                except OSError as error:
                    self.trouble(error)
                self._pid = os.getpid()
            return self.current

    def late(self) -> JournalWriter | None:
        """Where to write what is dropped silently after the end."""
        return self.current or self._file

    def look_after(self) -> None:
        """Write the journal again where it was deleted in mid-run, with its home as a rule, and say so."""
        file = self._file
        try:
            if file is None:
                return
            file.settle()
            if not file.removed():
                return
            self.complete = False
            file.restore()
            self.recorded = True
        except OSError as error:
            self.recorded = False
            self.warn_once(
                "trouble",
                f"run {self._title()} is not recorded: its journal was deleted, and cannot be written again: "
                f"{error}. Your code goes on.",
            )
        else:
            self.warn_once(
                "trouble",
                f"the journal of run {self._title()} was deleted while the run went on. It has been written "
                "again; artifacts and large outputs of the run may be gone.",
            )

    # its end

    def hold(self) -> None:
        """Keep the file open beyond the end, until :meth:`release`."""
        with self.lock:
            self._holds += 1
            self._released.clear()

    def release(self) -> None:
        with self.lock:
            self._holds = max(0, self._holds - 1)
            if not self._holds:
                self._released.set()
            if self.ended and not self._holds:
                self._close()

    @property
    def is_held(self) -> bool:
        """Whether something is under way that will still be written."""
        return self._holds > 0

    def await_release(self, timeout_s: float = RELEASE_WAIT_S) -> None:
        """Wait a little for what is under way: the process may be about to exit."""
        if self._holds:
            self._released.wait(timeout_s)

    def retire(self) -> None:
        """Take nothing more, but from those who hold it."""
        self.ended = True
        self.current = None
        if not self._holds:
            self._close()

    def leave(self) -> None:
        """Take nothing more at all."""
        with self.lock:
            if not self.ended:
                self.ended = True
                self.current = self._reopen = None
                self._close()

    def forked(self) -> None:
        """In a forked child: what is logged goes to a journal of our own."""
        self.lock = threading.RLock()
        self._holds = 0
        file, self._file, self.current = self._file, None, None
        if file is not None:
            file.close()
            self._reopen = self._child_journal

    # trouble

    def trouble(self, error: Exception) -> None:
        """Say once that tracking fails, in one line."""
        self.complete = False
        text = str(error) or type(error).__name__
        self.warn_once("trouble", f"run {self._title()} is not fully recorded: {text}. Your code goes on.")

    def warn_once(self, what: str, text: str) -> None:
        if what not in self._warned:
            self._warned.add(what)
            warn_line(text)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            file.append(Close())
        except (OSError, ValueError) as error:
            self.trouble(error)
        finally:
            file.close()
