"""Datasets from the command line and by the public functions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.cli import main
from jupyter_mlops.errors import ContentChanged
from jupyter_mlops.workspace import open_workspace

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for variable, name in (("HOME", "home"), ("RUNTIME", "runtime"), ("LEASES", "leases")):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{variable}", str(tmp_path / name))
    workspaces.use(None)
    yield tmp_path / "home"
    workspaces.use(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    for number in range(3):
        (root / f"{number}.csv").write_text(f"x\n{number}\n")
    return root


def read(capsys: Capture) -> Any:
    return json.loads(capsys.readouterr().out)


def test_registering_and_editing_by_command(folder: Path, capsys: Capture) -> None:
    said = ["--alias", "golden", "--tag", "source=lab", "--owner", "ada", "--licence", "MIT"]
    assert main(["register", f"{folder}/*.csv", "train", "--no-copy", "--description", "first", *said]) == 0
    assert capsys.readouterr().out.split() == [
        "train@1:", "folder,", "12", "B,", "stays", "at", f"{folder}/*.csv",
    ]  # fmt: skip
    assert main(["register", str(folder / "1.csv"), "one", "--json"]) == 0
    row = read(capsys)
    assert (row["name"], row["version"], row["storage"], row["rows"]) == ("one", 1, "copy", 1)
    assert main(["edit", "dataset:train@golden", "--tag", "source=", "--tag", "seen=yes"]) == 0
    assert main(["edit", "dataset:train", "--description", "all"]) == 0
    capsys.readouterr()
    assert main(["datasets", "train", "--json"]) == 0
    (row,) = read(capsys)
    assert (row["aliases"], row["storage"], row["tags"]) == (["golden"], "reference", {"seen": "yes"})
    assert row["description"] == "first"
    assert main(["datasets"]) == 0
    table = capsys.readouterr().out
    assert all(text in table for text in ("golden", "reference", "seen=yes"))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["register", "no/such/file", "x"], "not_found"),
        (["register", "no/*.csv", "x"], "not_found"),
        (["register", "nonsense://x", "x"], "invalid_input"),
        (["register", ".", "a/b"], "invalid_input"),
        (["register", ".", "x", "--tag", "no-value"], "invalid_input"),
        (["edit", "train"], "invalid_input"),
        (["edit", "dataset:nothing", "--owner", "ada"], "not_found"),
    ],
)
def test_mistakes_are_told_with_their_code(words: list[str], code: str, capsys: Capture) -> None:
    assert main([*words, "--json"]) == 1
    assert json.loads(capsys.readouterr().err)["code"] == code


def test_public_functions(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_COPY_DATASET_BYTES", "1")
    workspaces.use(None)
    version = mlops.register_dataset(folder / "1.csv", name="one", alias="golden", tags={"a": "b"})
    assert version.uri == str(folder / "1.csv")
    frame = mlops.load_dataset("one@golden")
    found = mlops.dataset_of(frame)
    assert found is not None
    assert (found.name, found.version, found.digest) == ("one", 1, version.digest)
    assert mlops.dataset_of(frame + 1) is None
    edited = mlops.edit_dataset("one@1", tags={"a": None}, description="a file")
    assert (edited.versions[0].tags, edited.versions[0].description) == ({}, "a file")
    listed = mlops.datasets()
    assert listed[["name", "aliases", "storage"]].values.tolist() == [["one", ["golden"], "reference"]]
    (folder / "1.csv").write_text("x\n7\n")
    with pytest.raises(ContentChanged):
        mlops.load_dataset("one")
    orders = mlops.register_dataset(mlops.sql("SELECT 1 AS x", "sqlite://"), name="orders")
    assert orders.query == "SELECT 1 AS x"
    pd.testing.assert_frame_equal(mlops.load_dataset("orders"), pd.DataFrame({"x": [1]}))


def test_reference_that_a_run_loads_is_its_input(folder: Path, home: Path) -> None:
    mlops.register_dataset(folder, name="parts", copy=False)
    with mlops.track("reading") as run:
        path = mlops.load_dataset("parts")
        pd.read_csv(path / "0.csv")
    assert path == folder
    found = open_workspace(home).runs.detail(run.id)
    assert [(each.kind, each.name, each.version) for each in found.inputs] == [("dataset", "parts", 1)]
