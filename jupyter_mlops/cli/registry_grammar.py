"""The commands of the registries, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands


def add(commands: Commands) -> None:
    datasets = commands.add(
        "datasets",
        "registry.datasets",
        "list datasets, or the versions of one",
        example=f"{PROGRAM} datasets train",
        more="""\
            Columns: name version kind rows size_bytes digest created created_by run_id status
            description.""",
    )
    datasets.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this dataset")
    models = commands.add(
        "models",
        "registry.models",
        "list models, or the versions of one",
        example=f"{PROGRAM} models digits",
        more="""\
            Columns: name version aliases class_name size_bytes digest created created_by run_id status
            description, metrics.*.""",
    )
    models.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this model")
