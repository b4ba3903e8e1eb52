"""What tables and ``--json`` say of registered datasets, models and feature views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlops.cli.registered import print_registered
from jupyter_mlops.entities import (
    Column,
    Dataset,
    DatasetKind,
    DatasetVersion,
    FeatureView,
    FeatureViewVersion,
    Materialization,
    Model,
    ModelVersion,
    Signature,
    VersionRef,
)
from jupyter_mlops.entities.models import Field
from jupyter_mlops.services.features.rows import view_rows
from jupyter_mlops.services.rows import dataset_row, model_row
from jupyter_mlops.services.showing.registered import DATASETS, FEATURE_VIEWS, MODELS, Registered
from jupyter_mlops.services.showing.tables import when

RUN = "01h000000000000000000run01"
TABLE = DatasetVersion(
    name="train",
    version=2,
    kind=DatasetKind.TABLE,
    digest="ab" * 32,
    size_bytes=2048,
    file_name="train.parquet",
    created_at=1000.0,
    created_by="ada",
    rows=10,
    columns=[Column(name="x", type="double"), Column(name="y", type="int64")],
    run_id=RUN,
    aliases=["prod", "test"],
    tags={"team": "vision"},
)
PENDING = replace(TABLE, version=None, rows=None, columns=None, run_id=None, aliases=[], tags={})
MODEL = ModelVersion(
    name="digits",
    version=3,
    digest="cd" * 32,
    size_bytes=1024,
    class_name="sklearn.svm.SVC",
    format="skops",
    created_at=1000.0,
    created_by="bob",
    metrics={"accuracy": 0.98765},
    signature=Signature(
        input_kind="table",
        inputs=[Field(name="x", dtype="float64")],
        output_kind="array",
        outputs=[Field(name="", dtype="int64")],
    ),
)
VIEW = FeatureViewVersion(
    name="stats",
    version=1,
    digest="ef" * 32,
    source="trips",
    keys=["driver", "day"],
    timestamp="time",
    features=[Column(name="mean", type="double")],
    function="stats",
    code="",
    created_at=1000.0,
    created_by="ada",
    ttl_s=7 * 86400.0,
)
GAVE = Materialization(
    view=VersionRef(kind="view", name="stats", version=1, digest=""),
    source=VersionRef(kind="dataset", name="trips", version=4, digest=""),
    dataset=VersionRef(kind="dataset", name="stats", version=2, digest=""),
    rows=0,
    at=1000.0,
    user="ada",
)
KINDS: Sequence[Registered[Any, Any]] = (DATASETS, MODELS, FEATURE_VIEWS)


def by_column(kind: Registered[Any, Any], named: Any) -> list[dict[str, Any]]:
    """Each version's cells under the names of their columns."""
    return [dict(zip(kind.of_versions, cells, strict=True)) for cells in kind.versions([named])]


def test_each_version_of_a_dataset_is_a_row_of_its_own():
    first, pending = by_column(DATASETS, Dataset(name="train", versions=[TABLE, PENDING]))

    assert first == {
        "dataset": "train@2",
        "aliases": "prod, test",
        "kind": "table",
        "rows": 10,
        "columns": 2,
        "size": "2.0 KiB",
        "storage": "copy",
        "tags": "team=vision",
        "created": when(1000.0),
        "by": "ada",
        "run": "0run01",
        "digest": "abababababab",
    }
    unknown = {name: pending[name] for name in ("dataset", "aliases", "rows", "columns", "tags", "run")}
    assert unknown == {
        "dataset": "train@pending",
        "aliases": "",
        "rows": None,
        "columns": None,
        "tags": "",
        "run": None,
    }


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (MODEL.signature, "table of 1 → array"),
        (None, ""),
        (Signature(input_kind="array", inputs=[], output_kind="array", outputs=[]), "array"),
    ],
)
def test_a_model_says_what_it_takes_and_gives(signature: Signature | None, words: str):
    (row,) = by_column(MODELS, Model(name="digits", versions=[replace(MODEL, signature=signature)]))

    assert (row["model"], row["class"], row["metrics"]) == ("digits@3", "sklearn.svm.SVC", "accuracy=0.9877")
    assert row["signature"] == words


@pytest.mark.parametrize(("ttl_s", "words"), [(7 * 86400.0, "7 d"), (0.5 * 86400.0, "12 h"), (None, "")])
def test_a_feature_view_says_for_how_long_a_row_holds(ttl_s: float | None, words: str):
    (row,) = by_column(FEATURE_VIEWS, FeatureView(name="stats", versions=[replace(VIEW, ttl_s=ttl_s)]))

    assert row["ttl"] == words


def test_a_feature_view_says_what_each_of_its_versions_gave_last():
    newer = replace(VIEW, version=2)
    view = FeatureView(name="stats", versions=[newer, VIEW], materializations=[GAVE])

    nothing, gave = by_column(FEATURE_VIEWS, view)

    assert [nothing[name] for name in ("view", "dataset", "rows", "materialised")] == [
        "stats@2",
        None,
        None,
        None,
    ]
    assert (gave["dataset"], gave["rows"], gave["online"]) == ("stats@2", 0, None)
    assert gave["materialised"] == when(1000.0)
    assert FEATURE_VIEWS.rows([view]) == list(view_rows(view))


def test_names_are_told_by_their_newest_version_and_skipped_while_they_have_none():
    datasets = [
        Dataset(name="train", versions=[TABLE, replace(TABLE, version=1, rows=5)], aliases={"prod": 1}),
        Dataset(name="planned", versions=[]),
    ]
    models = [Model(name="digits", versions=[MODEL], aliases={"champion": 3})]

    assert DATASETS.names(datasets) == [("train", 2, "prod=1", "table", 10, "2.0 KiB", "copy")]
    assert MODELS.names(models) == [("digits", 1, "SVC", "champion=3", "accuracy=0.9877")]


def test_programs_get_a_flat_object_for_each_version():
    assert DATASETS.rows([Dataset(name="train", versions=[TABLE, PENDING])]) == [
        dataset_row(TABLE),
        dataset_row(PENDING),
    ]
    assert MODELS.rows([Model(name="digits", versions=[MODEL])]) == [model_row(MODEL)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_while_there_are_none_the_reader_is_told_what_makes_one(
    kind: Registered[Any, Any], capsys: pytest.CaptureFixture[str]
):
    print_registered(kind, [], as_json=False)
    said = capsys.readouterr().out
    print_registered(kind, [], as_json=True)

    assert said.startswith(f"No {kind.title.lower()} yet: ")
    assert "jupyter_mlops." in said
    assert capsys.readouterr().out == "[]\n"
    assert "{" not in kind.none_yet("mlops")
