"""Tables of what is registered: datasets, models and feature views, by their versions or by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ...entities import (
    Dataset,
    DatasetVersion,
    FeatureView,
    FeatureViewVersion,
    Materialization,
    Model,
    ModelVersion,
    reference_text,
    short_id,
)
from ..features.rows import newest_of, version_row
from ..quantities import age_text, size_text
from ..rows import dataset_row, model_row
from .tables import pairs, when

N = TypeVar("N")
V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """A version of a feature view with what it gave last; None where nothing was computed."""

    version: FeatureViewVersion
    last: Materialization | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered(Generic[N, V]):
    """How one kind of registered thing is listed.

    ``entries`` are the versions of a name, the newest first; ``row`` makes one of them a flat object for
    programs. ``of_versions`` has the columns of a table of versions, and ``of_names`` those of a table of
    names, each of which takes a name and its newest version; without them names are listed by their versions.
    ``made_by`` is the call that makes the first one, after the package's name.
    """

    title: str
    entries: Callable[[N], Iterable[V]]
    row: Callable[[V], dict[str, Any]]
    of_versions: Mapping[str, Callable[[V], Any]]
    of_names: Mapping[str, Callable[[N, V], Any]]
    made_by: str

    def rows(self, found: Iterable[N]) -> list[dict[str, Any]]:
        """All versions, for programs."""
        return [self.row(entry) for named in found for entry in self.entries(named)]

    def versions(self, found: Iterable[N]) -> list[tuple[Any, ...]]:
        """The cells of ``of_versions``, of all versions."""
        return self.cells(entry for named in found for entry in self.entries(named))

    def cells(self, entries: Iterable[V]) -> list[tuple[Any, ...]]:
        """The cells of ``of_versions``, of these versions."""
        return [tuple(cell(entry) for cell in self.of_versions.values()) for entry in entries]

    def names(self, found: Iterable[N]) -> list[tuple[Any, ...]]:
        """The cells of ``of_names``, of those names that have a version."""
        newest = ((named, next(iter(self.entries(named)), None)) for named in found)
        return [
            tuple(cell(named, entry) for cell in self.of_names.values())
            for named, entry in newest
            if entry is not None
        ]

    def none_yet(self, package: str) -> str:
        """What to do while there are none; ``package`` is how the reader imports it."""
        return f"No {self.title.lower()} yet: {self.made_by.format(package)} makes one."


def _aliases(version: DatasetVersion | ModelVersion) -> str:
    return ", ".join(version.aliases)


_MADE: dict[str, Callable[[DatasetVersion | ModelVersion], Any]] = {
    "created": lambda version: when(version.created_at),
    "by": lambda version: version.created_by,
    "run": lambda version: version.run_id and short_id(version.run_id),
    "digest": lambda version: version.digest[:12],
}


def _signature(version: ModelVersion) -> str:
    said = version.signature
    if said is None:
        return ""
    inputs = f"table of {len(said.inputs)}" if said.input_kind == "table" else said.input_kind
    return f"{inputs} → {said.output_kind}" if said.outputs else inputs


DATASETS: Registered[Dataset, DatasetVersion] = Registered(
    title="Datasets",
    entries=lambda dataset: dataset.versions,
    row=dataset_row,
    of_versions={
        "dataset": reference_text,
        "aliases": _aliases,
        "kind": lambda version: version.kind.value,
        "rows": lambda version: version.rows,
        "columns": lambda version: None if version.columns is None else len(version.columns),
        "size": lambda version: size_text(version.size_bytes),
        "storage": lambda version: version.storage.value,
        "tags": lambda version: pairs(version.tags),
        **_MADE,
    },
    of_names={
        "name": lambda dataset, _: dataset.name,
        "versions": lambda dataset, _: len(dataset.versions),
        "aliases": lambda dataset, _: pairs(dataset.aliases),
        "kind": lambda _, newest: newest.kind.value,
        "rows": lambda _, newest: newest.rows,
        "size": lambda _, newest: size_text(newest.size_bytes),
        "storage": lambda _, newest: newest.storage.value,
    },
    made_by="{}.register_dataset(data, name=...)",
)
MODELS: Registered[Model, ModelVersion] = Registered(
    title="Models",
    entries=lambda model: model.versions,
    row=model_row,
    of_versions={
        "model": reference_text,
        "aliases": _aliases,
        "class": lambda version: version.class_name,
        "flavour": lambda version: version.format,
        "signature": _signature,
        "metrics": lambda version: pairs(version.metrics),
        "tags": lambda version: pairs(version.tags),
        "size": lambda version: size_text(version.size_bytes),
        **_MADE,
    },
    of_names={
        "name": lambda model, _: model.name,
        "versions": lambda model, _: len(model.versions),
        "class": lambda _, newest: newest.class_name.rpartition(".")[2],
        "aliases": lambda model, _: pairs(model.aliases),
        "metrics": lambda _, newest: pairs(newest.metrics),
    },
    made_by="{}.register_model(model, name=...)",
)
FEATURE_VIEWS: Registered[FeatureView, Computed] = Registered(
    title="Feature views",
    entries=lambda view: [Computed(version=each, last=newest_of(view, each)) for each in view.versions],
    row=lambda entry: version_row(entry.version, entry.last),
    of_versions={
        "view": lambda entry: reference_text(entry.version),
        "source": lambda entry: entry.version.source,
        "keys": lambda entry: ", ".join(entry.version.keys),
        "timestamp": lambda entry: entry.version.timestamp,
        "ttl": lambda entry: age_text(entry.version.ttl_s),
        "features": lambda entry: ", ".join(each.name for each in entry.version.features),
        "dataset": lambda entry: entry.last and reference_text(entry.last.dataset),
        "rows": lambda entry: entry.last and entry.last.rows,
        "online": lambda entry: entry.last and entry.last.online_rows,
        "materialised": lambda entry: entry.last and when(entry.last.at),
        "by": lambda entry: entry.version.created_by,
    },
    of_names={},
    made_by="@{}.feature_view(source=..., keys=...)",
)
