"""Datasets, models and aliases of a real registry, over HTTP."""

from __future__ import annotations

import pandas
import pytest

from jupyter_mlops import wire


@pytest.fixture
def train(workspace):
    """Two versions of a dataset."""
    workspace.registry.register_dataset(pandas.DataFrame({"x": [1, 2]}), name="train")
    return workspace.registry.register_dataset(pandas.DataFrame({"x": [1, 2, 3]}), name="train")


@pytest.fixture
def digits(workspace):
    """Two versions of a model; the alias ``champion`` is on the first."""
    workspace.registry.register_model({"weights": [1]}, name="digits", alias="champion", metrics={"acc": 0.5})
    return workspace.registry.register_model({"weights": [2]}, name="digits", metrics={"acc": float("nan")})


async def test_an_empty_registry_is_answered_as_such(api):
    assert await api.get("datasets") == {"datasets": []}
    assert await api.get("models") == {"models": []}


async def test_datasets_are_served_as_the_registry_has_them(api, workspace, train):
    assert await api.get("datasets") == {"datasets": wire.to_json(workspace.registry.datasets())}
    dataset = await api.get("datasets/train")
    assert dataset == wire.to_json(workspace.registry.dataset("train"))
    assert [(each["version"], each["rows"]) for each in dataset["versions"]] == [(2, 3), (1, 2)]


async def test_models_are_served_as_the_registry_has_them(api, workspace, digits):
    assert await api.get("models") == {"models": wire.to_json(workspace.registry.models())}
    model = await api.get("models/digits")
    assert model["aliases"] == {"champion": 1}
    assert [each["metrics"] for each in model["versions"]] == [{"acc": "NaN"}, {"acc": 0.5}]


async def test_a_name_may_hold_what_an_address_may_not(api, workspace):
    name = "my data (é) 100%?#"
    workspace.registry.register_dataset(pandas.DataFrame({"x": [1]}), name=name)
    assert (await api.get(f"datasets/{name}"))["name"] == name


async def test_an_alias_is_moved_and_taken_away(api, workspace, digits):
    moved = await api.send("PUT", "models/digits/aliases/champion", {"version": 2})
    assert moved["aliases"] == {"champion": 2}
    assert workspace.registry.model_version("digits@champion").version == 2
    removed = await api.send("DELETE", "models/digits/aliases/champion")
    assert removed["aliases"] == {}
    assert [entry.user for entry in workspace.registry.audit(limit=2)] == ["ada", "ada"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "datasets/nowhere", None),
        ("GET", "models/nowhere", None),
        ("PUT", "models/nowhere/aliases/champion", {"version": 1}),
        ("PUT", "models/digits/aliases/champion", {"version": 7}),
        ("DELETE", "models/digits/aliases/nobody", None),
    ],
)
async def test_what_is_not_there_is_not_found(api, digits, method, path, body):
    assert (await api.refused(method, path, body))[:2] == (404, "not_found")


async def test_an_alias_that_cannot_be_one_is_refused(api, digits):
    status, code, message = await api.refused("PUT", "models/digits/aliases/3", {"version": 1})
    assert (status, code) == (400, "invalid_input")
    assert "'3'" in message
