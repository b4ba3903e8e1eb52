"""The cells that this kernel has executed, in order: what a promoted cell's job replays."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass, replace

from ..entities import VersionRef

on_job_use: list[Callable[[], None]] = []
"""Called whenever this process submits or waits for a job: such cells are not replayed in a job."""
on_read: list[Callable[[VersionRef], None]] = []
"""Called whenever this process reads a registered version."""


@dataclass(frozen=True, slots=True)
class ExecutedCell:
    """A cell as it was typed. ``number`` is its execution count.

    ``used_jobs``: it submitted jobs, or waited for some. ``read`` are the registered versions that it read.
    """

    number: int
    source: str
    ok: bool
    cell_id: str | None = None
    used_jobs: bool = False
    read: tuple[VersionRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """The cells that had ended when ``target`` began, in the order in which they ran."""

    cells: tuple[ExecutedCell, ...]
    target: ExecutedCell


class History:
    """Filled by the shell's hooks: ``began`` and ``ended`` for every cell that a person runs."""

    def __init__(self, on_end: Callable[[str], None] | None = None) -> None:
        """``on_end`` is called with the source of every cell that has ended."""
        self._on_end = on_end
        self._cells: list[ExecutedCell] = []
        self._running: list[ExecutedCell] = []

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
        self._running.append(ExecutedCell(number=number, source=source, ok=False, cell_id=cell_id))

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

    def note_read(self, version: VersionRef) -> None:
        """The running cell reads a registered version."""
        self._running = [
            cell if version in cell.read else replace(cell, read=(*cell.read, version))
            for cell in self._running
        ]

    def cells(self) -> list[ExecutedCell]:
        """All that have ended, in the order of their ends."""
        return list(self._cells)

    def running(self) -> ExecutedCell | None:
        """The cell that runs now."""
        return self._running[-1] if self._running else None

    def past(self, source: str) -> Past:
        """What came before the cell that runs now; ``source`` is its text where no hook saw it begin."""
        target = self.running() or ExecutedCell(number=0, source=source, ok=False)
        return Past(tuple(self._cells), target)
