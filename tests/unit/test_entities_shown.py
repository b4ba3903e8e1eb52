"""What a cell shows of a version that it registers: a line, while ``repr`` stays whole."""

from __future__ import annotations

from IPython.lib.pretty import pretty

from jupyter_mlops.entities import Dataset, Model, Storage
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


def test_names_are_shown_with_their_aliases() -> None:
    versions = [dataset_version(version=1)]
    assert pretty(Dataset(name="train", versions=versions, aliases={"gold": 1})) == (
        "Dataset train: 1 version, gold: 1"
    )
    assert pretty(Model(name="m", versions=[])) == "Model m: 0 versions"
