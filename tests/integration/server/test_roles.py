"""Who sent a request, and what his role allows: the same over REST as in the services."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import PasswordIdentityProvider
from tornado.httpclient import HTTPClientError

from jupyter_mlops import config
from jupyter_mlops.errors import Forbidden
from jupyter_mlops.server.identity import named_user
from jupyter_mlops.testing.jobs import FakeAgent
from jupyter_mlops.testing.registry import dataset_version, model_version

from .journals import RunFiles
from .notebook_files import save_notebook

NOTEBOOK = "sub/train.ipynb"
ROLES = {
    "default": "contributor",
    "roles": {"vera": "viewer", "bob": "approver", "root": "admin"},
    "aliases": {"champion": "approver", "digits@release": "admin"},
}


class NamedByHeader(IdentityProvider):
    """Whoever has the token says who he is."""

    async def get_user(self, handler):
        user = await super()._get_user(handler)
        name = handler.request.headers.get("X-User")
        return User(username=name) if user is not None and name else user


@pytest.fixture
def roles(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "access.json"
    path.write_text(json.dumps(ROLES))
    monkeypatch.setenv(config.ACCESS, str(path))
    monkeypatch.delenv(config.HUB_USER, raising=False)
    return path


@pytest.fixture
def jp_server_config(workspace_folders, roles):
    extensions = {"jpserver_extensions": {"jupyter_mlops": True}}
    return {"ServerApp": {**extensions, "identity_provider_class": NamedByHeader}}


@pytest.fixture
def ask(jp_fetch):
    """(status, body) of a request in somebody's name."""

    async def ask(user, method, path, body=None, root=("jupyter-mlops", "api")):
        try:
            answer = await jp_fetch(
                *root,
                *path.split("/"),
                method=method,
                body=None if body is None else json.dumps(body),
                headers={"X-User": user} if user else {},
                allow_nonstandard_methods=True,
            )
        except HTTPClientError as error:
            answer = error.response
        return answer.code, json.loads(answer.body or b"null")

    return ask


@pytest.fixture
def digits(workspace):
    """Two versions of a model, and a dataset."""
    for digit in "12":
        workspace._registry_store.register_model(model_version(digest=digit * 64))
    workspace._registry_store.register_dataset(dataset_version())


@pytest.fixture
def notebook(workspace, jp_root_dir):
    workspace.agent = FakeAgent()
    return save_notebook(jp_root_dir / "sub" / "train.ipynb", "print(lr)", parameters="lr = 0.1")


async def test_who_may_move_which_alias_is_the_same_over_rest_and_in_the_services(ask, digits, workspace):
    allowed = {"vera": [], "ada": ["staging"], "bob": ["staging", "champion"]}
    for user, aliases in allowed.items():
        for alias in ("staging", "champion", "release"):
            status, body = await ask(user, "PUT", f"models/digits/aliases/{alias}", {"version": 1})
            assert (status == 200) is (alias in aliases), (user, alias, body)
            registry = workspace.acting_as(user).registry
            if alias in aliases:
                registry.set_alias("digits", alias, 1)
            else:
                assert body["code"] == "forbidden"
                with pytest.raises(Forbidden, match=f"{user} has the role"):
                    registry.set_alias("digits", alias, 1)
    assert (await ask("root", "PUT", "models/digits/aliases/release", {"version": 2}))[0] == 200
    moved = workspace.audit_trail.entries(action="alias.set")
    assert [(each.user, each.subject) for each in moved] == [
        ("root", "model:digits@release"),
        ("bob", "model:digits@champion"),
        ("ada", "model:digits@staging"),
    ]
    refused = workspace.audit_trail.entries(action="alias.refuse", user="vera")
    assert {each.subject for each in refused} == {
        "model:digits@staging",
        "model:digits@champion",
        "model:digits@release",
    }


async def test_a_refusal_says_who_what_it_takes_and_where_that_is_set(ask, digits, roles):
    status, body = await ask("ada", "PUT", "models/digits/aliases/champion", {"version": 1})
    assert (status, body["message"]) == (
        403,
        "ada has the role contributor, and to move the alias 'champion' of model 'digits' takes the role "
        f"approver. Roles are set in {roles}.",
    )


async def test_a_viewer_changes_nothing_that_is_said_of_a_run(ask, workspace):
    run = RunFiles(workspace.settings.home).finished("a")
    status, body = await ask("vera", "PATCH", f"runs/{run}", {"note": "x"})
    assert (status, body["code"]) == (403, "forbidden")
    assert f"to change what is said of run {run} takes the role contributor" in body["message"]
    assert (await ask("ada", "PATCH", f"runs/{run}", {"note": "y"}))[1]["note"] == "y"
    assert workspace.runs.get(run).note == "y"


async def test_a_job_is_of_who_asked_for_it_and_only_his_to_cancel(ask, notebook, workspace):
    status, body = await ask("vera", "POST", "jobs", {"path": NOTEBOOK})
    assert (status, body["code"]) == (403, "forbidden")
    status, body = await ask("bob", "POST", "jobs", {"path": NOTEBOOK})
    assert status == 201
    job = body["jobs"][0]["spec"]
    assert job["user"] == "bob"
    status, body = await ask("eve", "POST", f"jobs/{job['id']}/cancel")
    assert (status, body["code"]) == (403, "forbidden")
    assert "another user's" in body["message"]
    assert workspace.jobs.get(job["id"]).status == "queued"
    assert (await ask("bob", "POST", f"jobs/{job['id']}/cancel"))[0] == 200
    trail = [(each.user, each.action) for each in workspace.audit_trail.entries()]
    assert trail == [
        ("bob", "job.cancel"),
        ("eve", "access.refuse"),
        ("bob", "job.submit"),
        ("vera", "access.refuse"),
    ]


