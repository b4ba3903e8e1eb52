"""What the parts of the index's contract are made with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ..entities import Process
from ..journal import read_chunk
from ..protocols.runs import Delta, IndexedRun, RunIndex, Sight
from ..services.runs.folding import fold
from .clocks import FakeClock
from .journals import RUN, Scribe

HERE = Process(host="here", boot_id="boot", pid_namespace=1, pid=10, start_ticks=100)
ELSEWHERE = Process(host="there", boot_id="other", pid_namespace=1, pid=10, start_ticks=100)


def parts(scribe: Scribe, *, limit: int = 1 << 20) -> list[Delta]:
    """A whole journal as parts of about ``limit`` bytes."""
    found: list[Delta] = []
    offset = 0
    while True:
        chunk = read_chunk(scribe.path, offset, limit=limit)
        if chunk.end == offset:
            return found
        found.append(fold(scribe.journal.key, chunk))
        offset = chunk.end


def sight(now: float, *alive: str, silent_after_s: float = 600.0, lost_after_s: float = 3600.0) -> Sight:
    return Sight(now, now - silent_after_s, now - lost_after_s, frozenset(alive))


class IndexContract:
    """Fixtures and questions; ``index`` is the subclass's own, and empty."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def scribe(self, tmp_path: Path, clock: FakeClock) -> Scribe:
        return Scribe(tmp_path, clock, writer="w1")

    def search(
        self, index: RunIndex, clock: FakeClock, condition: str = "", **options: Any
    ) -> tuple[list[IndexedRun], int | None]:
        options = {"order_by": "", "limit": 100, "offset": 0, "archived": False, **options}
        order_by = options.pop("order_by")
        return index.search(condition, order_by, sight(clock()), **options)

    def one(self, index: RunIndex, clock: FakeClock, run_id: str = RUN) -> IndexedRun:
        (found,) = index.get([run_id], sight(clock()))
        return found
