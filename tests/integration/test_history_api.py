"""``mlops.history``: metrics as DataFrames."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.config import load_settings
from jupyter_mlops.errors import InvalidInput, NotFound


@pytest.fixture(autouse=True)
def place(tmp_path: Path) -> Iterator[workspace.Workspace]:
    places = {name: tmp_path / name for name in ("home", "runtime_dir", "leases_dir")}
    place = workspace.Workspace(load_settings(places, environ={}))
    workspace.use(place)
    yield place
    workspace.use(None)


def logged(*values: float, name: str = "loss", first_step: int | None = 0) -> str:
    with mlops.track("a run") as run:
        for place, value in enumerate(values):
            run.log({name: value}, step=None if first_step is None else first_step + place)
    return run.id


def test_curve_is_a_table_of_steps_times_and_values() -> None:
    table = mlops.history(logged(0.5, math.nan, math.inf), "loss")
    assert list(table.columns) == ["step", "time", "value"]
    assert (str(table["step"].dtype), str(table["value"].dtype)) == ("Int64", "float64")
    assert isinstance(table["time"].dtype, pd.DatetimeTZDtype)
    assert list(table["step"]) == [0, 1, 2]
    assert (table["value"][0], table["value"][2]) == (0.5, math.inf)
    assert math.isnan(table["value"][1])
    now = pd.Timestamp.now(tz="UTC")
    assert (now - table["time"]).between(pd.Timedelta(0), pd.Timedelta(minutes=5)).all()
    assert table["time"].is_monotonic_increasing


def test_times_are_those_of_the_clock_to_the_microsecond(place: workspace.Workspace) -> None:
    run_id = logged(0.5)
    (time,) = place.runs.history(run_id, "loss").times
    assert mlops.history(run_id, "loss")["time"][0] == pd.Timestamp(round(time * 1e6), unit="us", tz="UTC")


def test_points_without_a_step_have_none() -> None:
    table = mlops.history(logged(0.5, 0.25, first_step=None), "loss")
    assert table["step"].isna().all()
    assert list(table["value"]) == [0.5, 0.25]


def test_curves_of_many_runs_say_whose_they_are() -> None:
    first, other, second = logged(0.5, 0.4), logged(1.0, name="acc"), logged(0.3, 0.2, first_step=5)
    table = mlops.history([first, mlops.run(second), other], "loss")
    assert list(table.columns) == ["run", "step", "time", "value"]
    rows = list(table[["run", "step", "value"]].itertuples(index=False, name=None))
    assert rows == [(first, 0, 0.5), (first, 1, 0.4), (second, 5, 0.3), (second, 6, 0.2)]
    overlay = table.pivot_table(index="step", columns="run", values="value", observed=True)
    assert list(overlay.columns) == [first, second]


def test_runs_of_a_table_and_of_its_ids_are_meant() -> None:
    ids = {logged(0.5), logged(0.25)}
    table = mlops.runs()
    assert set(mlops.history(table, "loss")["run"]) == ids
    assert set(mlops.history(table["id"], "loss")["run"]) == ids


def test_each_of_many_curves_is_thinned() -> None:
    runs = [logged(*[9.0 if place == spike else 0.0 for place in range(300)]) for spike in (50, 250)]
    table = mlops.history(runs, "loss", max_points=20)
    sizes = table.groupby("run", observed=True).size()
    assert (sizes <= 20).all()
    assert list(table[table["value"] == 9.0]["step"]) == [50, 250]
    assert len(mlops.run(runs[0]).history("loss", max_points=20)) <= 20


def test_no_runs_have_no_points() -> None:
    table = mlops.history([], "loss")
    assert (len(table), list(table.columns)) == (0, ["run", "step", "time", "value"])


def test_what_is_not_there_is_named() -> None:
    one, two = logged(0.5), logged(1.0, name="acc")
    with pytest.raises(NotFound, match=rf"Run {one} has no metric 'acc'\. It has: loss\."):
        mlops.history(one, "acc")
    with pytest.raises(NotFound, match=r"None of these 2 runs has a metric 'f1'\. They have: acc, loss\."):
        mlops.history([one, two], "f1")
    with pytest.raises(NotFound, match=r"No run 'zzzzzzzz'"):
        mlops.history([one, "zzzzzzzz"], "loss")
    with pytest.raises(InvalidInput, match=r"Not a run: 7\. Give its id"):
        mlops.history([7], "loss")  # type: ignore[list-item]
