"""``jupyter mlops profile | diff | check | expect`` and ``%mlops profile | diff | check``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlops import workspace as workspaces
from jupyter_mlops.api.expectations import Check
from jupyter_mlops.api.profiles import DatasetDiff, DatasetProfile
from jupyter_mlops.cli import main
from jupyter_mlops.magics import data_views
from jupyter_mlops.magics.mlops_magic import mlops
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    workspace = workspace_in(tmp_path)
    for name, value in workspace.settings.environment().items():
        monkeypatch.setenv(name, value)
    workspaces.use(None)
    for last in (2, 7):
        frame = pd.DataFrame({"id": [1, 2, 3], "age": [10, 20, last], "sex": ["f", "m", "f"]})
        workspace.registry.register_dataset(frame, name="train")
    yield workspace
    workspaces.use(None)


def read(capsys: Capture) -> Any:
    return json.loads(capsys.readouterr().out)


def test_profile_is_shown_as_text_and_as_json(workspace: Workspace, capsys: Capture) -> None:
    assert main(["profile", "train@1", "--json"]) == 0
    found = read(capsys)
    assert (found["status"], found["rows"]) == ("ready", 3)
    assert [each["name"] for each in found["columns"]] == ["id", "age", "sex"]
    assert main(["profile", "train@1"]) == 0
    assert "f (2)  m (1)" not in capsys.readouterr().out  # what is there once is not common
    assert main(["profile", "no"]) == 1
    assert "No dataset 'no'" in capsys.readouterr().err


def test_diff_is_shown_with_rows_by_keys(workspace: Workspace, capsys: Capture) -> None:
    assert main(["diff", "train@1", "train@2", "--keys", "id,sex", "--json"]) == 0
    assert read(capsys)["rows"]["changed_columns"] == {"age": 1}
    assert main(["diff", "train@1", "train@2", "--keys", "sex"]) == 1
    assert "sex is no key of the version before: sex='f' is there 2 times" in capsys.readouterr().err
    assert main(["diff", "train@1", "train@2"]) == 0
    assert "train@1 → train@2" in capsys.readouterr().out


def test_expectations_are_said_listed_checked_and_taken_back(workspace: Workspace, capsys: Capture) -> None:
    flags = [
        *(
            "--not-null",
            "id",
            "--unique",
            "id",
            "--unique",
            "id,sex",
            "--between",
            "age=5..",
            "--one-of",
            "sex=f,m",
        ),
        *("--one-of", "id=1,2,3", "--matches", "sex=[fm]", "--type", "age=integer", "--columns", "id,age"),
        *("--rows", "1..10"),
    ]
    assert main(["expect", "train", *flags, "--json"]) == 0
    said = {each["name"]: (each["arguments"], each["severity"]) for each in read(capsys)}
    assert said == {
        "columns": ({}, "refuse"),
        "type: age": ({"type": "integer"}, "refuse"),
        "not_null: id": ({}, "refuse"),
        "unique: id": ({}, "refuse"),
        "unique: id, sex": ({}, "refuse"),
        "between: age": ({"min": 5, "max": None}, "refuse"),
        "one_of: sex": ({"values": ["f", "m"]}, "refuse"),
        "one_of: id": ({"values": [1, 2, 3]}, "refuse"),
        "matches: sex": ({"regex": "[fm]"}, "refuse"),
        "rows": ({"min": 1, "max": 10}, "refuse"),
    }
    assert main(["check", "train@2"]) == 0
    assert "train@2: all expectations hold" in capsys.readouterr().out
    assert main(["check", "train@1", "--json"]) == 1
    assert [each["name"] for each in read(capsys)["results"] if not each["passed"]] == ["between: age"]
    assert main(["expect", "train", "--remove", "between: age", "--warn", "--rows", "..2"]) == 0
    assert "the number of rows is at most 2" in capsys.readouterr().out
    assert main(["expect", "train"]) == 0
    assert "between: age" not in capsys.readouterr().out
    assert main(["expect", "train", "--between", "age"]) == 1
    assert "--between takes a column, = and what is said of it, not 'age'" in capsys.readouterr().err


def test_typos_in_expectations_are_told(workspace: Workspace, capsys: Capture) -> None:
    for arguments, message in (
        (["nosuch"], "No dataset 'nosuch'"),
        (
            ["train", "--not-null", "agee"],
            "train@2 has no column 'agee'; it has id, age, sex. Did you mean 'age'",
        ),
        (["train", "--type", "age=integr"], "'integr' is no type. Did you mean 'integer'"),
        (["train", "--remove", "not_null: age"], "No expectation 'not_null: age'"),
    ):
        assert main(["expect", *arguments]) == 1
        assert message in capsys.readouterr().err
    assert main(["expect", "train"]) == 0
    assert "Nothing is expected" in capsys.readouterr().out
    assert main(["expect", "train", "--not-null", "a,b", "--new-column", "x,a,b"]) == 1
    capsys.readouterr()
    assert main(["expect", "train", "--not-null", "income", "--new-column", "income", "--json"]) == 0
    assert [each["name"] for each in read(capsys)] == ["not_null: income"]
    assert main(["expect", "trian", "--rows", "1..", "--json"]) == 0  # its first version may be still to come
    said = capsys.readouterr()
    assert "No dataset 'trian'. Did you mean 'train'?" in said.err
    assert json.loads(said.out)[0]["name"] == "rows"


def test_magics_give_what_shows_itself_or_json(workspace: Workspace, capsys: Capture) -> None:
    assert isinstance(data_views.profile(workspace, "train", as_json=False), DatasetProfile)
    assert isinstance(data_views.check(workspace, "train", as_json=False), Check)
    shown = data_views.diff(workspace, "train@1", "train@2", "--keys", "id", as_json=False)
    assert isinstance(shown, DatasetDiff)
    assert shown.rows is not None
    for line in ("profile train", "diff train@1 train@2", "check train"):
        mlops(f"{line} --json")
        assert read(capsys)
    with pytest.raises(Exception, match="--keys COL,COL to match rows"):
        mlops("diff train@1 train@2 id")
