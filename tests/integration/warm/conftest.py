"""Nurseries to fork jobs from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .place import Place

if sys.platform != "linux":
    pytest.skip("only Linux forks warm kernels", allow_module_level=True)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Nothing is warm yet."""
    place = Place(tmp_path)
    yield place
    place.close()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A nursery is ready; the tests of a module share it, as jobs do."""
    place = Place(tmp_path_factory.mktemp("warm"))
    assert place.warm_up().is_ready
    yield place
    place.close()
