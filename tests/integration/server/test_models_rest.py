"""Cards, gates, reviews, approvals and moves of models, over HTTP."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from jupyter_mlops.workspace import Workspace

GATES = [
    {"kind": "metric", "metric": "acc", "minimum": 0.9},
    {"kind": "approval", "approvals": 1},
]


@pytest.fixture
def digits(workspace):
    """Two versions of a model; the alias ``champion`` is on the first."""
    workspace.registry.register_model(
        {"weights": [1]}, name="digits", alias="champion", metrics={"acc": 0.91}
    )
    workspace.registry.register_model({"weights": [2]}, name="digits", metrics={"acc": 0.95})
    return workspace.registry.model("digits")


@pytest.fixture
def as_user(serve, workspace):
    """From now on requests are another user's."""
    return lambda name: serve(workspace.acting_as(name))


async def test_a_model_and_a_version_are_described(api, digits):
    await api.send("PATCH", "models/digits", {"description": "Reads digits", "owner": "ada"})
    answer = await api.send("PATCH", "models/digits/versions/2", {"tags": {"stage": "test"}})
    assert (answer["details"]["description"], answer["details"]["owner"]) == ("Reads digits", "ada")
    assert [each["tags"] for each in answer["versions"]] == [{"stage": "test"}, {}]


async def test_a_card_is_made_from_what_is_known_and_can_be_edited(api, digits):
    card = (await api.get("models/digits/versions/2/card"))["card"]
    assert "digits@2" in card
    edited = await api.send("PUT", "models/digits/versions/2/card", {"card": "# Mine\n\nNot for cheques."})
    assert "Not for cheques." in edited["card"]
    assert (await api.get("models/digits/versions/2/card")) == edited
    assert "Not for cheques." not in (await api.get("models/digits/versions/1/card"))["card"]


async def test_gates_refuse_a_promotion_until_somebody_else_has_approved_it(api, digits, as_user):
    gates = await api.send("PUT", "models/digits/gates/champion", {"gates": GATES})
    assert (await api.get("models/digits/gates")) == {"gates": [gates]}
    review = await api.get("models/digits/versions/2/review")
    assert (review["alias"], review["holder"], review["allowed"]) == ("champion", 1, False)
    assert [each["passed"] for each in review["gates"]] == [True, False]
    target = {"version": 2, "reason": "better"}
    status, code, message = await api.refused("PUT", "models/digits/aliases/champion", target)
    assert (status, code, "may not move to version 2" in message) == (409, "gates_refused", True)

    verdict = {"approved": True, "reason": "looked at it"}
    own = await api.refused("PUT", "models/digits/versions/2/approvals/champion", verdict)
    assert own[:2] == (403, "forbidden")
    as_user("bob")
    said = (await api.send("PUT", "models/digits/versions/2/approvals/champion", verdict))["approval"]
    assert (said["user"], said["approved"], said["reason"]) == ("bob", True, "looked at it")
    assert (await api.send("PUT", "models/digits/aliases/champion", target))["aliases"] == {"champion": 2}


async def test_what_was_said_of_a_version_can_be_taken_back(api, digits, as_user):
    as_user("bob")
    path = "models/digits/versions/2/approvals/champion"
    await api.send("PUT", path, {"approved": False, "reason": "too slow"})
    assert [each["approved"] for each in (await api.get("models/digits/versions/2/review"))["approvals"]] == [
        False
    ]
    assert (await api.send("PUT", path, {"approved": None})) == {"approval": None}
    assert (await api.get("models/digits/versions/2/review"))["approvals"] == []


async def test_an_alias_is_rolled_back_and_every_move_is_told(api, digits):
    await api.send("PUT", "models/digits/aliases/champion", {"version": 2, "reason": "better"})
    back = await api.send("POST", "models/digits/aliases/champion/rollback", {"reason": "it was not"})
    assert back["aliases"] == {"champion": 1}
    moves = (await api.get("models/digits/aliases/champion/moves"))["moves"]
    assert [(each["before"], each["after"], each["rollback"], each["reason"]) for each in moves] == [
        (2, 1, True, "it was not"),
        (1, 2, False, "better"),
        (None, 1, False, ""),
    ]


async def test_the_trail_of_a_model_has_all_of_its_versions_and_aliases_page_by_page(api, digits):
    await api.send("PUT", "models/digits/aliases/champion", {"version": 2})
    entries = (await api.get("audit", subject="model:digits"))["entries"]
    assert {each["subject"] for each in entries} >= {
        "model:digits@1",
        "model:digits@2",
        "model:digits@champion",
    }
    older = (await api.get("audit", subject="model:digits", before=entries[0]["seq"], limit=1))["entries"]
    assert older == [entries[1]]
    assert (await api.get("audit", subject="model:digit")) == {"entries": []}


