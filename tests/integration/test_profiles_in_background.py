"""The process that computes profiles: started by registering, killed, and taken up again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pytest

from jupyter_mlops.entities import ProfileStatus
from jupyter_mlops.services.profiles.background import MODULE, locked
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks on Windows")


def status(workspace: Workspace, reference: str = "train") -> ProfileStatus:
    return workspace.profiles.of(reference, wait=False).status


def profiler(workspace: Workspace) -> psutil.Process | None:
    """The process that computes profiles of this workspace."""
    home = str(workspace.settings.home)
    for process in psutil.Process().children():
        try:
            if MODULE in process.cmdline() and process.environ().get("JUPYTER_MLOPS_HOME") == home:
                return process
        except psutil.Error:
            continue
    return None


def test_registering_returns_and_the_profile_follows(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path, profile_when_registered=1)
    digests = [
        workspace.registry.register_dataset(pa.table({"x": np.arange(number)}), name=f"data{number}").digest
        for number in range(1, 4)
    ]
    process = profiler(workspace)
    assert process is not None
    wait_until(lambda: all(workspace.profiles.known(digest) for digest in digests))
    assert [workspace.profiles.of(f"data{number}").rows for number in range(1, 4)] == [1, 2, 3]
    wait_until(lambda: profiler(workspace) is None)
    assert list(workspace.settings.runtime_dir.glob("profiles-*/*")) == []


def test_killed_process_is_replaced_when_somebody_asks(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    version = workspace.registry.register_dataset(pa.table({"x": [1, 2]}), name="train")
    # it waits for this content, as if it were large
    with locked(workspace.profiles.requests.of(version.digest)):
        assert status(workspace) is ProfileStatus.PENDING
        wait_until(lambda: _attempts(workspace) == 1)
        process = profiler(workspace)
        assert process is not None
        assert process.nice() >= 10
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: profiler(workspace) is None)
        assert _attempts(workspace) == 1
    assert status(workspace) is ProfileStatus.PENDING
    wait_until(lambda: status(workspace) is ProfileStatus.READY)


def test_two_processes_that_ask_at_once_compute_one_profile(tmp_path: Path) -> None:
    workspace = workspace_in(tmp_path)
    version = workspace.registry.register_dataset(pa.table({"x": [1, 2]}), name="train")
    program = (
        "from jupyter_mlops.workspace import current\n"
        "found = current().profiles.of('train')\n"
        "print(found.status.value, found.computed_at)"
    )
    environment = {**os.environ, **workspace.settings.environment()}
    with locked(workspace.profiles.requests.of(version.digest)):
        askers = [
            subprocess.Popen(
                [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
            )
            for _ in range(2)
        ]
    answers = {asker.communicate(timeout=60)[0] for asker in askers}
    assert len(answers) == 1
    assert answers.pop().startswith("ready ")


def _attempts(workspace: Workspace) -> int:
    """How often the only request was begun."""
    paths = [path for path in workspace.settings.runtime_dir.glob("profiles-*/*") if not path.suffix]
    return json.loads(paths[0].read_bytes())["attempts"] if paths else 0
