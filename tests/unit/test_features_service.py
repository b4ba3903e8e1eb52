"""Feature views from their cell to a training set and to the online table."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.entities import Column, Materialization, VersionRef, VersionStatus
from jupyter_mlops.errors import Conflict, Corrupt, InvalidInput, NotFound, Unavailable, Untrusted
from jupyter_mlops.services.features.loading import function_of
from jupyter_mlops.services.features.rows import VIEW_COLUMNS
from jupyter_mlops.workspace import Workspace
from tests.registries import settings_in

from .feature_worlds import FIRST, NOW, SECOND, STATS, World, rides, world


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path / "home") as made:
        mlops.register_dataset(FIRST, name="rides")
        yield made


def labels(*rows: tuple[int | None, str | None], **columns: Any) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["driver_id", "event_timestamp"]).assign(**columns)
    return frame.assign(event_timestamp=pd.to_datetime(frame.event_timestamp, format="ISO8601"))


# ------------------------------------------------------------------ definitions
def test_a_cell_that_runs_again_is_the_same_version_and_another_value_the_next(here: World) -> None:
    assert here.defined().version == 1
    assert here.defined().version == 1
    here.cells.run("WEIGHT = 2")
    assert here.view.version == 1, "until it is asked"
    assert here.view.registered.version == 2
    here.cells.run("WEIGHT = 1")
    assert here.view.registered.version == 1
    versions = here.workspace.features.named("driver_stats").versions
    assert [(each.version, each.created_by, each.source) for each in versions] == [
        (2, "ada", "rides"),
        (1, "ada", "rides"),
    ]
    assert versions[1].code == here.view.code
    assert "WEIGHT = 1" in versions[1].code


@pytest.mark.parametrize(
    "words",
    [
        {"source": "other"},
        {"keys": ["driver_id", "town"]},
        {"timestamp": "began_at"},
        {"timestamp": None, "ttl": None},
        {"ttl": "31d"},
    ],
)
def test_each_word_of_the_definition_makes_another_version(here: World, words: dict[str, Any]) -> None:
    here.cells.run("def view(rides):\n    return rides")
    usual = {"source": "rides", "keys": "driver_id", "timestamp": "ended_at", "ttl": "30d"}
    assert mlops.feature_view(**usual)(here.cells["view"]).version == 1
    assert mlops.feature_view(**{**usual, **words})(here.cells["view"]).version == 2
    assert mlops.feature_view(**{**usual, "description": "the same"})(here.cells["view"]).version == 1


def test_a_view_is_called_like_its_function(here: World) -> None:
    view = here.defined()
    pd.testing.assert_frame_equal(
        view(FIRST).reset_index(drop=True).head(1)[["rating"]], pd.DataFrame({"rating": [5.0]})
    )
    assert (view.__name__, view.name) == ("driver_stats", "driver_stats")
    assert repr(view) == "<FeatureView driver_stats, version 1: rides by driver_id at ended_at>"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"source": "rides"}, "has a source and keys"),
        ({"source": "view", "keys": "k"}, "called like its source"),
        ({"source": "a/b", "keys": "k"}, "must not contain '/'"),
        ({"source": "rides", "keys": "k", "name": "a:b"}, "must not contain ':'"),
        ({"source": "rides", "keys": ["k", "k"]}, "stands for one thing"),
        ({"source": "rides", "keys": "k", "ttl": "1d"}, "a ttl but no timestamp"),
        ({"source": "rides", "keys": "k", "timestamp": "t", "ttl": "soon"}, "Not a duration"),
        ({"source": "rides", "keys": [1]}, "names of columns"),
    ],
)
def test_words_that_do_not_fit_are_refused(here: World, words: dict[str, Any], message: str) -> None:
    here.cells.run("def view(rides):\n    return rides")
    with pytest.raises(InvalidInput, match=message):
        mlops.feature_view(**words)(here.cells["view"])


def test_a_view_before_what_it_uses_is_registered_when_it_is_used(here: World) -> None:
    here.cells.run(STATS.replace("* WEIGHT", "* later()"))
    assert here.view.version is None
    assert repr(here.view).startswith("<FeatureView driver_stats, not registered")
    here.cells.run("def later():\n    return 1")
    assert here.view.materialize().view.version == 1


def test_a_view_of_a_module_is_registered_with_its_first_use(
    here: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "views_of_ours.py").write_text(f"import jupyter_mlops as mlops\n{STATS}\nWEIGHT = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("views_of_ours")
    try:
        assert (module.driver_stats.version, mlops.feature_views().empty) == (None, True)
        assert module.driver_stats.materialize().view.version == 1
        assert here.workspace.features.version("driver_stats").module == "views_of_ours"
    finally:
        del sys.modules["views_of_ours"]


def test_a_registered_view_is_taken_up_by_its_name(here: World) -> None:
    here.defined()
    here.cells.run("WEIGHT = 10")
    view = mlops.feature_view("driver_stats@1")
    assert view(FIRST).rating.max() == 5.0, "as it was registered"
    assert view.materialize().view.version == 1
    with pytest.raises(NotFound):
        mlops.feature_view("driver_stats@9")


# ------------------------------------------------------------------ materialising
def test_what_a_view_gives_is_a_dataset_version_that_says_where_it_comes_from(here: World) -> None:
    view = here.defined()
    found = view.materialize()
    source = here.workspace.registry.dataset_version("rides@1")
    version = here.workspace.features.version("driver_stats@1")
    dataset = here.workspace.registry.dataset_version("driver_stats")
    of_view = VersionRef(kind="view", name="driver_stats", version=1, digest=version.digest)
    of_source = VersionRef(kind="dataset", name="rides", version=1, digest=source.digest)
    assert found == Materialization(
        view=of_view,
        source=of_source,
        dataset=VersionRef(kind="dataset", name="driver_stats", version=1, digest=dataset.digest),
        rows=3,
        at=here.now,
        user="ada",
        duration_s=found.duration_s,
    )
    assert (dataset.inputs, dataset.view, dataset.rows) == ([of_source], of_view, 3)
    assert version.features == [
        Column(name="rating", type="double"),
        Column(name="stars", type="int64"),
        Column(name="town", type="string"),
    ]
    table = mlops.load_dataset("driver_stats")
    assert table.driver_id.tolist() == [1, 2, 1]
    assert str(table.ended_at.dtype) == "datetime64[us, UTC]"
    assert table.rating.tolist() == [5.0, 4.0, 3.5]
    assert here.audit()[:2] == [
        ("view.materialize", "view:driver_stats@1"),
        ("dataset.register", "dataset:driver_stats@1"),
    ]


def test_the_same_is_not_computed_again_unless_it_is_forced(here: World) -> None:
    here.cells.run("calls = []")
    here.cells.run(
        STATS.replace("    rides = ", "    import builtins; builtins.calls.append(1)\n    rides = ", 1)
    )
    import builtins

    builtins.calls = calls = []  # type: ignore[attr-defined]
    try:
        first = here.view.materialize()
        assert here.view.materialize() == first
        assert len(calls) == 1
        here.now += 60
        again = here.view.materialize(force=True)
        assert (len(calls), again.at, again.dataset) == (2, here.now, first.dataset)
        mlops.register_dataset(SECOND, name="rides")
        assert here.view.materialize().source.version == 2
        assert here.view.materialize(1) == again
        assert len(calls) == 3
    finally:
        del builtins.calls  # type: ignore[attr-defined]


def test_keys_that_the_result_has_in_its_index_count(here: World) -> None:
    here.cells.run(
        "@mlops.feature_view(source='rides', keys='driver_id', name='means')\n"
        "def means(rides):\n    return rides.groupby('driver_id').agg(rating=('stars', 'mean'))"
    )
    here.cells["means"].materialize()
    assert mlops.load_dataset("means").to_dict("list") == {"driver_id": [1, 2], "rating": [3.5, 4.0]}


RESULTS = {
    "no table": ("5", "gave a int, not driver_stats of rides@1: a feature view returns a DataFrame"),
    "no key": ("rides.drop(columns='driver_id')", "has no column 'driver_id': its columns are ended_at"),
    "no time": ("rides.drop(columns='ended_at')", "has no column 'ended_at'"),
    "no features": ("rides[['driver_id', 'ended_at']]", "has no features, only driver_id, ended_at"),
    "a null key": (
        "rides.assign(driver_id=[1, None, None])",
        "2 of 3 rows of driver_stats of rides@1 have no 'driver_id', the first is row 1",
    ),
    "a null time": ("rides.assign(ended_at=pd.NaT)", "have no 'ended_at'|not a time"),
    "a text as time": ("rides.assign(ended_at='2024-01-01')", "is string, not a time|is large_string, not"),
    "a fraction as key": ("rides.assign(driver_id=[1.5, 2.0, 3.0])", "is double: keys are whole numbers"),
    "two rows of one time": (
        "pd.concat([rides, rides.head(1)])",
        "has 1 rows too many.*driver_id 1",
    ),
    "two columns of one name": (
        "pd.concat([rides, rides[['stars']]], axis=1)",
        "has two columns 'stars'",
    ),
    "a column of all kinds": ("rides.assign(x=[1, 'a', None])", "has a column without one type"),
    "a column of nothing": ("rides.assign(x=None)", "holds nothing but nulls, so its type cannot be told"),
    "a column of dicts": ("rides.assign(x=[{'a': 1}] * 3)", "is struct<a: int64>: features are numbers"),
    "a number as name": ("rides.assign(**{'y': 1}).rename(columns={'y': 0})", "whose name is no text: 0"),
}


@pytest.mark.parametrize("case", RESULTS)
def test_results_that_cannot_be_features_are_refused(here: World, case: str) -> None:
    result, message = RESULTS[case]
    here.cells.run(
        "@mlops.feature_view(source='rides', keys='driver_id', timestamp='ended_at')\n"
        f"def driver_stats(rides):\n    return {result}"
    )
    with pytest.raises(InvalidInput, match=message):
        here.view.materialize()
    assert here.workspace.features.named("driver_stats").materializations == []
    assert [each.name for each in here.workspace.registry.datasets()] == ["rides"]


def test_types_of_a_version_stay(here: World) -> None:
    here.cells.run(
        "@mlops.feature_view(source='rides', keys='driver_id', timestamp='ended_at')\n"
        "def driver_stats(rides):\n    return rides"
    )
    here.view.materialize()
    nulls = SECOND.assign(stars=[None, 1.0])
    mlops.register_dataset(nulls, name="rides")
    here.view.materialize()
    assert here.workspace.features.version("driver_stats").features[0] == Column(name="stars", type="int64")
    mlops.register_dataset(SECOND.assign(stars=[1.5, 1.0]), name="rides")
    with pytest.raises(InvalidInput, match=r"'stars' of driver_stats of rides@3 cannot be int64"):
        here.view.materialize()
    mlops.register_dataset(SECOND.assign(stars="many"), name="rides")
    with pytest.raises(InvalidInput, match=r"is string, and it was int64 before: types of a version stay"):
        here.view.materialize()
    mlops.register_dataset(SECOND.assign(more=1), name="rides")
    with pytest.raises(InvalidInput, match="had stars, town before: those of a version stay"):
        here.view.materialize()


def test_a_dataset_of_somebody_elses_is_never_added_to(here: World) -> None:
    mlops.register_dataset(SECOND, name="driver_stats")
    with pytest.raises(Conflict, match="a dataset 'driver_stats' that no feature view made"):
        here.defined().materialize()
    assert len(here.workspace.registry.dataset("driver_stats").versions) == 1


def test_a_source_that_is_missing_or_no_table_is_named(here: World, tmp_path: Path) -> None:
    view = here.defined()
    with pytest.raises(NotFound, match="No version 7 of dataset 'rides'"):
        view.materialize(7)
    (tmp_path / "notes.txt").write_text("x")
    mlops.register_dataset(tmp_path / "notes.txt", name="rides")
    with pytest.raises(InvalidInput, match="rides@2 is no table"):
        view.materialize()


# ------------------------------------------------------------------ runs and replayed cells
def test_a_run_is_linked_to_what_it_reads_and_makes(here: World) -> None:
    view = here.defined()
    with mlops.track("compute") as computing:
        view.materialize()
    with mlops.track("train") as training:
        mlops.training_set(labels((1, "2024-01-02")), view, save_as="train")
    service = here.workspace.runs

    def linked(run_id: str) -> tuple[list[str], list[str]]:
        detail = service.detail(run_id)
        return (
            [f"{each.name}@{each.version}" for each in detail.inputs],
            [f"{each.name}@{each.version}" for each in detail.registered],
        )

    assert linked(computing.id) == (["rides@1"], ["driver_stats@1"])
    assert linked(training.id) == (["driver_stats@1"], ["train@1"])
    (computed,) = here.workspace.features.named("driver_stats").materializations
    assert (computed.dataset.version, computed.run_id) == (1, computing.id)
    inputs = here.workspace.registry.dataset_version("train").inputs
    assert [(each.name, each.version) for each in inputs] == [("driver_stats", 1)]


def test_replayed_cells_decide_nothing(here: World) -> None:
    here.workspace.tracker.replaying = True
    assert here.defined().version is None
    pending = here.view.materialize()
    assert (pending.rows, pending.dataset.version, pending.view.version) == (3, None, None)
    assert mlops.feature_views().empty
    here.workspace.tracker.replaying = False
    found = here.view.materialize(online=True)
    here.workspace.tracker.replaying = True
    before = here.audit()
    assert here.defined().version == 1
    assert here.view.materialize(online=True) == found
    assert mlops.push_online(here.view) == found
    here.cells.run("WEIGHT = 7")
    assert here.view.registered.status is VersionStatus.PENDING
    assert here.audit() == before


def test_where_there_is_no_registry_a_view_is_its_function(here: World, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.mkdir()
    (away / "registered.json").write_text("{}")
    workspaces.use(Workspace(settings_in(away)))
    view = here.defined()
    assert (view.version, len(view(FIRST))) == (None, 3)
    with pytest.raises(Unavailable, match="cannot be materialised here"):
        view.materialize()
    with pytest.raises(Unavailable, match="save_as='name'"):
        mlops.training_set(labels((1, "2024-01-02")), view)
    with pytest.raises(Unavailable, match="save_as='name'"):
        mlops.online_features(view, [{"driver_id": 1}])


# ------------------------------------------------------------------ trust
def test_somebody_elses_view_is_computed_when_it_is_trusted(here: World, tmp_path: Path) -> None:
    here.defined()
    shared = replace(
        settings_in(tmp_path / "bob", user="bob"),
        database=f"sqlite:///{here.workspace.settings.home}/registry.sqlite",
        blobs=None,
    )
    bob = Workspace(shared)
    version = bob.features.version("driver_stats")
    with pytest.raises(
        Untrusted, match=r"was defined by 'ada', not by you.*feature_view\('driver_stats@1'\).code"
    ):
        bob.features.function(version)
    assert bob.features.function(version, trust=True)(FIRST).rating.max() == 5.0
    trusting = Workspace(replace(shared, trusted_users=("ada",)))
    assert trusting.features.function(version)(FIRST).rating.max() == 5.0
    with pytest.raises(Untrusted, match="in another workspace"):
        Workspace(replace(shared, user="ada")).features.function(version)
    with pytest.raises(Untrusted):
        trusting.features.function(replace(version, origin="imported"))


def test_a_definition_that_was_changed_is_not_run(here: World) -> None:
    here.defined()
    version = here.workspace.features.version("driver_stats")
    with pytest.raises(Corrupt, match="is not what was registered"):
        function_of(replace(version, code="import os"))


# ------------------------------------------------------------------ training sets
def test_a_training_set_has_the_labels_as_they_were_and_features_as_they_were_known(here: World) -> None:
    here.defined().materialize()
    asked = labels(
        (1, "2024-01-04"),
        (2, "2024-01-02"),
        (1, "2023-12-31"),
        (9, "2024-01-04"),
        (1, "2024-03-01"),
        y=range(5),
    ).set_axis([7, 3, 3, 1, 0])
    asked.attrs = {"who": "asked"}
    before = asked.copy()
    found = mlops.training_set(asked, "driver_stats")
    expected = before.assign(
        rating=[3.5, 4.0, np.nan, np.nan, np.nan],
        stars=pd.array([2, 4, None, None, None], dtype="Int64"),
        town=pd.array(["Bonn", None, None, None, None], dtype="str"),
    )
    expected.attrs = {}
    pd.testing.assert_frame_equal(found, expected)
    pd.testing.assert_frame_equal(asked, before)


def test_features_are_named_by_views_versions_and_columns(here: World) -> None:
    view = here.defined()
    view.materialize()
    here.cells.run("WEIGHT = 10")
    view.materialize()
    asked = labels((1, "2024-01-04"))

    def columns(features: Any, **options: Any) -> dict[str, Any]:
        found = mlops.training_set(asked, features, **options).drop(columns=list(asked.columns))
        return {name: found[name].item() for name in found}

    assert columns("driver_stats:rating") == {"rating": 35.0}
    assert columns(["driver_stats:town", "driver_stats:rating", "driver_stats:town"]) == {
        "town": "Bonn",
        "rating": 35.0,
    }
    assert columns("driver_stats@1:rating") == {"rating": 3.5}
    assert columns(view, full_names=True) == {
        "driver_stats__rating": 35.0,
        "driver_stats__stars": 2,
        "driver_stats__town": "Bonn",
    }
    with pytest.raises(InvalidInput, match=r"has no feature 'age': it has rating, stars, town"):
        columns("driver_stats:age")
    with pytest.raises(InvalidInput, match="names no feature"):
        columns("driver_stats:")
    with pytest.raises(InvalidInput, match="No features are asked for"):
        columns([])
    with pytest.raises(InvalidInput, match=r"(?i)another view has a column 'rating'.*full_names=True"):
        columns(["driver_stats@1:rating", "driver_stats@2:rating"])
    asked["rating"] = 1
    with pytest.raises(InvalidInput, match=r"(?i)the labels have a column 'rating'.*full_names=True"):
        columns("driver_stats")


def test_several_views_with_keys_of_their_own_are_joined(here: World) -> None:
    here.defined().materialize()
    mlops.register_dataset(pd.DataFrame({"town": ["Ulm", "Bonn"], "people": [1, 3]}), name="places")
    here.cells.run(
        "@mlops.feature_view(source='places', keys='town', name='towns')\ndef towns(places):\n    return places"
    )
    here.cells["towns"].materialize()
    asked = labels((1, "2024-01-04"), (2, "2024-01-04"), town=["Bonn", None])
    found = mlops.training_set(asked, ["driver_stats:rating", here.cells["towns"]])
    assert found["rating"].tolist() == [3.5, 4.0]
    assert found["people"].tolist() == [3, pd.NA]


def test_a_training_set_of_a_registered_dataset_names_it_among_its_inputs(here: World) -> None:
    here.defined().materialize()
    mlops.register_dataset(labels((1, "2024-01-04"), y=[1]), name="labels")
    mlops.training_set("labels", "driver_stats", save_as="train", description="for the model")
    version = here.workspace.registry.dataset_version("train")
    assert [(each.name, each.version) for each in version.inputs] == [("labels", 1), ("driver_stats", 1)]
    assert version.description == "for the model"
    loaded = mlops.load_dataset("labels@1")
    mlops.training_set(loaded[loaded.y > 0].assign(z=1), "driver_stats", save_as="train")
    version = here.workspace.registry.dataset_version("train@2")
    assert [(each.name, each.version) for each in version.inputs] == [("labels", 1), ("driver_stats", 1)]


def test_a_view_stands_for_its_newest_source_and_in_a_reproduction_for_what_was_read(
    here: World, tmp_path: Path
) -> None:
    view = here.defined()
    mlops.register_dataset(SECOND, name="rides")
    view.materialize()
    view.materialize(1)
    asked = labels((1, "2024-01-10"))
    assert mlops.training_set(asked, "driver_stats:rating").rating.item() == 3.0
    pinned = replace(here.workspace.settings, pins={"dataset driver_stats": 2})
    workspaces.use(Workspace(pinned))
    assert mlops.training_set(asked, "driver_stats:rating").rating.item() == 3.5


def test_a_view_that_was_not_materialised_says_what_to_do(here: World) -> None:
    view = here.defined()
    with pytest.raises(NotFound, match=r"driver_stats@1 was not materialised yet.*materialize\(\)"):
        mlops.training_set(labels((1, "2024-01-04")), view)
    view.materialize()
    here.cells.run("WEIGHT = 10")
    with pytest.raises(NotFound, match="Materialised are: driver_stats@1"):
        mlops.training_set(labels((1, "2024-01-04")), view)


def test_labels_that_are_no_table_are_refused(here: World) -> None:
    here.defined().materialize()
    with pytest.raises(InvalidInput, match="Labels are a DataFrame"):
        mlops.training_set([1, 2], "driver_stats")  # type: ignore[arg-type]
    twice = pd.concat([labels((1, "2024-01-04"))] * 2, axis=1)
    with pytest.raises(InvalidInput, match="two columns 'driver_id'"):
        mlops.training_set(twice, "driver_stats")


# ------------------------------------------------------------------ online
def test_the_newest_row_of_each_key_is_served_in_the_order_that_was_asked_for(here: World) -> None:
    view = here.defined()
    found = view.materialize(online=True)
    assert found.online_rows == 2
    served = mlops.online_features("driver_stats", [{"driver_id": 2}, {"driver_id": 9}, {"driver_id": 1}])
    pd.testing.assert_frame_equal(
        served,
        pd.DataFrame(
            {
                "driver_id": [2, 9, 1],
                "rating": [4.0, np.nan, 3.5],
                "stars": pd.array([4, None, 2], dtype="Int64"),
                "town": pd.array([None, None, "Bonn"], dtype="str"),
            }
        ),
    )
    asked = pd.DataFrame({"driver_id": [1], "more": [0]})
    assert mlops.online_features(["driver_stats:stars"], asked, as_dicts=True, full_names=True) == [
        {"driver_id": 1, "driver_stats__stars": 2}
    ]
    assert mlops.online_features(view, []).empty
    assert here.audit()[0] == ("view.online", "view:driver_stats@1")


@pytest.mark.parametrize("number", [2**70, -(2**63) - 1, 2**63])
def test_a_key_of_more_than_64_bits_is_refused_with_its_value(here: World, number: int) -> None:
    here.defined().materialize(online=True)
    says = f"The key 'driver_id' has the value {number}, which is too large"
    with pytest.raises(InvalidInput, match=says):
        mlops.online_features("driver_stats", [{"driver_id": 1}, {"driver_id": number}])
    asked = labels((1, "2024-01-04"), (2, "2024-01-04"))
    asked["driver_id"] = pd.Series([1, number], dtype=object)
    with pytest.raises(InvalidInput, match=says):
        mlops.training_set(asked, "driver_stats")


def test_a_row_that_is_too_old_is_not_served(here: World) -> None:
    here.defined().materialize(online=True)
    here.now = pd.Timestamp(
        "2024-02-02", tz="UTC"
    ).timestamp()  # 30 days after the third, and after the second
    served = mlops.online_features("driver_stats:rating", [{"driver_id": 1}, {"driver_id": 2}])
    assert served.rating.tolist() == [3.5, pytest.approx(np.nan, nan_ok=True)]


def test_a_newer_materialisation_is_never_replaced_by_an_older_one(here: World) -> None:
    view = here.defined()
    view.materialize()
    mlops.register_dataset(SECOND, name="rides")
    view.materialize(online=True)
    with pytest.raises(Conflict, match="online as of rides@2, which is newer than rides@1"):
        view.materialize(1, online=True)
    assert mlops.online_features("driver_stats", [{"driver_id": 1}]).rating.item() == 3.0
    assert mlops.push_online("driver_stats").source.version == 2


def test_versions_are_served_side_by_side(here: World) -> None:
    view = here.defined()
    view.materialize(online=True)
    here.cells.run("WEIGHT = 10")
    view.materialize()
    assert mlops.online_features("driver_stats", [{"driver_id": 1}]).rating.item() == 3.5
    with pytest.raises(NotFound, match=r"'driver_stats@2' is not online. Online are: driver_stats@1"):
        mlops.online_features(view, [{"driver_id": 1}])
    mlops.push_online(view)
    keys = [{"driver_id": 1}]
    assert mlops.online_features("driver_stats:rating", keys).rating.item() == 35.0
    assert mlops.online_features("driver_stats@1:rating", keys).rating.item() == 3.5


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ({"driver_id": "1"}, "holds texts, and those of driver_stats@1 are whole numbers"),
        ({"driver": 1}, "has no 'driver_id', which is a key of driver_stats@1"),
        ({"driver_id": 1.5}, "has a value that is none"),
    ],
)
def test_keys_that_do_not_fit_are_refused(here: World, key: dict[str, Any], message: str) -> None:
    here.defined().materialize(online=True)
    with pytest.raises(InvalidInput, match=message):
        mlops.online_features("driver_stats", [key])


def test_a_table_whose_keys_have_changed_is_read_as_it_is_now(here: World) -> None:
    """A reader knows what it has seen of a table; somebody may have put another one there."""
    here.cells.run("def view(rides):\n    return rides.drop(columns='ended_at').drop_duplicates('driver_id')")
    whole = mlops.feature_view(source="rides", keys="driver_id", name="last")(here.cells["view"])
    whole.materialize(online=True)
    assert mlops.online_features("last:stars", [{"driver_id": 1}]).stars.item() == 5
    mlops.register_dataset(FIRST.assign(driver_id=["a", "b", "a"]), name="texts")
    text = mlops.feature_view(source="texts", keys="driver_id", name="last")(here.cells["view"])
    text.materialize(online=True)
    assert mlops.online_features("last:stars", [{"driver_id": "b"}]).stars.item() == 4
    mlops.register_dataset(FIRST.assign(driver_id=["a", "b", "a"], town=["Ulm", "Bonn", "Rom"]), name="texts")
    here.cells.run("def view(rides):\n    return rides[['driver_id', 'stars', 'town']]")
    towns = mlops.feature_view(source="texts", keys=["town"], name="last")(here.cells["view"])
    towns.materialize(online=True)
    assert mlops.online_features("last:stars", [{"town": "Bonn"}]).stars.item() == 4


VALUES = {
    "whole": (st.integers(-(2**62), 2**62), "int64"),
    "small": (st.integers(-128, 127), "int8"),
    "large": (st.integers(0, 2**64 - 1), "uint64"),
    "number": (st.floats(), "float64"),
    "single": (st.floats(width=32), "float32"),
    "flag": (st.booleans(), "bool"),
    "text": (st.text(st.characters(exclude_categories=["Cs"]), max_size=5), "str"),
    "at": (st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01")), "datetime64[us]"),
    "took": (st.timedeltas(pd.Timedelta("-9D"), pd.Timedelta("9D")), "timedelta64[us]"),
    "raw": (st.binary(max_size=4), "object"),
    "vector": (st.lists(st.floats(allow_nan=False), min_size=1, max_size=3), "object"),
}
MOMENTS = st.integers(-5, 3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_served_is_what_a_training_set_of_now_has(here: World, data: st.DataObject) -> None:
    """Values and dtypes, with rows that are too old, of the future and of the same key."""
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from(["a", "ü"]), MOMENTS),
            min_size=1,
            unique=True,
            max_size=8,
        )
    )
    frame = pd.DataFrame(rows, columns=["id", "town", "hours"])
    frame["ended_at"] = [NOW + pd.Timedelta(hours=hours) for hours in frame.pop("hours")]
    for name, (values, dtype) in VALUES.items():
        drawn = data.draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
        frame[name] = pd.Series(drawn, dtype=dtype)
    here.cells.run("def view(rows):\n    return rows")
    dataset = f"rows {len(here.workspace.registry.datasets())}"
    mlops.register_dataset(frame, name=dataset)
    view = mlops.feature_view(
        source=dataset, keys=["id", "town"], timestamp="ended_at", ttl="3h", name=f"view of {dataset}"
    )(here.cells["view"])
    here.now = (NOW - pd.Timedelta(hours=data.draw(st.integers(0, 4)))).timestamp()
    view.materialize(online=True)
    here.now = NOW.timestamp()
    asked = pd.DataFrame(
        [(number, town) for number in range(5) for town in ("a", "ü")], columns=["id", "town"]
    )
    trained = mlops.training_set(asked.assign(event_timestamp=NOW), view).drop(columns="event_timestamp")
    pd.testing.assert_frame_equal(mlops.online_features(view, asked), trained)


# ------------------------------------------------------------------ lists
def test_views_are_listed_with_what_they_gave_last(here: World) -> None:
    assert mlops.feature_views().columns.tolist() == list(VIEW_COLUMNS)
    here.defined().materialize(online=True)
    here.cells.run("WEIGHT = 10")
    assert here.view.registered.version == 2
    listed = mlops.feature_views()[["name", "version", "features", "dataset", "rows", "online_rows"]]
    assert listed.astype(object).where(listed.notna(), None).to_dict("records") == [
        {
            "name": "driver_stats",
            "version": 2,
            "features": [],
            "dataset": None,
            "rows": None,
            "online_rows": None,
        },
        {
            "name": "driver_stats",
            "version": 1,
            "features": ["rating", "stars", "town"],
            "dataset": "driver_stats@1",
            "rows": 3,
            "online_rows": 2,
        },
    ]


def test_rides_are_what_they_seem() -> None:
    assert rides((1, "2024-01-01", 5, None)).shape == (1, 4)
