"""A real ``jupyter lab`` on loopback, with folders, a workspace and a token of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jupyter_mlops import config
from tests.waiting import wait_until

TOKEN = "browser-test"
NO_NEWS = {"fetchNews": "false", "checkForUpdates": False}


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab; notebooks put into ``root`` can be opened."""

    url: str
    root: Path
    log: Path

    def address(self, notebook: str = "") -> str:
        tree = f"/tree/{notebook}" if notebook else ""
        return f"{self.url}lab{tree}?token={TOKEN}&reset"

    def environment(self, user: str) -> dict[str, str]:
        """That of a process of somebody else who uses the same workspace."""
        return {**_environment(self.root.parent), config.USER: user}

    def add_notebook(self, name: str, *cells: str) -> None:
        """A notebook whose first cell is tagged ``parameters``."""
        body = [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {} if number else {"tags": ["parameters"]},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = {"cells": body, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
        (self.root / name).write_text(json.dumps(content))


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Starts the server below ``folder``, and ends it and its agent."""
    root = folder / "root"
    root.mkdir()
    _write_settings(folder)
    url = f"http://127.0.0.1:{_free_port()}/"
    log = folder / "server.log"
    environment = _environment(folder)
    with log.open("w") as output:
        process = subprocess.Popen(
            _command(url, root), env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    try:
        wait_until(lambda: process.poll() is not None or _answers(url), message=f"See {log}")
        assert process.poll() is None, log.read_text()[-4000:]
        yield Lab(url, root, log)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        command = [sys.executable, "-m", "jupyter_mlops.cli", "agent", "stop"]
        subprocess.run(command, env=environment, timeout=60, capture_output=True)


def _command(url: str, root: Path) -> list[str]:
    port = url.rstrip("/").rsplit(":", 1)[1]
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"),
        "--ServerApp.jpserver_extensions={'jupyter_mlops': True}",
        "--LabApp.extension_manager=readonly",
        "--LabApp.expose_app_in_browser=True",
    ]


def _environment(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_MLOPS_")}
    return {
        **kept,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
        config.HOME: str(folder / "mlops"),
        config.RUNTIME: str(folder / "mlops-runtime"),
        config.LEASES: str(folder / "leases"),
        config.GPU_SLOTS: "2",
    }


def _write_settings(folder: Path) -> None:
    """JupyterLab asks the internet for news unless it is told not to."""
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(NO_NEWS))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}api/status?token={TOKEN}", timeout=2):
            return True
    except OSError:
        return False