async def test_who_asks_learns_what_he_may_do_and_a_refusal_says_what_it_takes(
    api, workspace, digits, serve, tmp_path
):
    assert await api.get("access") == {"user": "ada", "role": "admin"}
    roles = tmp_path / "roles.json"
    roles.write_text(json.dumps({"default": "viewer", "roles": {"ada": "contributor"}}))
    serve(Workspace(replace(workspace.settings, access=str(roles))))
    assert await api.get("access") == {"user": "ada", "role": "contributor"}
    status, code, message = await api.refused("PUT", "models/digits/gates/champion", {"gates": []})
    assert (status, code, "takes the role approver" in message) == (403, "forbidden", True), message


async def test_lineage_is_served_in_a_direction_and_impact_as_lists(api, workspace, digits):
    up = await api.get("lineage", node="model:digits@1", direction="up")
    both = await api.get("lineage", node="model:digits@1")
    assert [each["id"] for each in up["nodes"]] == ["model:digits@1"]
    assert {each["id"] for each in both["nodes"]} == {"model:digits@1", "alias:digits@champion"}
    assert (await api.get("impact", node="model:digits@1"))["aliases"] == ["digits@champion"]
    assert (await api.refused("GET", "lineage", node="model:digits@1", direction="sideways"))[0] == 400


async def test_feature_views_are_listed(api):
    assert await api.get("features") == {"features": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "models/nowhere", {"owner": "ada"}),
        ("GET", "models/digits/versions/9/card", None),
        ("PUT", "models/digits/versions/9/card", {"card": "x"}),
        ("GET", "models/digits/versions/9/review", None),
        ("PUT", "models/digits/versions/9/approvals/champion", {"approved": True}),
        ("GET", "models/nowhere/gates", None),
        ("PUT", "models/nowhere/gates/champion", {"gates": []}),
        ("POST", "models/digits/aliases/nobody/rollback", {}),
        ("GET", "impact?model:nowhere@1", None),
    ],
)
async def test_what_is_not_there_is_not_found(api, digits, method, path, body):
    path, _, node = path.partition("?")
    query = {"node": node} if node else {}
    assert (await api.refused(method, path, body, **query))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("models/digits/gates/champion", {"gates": [{"kind": "luck"}]}, "luck"),
        ("models/digits/versions/2/approvals/champion", {}, "approved"),
        ("models/digits/versions/two/card", {"card": "x"}, "'two'"),
    ],
)
async def test_what_cannot_be_decided_is_refused(api, digits, path, body, said):
    status, code, message = await api.refused("PUT", path, body)
    assert (status, code, said in message) == (400, "invalid_input", True), message


async def test_an_alias_that_looks_misspelt_is_made_only_when_it_is_said_to_be_new(api, digits):
    path, target = "models/digits/aliases/chmpion", {"version": 2, "reason": "better"}
    status, code, message = await api.refused("PUT", path, target)
    assert (status, code) == (400, "invalid_input")
    assert "has no alias 'chmpion'. Did you mean 'champion'?" in message
    assert (await api.get("models/digits"))["aliases"] == {"champion": 1}
    made = await api.send("PUT", path, {**target, "new": True})
    assert made["aliases"] == {"champion": 1, "chmpion": 2}
    assert (await api.send("PUT", path, {"version": 1}))["aliases"] == {"champion": 1, "chmpion": 1}


async def test_an_alias_like_no_other_is_just_made(api, digits):
    made = await api.send("PUT", "models/digits/aliases/shadow", {"version": 2})
    assert made["aliases"] == {"champion": 1, "shadow": 2}


@pytest.mark.parametrize(
    ("alias", "metric", "said", "allowed"),
    [
        ("chmpion", "acc", "Did you mean 'champion'?", {"new": True}),
        ("champion", "accc", "No version of model 'digits' has a metric 'accc'", {"new_metrics": ["accc"]}),
    ],
)
async def test_gates_that_look_misspelt_are_set_only_when_they_are_said_to_be_new(
    api, digits, alias, metric, said, allowed
):
    path, edit = (
        f"models/digits/gates/{alias}",
        {"gates": [{"kind": "metric", "metric": metric, "minimum": 0.9}]},
    )
    status, code, message = await api.refused("PUT", path, edit)
    assert (status, code, said in message) == (400, "invalid_input", True), message
    assert (await api.get("models/digits/gates"))["gates"] == []
    gates = await api.send("PUT", path, {**edit, **allowed})
    assert [gate["metric"] for gate in gates["gates"]] == [metric]
    taken_away = await api.send("PUT", path, {"gates": []})
    assert taken_away["gates"] == []


async def test_gates_of_a_dataset_that_there_is_not_are_refused(api, digits):
    gates = [{"kind": "expectations", "dataset": "nowhere"}]
    refused = await api.refused("PUT", "models/digits/gates/champion", {"gates": gates})
    assert refused[:2] == (404, "not_found")
