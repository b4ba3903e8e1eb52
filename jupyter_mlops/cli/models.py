"""``models`` and ``predict``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..entities import Model, ModelVersion, short_id
from ..services.quantities import size_text
from ..services.registry.prediction_files import read_rows, write_predictions
from ..services.rows import model_row
from ..services.showing.tables import pairs
from ..workspace import current
from .tables import clock_time, console, print_json, print_table

COLUMNS = (
    "model",
    "aliases",
    "class",
    "flavour",
    "signature",
    "metrics",
    "tags",
    "size",
    "created",
    "by",
    "run",
    "digest",
)


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


def predict(arguments: Namespace) -> int:
    """``jupyter mlops predict``."""
    rows = read_rows(Path(arguments.file))
    predicted = current().registry.predict(arguments.ref, rows, trust=arguments.trust)
    if arguments.output:
        count = write_predictions(predicted, Path(arguments.output))
        if arguments.json:
            print_json({"file": arguments.output, "rows": count})
        else:
            console().print(f"Wrote {count} predictions to {arguments.output}", markup=False)
    else:
        write_predictions(predicted, sys.stdout, as_json=arguments.json)
    return 0


def print_models(versions: Iterable[ModelVersion], title: str = "Models") -> None:
    """A table of model versions for people."""
    print_table(title, COLUMNS, map(_cells, versions))


def _cells(version: ModelVersion) -> tuple[Any, ...]:
    return (
        f"{version.name}@{'pending' if version.version is None else version.version}",
        ", ".join(version.aliases),
        version.class_name,
        version.format,
        _signature(version),
        pairs(version.metrics),
        pairs(version.tags),
        size_text(version.size_bytes),
        clock_time(version.created_at),
        version.created_by,
        version.run_id and short_id(version.run_id),
        version.digest[:12],
    )


def _signature(version: ModelVersion) -> str:
    said = version.signature
    if said is None:
        return ""
    inputs = f"table of {len(said.inputs)}" if said.input_kind == "table" else said.input_kind
    return f"{inputs} → {said.output_kind}" if said.outputs else inputs