async def test_an_administrator_ends_what_others_have_begun(ask, notebook):
    _, body = await ask("bob", "POST", "jobs", {"path": NOTEBOOK, "params": {"lr": "0.1,0.2"}})
    sweep = body["sweep_id"]
    assert (await ask("eve", "POST", f"sweeps/{sweep}/cancel"))[0] == 403
    status, body = await ask("root", "POST", f"sweeps/{sweep}/cancel")
    assert (status, body["reason"]) == (200, "cancelled by root")


async def test_a_schedule_is_its_makers(ask, notebook, workspace):
    _, body = await ask("bob", "POST", "jobs", {"path": NOTEBOOK, "cron": "0 3 * * *"})
    address = f"schedules/{body['schedule']['spec']['id']}"
    for method, rest in (("POST", "/pause"), ("POST", "/run"), ("DELETE", "")):
        assert (await ask("eve", method, f"{address}{rest}"))[0] == 403
    assert (await ask("bob", "POST", f"{address}/pause"))[1]["reason"] == "paused by bob"
    status, job = await ask("root", "POST", f"{address}/run")
    assert (status, job["spec"]["user"]) == (201, "bob")
    assert workspace.audit_trail.entries(action="schedule.run")[0].user == "root"
    assert (await ask("bob", "DELETE", address))[0] == 200


async def test_roles_that_change_hold_at_once_and_a_broken_file_lets_nobody_change_anything(
    ask, digits, roles
):
    address, body = "models/digits/aliases/champion", {"version": 1}
    assert (await ask("ada", "PUT", address, body))[0] == 403
    roles.write_text(json.dumps({"roles": {"ada": "approver"}, "aliases": {"champion": "approver"}}))
    assert (await ask("ada", "PUT", address, body))[0] == 200
    roles.write_text('{"rolls": {}}')
    status, problem = await ask("ada", "PUT", address, {"version": 2})
    assert (status, problem["code"]) == (403, "forbidden")
    assert "rolls" in problem["message"]
    assert (await ask("ada", "GET", "models"))[0] == 200
    roles.unlink()
    assert (await ask("ada", "PUT", address, {"version": 2}))[0] == 403


async def test_the_token_without_a_name_is_the_servers_own_user(ask, notebook):
    _, body = await ask("", "POST", "jobs", {"path": NOTEBOOK})
    assert body["jobs"][0]["spec"]["user"] == "ada"


@pytest.mark.parametrize(
    "jp_argv",
    [["--ServerApp.authorizer_class=jupyter_mlops.server.authorizer.MlopsAuthorizer"]],
)
async def test_with_the_authorizer_a_viewer_only_looks(ask, jp_argv, workspace):
    run = RunFiles(workspace.settings.home).finished("a")
    assert (await ask("vera", "GET", f"runs/{run}"))[0] == 200
    assert (await ask("vera", "PATCH", f"runs/{run}", {"note": "x"}))[0] == 403
    status, body = await ask("ada", "PATCH", f"runs/{run}", {"note": "x"})
    assert (status, body["note"]) == (200, "x")
    # what is not ours is up to another authorizer: to Jupyter's own, which allows all
    status, _ = await ask(
        "vera", "PUT", "contents/a.txt", {"type": "file", "format": "text", "content": ""}, ("api",)
    )
    assert status == 201


@pytest.mark.parametrize(
    "jp_argv",
    [
        [
            "--ServerApp.authorizer_class=jupyter_mlops.server.authorizer.MlopsAuthorizer",
            "--MlopsAuthorizer.others=tests.integration.server.test_access.Denying",
        ]
    ],
)
async def test_the_authorizer_of_everything_else_may_be_another(ask, jp_argv):
    assert (await ask("root", "GET", "contents", None, ("api",)))[0] == 403
    assert (await ask("root", "GET", "runs"))[0] == 200


@pytest.mark.parametrize(
    ("provider", "username", "named"),
    [
        (PasswordIdentityProvider, "0" * 32, None),
        (PasswordIdentityProvider, "ada", None),  # whatever a cookie says
        (IdentityProvider, "0" * 32, None),
        (NamedByHeader, "0" * 32, None),
        (NamedByHeader, "bob", "bob"),
    ],
)
def test_only_a_provider_that_tells_people_apart_names_them(provider, username, named):
    assert named_user(provider(), User(username=username)) == named


def test_whom_the_hub_started_the_server_for_is_its_own_user(monkeypatch):
    monkeypatch.setenv(config.HUB_USER, "bob")
    assert named_user(NamedByHeader(), User(username="bob")) is None
    assert named_user(NamedByHeader(), User(username="eve")) == "eve"


@pytest.mark.parametrize("name", ["0" * 32, "anonymous"])
def test_user_of_a_hub_may_be_called_as_if_drawn(monkeypatch, name):
    monkeypatch.setenv(config.HUB_USER, "bob")
    assert named_user(NamedByHeader(), User(username=name)) == name
