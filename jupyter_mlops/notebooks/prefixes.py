"""What was found out of the cells that have ended, kept for the next question."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..capture.history import ExecutedCell
from .flow import Flow
from .steps import CellSteps

Parts = Callable[[str], Sequence[CellSteps]]


class Prefixes:
    """The flow of the cells that were asked about last: of a kernel's next question it is the beginning.

    ``parts`` are those of a cell's text that are told apart.
    """

    def __init__(self, parts: Parts, *, of_data: bool = False) -> None:
        self._parts, self._of_data = parts, of_data
        self._lock = threading.Lock()
        self._cells: tuple[ExecutedCell, ...] = ()
        self._flow = Flow(of_data=of_data)

    def last_bound(self, cells: Sequence[ExecutedCell]) -> dict[str, int]:
        """Which part binds each name last."""
        parts = (part for cell in cells for part in self._parts(cell.source))
        return {name: index for index, part in enumerate(parts) for name in part.binds}

    def flow_of(self, cells: Sequence[ExecutedCell], namespace: Mapping[str, Any] | None) -> Flow:
        """To be copied before anything else is tried on it."""
        cells = tuple(cells)
        with self._lock:
            known, flow = self._cells, self._flow
        if len(known) > len(cells) or any(a is not b for a, b in zip(known, cells, strict=False)):
            known, flow = (), Flow(of_data=self._of_data)
        if len(known) == len(cells):
            return flow
        flow, last_bound = flow.copy(), self.last_bound(cells)
        for cell in cells[len(known) :]:
            for part in self._parts(cell.source):
                flow.run(
                    part,
                    ok=cell.ok,
                    namespace=namespace,
                    last_bound=last_bound,
                    number=cell.number,
                    shown=cell.shown,
                )
        with self._lock:
            self._cells, self._flow = cells, flow
        return flow
