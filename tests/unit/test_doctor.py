"""What the doctor says of folders that locks are kept in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Check
from jupyter_mlops.services.doctor import Doctor
from jupyter_mlops.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no jobs")


def executors(tmp_path: Path, environ: dict[str, str] | None = None) -> Check:
    settings = load_settings(
        {"home": tmp_path / "home", "runtime_dir": tmp_path / "runtime", "leases_dir": tmp_path / "leases"},
        environ=environ or {},
    )
    checks = Doctor(Workspace(settings)).checks()
    return next(check for check in checks if check.name == "executors")


def test_folders_that_are_missing_are_left_to_those_who_give_them_their_mode(tmp_path: Path) -> None:
    assert executors(tmp_path).ok
    assert not (tmp_path / "leases").exists()
    assert not (tmp_path / "runtime").exists()


def test_dashboard_of_ray_is_named(tmp_path: Path) -> None:
    assert "ray" not in executors(tmp_path).message
    found = executors(tmp_path, {"RAY_ADDRESS": "http://head:8265"})
    assert "--on ray: its dashboard is to be at http://head:8265" in found.message


def test_a_link_to_nothing_is_no_folder_for_leases(tmp_path: Path) -> None:
    (tmp_path / "leases").symlink_to(tmp_path / "nowhere")
    found = executors(tmp_path)
    assert (found.ok, found.message) == (False, f"{tmp_path / 'leases'} is not a folder")
    assert "JUPYTER_MLOPS_LEASES" in found.fix


def test_a_folder_that_cannot_be_made_names_what_is_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access  # which lets root write everywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path and access(path, mode))
    assert (
        executors(tmp_path).message == f"{tmp_path} is not writable, so {tmp_path / 'leases'} cannot be made"
    )
