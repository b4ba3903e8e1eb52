"""Folders that go with the process that made them, or with the next that makes one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jupyter_mlops.temporary import HELD, HeldFolder

PREFIX = "mlops-test-"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def of_another(temporary: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that has made a folder more than an hour ago, and the folder."""
    program = f"""
import os, time
from jupyter_mlops.temporary import HELD, HeldFolder
folder = HeldFolder({PREFIX!r})
(folder.path / "kernel.json").write_text("a key")
os.utime(folder.path / HELD, (1, 1))
print(folder.path, flush=True)
time.sleep(600)
"""
    environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_it_is_the_users_alone_until_it_is_removed() -> None:
    folder = HeldFolder(PREFIX)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    folder.remove()
    assert not folder.path.exists()


def test_what_a_killed_process_has_left_is_taken_away_by_the_next(temporary: Path) -> None:
    process, left = of_another(temporary)
    HeldFolder(PREFIX).remove()
    assert left.exists(), "its process lives"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    HeldFolder("other-").remove()
    assert left.exists(), "another kind of folder"
    HeldFolder(PREFIX).remove()
    assert not left.exists()


def test_a_young_one_and_one_that_was_left_on_purpose_stay(temporary: Path) -> None:
    young, left = temporary / f"{PREFIX}young", HeldFolder(PREFIX)
    young.mkdir()
    (young / HELD).touch()
    os.utime(left.path / HELD, (1, 1))
    left.leave()
    HeldFolder(PREFIX).remove()
    assert young.exists()
    assert left.path.exists()
