"""``datasets``, ``register`` and ``edit``."""

from __future__ import annotations

from argparse import Namespace

from ..entities import reference_text
from ..errors import InvalidInput
from ..services.quantities import size_text
from ..services.rows import dataset_row
from ..services.showing.registered import DATASETS
from ..wire import to_json
from ..workspace import current
from .registered import print_registered
from .tables import console, print_json


def datasets(arguments: Namespace) -> int:
    """``jupyter mlops datasets``."""
    registry = current().registry
    found = [registry.dataset(arguments.name)] if arguments.name else registry.datasets()
    print_registered(DATASETS, found, as_json=arguments.json)
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
        console().print(f"{reference_text(version)}: {version.kind.value}, {size}, {place}", highlight=False)
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
