"""The composition root: what it makes, for whom, and how often."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunKind, RunStatus
from jupyter_mlops.errors import InvalidInput, MissingPackage
from jupyter_mlops.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    folders = {
        "home": tmp_path / "new" / "home",
        "runtime_dir": tmp_path / "run",
        "leases_dir": tmp_path / "leases",
    }
    return Workspace(load_settings(folders, environ={}))


def test_home_that_tracking_makes_is_its_users_own(workspace: Workspace) -> None:
    workspace.tracker.start(name="first", kind=RunKind.SCRIPT).end(RunStatus.FINISHED)
    assert stat.S_IMODE(workspace.settings.home.stat().st_mode) == 0o700


def test_home_that_the_registry_makes_is_its_users_own(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("x")
    workspace.registry.register_dataset(tmp_path / "data.txt", name="data")
    assert stat.S_IMODE(workspace.settings.home.stat().st_mode) == 0o700


def test_home_may_have_any_characters_in_its_path(tmp_path: Path) -> None:
    home = tmp_path / "wh?at #1 %20"
    Workspace(load_settings({"home": home}, environ={})).registry.models()
    assert (home / "registry.sqlite").exists()
    assert [each.name for each in tmp_path.iterdir()] == [home.name]


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("no url", InvalidInput, "JUPYTER_MLOPS_DATABASE is no database URL: 'no url'"),
        ("nosuch://host/db", InvalidInput, "unknown kind of database"),
        ("mysql+pymysql://user:hidden@host/db", MissingPackage, "wants the package 'pymysql'"),
    ],
)
def test_database_that_cannot_be_opened_says_which_and_why(
    tmp_path: Path, url: str, error: type[Exception], said: str
) -> None:
    workspace = Workspace(load_settings({"home": tmp_path, "database": url}, environ={}))
    with pytest.raises(error, match=said) as refused:
        workspace.jobs.search()
    assert "hidden" not in str(refused.value)


def test_parts_are_made_once_also_when_threads_ask_together(workspace: Workspace) -> None:
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(workspace.runs)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(each) for each in found} == {id(workspace.runs)}
