"""A real workspace with rides of drivers, and cells that define feature views in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.workspace import Workspace
from tests.registries import settings_in

from .cells import Cells

NOW = pd.Timestamp("2024-02-01", tz="UTC")

STATS = """
@mlops.feature_view(source="rides", keys="driver_id", timestamp="ended_at", ttl="30d")
def driver_stats(rides):
    rides = rides.sort_values("ended_at")
    rating = rides.groupby("driver_id").stars.transform(lambda stars: stars.expanding().mean())
    return rides.assign(rating=rating * WEIGHT)[["driver_id", "ended_at", "rating", "stars", "town"]]
"""


def rides(*rows: tuple[int, str, int, str | None]) -> pd.DataFrame:
    """Driver, when the ride ended, stars and town."""
    frame = pd.DataFrame(rows, columns=["driver_id", "ended_at", "stars", "town"])
    return frame.assign(ended_at=pd.to_datetime(frame.ended_at))


FIRST = rides((1, "2024-01-01", 5, "Ulm"), (2, "2024-01-02", 4, None), (1, "2024-01-03", 2, "Bonn"))
SECOND = rides((1, "2024-01-01", 5, "Ulm"), (1, "2024-01-05", 1, "Ulm"))


class World:
    """A workspace whose clock stands still, and cells that use it."""

    def __init__(self, home: Path, *, user: str = "ada", **settings: Any) -> None:
        self.now = NOW.timestamp()
        # a profiler for each of these homes would take longer than all else
        quiet = replace(settings_in(home, user=user, **settings), profile_when_registered=0)
        self.workspace = Workspace(quiet, clock=lambda: self.now)
        workspaces.use(self.workspace)
        self.cells = Cells()
        self.cells.run("import jupyter_mlops as mlops\nimport pandas as pd\nWEIGHT = 1")

    @property
    def view(self) -> mlops.FeatureView:
        found: mlops.FeatureView = self.cells["driver_stats"]
        return found

    def defined(self) -> mlops.FeatureView:
        """The view of the rides, from its cell."""
        self.cells.run(STATS)
        return self.view

    def audit(self) -> list[tuple[str, str]]:
        return [(each.action, each.subject) for each in self.workspace.registry.audit()]


@contextmanager
def world(home: Path, **settings: Any) -> Iterator[World]:
    try:
        yield World(home, **settings)
    finally:
        workspaces.use(None)
