"""Real stores of gates and models with the parts around them as a test says they are."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.entities import (
    CheckReport,
    Comparison,
    DatasetDiff,
    Expectation,
    FigureTable,
    MetricSummary,
    ModelVersion,
    Role,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    VersionRef,
)
from jupyter_mlops.errors import Forbidden, NotFound
from jupyter_mlops.services.promotion.service import PromotionService
from jupyter_mlops.services.registry.service import RegistryService
from jupyter_mlops.services.runs import comparing, side_by_side
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.migrations import migrate
from jupyter_mlops.store.promotion import SqlPromotionStore
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.testing.registry import model_version
from tests.registries import settings_in


@dataclass
class Roles:
    """Access by a table; everybody else is a contributor. ``closed`` are (user, action, subject) to refuse."""

    roles: dict[str, Role] = field(default_factory=dict)
    closed: set[tuple[str, str, str]] = field(default_factory=set)

    def role_of(self, user: str) -> Role:
        return self.roles.get(user, Role.CONTRIBUTOR)

    def require(self, user: str, action: str, subject: str) -> None:
        if (user, action, subject) in self.closed:
            raise Forbidden(f"{user} may not {action} {subject}.")


@dataclass
class KnownRuns:
    """Training runs by their ids."""

    details: dict[str, RunDetail] = field(default_factory=dict)

    def detail(self, run_id: str) -> RunDetail:
        if run_id not in self.details:
            raise NotFound(f"No run {run_id!r}.")
        return self.details[run_id]

    def compare(self, a: str, b: str) -> Comparison:
        return comparing.compare(self.detail(a), self.detail(b))

    def figures(self, run_ids: Sequence[str]) -> FigureTable:
        return side_by_side.figure_table([self.detail(each) for each in run_ids])


@dataclass
class KnownExpectations:
    """Expectations and reports by dataset and digest; ``checked`` are the references that were checked."""

    expected: dict[str, list[Expectation]] = field(default_factory=dict)
    reports: dict[tuple[str, str], CheckReport] = field(default_factory=dict)
    later: dict[str, CheckReport] = field(default_factory=dict)
    checked: list[str] = field(default_factory=list)

    def all(self, name: str) -> list[Expectation]:
        return self.expected.get(name, [])

    def report(self, name: str, digest: str) -> CheckReport | None:
        return self.reports.get((name, digest))

    def check(self, ref: str) -> CheckReport:
        self.checked.append(ref)
        if ref not in self.later:
            raise NotFound(f"The content of {ref} is gone.")
        return self.later[ref]


@dataclass
class KnownDiffs:
    diffs: dict[tuple[str, str], DatasetDiff] = field(default_factory=dict)

    def diff(self, before: str, after: str) -> DatasetDiff:
        if (before, after) not in self.diffs:
            raise NotFound(f"The content of {before} is gone.")
        return self.diffs[before, after]


class World:
    """A registry with gates; users are names."""

    def __init__(self, home: Path, *, database: Database | None = None) -> None:
        self.settings = settings_in(home)
        self.database = database or _migrated(home / "registry.sqlite")
        self.now = 1000.0
        self.replaying = False
        self.store = SqlRegistryStore(self.database, clock=lambda: self.now)
        self.promotion_store = SqlPromotionStore(self.database, clock=lambda: self.now)
        self.blobs = LocalBlobStore(home / "blobs")
        self.access = Roles({"ada": Role.ADMIN, "bob": Role.APPROVER, "eve": Role.APPROVER})
        self.runs = KnownRuns()
        self.expectations = KnownExpectations()
        self.diffs = KnownDiffs()
        self.registry = RegistryService(
            self.store,
            self.blobs,
            self.settings,
            access=self.access,
            replaying=lambda: self.replaying,
            gatekeeper=lambda: self.promotion,
            clock=lambda: self.now,
        )
        self.promotion = PromotionService(
            self.promotion_store,
            self.store,
            self.blobs,
            self.settings,
            registry=lambda: self.registry,
            runs=lambda: self.runs,
            expectations=lambda: self.expectations,
            diffs=lambda: self.diffs,
            access=self.access,
            replaying=lambda: self.replaying,
            clock=lambda: self.now,
        )

    def version(self, **changes: Any) -> ModelVersion:
        """Register the next version of ``digits``, by ada."""
        return self.store.register_model(model_version(**{"metrics": {"acc": 0.9}, **changes}))

    def run(self, run_id: str, **changes: Any) -> RunDetail:
        """Make a run that can be read; ``metrics`` are last values."""
        metrics = {
            name: MetricSummary(last=value, min=value, max=value, count=1)
            for name, value in changes.pop("metrics", {}).items()
        }
        run = Run(
            id=run_id,
            name=f"run-{run_id}",
            experiment="e",
            kind=RunKind.CELL,
            status=RunStatus.FINISHED,
            started_at=1.0,
            metrics=metrics,
        )
        self.runs.details[run_id] = replace(RunDetail(run=run), **changes)
        return self.runs.details[run_id]


@cache
def _template() -> bytes:
    """An empty registry's file: making one for each test would take longer than the tests."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sqlite_url(Path(folder) / "registry.sqlite"))
        migrate(database)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return (Path(folder) / "registry.sqlite").read_bytes()


def _migrated(path: Path) -> Database:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_template())
    return Database(sqlite_url(path))


def dataset(name: str, version: int | None, digest: str = "") -> VersionRef:
    """A reference to a dataset version; its digest is made of its number."""
    return VersionRef(kind="dataset", name=name, version=version, digest=digest or f"{version:064x}")
