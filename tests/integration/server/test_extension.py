"""Configuration: what names the workspace for the server names it for its kernels as well."""

from __future__ import annotations

import asyncio
import os

import pytest

from jupyter_mlops import __version__, config


@pytest.fixture
def only_configured(workspace_folders, monkeypatch):
    """No environment variable names the workspace, and none is left by the test."""
    for name in (config.HOME, config.GPU_SLOTS):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)


@pytest.fixture
def jp_argv(request, tmp_path):
    arguments = getattr(request, "param", {})
    return [f"--MlopsExtension.{name}={value.format(tmp=tmp_path)}" for name, value in arguments.items()]


@pytest.mark.parametrize("jp_argv", [{"home": "{tmp}/configured", "gpu_slots": "3"}], indirect=True)
async def test_traits_name_the_workspace_of_the_server_and_of_its_kernels(only_configured, api, tmp_path):
    status = await api.get("status")
    assert status["home"] == str(tmp_path / "configured")
    assert len(status["gpus"]) == 3
    assert os.environ[config.HOME] == str(tmp_path / "configured")
    assert os.environ[config.GPU_SLOTS] == "3"


@pytest.mark.parametrize("jp_argv", [{"home": "{tmp}/configured"}], indirect=True)
async def test_the_environment_wins_over_traits(jp_argv, workspace, tmp_path):
    assert workspace.settings.home == tmp_path / "mlops"
    assert os.environ[config.HOME] == str(tmp_path / "mlops")


async def test_status_tells_of_the_installation(api, workspace):
    status = await api.get("status", checks=1)
    assert (status["version"], status["user"]) == (__version__, "ada")
    assert status["agent"] == {"running": False}
    assert [slot["virtual"] for slot in status["gpus"]] == [True, True]
    assert {"workspace", "registry", "index"} <= {check["name"] for check in status["checks"]}
    assert (await api.get("status"))["checks"] == []


async def test_first_requests_may_come_all_at_once(api):
    paths = ["runs", "jobs", "datasets", "models", "status", "experiments"] * 3
    answers = await asyncio.gather(*(api.fetch("GET", path) for path in paths))
    assert {answer.code for answer in answers} == {200}


async def test_reading_does_not_keep_an_idle_server_alive_and_changing_does(api, jp_serverapp):
    settings = jp_serverapp.web_app.settings
    await api.get("models")
    assert settings.get("api_last_activity") is None
    await api.refused("PATCH", "runs/zzzzzz", {"note": "x"})
    assert settings.get("api_last_activity") is not None


async def test_a_wrong_setting_costs_the_extension_and_not_the_server(
    jp_configurable_serverapp, monkeypatch, caplog, capsys
):
    monkeypatch.setenv(config.GPU_SLOTS, "two")
    app = jp_configurable_serverapp()
    await app.extension_manager.start_all_extensions()
    await app.extension_manager.stop_all_extensions()
    logged = caplog.text + capsys.readouterr().err
    assert "JUPYTER_MLOPS_GPU_SLOTS must be a number of slots such as 2, not 'two'" in logged
    assert "AttributeError" not in logged
