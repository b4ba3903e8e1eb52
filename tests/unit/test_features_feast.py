"""The Feast repository that is written. What Feast makes of it was looked at by hand: see the module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import Conflict, InvalidInput, NotFound
from jupyter_mlops.services.features.feast import HEADER

from .feature_worlds import FIRST, World, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        mlops.register_dataset(FIRST, name="rides")
        yield made


def view_of(
    here: World, frame: pd.DataFrame, name: str, keys: Any = "driver_id", **words: Any
) -> mlops.FeatureView:
    """A view that gives a table as it is, materialised."""
    mlops.register_dataset(frame, name=f"source of {name}")
    here.cells.run("def whole(rows):\n    return rows")
    view = mlops.feature_view(source=f"source of {name}", keys=keys, name=name, **words)(here.cells["whole"])
    view.materialize()
    return view


def calls(code: str) -> dict[str, Any]:
    """Every assignment of the definitions: the name of what is called, and its arguments as text."""
    found = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign):
            call, (target,) = node.value, node.targets
            assert isinstance(call, ast.Call)
            assert isinstance(target, ast.Name)
            found[target.id] = {
                "": ast.unparse(call.func),
                **{str(each.arg): ast.unparse(each.value) for each in call.keywords},
            }
    return found


def test_a_repository_has_entities_views_and_their_files(here: World, tmp_path: Path) -> None:
    here.defined().materialize()
    repository = mlops.export_feast(tmp_path / "our features")
    assert sorted(str(each.relative_to(repository)) for each in repository.rglob("*") if each.is_file()) == [
        "data/driver_stats.parquet",
        "definitions.py",
        "feature_store.yaml",
    ]
    assert (repository / "feature_store.yaml").read_text() == (
        "project: our_features\nregistry: data/registry.db\nprovider: local\nonline_store:\n"
        "    type: sqlite\n    path: data/online_store.db\nentity_key_serialization_version: 3\n"
    )
    code = (repository / "definitions.py").read_text()
    assert code.startswith(HEADER)
    digest = here.workspace.registry.dataset_version("driver_stats").digest
    assert calls(code) == {
        "driver_id_entity": {
            "": "Entity",
            "name": "'driver_id'",
            "join_keys": "['driver_id']",
            "value_type": "ValueType.INT64",
        },
        "driver_stats_view": {
            "": "FeatureView",
            "name": "'driver_stats'",
            "entities": "[driver_id_entity]",
            "ttl": "timedelta(seconds=2592000.0)",
            "schema": "[Field(name='driver_id', dtype=Int64), Field(name='rating', dtype=Float64), "
            "Field(name='stars', dtype=Int64), Field(name='town', dtype=String)]",
            "source": "FileSource(name='driver_stats_source', path='data/driver_stats.parquet', "
            "timestamp_field='ended_at')",
            "online": "True",
            "description": "''",
            "tags": repr(
                {
                    "jupyter_mlops_view": "driver_stats@1",
                    "jupyter_mlops_dataset": "driver_stats@1",
                    "jupyter_mlops_digest": digest,
                }
            ),
        },
    }
    table = pa.parquet.read_table(repository / "data" / "driver_stats.parquet")
    assert table.to_pandas().rating.tolist() == [5.0, 4.0, 3.5]
    assert str(table.schema.field("ended_at").type) == "timestamp[us, tz=UTC]"


def test_types_are_those_of_feast(here: World, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "town": ["Ulm"],
            "small": pd.array([1], dtype="int16"),
            "large": pd.array([1], dtype="uint32"),
            "single": pd.array([1.5], dtype="float32"),
            "flag": [True],
            "day": [pd.Timestamp("2024-01-01").date()],
            "raw": [b"x"],
            "vector": [[1.5]],
            "kind": pd.Categorical(["a"]),
        }
    )
    view_of(here, frame, "towns", keys="town")
    repository = mlops.export_feast(tmp_path / "repository", ["towns"])
    (view,) = (
        each
        for each in calls((repository / "definitions.py").read_text()).values()
        if each[""] == "FeatureView"
    )
    assert view["schema"] == (
        "[Field(name='town', dtype=String), Field(name='small', dtype=Int32), Field(name='large', dtype=Int64), "
        "Field(name='single', dtype=Float32), Field(name='flag', dtype=Bool), "
        "Field(name='day', dtype=UnixTimestamp), Field(name='raw', dtype=Bytes), "
        "Field(name='vector', dtype=Array(Float64)), Field(name='kind', dtype=String)]"
    )
    assert (view["ttl"], view["source"]) == (
        "timedelta(seconds=0)",
        "FileSource(name='towns_source', path='data/towns.parquet', timestamp_field='event_timestamp')",
    )
    table = pa.parquet.read_table(repository / "data" / "towns.parquet").to_pylist()
    utc = pd.Timestamp(0, tz="UTC").to_pydatetime()
    assert table == [
        {
            "town": "Ulm",
            "small": 1,
            "large": 1,
            "single": 1.5,
            "flag": True,
            "day": pd.Timestamp("2024-01-01", tz="UTC").to_pydatetime(),
            "raw": b"x",
            "vector": [1.5],
            "kind": "a",
            "event_timestamp": utc,
        }
    ]


def test_names_become_those_that_feast_and_python_take(here: World, tmp_path: Path) -> None:
    frame = pd.DataFrame({"the key": [1], "1st": [2.0]})
    view_of(here, frame, "stats … of drivers", keys="the key")
    repository = mlops.export_feast(tmp_path / "2024")
    found = calls((repository / "definitions.py").read_text())
    assert list(found) == ["the_key_entity", "stats_of_drivers_view"]
    assert found["stats_of_drivers_view"]["schema"] == (
        "[Field(name='the_key', dtype=Int64), Field(name='n1st', dtype=Float64)]"
    )
    assert "project: n2024\n" in (repository / "feature_store.yaml").read_text()


REFUSED: dict[str, tuple[dict[str, list[Any]], str, str]] = {
    "two columns of one name": ({"k": [1], "a b": [1], "a-b": [1]}, "k", "would both be called 'a_b'"),
    "a name that Feast keeps": (
        {"k": [1], "event_timestamp": [1]},
        "k",
        "a name that Feast keeps for itself",
    ),
    "a type that Feast lacks": ({"k": [1], "took": [pd.Timedelta("1D")]}, "k", "which Feast does not have"),
    "a date as key": (
        {"k": [pd.Timestamp("2024-01-01").date()], "x": [1]},
        "k",
        "is a date, and Feast has no",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_feast_cannot_have_is_refused_and_nothing_is_written(
    here: World, tmp_path: Path, case: str
) -> None:
    columns, key, message = REFUSED[case]
    view_of(here, pd.DataFrame(columns), "odd", keys=key)
    with pytest.raises(InvalidInput, match=message):
        mlops.export_feast(tmp_path / "out" / "repository")
    assert not (tmp_path / "out").exists()


def test_views_that_feast_cannot_have_together_are_refused(here: World, tmp_path: Path) -> None:
    view_of(here, pd.DataFrame({"k": [1], "x": [1]}), "one", keys="k")
    view_of(here, pd.DataFrame({"k": ["1"], "x": [1]}), "two", keys="k")
    with pytest.raises(InvalidInput, match="'k' has another type in 'two' than in another view"):
        mlops.export_feast(tmp_path / "repository")
    view_of(here, pd.DataFrame({"k": [1], "x": [1]}), "o.n.e", keys="k")
    view_of(here, pd.DataFrame({"k": [1], "x": [1]}), "o n e", keys="k")
    with pytest.raises(InvalidInput, match="Two feature views would be called 'o_n_e'"):
        mlops.export_feast(tmp_path / "repository", ["o.n.e", "o n e"])


def test_what_is_there_is_never_written_over(here: World, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing to export"):
        mlops.export_feast(tmp_path / "repository")
    here.defined().materialize()
    (tmp_path / "repository").mkdir()
    with pytest.raises(Conflict, match="There is something at"):
        mlops.export_feast(tmp_path / "repository")
