"""Journals keep the contract on the file system of temporary folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.testing.journals import JournalContract


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


class TestJournals(JournalContract):
    pass
