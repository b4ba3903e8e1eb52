"""What people say of datasets, their aliases, profiles, differences and expectations, over HTTP."""

from __future__ import annotations

import pandas
import pytest

from jupyter_mlops import wire
from jupyter_mlops.services.expectations.stating import state


@pytest.fixture
def train(workspace):
    """Two versions of a dataset, the second with another mean."""
    for values in ([1, 2, 3, 4], [5, 6, 7, 8]):
        frame = pandas.DataFrame({"id": [1, 2, 3, 4], "x": values})
        workspace.registry.register_dataset(frame, name="train")
    return workspace.registry.dataset("train")


async def test_a_dataset_and_a_version_are_described(api, workspace, train):
    said = {"description": "Sums", "owner": "ada", "licence": "MIT", "tags": {"team": "a", "old": "1"}}
    await api.send("PATCH", "datasets/train", said)
    answer = await api.send("PATCH", "datasets/train", {"tags": {"old": None}})
    assert answer["details"] == {**said, "tags": {"team": "a"}, "card": None}
    answer = await api.send("PATCH", "datasets/train/versions/1", {"tags": {"checked": "yes"}})
    assert [each["tags"] for each in answer["versions"]] == [{}, {"checked": "yes"}]
    assert answer == wire.to_json(workspace.registry.dataset("train"))


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("datasets/train", {}, "Nothing to change"),
        ("datasets/train", {"name": "b"}, "unknown field 'name'"),
        ("datasets/train/versions/newest", {"owner": "ada"}, "not 'newest'"),
    ],
)
async def test_what_cannot_be_said_of_a_dataset_is_refused(api, train, path, body, said):
    status, code, message = await api.refused("PATCH", path, body)
    assert (status, code, said in message) == (400, "invalid_input", True), message


async def test_an_alias_is_moved_with_its_reason_and_taken_away(api, train):
    for version, reason in ((1, "first"), (2, "better")):
        moved = await api.send("PUT", "datasets/train/aliases/prod", {"version": version, "reason": reason})
    assert moved["aliases"] == {"prod": 2}
    gone = (await api.fetch("DELETE", "datasets/train/aliases/prod", reason="it was wrong")).body
    assert b'"aliases":{}' in gone
    moves = (await api.get("datasets/train/aliases/prod/moves"))["moves"]
    assert [(each["before"], each["after"], each["user"], each["reason"]) for each in moves] == [
        (2, None, "ada", "it was wrong"),
        (1, 2, "ada", "better"),
        (None, 1, "ada", "first"),
    ]


async def test_an_alias_that_looks_misspelt_is_made_only_when_it_is_said_to_be_new(api, train):
    await api.send("PUT", "datasets/train/aliases/golden", {"version": 1})
    path = "datasets/train/aliases/goldn"
    status, code, message = await api.refused("PUT", path, {"version": 2})
    assert (status, code, "Did you mean 'golden'?" in message) == (400, "invalid_input", True), message
    made = await api.send("PUT", path, {"version": 2, "new": True})
    assert made["aliases"] == {"golden": 1, "goldn": 2}


async def test_a_profile_is_served_as_soon_as_it_is_there(api, workspace, train):
    first = await api.get("datasets/train/versions/2/profile")
    assert first["status"] in ("pending", "ready")
    workspace.profiles.compute(workspace.registry.dataset_version("train@2"))
    profile = await api.get("datasets/train/versions/2/profile")
    assert (profile["status"], profile["rows"]) == ("ready", 4)
    assert [(each["name"], each["min"], each["max"]) for each in profile["columns"]] == [
        ("id", 1, 4),
        ("x", 5, 8),
    ]


async def test_two_versions_are_compared_and_with_keys_row_by_row(api, train):
    diff = await api.get("datasets/train/diff", before=1, after=2)
    assert (diff["same"], diff["rows"], diff["rows_before"]) == (False, None, 4)
    assert {each["name"]: each["mean_after"] for each in diff["drift"]} == {"id": 2.5, "x": 6.5}
    rows = (await api.get("datasets/train/diff", before=1, after=2, keys=["id"]))["rows"]
    assert (rows["keys"], rows["changed"], rows["changed_columns"]) == (["id"], 4, {"x": 4})


async def test_expectations_are_listed_and_checked(api, workspace, train):
    workspace.expectations.set("train", state("train", between={"x": (0, 4)}, on_fail="warn"))
    listed = (await api.get("datasets/train/expectations"))["expectations"]
    assert [(each["name"], each["check"]) for each in listed] == [("between: x", "between")]
    assert (await api.get("datasets/train/versions/2/check"))["report"] is None
    report = await api.send("POST", "datasets/train/versions/2/check")
    assert (report["passed"], [each["failing"] for each in report["results"]]) == (False, [4])
    assert (await api.get("datasets/train/versions/2/check"))["report"] == report


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "datasets/nowhere"),
        ("PATCH", "datasets/train/versions/9"),
        ("PUT", "datasets/train/aliases/prod"),
        ("DELETE", "datasets/train/aliases/nobody"),
        ("GET", "datasets/train/versions/9/profile"),
        ("GET", "datasets/train/diff?before=1&after=9"),
        ("GET", "datasets/train/versions/9/check"),
        ("POST", "datasets/train/versions/9/check"),
        ("GET", "features/nowhere"),
    ],
)
async def test_what_is_not_there_is_not_found(api, train, method, path):
    path, _, query = path.partition("?")
    arguments = dict(each.split("=") for each in query.split("&")) if query else {}
    body = {"PATCH": {"owner": "ada"}, "PUT": {"version": 9}}.get(method)
    assert (await api.refused(method, path, body, **arguments))[:2] == (404, "not_found")


async def test_a_diff_has_two_sides(api, train):
    status, _, message = await api.refused("GET", "datasets/train/diff", before=1)
    assert (status, "'after' is missing" in message) == (400, True)
