"""Runs that loaded versions of registered datasets: which columns differ between them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.entities import ColumnChange
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Workspace]:
    here = workspace_in(tmp_path)
    workspaces.use(here)
    yield here
    workspaces.use(None)


def compared(here: Workspace, data: list[object]) -> tuple[list[ColumnChange], str, object, object]:
    runs = []
    for each in data:
        mlops.register_dataset(each, name="test")
        with mlops.track("fit") as run:
            mlops.load_dataset("test")
        runs.append(run.id)
    (found,) = here.runs.compare(*runs).data
    return found.columns, found.note, found.rows_a, found.rows_b


def test_columns_of_registered_frames_are_compared(here: Workspace) -> None:
    frames = [pd.DataFrame({"x": range(rows), "y": 1}) for rows in (100, 50)]
    found = compared(here, [*frames])
    changes = [ColumnChange(column=name, change="content") for name in "xy"]
    assert found == (changes, "", 100, 50)


def test_columns_of_registered_files_are_compared(here: Workspace, tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        paths.append(tmp_path / str(number) / "test.csv")
        paths[-1].parent.mkdir()
        paths[-1].write_text(f"x,y\n1,{number}\n")
    assert compared(here, [*paths]) == ([ColumnChange(column="y", change="content")], "", 1, 1)


def test_what_has_no_columns_is_said_to_have_none(here: Workspace, tmp_path: Path) -> None:
    paths = []
    for number in range(2):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(bytes([number]))
    assert compared(here, [*paths]) == ([], "not a file whose columns are known", None, None)
