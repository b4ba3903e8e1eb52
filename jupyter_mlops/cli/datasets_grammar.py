"""The commands of datasets, and their flags."""

from __future__ import annotations

from argparse import ArgumentParser, BooleanOptionalAction

from .commands import PROGRAM, Commands


def add(commands: Commands) -> None:
    datasets = commands.add(
        "datasets",
        "datasets.datasets",
        "list datasets, or the versions of one",
        example=f"{PROGRAM} datasets train",
        more="""\
            Columns: name version aliases kind rows size_bytes storage digest created created_by run_id
            status tags description.""",
    )
    datasets.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this dataset")
    register = commands.add(
        "register",
        "datasets.register",
        "register a file, a folder, a glob or a URL as a dataset",
        example=f"{PROGRAM} register 'data/*.parquet' train --alias golden --tag source=lab",
        more="""\
            The same content is the same version. What is larger than 100 MB
            ($JUPYTER_MLOPS_COPY_DATASET_BYTES) stays where it is and is verified when it is loaded; what is
            smaller is copied.""",
    )
    register.add_argument(
        "data", metavar="PATH", help="a path, a glob, or an fsspec URL such as s3://bucket/x"
    )
    register.add_argument("name", metavar="NAME", help="the dataset's name")
    register.add_argument(
        "--copy", action=BooleanOptionalAction, default=None, help="copy it, or leave it, whatever its size"
    )
    register.add_argument("--alias", metavar="ALIAS", help="then points at this version")
    _add_details(register)
    edit = commands.add(
        "edit",
        "datasets.edit",
        "change what is said of a dataset or a model, or of a version",
        example=f"{PROGRAM} edit dataset:train@2 --description 'without duplicates' --tag checked=yes",
        more="What is not given stays. --tag KEY= removes a tag. Contents never change.",
    )
    edit.add_argument(
        "ref", metavar="KIND:NAME", help="such as dataset:train, dataset:train@2 or model:digits"
    )
    _add_details(edit)


def _add_details(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--tag", action="append", default=[], metavar="KEY=VALUE", help="repeatable", dest="tags"
    )
    parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--owner", metavar="NAME", help="who answers for it")
    parser.add_argument("--licence", metavar="NAME", help="such as CC-BY-4.0")
