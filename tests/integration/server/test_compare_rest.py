"""Many runs at once over HTTP: their points, what differs, their figures, their parallel coordinates."""

from __future__ import annotations

import pytest

from .journals import RunFiles


@pytest.fixture
def files(workspace) -> RunFiles:
    return RunFiles(workspace.settings.home)


@pytest.fixture
def three(files) -> list[str]:
    """Runs with another learning rate and accuracy each."""
    return [
        files.finished(
            f"run {rate}", params={"lr": rate, "seed": 1}, metrics={"acc": [0.1, rate], "one": [rate]}
        )
        for rate in (0.1, 0.2, 0.4)
    ]


async def test_the_points_of_many_runs_come_in_one_answer(api, three, files):
    other = files.finished(metrics={"loss": [1.0]})
    answer = await api.get("histories", run=[*three, other], name=["acc", "loss"])
    assert [(each["run_id"], each["name"], each["values"]) for each in answer["histories"]] == [
        *((run_id, "acc", [0.1, rate]) for run_id, rate in zip(three, (0.1, 0.2, 0.4), strict=True)),
        (other, "loss", [1.0]),
    ]


async def test_the_points_of_many_runs_are_thinned(api, files):
    run_id = files.finished(metrics={"loss": [float(step % 7) for step in range(500)]})
    (history,) = (await api.get("histories", run=run_id, name="loss", max_points=50))["histories"]
    assert len(history["values"]) <= 50


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"name": "loss"}, "'run' is missing"),
        ({"run": "x"}, "'name' is missing"),
        ({"run": "x", "name": [f"m{number}" for number in range(101)]}, "At most 100 of 'name'"),
        ({"run": [f"r{number}" for number in range(101)], "name": "m"}, "At most 100 of 'run'"),
    ],
)
async def test_points_of_nothing_or_of_too_much_are_refused(api, query, words):
    status, code, message = await api.refused("GET", "histories", **query)
    assert (status, code) == (400, "invalid_input")
    assert words in message


async def test_many_runs_are_a_table_of_what_differs(api, three):
    table = await api.get("compare/table", run=three)
    assert [run["id"] for run in table["runs"]] == three
    assert {"kind": "params", "key": "lr", "values": [0.1, 0.2, 0.4]} in table["rows"]
    assert "seed" not in {row["key"] for row in table["rows"]}


async def test_many_runs_are_lines_over_what_varies(api, three):
    coordinates = await api.get("compare/parallel", run=three)
    assert coordinates["axes"][0]["key"] == "params.lr"
    assert {line["run_id"] for line in coordinates["lines"]} == set(three)
    found = await api.get("compare/parallel", filter="params.lr > 0.15")
    assert {line["run_id"] for line in found["lines"]} == set(three[1:])


async def test_a_mistaken_filter_of_lines_says_where(api):
    status, code, message = await api.refused("GET", "compare/parallel", filter="params.lr >")
    assert (status, code) == (400, "invalid_filter")
    assert "column" in message


async def test_figures_of_runs_stand_beside_each_other(api, files):
    runs = [files.finished(figure="aGVsbG8="), files.finished(), files.finished(figure="d29ybGQ=")]
    figures = await api.get("compare/figures", run=runs)
    (row,) = figures["rows"]
    shown = [output and output["data"]["image/png"] for output in row["outputs"]]
    assert shown == ["aGVsbG8=", None, "d29ybGQ="]


@pytest.mark.parametrize("part", ["table", "figures", "parallel"])
async def test_an_unknown_run_cannot_be_compared(api, three, part):
    status, code, message = await api.refused("GET", f"compare/{part}", run=[three[0], "zzzzzz"])
    assert (status, code) == (404, "not_found")
    assert "zzzzzz" in message
