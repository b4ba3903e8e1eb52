"""The doctor over real workspaces, whole and damaged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.cli import main
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Check
from jupyter_mlops.services import doctor
from jupyter_mlops.services.jobs.agent_control import AgentControl

from .test_cli import notebook

NAMES = [
    "package",
    "server extension",
    "lab extension",
    "kernels",
    "workspace",
    "file system",
    "registry",
    "audit trail",
    "roles",
    "blobs",
    "index",
    "GPUs",
    "quotas",
    "executors",
    "memory limits",
    "staging",
    "agent",
    "warm starts",
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_MLOPS_RUNTIME", str(tmp_path / "runtime"))
    monkeypatch.setenv("JUPYTER_MLOPS_LEASES", str(tmp_path / "leases"))
    workspace.use(None)
    yield tmp_path / "home"
    AgentControl(load_settings()).stop()
    workspace.use(None)


def examine() -> dict[str, Check]:
    """The checks of a process that has just started."""
    workspace.use(None)
    checks = workspace.current().doctor.checks()
    assert [check.name for check in checks] == NAMES
    assert all(check.ok or check.fix for check in checks), "each failure says what to do"
    return {check.name: check for check in checks}


def test_a_fresh_workspace_is_in_order(home: Path):
    found = examine()
    # whether the front end has been built is the installation's matter, not the workspace's
    assert [name for name in NAMES[3:] if not found[name].ok] == []
    assert found["registry"].message == f"{home / 'registry.sqlite'} holds 0 datasets and 0 models"
    assert found["index"].message == "holds 0 runs"


def test_what_is_there_is_counted(home: Path):
    with mlops.track("one"):
        mlops.register_dataset(pd.DataFrame({"a": [1]}), name="a")
    found = examine()
    assert found["registry"].message.endswith("holds 1 dataset and 0 models")
    assert found["index"].message == "holds 1 run"


def test_a_home_that_cannot_be_made_is_the_one_thing_to_repair(home: Path):
    home.write_text("a file, not a folder")
    found = examine()
    assert not found["workspace"].ok
    assert "JUPYTER_MLOPS_HOME" in found["workspace"].fix
    for name in ("registry", "audit trail", "index", "GPUs", "agent"):
        assert found[name].fix == "repair the workspace first"


def test_an_index_that_cannot_be_opened_is_told_from_a_good_registry(home: Path):
    home.mkdir()
    (home / "index.sqlite").mkdir()
    found = examine()
    assert found["registry"].ok
    assert not found["index"].ok
    assert "jupyter mlops rebuild" in found["index"].fix


def test_a_changed_audit_trail_is_noticed(home: Path):
    mlops.register_dataset(pd.DataFrame({"a": [1]}), name="a")
    mlops.register_dataset(pd.DataFrame({"a": [2]}), name="a")
    assert examine()["audit trail"].ok
    with sqlite3.connect(home / "registry.sqlite") as connection:
        connection.execute("UPDATE audit SET user = 'somebody else' WHERE seq = 1")
    check = examine()["audit trail"]
    assert not check.ok
    assert "1" in check.message


def test_roles_that_cannot_be_used_are_told(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert examine()["roles"].message == "everybody may do everything: there is no file of roles"
    roles = tmp_path / "access.json"
    monkeypatch.setenv("JUPYTER_MLOPS_ACCESS", str(roles))
    missing = examine()["roles"]
    assert (missing.ok, str(roles) in missing.message, "JUPYTER_MLOPS_ACCESS" in missing.fix) == (
        False,
        True,
        True,
    )
    roles.write_text('{"default": "viewer", "roles": {"ada": "chief"}}')
    wrong = examine()["roles"]
    assert not wrong.ok
    assert "chief" in wrong.message
    roles.write_text('{"default": "viewer", "roles": {"ada": "admin"}}')
    assert examine()["roles"].message == "users are viewers, 1 user or group named apart"


def test_blobs_are_tried_and_nothing_is_left_of_it(home: Path):
    found = examine()["blobs"]
    assert (found.ok, found.message) == (True, f"{home / 'blobs'} stores and gives back contents")
    assert list(workspace.current().blobs.stored()) == []


def test_blobs_of_one_home_beside_a_database_of_a_team_are_told(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JUPYTER_MLOPS_DATABASE", f"sqlite:///{tmp_path}/team.sqlite")
    found = examine()["blobs"]
    assert found.ok
    assert found.message.endswith(
        "of this home only: for colleagues to load what you register, set JUPYTER_MLOPS_BLOBS"
    )


def test_blobs_that_cannot_be_reached_name_their_variable(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUPYTER_MLOPS_BLOBS", "file:///proc/no-such-folder")
    found = examine()["blobs"]
    assert not found.ok
    assert "JUPYTER_MLOPS_BLOBS" in found.fix


def test_a_leases_folder_that_cannot_be_made_names_its_variable(home: Path, tmp_path: Path):
    (tmp_path / "leases").write_text("a file")
    check = examine()["executors"]
    assert not check.ok
    assert "JUPYTER_MLOPS_LEASES" in check.fix


def test_sqlite_on_a_network_file_system_is_warned_of(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "file_system_type", lambda path: "nfs4" if path == home else "ext4")
    check = examine()["file system"]
    assert not check.ok
    assert "nfs4" in check.message
    assert "JUPYTER_MLOPS_DATABASE" in check.fix


def test_virtual_slots_are_shown_as_such(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert examine()["GPUs"].ok
    monkeypatch.setenv("JUPYTER_MLOPS_GPU_SLOTS", "2")
    assert examine()["GPUs"] == Check(name="GPUs", ok=True, message="virtual slot 0, virtual slot 1")


def test_jobs_without_an_agent_get_one(home: Path, tmp_path: Path):
    path = notebook(tmp_path / "long.ipynb", "seconds = 600", "import time; time.sleep(seconds)")
    submitted = workspace.current().submission.submit_notebook(path)
    control = AgentControl(load_settings())
    control.start()
    control.stop()
    check = examine()["agent"]
    assert check.ok
    assert "1 job not ended" in check.message
    assert control.status() is not None
    workspace.current().jobs.cancel(submitted.jobs[0].id)
    workspace.current().jobs.wait([submitted.jobs[0].id], timeout_s=120)


def test_cli_exits_with_1_when_a_check_fails(home: Path, capsys: pytest.CaptureFixture[str]):
    home.write_text("a file, not a folder")
    assert main(["doctor", "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)
    assert [check["name"] for check in checks] == NAMES
    assert main(["doctor"]) == 1
    assert "✗ workspace" in capsys.readouterr().out
