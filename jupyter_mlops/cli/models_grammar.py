"""The commands of models, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands


def add(commands: Commands) -> None:
    models = commands.add(
        "models",
        "models.models",
        "list models, or the versions of one",
        example=f"{PROGRAM} models digits",
        more="""\
            Columns: name version aliases class_name flavour size_bytes digest inputs outputs created
            created_by run_id job_id status tags description, metrics.*.""",
    )
    models.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this model")
    predict = commands.add(
        "predict",
        "models.predict",
        "predict with a registered model, from a file to a file",
        example=f"{PROGRAM} predict digits@champion rows.csv -o predicted.csv",
        more="""\
            FILE is CSV, TSV, JSON lines, Parquet, Feather or .npy. Its columns are put in the order that the
            model's signature has, and others are left out. Without -o the predictions are printed as CSV,
            with --json as JSON.""",
    )
    predict.add_argument("ref", metavar="MODEL", help="a name, or NAME@VERSION, or NAME@ALIAS")
    predict.add_argument("file", metavar="FILE", help="the rows to predict")
    predict.add_argument(
        "-o", "--output", metavar="FILE", help="write them to FILE: CSV, Parquet or .npy by its ending"
    )
    predict.add_argument(
        "--trust", action="store_true", help="load it also where that runs another user's code"
    )
