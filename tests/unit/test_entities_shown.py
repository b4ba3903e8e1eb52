"""What a cell shows of a version that it registers: a line, while ``repr`` stays whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from IPython.lib.pretty import pretty

from jupyter_mlops.entities import (
    Dataset,
    DatasetVersion,
    Materialization,
    Model,
    ModelVersion,
    Storage,
    VersionRef,
    reference_text,
)
from jupyter_mlops.testing.registry import dataset_version, model_version


def test_a_dataset_version_is_shown_in_a_line() -> None:
    version = dataset_version(version=2, aliases=["golden"])
    assert pretty(version) == "DatasetVersion train@2: file, 3 rows, 1 column, 12 bytes, golden"
    elsewhere = dataset_version(storage=Storage.REFERENCE, uri="s3://b/x", rows=None, columns=None)
    assert pretty(elsewhere) == "DatasetVersion train@pending: file, 12 bytes, at s3://b/x"
    assert "digest=" in repr(version)


def test_a_model_version_is_shown_in_a_line() -> None:
    version = model_version(version=1, metrics={"acc": 0.975}, aliases=["champion"])
    assert pretty(version) == (
        "ModelVersion digits@1: sklearn.svm.SVC, cloudpickle, 34 bytes, acc 0.975, champion"
    )
    assert version.flavour == "cloudpickle"


@pytest.mark.parametrize(("number", "text"), [(3, "digits@3"), (None, "digits@pending")])
@pytest.mark.parametrize(
    "version",
    [
        dataset_version(name="digits"),
        model_version(name="digits"),
        VersionRef(kind="model", name="digits", version=1, digest="a" * 64),
    ],
)
def test_a_reference_says_that_a_version_is_pending(
    version: DatasetVersion | ModelVersion | VersionRef, number: int | None, text: str
) -> None:
    assert reference_text(replace(version, version=number)) == text


def test_what_a_feature_view_gave_is_shown_in_a_line() -> None:
    view, source, dataset = (
        VersionRef(kind=kind, name=name, version=number, digest=name[0] * 64)
        for kind, name, number in (("view", "hourly", 2), ("dataset", "rides", 1), ("dataset", "hourly", 4))
    )
    made = Materialization(view=view, source=source, dataset=dataset, rows=1000, at=0.0, user="ada")
    assert pretty(made) == "Materialization hourly@2 of rides@1: hourly@4, 1,000 rows"
    assert pretty(replace(made, online_rows=1)).endswith(", 1,000 rows, 1 key online")
    assert pretty(dataset) == "VersionRef hourly@4: dataset, hhhhhhhh"


def test_names_are_shown_with_their_aliases() -> None:
    versions = [dataset_version(version=1)]
    assert pretty(Dataset(name="train", versions=versions, aliases={"gold": 1})) == (
        "Dataset train: 1 version, gold: 1"
    )
    assert pretty(Model(name="m", versions=[])) == "Model m: 0 versions"
