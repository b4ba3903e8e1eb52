"""Runs over HTTP, from journals as other processes leave them."""

from __future__ import annotations

import json
import math

import pytest
from tornado.httpclient import HTTPClientError

from jupyter_mlops import wire

from .journals import RunFiles


@pytest.fixture
def files(workspace) -> RunFiles:
    return RunFiles(workspace.settings.home)


async def test_no_runs_is_an_empty_page(api):
    assert await api.get("runs") == {"runs": [], "total": 0}
    assert await api.get("experiments") == {"experiments": []}


async def test_a_run_that_another_process_wrote_is_served(api, files, workspace):
    run_id = files.finished("svm", params={"lr": 0.1}, metrics={"acc": [0.5, 0.9]}, tags={"team": "a"})
    page = await api.get("runs")
    assert page == {"runs": [wire.to_json(workspace.runs.get(run_id))], "total": 1}
    (run,) = page["runs"]
    assert (run["id"], run["name"], run["status"], run["user"]) == (run_id, "svm", "finished", "ada")
    assert (run["params"], run["tags"]) == ({"lr": 0.1}, {"team": "a"})
    assert run["metrics"]["acc"] == {"last": 0.9, "min": 0.5, "max": 0.9, "count": 2, "last_step": 1}


async def test_runs_are_filtered_ordered_and_paged(api, files):
    for name, accuracy in (("low", 0.1), ("high", 0.9), ("middle", 0.5)):
        files.finished(name, metrics={"acc": [accuracy]})
    found = await api.get("runs", filter="metrics.acc > 0.3", order_by="metrics.acc desc")
    assert ([run["name"] for run in found["runs"]], found["total"]) == (["high", "middle"], 2)
    page = await api.get("runs", order_by="metrics.acc desc", limit=1, offset=1)
    assert ([run["name"] for run in page["runs"]], page["total"]) == (["middle"], 3)


async def test_a_filter_that_does_not_parse_says_where(api):
    status, code, message = await api.refused("GET", "runs", filter="metrics.acc >> 3")
    assert (status, code) == (400, "invalid_filter")
    assert any(character.isdigit() for character in message)
    assert (await api.refused("GET", "runs", order_by="nonsense up"))[0] == 400


async def test_detail_has_the_whole_run(api, files, workspace):
    run_id = files.finished(source="model.fit(x)", artifacts={"out.csv": ("text/csv", b"a,b\n1,2\n")})
    detail = await api.get(f"runs/{run_id}")
    assert detail == wire.to_json(workspace.runs.detail(run_id))
    assert detail["source"] == "model.fit(x)"
    assert [(each["name"], each["size_bytes"]) for each in detail["artifacts"]] == [("out.csv", 8)]


async def test_a_run_is_found_by_the_end_of_its_id(api, files):
    run_id = files.finished()
    assert (await api.get(f"runs/{run_id[-6:]}"))["run"]["id"] == run_id


@pytest.mark.parametrize("rest", ["", "/history?name=loss", "/lineage", "/artifacts/x"])
async def test_an_unknown_run_is_not_found(api, rest):
    path, _, query = rest.partition("?")
    arguments = dict(pair.split("=") for pair in query.split("&") if pair)
    status, code, message = await api.refused("GET", f"runs/zzzzzz{path}", **arguments)
    assert (status, code) == (404, "not_found")
    assert "zzzzzz" in message


async def test_history_keeps_what_is_no_number(api, files):
    run_id = files.finished(metrics={"loss": [1.0, math.nan, math.inf]})
    history = await api.get(f"runs/{run_id}/history", name="loss")
    assert (history["steps"], history["values"]) == ([0, 1, 2], [1.0, "NaN", "Infinity"])


async def test_history_is_thinned_to_what_was_asked_for(api, files):
    run_id = files.finished(metrics={"loss": [float(step % 7) for step in range(500)]})
    history = await api.get(f"runs/{run_id}/history", name="loss", max_points=50)
    assert 2 <= len(history["values"]) <= 50
    assert len(history["steps"]) == len(history["times"]) == len(history["values"])


async def test_an_unknown_metric_is_not_found_and_the_known_ones_are_named(api, files):
    run_id = files.finished(metrics={"loss": [1.0]})
    status, _, message = await api.refused("GET", f"runs/{run_id}/history", name="lost")
    assert status == 404
    assert "loss" in message


async def test_lineage_of_a_run_has_it_in_its_focus(api, files):
    run_id = files.finished()
    lineage = await api.get(f"runs/{run_id[-6:]}/lineage")
    assert lineage["focus"] == f"run:{run_id}"
    assert await api.get("lineage", node=f"run:{run_id}") == lineage


