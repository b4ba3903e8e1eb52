"""What is said to who uses feature views in another way than they are meant."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.features.keys import asked_for
from jupyter_mlops.services.quantities import age_text

from .feature_worlds import FIRST, NOW, World, world

KEYS = [{"driver_id": 1}]
LABELS = pd.DataFrame({"driver_id": [1], "event_timestamp": pd.to_datetime(["2024-01-04"])})


@pytest.fixture
def here(tmp_path: Path) -> Iterator[World]:
    """The rides are registered, and the view of them is computed and online."""
    with world(tmp_path) as found:
        mlops.register_dataset(FIRST, name="rides")
        found.defined().materialize(online=True)
        yield found


def test_decorator_without_brackets_shows_the_right_form(here: World) -> None:
    with pytest.raises(InvalidInput, match=r"Say above the function 'stats' .*@feature_view\(source="):
        here.cells.run("@mlops.feature_view\ndef stats(rides):\n    return rides")
    with pytest.raises(InvalidInput, match=r"with brackets"):
        mlops.feature_view(5)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"source": 5, "keys": "k"}, "A reference is text such as 'train'"),
        ({"source": "rides", "keys": 5}, "names of columns, not 5"),
        ({"source": "rides", "keys": "k", "timestamp": 5}, "names of columns, not 'k' and 5"),
        ({"source": "rides", "keys": "k", "timestamp": "t", "ttl": ["1d"]}, "Not a duration"),
        ({"source": "rides", "keys": "k", "timestamp": "t", "ttl": timedelta(0)}, "more than nothing"),
        ({"source": "rides", "keys": "k", "timestamp": "t", "ttl": timedelta(-1)}, "more than nothing"),
        ({"source": "rides", "keys": "k", "name": 5}, "A feature view's name is text, not 5"),
    ],
)
def test_words_of_the_wrong_kind_are_refused(here: World, words: dict[str, Any], says: str) -> None:
    here.cells.run("def view(rides):\n    return rides")
    with pytest.raises(InvalidInput, match=says):
        mlops.feature_view(**words)(here.cells["view"])


@pytest.mark.parametrize("thing", [5, "text", object()])
def test_what_is_no_function_makes_no_view(here: World, thing: Any) -> None:
    with pytest.raises(InvalidInput, match="A feature view is made of a function, not of"):
        mlops.feature_view(source="rides", keys="driver_id")(thing)


@pytest.mark.parametrize("keys", [5, None, "driver_id", {"driver_id": 1}, [1, 2], [None], [["driver_id", 1]]])
def test_keys_that_are_no_dicts_are_refused(here: World, keys: Any) -> None:
    with pytest.raises(InvalidInput, match=r"Keys are a list of dicts, \[\{'driver_id': 5\}"):
        mlops.online_features("driver_stats", keys)


@pytest.mark.parametrize(
    "keys",
    [
        KEYS,
        tuple(KEYS),
        iter(KEYS),
        pd.DataFrame(KEYS),
        pa.table({"driver_id": [1]}),
    ],
    ids=["list", "tuple", "iterator", "pandas", "arrow"],
)
def test_keys_are_dicts_or_a_table_of_them(keys: Any) -> None:
    assert asked_for(keys) == KEYS


@pytest.mark.parametrize("features", [5, None, [5], ["driver_stats", None]])
def test_features_are_named_by_texts(here: World, features: Any) -> None:
    for ask in (
        lambda: mlops.online_features(features, KEYS),
        lambda: mlops.training_set(LABELS, features),
        lambda: mlops.push_online(features),
    ):
        with pytest.raises(InvalidInput, match=r"A view is named by a text|not \[5\]"):
            ask()


def test_view_that_is_misspelt_is_told_where_one_is_near(here: World) -> None:
    for ask in (
        lambda: mlops.online_features("driver_stat", KEYS),
        lambda: mlops.online_features("driver_stat:rating", KEYS),
        lambda: mlops.training_set(LABELS, "driver_stat"),
        lambda: mlops.push_online("driver_stat"),
        lambda: mlops.feature_view("driver_stat"),
    ):
        with pytest.raises(NotFound, match=r"'driver_stat'.*Did you mean 'driver_stats'\?"):
            ask()
    with pytest.raises(
        NotFound, match=r"'spend' is not online. Put it there with: .*push_online\('spend'\)$"
    ):
        mlops.online_features("spend", KEYS)


def test_feature_that_is_misspelt_is_told_where_one_is_near(here: World) -> None:
    for ask in (
        lambda: mlops.online_features("driver_stats:ratting", KEYS),
        lambda: mlops.training_set(LABELS, "driver_stats:ratting"),
    ):
        with pytest.raises(InvalidInput, match=r"no feature 'ratting'.*Did you mean 'rating'\?"):
            ask()


def test_time_of_the_labels_is_never_guessed(here: World) -> None:
    named = LABELS.rename(columns={"event_timestamp": "Asked_At"})
    says = r"no column 'event_timestamp'.*those of times are Asked_At. Name it: timestamp='Asked_At'"
    with pytest.raises(InvalidInput, match=says):
        mlops.training_set(named, "driver_stats")
    two = named.assign(shipped_at=named.Asked_At)
    with pytest.raises(InvalidInput, match="those of times are Asked_At, shipped_at"):
        mlops.training_set(two, "driver_stats")
    with pytest.raises(InvalidInput, match=r"none of them has times\. Name it: timestamp='event_timestamp'"):
        mlops.training_set(LABELS[["driver_id"]], "driver_stats")
    with pytest.raises(InvalidInput, match="the name of a column of the labels, not 5"):
        mlops.training_set(LABELS, "driver_stats", timestamp=5)  # type: ignore[arg-type]
    assert mlops.training_set(named, "driver_stats:stars", timestamp="Asked_At").stars.item() == 2


def test_names_in_messages_are_as_they_were_written(here: World) -> None:
    labels = LABELS.assign(stars=0, driver_stats__stars=1)
    with pytest.raises(
        InvalidInput, match=r"^The labels have a column 'stars', as driver_stats has. Ask with"
    ):
        mlops.training_set(labels, "driver_stats")
    with pytest.raises(InvalidInput, match=r"'driver_stats__stars', as driver_stats has\. Rename it there"):
        mlops.training_set(labels, "driver_stats", full_names=True)


@pytest.mark.parametrize("version", ["x", 1.5, [1]])
def test_version_of_the_source_is_a_number(here: World, version: Any) -> None:
    with pytest.raises(InvalidInput, match="A version of 'rides' is a number, not"):
        here.view.materialize(version)


# ------------------------------------------------------------------ age
def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [each.getMessage() for each in caplog.records if "ttl" in each.getMessage()]
    caplog.clear()
    return found


def test_rows_that_are_too_old_for_now_are_told_when_they_are_computed_and_served(
    here: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    here.view.materialize(force=True)
    assert told(caplog) == [], "one row of driver 1 is older than 30 days, and a newer one is there"
    here.now = pd.Timestamp("2024-02-02", tz="UTC").timestamp()
    here.view.materialize(force=True, online=True)
    (note,) = told(caplog)
    assert note.startswith(
        "2 of 3 rows of driver_stats@1 are older than its ttl of 30 d, and 1 of 2 keys have"
    )
    here.view.materialize()
    assert told(caplog) == [], "nothing was computed"
    here.now = pd.Timestamp("2025-01-01", tz="UTC").timestamp()
    for serve in (lambda: mlops.push_online("driver_stats"), lambda: here.view.materialize(online=True)):
        serve()
        (note,) = told(caplog)
        assert note.startswith(
            "3 of 3 rows of driver_stats@1 are older than its ttl of 30 d, and 2 of 2 keys"
        )
        assert "Materialise a newer version of rides, or give the view a longer ttl." in note
    served = mlops.online_features("driver_stats:stars", [{"driver_id": 1}, {"driver_id": 2}])
    assert served.stars.isna().all()


def test_row_as_old_as_the_ttl_is_not_too_old(here: World, caplog: pytest.LogCaptureFixture) -> None:
    here.now = (pd.Timestamp("2024-01-02", tz="UTC") + pd.Timedelta(days=30)).timestamp()
    here.view.materialize(force=True)
    assert told(caplog) == []
    here.now += 0.001
    here.view.materialize(force=True)
    assert len(told(caplog)) == 1


def test_rows_without_times_or_a_ttl_are_never_too_old(here: World, caplog: pytest.LogCaptureFixture) -> None:
    here.now = NOW.timestamp() * 2
    here.cells.run(
        "def last(rides):\n    return rides.drop(columns='ended_at').drop_duplicates('driver_id')\n"
        "def dated(rides):\n    return rides"
    )
    mlops.feature_view(source="rides", keys="driver_id")(here.cells["last"]).materialize(online=True)
    dated = mlops.feature_view(source="rides", keys="driver_id", timestamp="ended_at")(here.cells["dated"])
    dated.materialize(online=True)
    assert told(caplog) == []


def test_age_is_told_in_days_where_it_is_days() -> None:
    assert [age_text(each) for each in (None, 86400.0, 2592000, 5400)] == ["", "1 d", "30 d", "1 h 30 min"]
