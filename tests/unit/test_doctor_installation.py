"""What the doctor reads from Jupyter's folders."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import __version__
from jupyter_mlops.entities import Check
from jupyter_mlops.services import installation


@pytest.fixture
def jupyter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Jupyter: one folder of configuration, one of data, nothing of this machine's."""
    for name in ("config", "data", "kernels"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(installation, "jupyter_config_path", lambda: [str(tmp_path / "config")])
    monkeypatch.setattr(installation, "jupyter_path", lambda *parts: [str(tmp_path.joinpath("data", *parts))])
    return tmp_path


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def enabled(value: bool) -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlops": value}}}


def test_server_extension_is_enabled_by_the_file_that_the_wheel_brings(jupyter: Path):
    file = write(jupyter / "config" / "jupyter_server_config.d" / "jupyter_mlops.json", enabled(True))
    assert installation.server_extension() == Check(
        name="server extension", ok=True, message=f"enabled by {file}"
    )


def test_server_extension_disabled_by_the_user_names_the_file_and_the_command(jupyter: Path):
    write(jupyter / "config" / "jupyter_server_config.d" / "jupyter_mlops.json", enabled(True))
    file = write(jupyter / "config" / "jupyter_server_config.json", enabled(False))
    assert installation.server_extension() == Check(
        name="server extension",
        ok=False,
        message=f"disabled by {file}",
        fix="jupyter server extension enable jupyter_mlops",
    )


def test_server_extension_that_no_file_names_is_to_be_reinstalled(jupyter: Path):
    check = installation.server_extension()
    assert not check.ok
    assert "pip install" in check.fix


def test_lab_extension_is_found_with_its_version(jupyter: Path):
    folder = jupyter / "data" / "labextensions" / "jupyter-mlops"
    write(folder / "package.json", {"version": __version__})
    assert installation.lab_extension() == Check(
        name="lab extension", ok=True, message=f"{__version__} in {folder}"
    )


def test_lab_extension_of_another_version_is_reported(jupyter: Path):
    write(jupyter / "data" / "labextensions" / "jupyter-mlops" / "package.json", {"version": "0.0.1"})
    check = installation.lab_extension()
    assert not check.ok
    assert "0.0.1" in check.message
    assert __version__ in check.message


def test_missing_lab_extension_is_reported(jupyter: Path):
    check = installation.lab_extension()
    assert not check.ok
    assert "not installed" in check.message


@pytest.mark.parametrize("disabled", [["jupyter-mlops"], {"jupyter-mlops": True}])
def test_lab_extension_disabled_by_the_user_names_the_command(jupyter: Path, disabled: Any):
    write(jupyter / "data" / "labextensions" / "jupyter-mlops" / "package.json", {"version": __version__})
    write(jupyter / "config" / "labconfig" / "page_config.json", {"disabledExtensions": disabled})
    check = installation.lab_extension()
    assert (check.ok, check.fix) == (False, "jupyter labextension enable jupyter-mlops")


@pytest.fixture
def kernel(jupyter: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Installs a kernelspec with the given interpreter."""
    monkeypatch.setenv("JUPYTER_PATH", str(jupyter / "kernel-data"))

    def install(name: str, interpreter: str) -> None:
        argv = [interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": argv, "display_name": name, "language": "python"}
        write(jupyter / "kernel-data" / "kernels" / name / "kernel.json", spec)

    return install


def test_kernel_of_this_python_has_the_package(kernel: Any):
    kernel("python3", sys.executable)
    check = installation.kernels()
    assert check.ok
    assert f"python3 runs {sys.executable} with {__version__}" in check.message


def test_default_kernel_without_the_package_names_the_pip_command(kernel: Any, tmp_path: Path):
    other = tmp_path / "python3-bare"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')  # no site-packages
    other.chmod(0o755)
    kernel("python3", str(other))
    check = installation.kernels()
    assert not check.ok
    assert check.fix == f"{other} -m pip install jupyter-mlops"


def test_another_kernel_without_the_package_is_only_named(kernel: Any):
    kernel("python3", sys.executable)
    kernel("old", "/nowhere/python")
    check = installation.kernels()
    assert check.ok
    assert "old" in check.message.split(": ")[-1]
