"""The figure on which pyplot, and who draws with it, draw next."""

from __future__ import annotations

import re

from .heap import Heap
from .seen import Account

BEGINS = frozenset({"figure", "subplots", "subplot_mosaic", "close", "clf"})
GIVES_NO_FIGURE = frozenset({"close", "clf"})
READS = re.compile(
    r"(gca|gcf|savefig|get_\w+|sca|axes|subplot|axis|[xy]lim|[xy]ticks|legend|colorbar|clim|fignum_exists|sci|gci)$"
)
"""Functions of pyplot that use what was drawn before."""
ONLY_READS = re.compile(r"(gca|gcf|gci|savefig|get_\w+|fignum_exists|show|pause|draw|close)$")
GIVES_CURRENT = frozenset({"gca", "gcf", "sca", "axes", "subplot"})
CHOOSES = frozenset({"sca", "axes", "figure"})
"""Functions whose argument says which figure or axes are drawn on from now on."""
DRAWS = frozenset({"plot", "hist", "boxplot", "scatter", "hexbin", "hist2d"})
"""Methods of tables as well as of axes: they leave the tables as they are."""


class Figures:
    """Which cells have drawn on the current figure, and the objects that it and its axes are."""

    def __init__(self) -> None:
        self._drawn_by = 0
        self._current = 0
        self._drawn = 0
        """What drawing gave: lines, bars, axes of pandas."""
        self._all = 0

    def copy(self) -> Figures:
        made = Figures()
        made.__dict__.update(self.__dict__)
        return made

    def pyplot(
        self, last: str, given: int, made: int, account: Account, heap: Heap, cell: int, *, another: bool
    ) -> int:
        """A function of pyplot. What its value may be, too; ``another``: no earlier figure is meant."""
        if last in BEGINS and last not in GIVES_NO_FIGURE:
            self._drawn_by = cell | (0 if another else self._drawn_by)
            self._current = made | (0 if another else self._current | given)
            self._drawn &= 0 if another else -1
            self._all |= made
            return 0
        if READS.match(last):
            account.need(
                self._drawn_by | heap.marked_by(self._current | self._drawn), "draws on", "the figure"
            )
        if not ONLY_READS.match(last):
            heap.mark_changed(self._current | self._drawn, cell)
        self._drawn_by = cell if last in BEGINS else self._drawn_by | cell
        if last in CHOOSES:
            self._current |= given
        if last in GIVES_CURRENT:
            self._current |= made
            self._all |= made
        else:
            self._drawn |= made
        return self._current if last in GIVES_CURRENT else 0

    def draw(self, base: int, made: int, heap: Heap, cell: int) -> None:
        """Something draws, on axes of its own or on the current ones."""
        if own := heap.reach(base) & self._all:
            heap.mark_changed(base | own, cell)
            return
        heap.mark_changed(self._current | self._drawn, cell)
        self._drawn_by |= cell
        self._drawn |= made
        self._all |= made
