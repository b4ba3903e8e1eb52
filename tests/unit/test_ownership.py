"""The identity and the key of a home."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlops.errors import Unavailable
from jupyter_mlops.ownership import ID_FILE, KEY_BYTES, KEY_FILE, workspace_id, workspace_key

ASK = """
import sys
from pathlib import Path
from jupyter_mlops.ownership import workspace_id, workspace_key
print("ready", flush=True)
sys.stdin.readline()
print(workspace_id(Path(sys.argv[1])), workspace_key(Path(sys.argv[1])).hex())
"""


def test_key_is_of_the_user_alone_and_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    key = workspace_key(home)
    assert len(key) == KEY_BYTES == 32
    assert workspace_key(home) == key != workspace_key(tmp_path / "other")
    assert (home / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir()] == [KEY_FILE]


def test_processes_that_make_them_at_once_agree(tmp_path: Path) -> None:
    askers = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(tmp_path / "home")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for asker in askers:
        assert asker.stdout is not None
        assert asker.stdout.readline() == "ready\n"
    for asker in askers:
        assert asker.stdin is not None
        asker.stdin.write("go\n")
        asker.stdin.flush()
    said = {asker.communicate(timeout=100)[0] for asker in askers}
    home = tmp_path / "home"
    assert said == {f"{workspace_id(home)} {workspace_key(home).hex()}\n"}
    assert sorted(path.name for path in home.iterdir()) == [ID_FILE, KEY_FILE]


def test_file_system_without_hard_links_has_them_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    assert workspace_key(tmp_path) == workspace_key(tmp_path)
    assert workspace_id(tmp_path) == workspace_id(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [ID_FILE, KEY_FILE]


def cut_off(home: Path) -> None:
    (home / KEY_FILE).write_bytes(b"short")


def in_the_way(home: Path) -> None:
    (home / KEY_FILE).mkdir()


@pytest.mark.parametrize(
    ("harm", "said"), [(cut_off, "holds 5 bytes.*Delete it"), (in_the_way, "cannot be used")]
)
def test_key_that_cannot_be_one_is_not_used(tmp_path: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(tmp_path)
    with pytest.raises(Unavailable, match=said):
        workspace_key(tmp_path)
