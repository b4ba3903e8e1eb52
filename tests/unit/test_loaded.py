"""From where in the user's code registered versions are loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import jupyter_mlops
from jupyter_mlops.capture.loaded import is_library

STANDARD = Path(sysconfig.get_path("stdlib"))


@pytest.mark.parametrize(
    "file",
    [
        "<frozen importlib._bootstrap>",
        os.__file__,
        json.__file__,
        str(STANDARD / "asyncio" / "events.py"),
        str(Path(sysconfig.get_path("purelib")) / "pandas" / "core" / "frame.py"),
        "/usr/lib/python3/dist-packages/apt.py",
        jupyter_mlops.__file__,
    ],
)
def test_a_library_is_not_the_users_code(file: str) -> None:
    assert is_library(file)


@pytest.mark.parametrize(
    "file",
    [
        "/project/train.py",
        "<string>",
        "<ipython-input-1>",
        "/tmp/ipykernel_1/2.py",
        f"{STANDARD}_of_mine/x.py",
    ],
)
def test_other_files_are_the_users_code(file: str) -> None:
    assert not is_library(file)


def test_what_every_kernel_imports_does_not_ask_sysconfig() -> None:
    """Its import takes milliseconds of each ``%load_ext``."""
    code = "import jupyter_mlops.capture, sys; before = 'sysconfig' in sys.modules"
    code += "; import jupyter_mlops.capture.loaded; print(before or 'sysconfig' not in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout.strip() == "True"
