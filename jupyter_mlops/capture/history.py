"""The cells that this kernel has executed, in order: what a promoted cell's job replays."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loaded import Read

on_job_use: list[Callable[[], None]] = []
"""Called whenever this process submits or waits for a job: such cells are not replayed in a job."""
kernels: list[History] = []
"""The histories of the shells that this process has, the latest last."""
OUR_THREADS = ("mlops-", "jupyter-mlops-")


@dataclass(frozen=True, slots=True)
class ExecutedCell:
    """A cell as it was typed. ``number`` is its execution count.

    ``used_jobs``: it submitted jobs, or waited for some. ``reads`` are of registered versions. ``shown`` are
    the execution counts of the last values that had been shown when it began, the latest first: what ``_``,
    ``__`` and ``___`` were in it; None where nobody looked.
    """

    number: int
    source: str
    ok: bool
    cell_id: str | None = None
    used_jobs: bool = False
    reads: tuple[Read, ...] = ()
    shown: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """The cells that had ended when ``target`` began, in the order in which they ran.

    ``stray`` are reads of which no cell is known that they belong to: by threads and tasks.
    """

    cells: tuple[ExecutedCell, ...]
    target: ExecutedCell
    stray: tuple[Read, ...] = ()


class History:
    """Filled by the shell's hooks: ``began`` and ``ended`` for every cell that a person runs."""

    def __init__(
        self, on_end: Callable[[str], None] | None = None, namespace: Mapping[str, Any] | None = None
    ) -> None:
        """``on_end`` is called with the source of every cell that has ended; ``namespace`` is the shell's."""
        self._on_end = on_end
        self._namespace = namespace
        self._cells: list[ExecutedCell] = []
        self._running: list[ExecutedCell] = []
        self._stray: tuple[Read, ...] = ()
        self._first_threads = _threads()
        self._threads: frozenset[threading.Thread] = frozenset()
        """Threads that were there when the running cell began."""

    def seed(
        self, sources: list[str], *, first_number: int = 1, raised: Container[int] = frozenset()
    ) -> None:
        """Cells that ran before anybody listened.

        IPython keeps their code and not how they ended. Those of which that is known are in ``raised``;
        the others are taken to have succeeded.
        """
        self._cells += [
            ExecutedCell(number=number, source=source, ok=number not in raised)
            for number, source in enumerate(sources, first_number)
            if source.strip()
        ]

    def began(self, number: int, source: str, cell_id: str | None) -> None:
        if not self._running:
            self._threads = _threads()
        cell = ExecutedCell(number=number, source=source, ok=False, cell_id=cell_id, shown=self._shown())
        self._running.append(cell)

    def ended(self, *, ok: bool) -> None:
        """The cell that began last has ended."""
        if self._running:
            cell = replace(self._running.pop(), ok=ok)
            self._cells.append(cell)
            if self._on_end is not None:
                self._on_end(cell.source)

    def note_job_use(self) -> None:
        """The running cell submits a job or waits for one."""
        self._running = [replace(cell, used_jobs=True) for cell in self._running]

    def note_read(self, read: Read) -> None:
        """A registered version is read: by the running cell, or by something beside the cells."""
        if not self._running or not (read.where.rooted or self._began_here(read.thread)):
            self._stray = _with(self._stray, read)
        else:
            self._running = [replace(cell, reads=_with(cell.reads, read)) for cell in self._running]

    def cells(self) -> list[ExecutedCell]:
        """All that have ended, in the order of their ends."""
        return list(self._cells)

    def running(self) -> ExecutedCell | None:
        """The cell that runs now."""
        return self._running[-1] if self._running else None

    def past(self, source: str) -> Past:
        """What came before the cell that runs now; ``source`` is its text where no hook saw it begin."""
        target = self.running() or ExecutedCell(number=0, source=source, ok=False)
        return Past(tuple(self._cells), target, self._stray)

    # inside

    def _shown(self) -> tuple[int, ...] | None:
        """IPython keeps what was shown by the number of its cell, in the order of time."""
        outputs = None if self._namespace is None else self._namespace.get("_oh")
        return tuple(islice(reversed(outputs), 3)) if isinstance(outputs, dict) else None

    def _began_here(self, thread: int) -> bool:
        """Whether only the running cell can have started a thread: no thread of an earlier one was left."""
        known = {each.ident for each in self._threads}
        return thread not in known and self._threads <= self._first_threads


def _threads() -> frozenset[threading.Thread]:
    """All but those of this package, which run no code of the user."""
    return frozenset(each for each in threading.enumerate() if not each.name.startswith(OUR_THREADS))


def _with(reads: tuple[Read, ...], read: Read) -> tuple[Read, ...]:
    """A read of the same version at the same place takes the place of an earlier one."""
    return (*(each for each in reads if (each.version, each.where) != (read.version, read.where)), read)