async def test_lineage_of_nonsense_is_refused(api):
    status, _, message = await api.refused("GET", "lineage", node="nonsense")
    assert status in {400, 404}
    assert "nonsense" in message


async def test_two_runs_are_compared(api, files):
    a = files.finished("a", params={"lr": 0.1, "seed": 1})
    b = files.finished("b", params={"lr": 0.2, "seed": 1})
    comparison = await api.get("compare", a=a, b=b)
    assert comparison["params"] == [{"key": "lr", "a": 0.1, "b": 0.2}]


async def test_experiments_are_listed(api, files):
    files.finished(experiment="digits")
    files.finished(experiment="breast cancer")
    assert await api.get("experiments") == {"experiments": ["breast cancer", "digits"]}


async def test_a_run_is_renamed_noted_tagged_and_archived(api, files, workspace):
    run_id = files.finished("old", tags={"team": "a", "keep": "yes"})
    edit = {"name": "new", "note": "the best", "tags": {"team": None, "stage": "final"}, "archived": True}
    run = await api.send("PATCH", f"runs/{run_id}", edit)
    assert (run["name"], run["note"], run["archived"]) == ("new", "the best", True)
    assert run["tags"] == {"keep": "yes", "stage": "final"}
    assert run == wire.to_json(workspace.runs.get(run_id))
    assert (await api.get("runs"))["runs"] == []
    assert [each["id"] for each in (await api.get("runs", archived=1))["runs"]] == [run_id]


async def test_an_edit_of_an_unknown_run_is_not_found(api):
    assert (await api.refused("PATCH", "runs/zzzzzz", {"note": "x"}))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("media_type", "served_as"),
    [
        ("image/png", "image/png"),
        ("text/csv", "text/csv"),
        ("text/html", "application/octet-stream"),
        ("application/xhtml+xml", "application/octet-stream"),
        ("text/javascript", "application/octet-stream"),
        ("nonsense\r\nX-Injected: 1", "application/octet-stream"),
    ],
)
async def test_an_artifact_is_sent_as_a_sandboxed_attachment(api, files, media_type, served_as):
    content = b"<script>alert(1)</script>" * 100_000  # more than one chunk
    run_id = files.finished(artifacts={"plots/märz.html": (media_type, content)})
    response = await api.fetch("GET", f"runs/{run_id}/artifacts/plots/märz.html")
    assert response.body == content
    assert response.headers["Content-Type"] == served_as
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''m%C3%A4rz.html"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in response.headers["Content-Security-Policy"].split("; ")
    assert "X-Injected" not in response.headers


async def test_an_artifact_that_the_client_has_already_is_not_sent_again(api, files, jp_fetch):
    run_id = files.finished(artifacts={"out.csv": ("text/csv", b"a,b")})
    first = await api.fetch("GET", f"runs/{run_id}/artifacts/out.csv")
    address = ("jupyter-mlops", "api", "runs", run_id, "artifacts", "out.csv")
    with pytest.raises(HTTPClientError) as caught:
        await jp_fetch(*address, headers={"If-None-Match": first.headers["Etag"]})
    assert (caught.value.code, caught.value.response.body) == (304, b"")


async def test_an_artifact_that_is_not_there_is_not_found_and_no_path_is_followed(api, files):
    run_id = files.finished(artifacts={"out.csv": ("text/csv", b"x")})
    for name in ("nothing.csv", "../../../../registry.sqlite", "%2e%2e/%2e%2e/registry.sqlite"):
        status, code, _ = await api.refused("GET", f"runs/{run_id}/artifacts/{name}")
        assert (status, code) == (404, "not_found")


async def test_a_blob_that_is_not_what_its_digest_says_is_not_served(api, files, workspace):
    run_id = files.finished(artifacts={"out.csv": ("text/csv", b"true")})
    digest = workspace.runs.detail(run_id).artifacts[0].digest
    (blob,) = (each for each in (workspace.settings.home / "blobs").rglob("*") if each.name == digest)
    blob.chmod(0o600)
    blob.write_bytes(b"fals")
    assert (await api.refused("GET", f"runs/{run_id}/artifacts/out.csv"))[:2] == (500, "corrupt")


async def test_an_answer_is_valid_json_whatever_the_run_logged(api, files):
    run_id = files.finished(params={"x": "\N{GRINNING FACE}</script>"}, metrics={"m": [-math.inf]})
    body = (await api.fetch("GET", f"runs/{run_id}")).body
    assert json.loads(body, parse_constant=pytest.fail)["run"]["metrics"]["m"]["last"] == "-Infinity"
