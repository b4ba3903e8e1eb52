"""What promotion asks of the parts around it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ...entities import (
    AuditEntry,
    CheckReport,
    Comparison,
    Dataset,
    DatasetDiff,
    DatasetVersion,
    Expectation,
    FigureTable,
    Model,
    ModelVersion,
    Move,
    RunDetail,
)


class Runs(Protocol):
    """The training runs. Every method raises NotFound for a run that cannot be read from here."""

    def detail(self, run_id: str) -> RunDetail: ...

    def compare(self, a: str, b: str) -> Comparison: ...

    def figures(self, run_ids: Sequence[str]) -> FigureTable: ...


class Models(Protocol):
    """The registry of models and datasets, in one user's name. Every method raises NotFound."""

    def model(self, name: str) -> Model: ...

    def model_version(self, ref: str) -> ModelVersion: ...

    def dataset(self, name: str) -> Dataset: ...

    def dataset_version(self, ref: str) -> DatasetVersion: ...

    def set_alias(
        self, name: str, alias: str, version: int, *, reason: str = "", kind: str = "model"
    ) -> Model | Dataset: ...

    def delete_alias(
        self, name: str, alias: str, *, reason: str = "", kind: str = "model"
    ) -> Model | Dataset: ...

    def rollback(self, name: str, alias: str, *, reason: str = "", kind: str = "model") -> Move: ...

    def acting_as(self, user: str) -> Models: ...


class ModelRows(Protocol):
    """Models as the store has them, and the trail of what was decided about them."""

    def model(self, name: str) -> Model: ...

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion: ...

    def moves(self, kind: str, name: str, alias: str) -> list[Move]: ...

    def record(
        self, action: str, subject: str, *, user: str, detail: Mapping[str, Any] | None = None
    ) -> AuditEntry: ...


class Expectations(Protocol):
    """The expectations of datasets."""

    def all(self, name: str) -> list[Expectation]: ...

    def report(self, name: str, digest: str) -> CheckReport | None:
        """What came of the last check of a content against the present expectations; None before it."""
        ...

    def check(self, ref: str) -> CheckReport: ...


class Diffs(Protocol):
    """The differences of dataset versions."""

    def diff(self, before: str, after: str) -> DatasetDiff: ...
