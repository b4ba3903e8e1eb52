"""``datasets`` and ``models``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from ..entities import Dataset, DatasetVersion, Model, ModelVersion, short_id
from ..services.quantities import size_text
from ..services.rows import dataset_row, model_row
from ..services.showing.tables import pairs
from ..workspace import current
from .tables import clock_time, console, print_json, print_table

DATASET_COLUMNS = ("dataset", "kind", "rows", "columns", "size", "created", "by", "run", "digest")
MODEL_COLUMNS = ("model", "aliases", "class", "metrics", "size", "created", "by", "run", "digest")


def datasets(arguments: Namespace) -> int:
    """``jupyter mlops datasets``."""
    registry = current().registry
    found: list[Dataset] = [registry.dataset(arguments.name)] if arguments.name else registry.datasets()
    versions = [version for dataset in found for version in dataset.versions]
    if arguments.json:
        print_json([dataset_row(version) for version in versions])
    elif versions:
        print_table("Datasets", DATASET_COLUMNS, map(_dataset_cells, versions))
    else:
        console().print("No datasets yet: jupyter_mlops.register_dataset(data, name=...) makes one.")
    return 0


def models(arguments: Namespace) -> int:
    """``jupyter mlops models``."""
    registry = current().registry
    found: list[Model] = [registry.model(arguments.name)] if arguments.name else registry.models()
    versions = [version for model in found for version in model.versions]
    if arguments.json:
        print_json([model_row(version) for version in versions])
    elif versions:
        print_models(versions)
    else:
        console().print("No models yet: jupyter_mlops.register_model(model, name=...) makes one.")
    return 0


def print_models(versions: Iterable[ModelVersion], title: str = "Models") -> None:
    """A table of model versions for people."""
    print_table(title, MODEL_COLUMNS, map(_model_cells, versions))


def _dataset_cells(version: DatasetVersion) -> tuple[Any, ...]:
    return (
        _reference(version),
        version.kind.value,
        version.rows,
        None if version.columns is None else len(version.columns),
        size_text(version.size_bytes),
        clock_time(version.created_at),
        version.created_by,
        version.run_id and short_id(version.run_id),
        version.digest[:12],
    )


def _model_cells(version: ModelVersion) -> tuple[Any, ...]:
    return (
        _reference(version),
        ", ".join(version.aliases),
        version.class_name,
        pairs(version.metrics),
        size_text(version.size_bytes),
        clock_time(version.created_at),
        version.created_by,
        version.run_id and short_id(version.run_id),
        version.digest[:12],
    )


def _reference(version: DatasetVersion | ModelVersion) -> str:
    return f"{version.name}@{'pending' if version.version is None else version.version}"
