"""``datasets``, ``register`` and ``edit``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..entities import Dataset, DatasetVersion, short_id
from ..errors import InvalidInput
from ..services.quantities import size_text
from ..services.rows import dataset_row
from ..services.showing.tables import pairs
from ..wire import to_json
from ..workspace import current
from .tables import clock_time, console, print_json, print_table

DATASET_COLUMNS = (
    "dataset",
    "aliases",
    "kind",
    "rows",
    "columns",
    "size",
    "storage",
    "tags",
    "created",
    "by",
    "run",
    "digest",
)


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


def register(arguments: Namespace) -> int:
    """``jupyter mlops register``."""
    version = current().registry.register_dataset(
        arguments.data,
        name=arguments.name,
        description=arguments.description or "",
        copy=arguments.copy,
        alias=arguments.alias,
        tags=_tags(arguments.tags),
        owner=arguments.owner,
        licence=arguments.licence,
    )
    if arguments.json:
        print_json(dataset_row(version))
    else:
        place = f"stays at {version.uri}" if version.uri else "copied"
        size = size_text(version.size_bytes)
        console().print(f"{_reference(version)}: {version.kind.value}, {size}, {place}", highlight=False)
    return 0


def edit(arguments: Namespace) -> int:
    """``jupyter mlops edit``."""
    kind, _, ref = arguments.ref.partition(":")
    if kind not in ("dataset", "model") or not ref:
        raise InvalidInput(
            f"Write dataset:NAME or model:NAME, with @VERSION for one version, not {arguments.ref!r}."
        )
    named = current().registry.edit(
        kind,
        ref,
        description=arguments.description,
        tags={key: value or None for key, value in _tags(arguments.tags).items()},
        owner=arguments.owner,
        licence=arguments.licence,
    )
    if arguments.json:
        print_json(to_json(named))
    else:
        console().print(f"{arguments.ref} says so now.", highlight=False)
    return 0


def _tags(given: list[str]) -> dict[str, str]:
    pairs = [each.partition("=") for each in given]
    if bad := [key for key, mark, _ in pairs if not mark or not key]:
        raise InvalidInput(f"A tag is written KEY=VALUE, not {bad[0]!r}.")
    return {key: value for key, _, value in pairs}


def _dataset_cells(version: DatasetVersion) -> tuple[Any, ...]:
    return (
        _reference(version),
        ", ".join(version.aliases),
        version.kind.value,
        version.rows,
        None if version.columns is None else len(version.columns),
        size_text(version.size_bytes),
        version.storage.value,
        pairs(version.tags),
        clock_time(version.created_at),
        version.created_by,
        version.run_id and short_id(version.run_id),
        version.digest[:12],
    )


def _reference(version: DatasetVersion) -> str:
    return f"{version.name}@{'pending' if version.version is None else version.version}"
