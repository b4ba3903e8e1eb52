"""Executors by name: this package's own, and those that others install."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.errors import InvalidInput, MissingPackage, Unavailable
from jupyter_mlops.executors.local import LocalExecutor
from jupyter_mlops.executors.registry import LONGEST_NAME, Executors
from jupyter_mlops.testing.executors import FakeExecutor
from tests.waiting import wait_until

OTHERS = """
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.testing.executors import FakeExecutor

def machine(settings):
    return FakeExecutor(gpus=7)

def broken(settings):
    return settings.no_such_thing

def unconfigured(settings):
    raise InvalidInput("Write down where.")

class Half:
    keeps_queue = True
    def start(self, launch): ...
    def __init__(self, settings): ...
"""
NAMES = ("machine", "broken", "unconfigured", "Half", "missing")
TOO_LONG = "a" * (LONGEST_NAME + 1)


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package of others, on the path with what pip writes beside it."""
    (tmp_path / "others_executors.py").write_text(OTHERS)
    installed = tmp_path / "others-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    points = "\n".join(f"{name.lower()} = others_executors:{name}" for name in NAMES)
    (installed / "entry_points.txt").write_text(
        "[jupyter_mlops.executors]\n"
        + points
        + f"\nlocal = others_executors:machine\n{TOO_LONG} = others_executors:machine\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def executors(tmp_path: Path) -> Executors:
    return Executors(load_settings({"home": tmp_path}, environ={}))


def test_executors_of_this_package_are_always_there(executors: Executors) -> None:
    assert {"local", "slurm", "ray"} <= set(executors)
    assert isinstance(executors["local"], LocalExecutor)
    assert executors["local"] is executors["local"]


def test_unknown_executor_is_a_key_error(executors: Executors) -> None:
    assert "nowhere" not in executors
    with pytest.raises(KeyError):
        executors["nowhere"]


def test_executor_of_others_is_found_by_its_entry_point(others: Path, executors: Executors) -> None:
    assert "machine" in executors
    assert len(executors) == len(set(executors)) == len(list(executors))
    found = executors["machine"]
    assert isinstance(found, FakeExecutor)
    assert len(found.slots()) == 7


def test_name_of_an_own_executor_is_not_taken_over(
    others: Path, executors: Executors, caplog: pytest.LogCaptureFixture
) -> None:
    assert list(executors).count("local") == 1
    assert isinstance(executors["local"], LocalExecutor)
    assert "others_executors:machine is left out" in caplog.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing", r"'missing' \(others_executors:missing\) cannot be made: AttributeError"),
        ("broken", "no_such_thing"),
        ("half", "lacks interrupt, kill, look, outlook, refusal, shares_files, sight"),
    ],
)
def test_executor_that_cannot_be_made_says_whose_it_is(
    others: Path, executors: Executors, name: str, said: str
) -> None:
    with pytest.raises(Unavailable, match=said):
        executors[name]


def test_executor_that_refuses_to_be_made_is_heard(others: Path, executors: Executors) -> None:
    with pytest.raises(InvalidInput, match="Write down where"):
        executors["unconfigured"]


def test_name_that_the_queue_cannot_keep_is_left_out(
    others: Path, executors: Executors, caplog: pytest.LogCaptureFixture
) -> None:
    assert TOO_LONG not in executors
    assert f"longer than {LONGEST_NAME} characters" in caplog.text


def test_own_executor_that_cannot_be_made_is_unavailable(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, settings: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(LocalExecutor, "__init__", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        executors["local"]


def test_executor_is_made_once_what_was_in_the_way_is_gone(
    executors: Executors, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = []

    def missing(self: object, settings: object) -> None:
        tries.append(settings)
        raise MissingPackage("pip install s3fs")

    with monkeypatch.context() as patched:
        patched.setattr(LocalExecutor, "__init__", missing)
        for _ in range(10):
            with pytest.raises(MissingPackage, match="s3fs"):
                executors["local"]
    assert len(tries) == 1, "ten thousand jobs must not try it each"
    monkeypatch.setattr("jupyter_mlops.executors.registry.TRY_AGAIN_S", 0.0)
    wait_until(lambda: _is_made(executors))


def _is_made(executors: Executors) -> bool:
    try:
        return executors["local"] is not None
    except MissingPackage:
        return False
