"""Which files sources name, as far as their literals tell."""

from __future__ import annotations

import pytest

from jupyter_mlops.notebooks.file_names import FOLDER, PATTERN, READ, WRITE, Imported, file_names

PANDAS = "import pandas as pd"


def read(*sources: str) -> list[str]:
    return [use.path for use in file_names(sources).uses if use.kind == READ]


def certain(*sources: str) -> list[str]:
    return [use.path for use in file_names(sources).uses if use.certain]


def of_kind(kind: str, *sources: str) -> list[str]:
    return [use.path for use in file_names(sources).uses if use.kind == kind]


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ('pd.read_csv("a.csv")', ["a.csv"]),
        ('pd.read_csv(filepath_or_buffer="a.csv")', ["a.csv"]),
        ('pd.concat([pd.read_csv(f) for f in ["a.csv", "b.csv"]])', ["a.csv", "b.csv"]),
        ('for f in ("a.csv", "b.csv"):\n    pd.read_csv(f)', ["a.csv", "b.csv"]),
        ('with open("a.txt") as f:\n    text = f.read()', ["a.txt"]),
        ('open("a.bin", "rb")', ["a.bin"]),
        ('open("a.bin", mode="r")', ["a.bin"]),
        ('from pathlib import Path\n(Path("data") / "x" / "a.txt").read_text()', ["data/x/a.txt"]),
        ('from pathlib import Path\nPath("data", "a.txt").open()', ["data/a.txt"]),
        (
            'from pathlib import Path\nPath("data").joinpath("a.b").with_suffix(".c").read_bytes()',
            ["data/a.c"],
        ),
        ('import os\npd.read_csv(os.path.join("data", "a.csv"))', ["data/a.csv"]),
        ('year = 2020\npd.read_csv(f"data/{year}.csv")', ["data/2020.csv"]),
        ('D = "data/"\npd.read_csv(D + "a.csv")', ["data/a.csv"]),
        ('def load(path="a.csv"):\n    return pd.read_csv(path)\nload()', ["a.csv"]),
        ('p = "a.csv" if big else "b.csv"\npd.read_csv(p)', ["a.csv", "b.csv"]),
        ('from numpy import loadtxt as lt\nlt("a.txt")', ["a.txt"]),
        ('import torch\ntorch.load("m.pt", weights_only=True)', ["m.pt"]),
        ('unknown.read_table("a.csv")', ["a.csv"]),
        ("%time df = pd.read_csv('a.csv')", ["a.csv"]),
    ],
)
def test_a_file_that_is_read_is_known(source: str, paths: list[str]) -> None:
    assert read(PANDAS, source) == paths


@pytest.mark.parametrize(
    "source",
    [
        'pd.read_csv("https://example.org/a.csv")',
        'pd.read_csv("s3://bucket/a.csv")',
        'pd.read_csv(f"{name}.csv")',
        'pd.read_csv(f"{year:04d}.csv")',
        "pd.read_csv(path)",
        'pd.read_json("{\\"a\\": 1}")',
        'pd.read_html("<table></table>")',
        'open("a.txt", "w")',
        'open("a.txt", mode)',
        'def open(name): pass\nopen("a.txt")',
        "for name in names():\n    name = name\npd.read_csv(name)",
        'pd.read_sql("select 1", connection)',
    ],
)
def test_what_is_no_file_or_not_known_is_not_read(source: str) -> None:
    assert [use for use in file_names([PANDAS, source]).uses if use.kind == READ and use.reader] == []


def test_a_name_has_the_value_of_the_last_cell_that_set_it() -> None:
    assert read(PANDAS, 'f = "a.csv"', 'f = "b.csv"', "pd.read_csv(f)") == ["b.csv"]
    assert read(PANDAS, 'f = "a.csv"', "f = newest()", "pd.read_csv(f)") == []
    assert read(PANDAS, 'f = "a.csv"', 'if x:\n    f = "b.csv"', "pd.read_csv(f)") == ["a.csv", "b.csv"]
    assert read(PANDAS, 'f = "a.csv"', "f = f", "pd.read_csv(f)") == ["a.csv"]


def test_a_function_sees_what_names_stand_for_in_the_end() -> None:
    load = "def load():\n    return pd.read_csv(f)"
    assert read(PANDAS, 'f = "a.csv"', load, 'f = "b.csv"', "load()") == ["b.csv"]
    assert read(PANDAS, 'f = "a.csv"', "def load(f):\n    return pd.read_csv(f)") == []


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ('df.to_csv("out.csv")', "out.csv"),
        ('open("out.txt", "a")', "out.txt"),
        ('import numpy as np\nnp.save("out.npy", x)', "out.npy"),
        ('joblib.dump(model, "m.joblib")', "m.joblib"),
        ('torch.save(model, "m.pt")', "m.pt"),
        ('from pathlib import Path\nPath("out.txt").write_text("x")', "out.txt"),
        ('shutil.copy("a.csv", "b.csv")', "b.csv"),
        ('urllib.request.urlretrieve(url, "a.csv")', "a.csv"),
        ("%%writefile out.py\nx = 1", "out.py"),
        ("%%writefile -a out.py\nx = 1", "out.py"),
    ],
)
def test_a_file_that_is_written_is_known(source: str, path: str) -> None:
    assert path in of_kind(WRITE, source)


def test_folders_and_patterns_are_known_as_such() -> None:
    source = (
        "import glob, os\nfrom pathlib import Path\nos.listdir('a')\nPath('b').iterdir()\n"
        "glob.glob('c/*.csv')\nPath('d').rglob('*.png')"
    )
    assert of_kind(FOLDER, source) == ["a", "b"]
    assert of_kind(PATTERN, source) == ["c/*.csv", "d/**/*.png"]
    assert of_kind(PATTERN, PANDAS, 'import dask.dataframe as dd\ndd.read_csv("e/*.csv")') == ["e/*.csv"]


def test_only_a_plain_read_before_anything_else_runs_is_certain() -> None:
    plain = 'x = 1\ndf = pd.read_csv("a.csv")\nother = np.load("b.npy")'
    assert certain(PANDAS + "\nimport numpy as np", plain) == ["a.csv", "b.npy"]


@pytest.mark.parametrize(
    "source",
    [
        'make()\npd.read_csv("a.csv")',
        'if x:\n    pd.read_csv("a.csv")',
        'try:\n    pd.read_csv("a.csv")\nexcept OSError:\n    pass',
        'def load():\n    pd.read_csv("a.csv")',
        'x = [pd.read_csv(f) for f in ["a.csv"]]',
        'for _ in range(1):\n    pass\npd.read_csv("a.csv")',
        '!wget x\npd.read_csv("a.csv")',
        'model.fit(X)\nopen("a.csv")',
        'frame["x"] = make()\nopen("a.csv")',
        'open("b.csv", "w")\nopen("a.csv")',
        "%run make.py\nopen('a.csv')",
        'x and open("a.csv")',
        'x = open("a.csv") if x else None',
        'lambda: open("a.csv")',
    ],
)
def test_whatever_may_make_the_file_or_skip_the_read_makes_it_uncertain(source: str) -> None:
    assert certain(PANDAS, source) == []


def test_reads_of_earlier_cells_are_not_certain() -> None:
    assert certain(PANDAS, 'pd.read_csv("a.csv")', "1 + 1") == []


def test_imports_scripts_and_added_paths_are_known() -> None:
    found = file_names(
        [
            "import a.b as c\nfrom .d import e\nfrom f import *",
            "import sys, importlib\nsys.path.insert(0, '../lib')\nimportlib.import_module('g')",
            "%run -i scripts/run.py --fast\n!python 'train.py' --data=x/y.csv",
            "%%bash\npython deep.py < in.txt",
        ]
    )
    assert [each for each in found.imports if each.module not in ("sys", "importlib")] == [
        Imported("a.b"),
        Imported("d", ("e",), 1),
        Imported("f", ("*",)),
        Imported("g"),
    ]
    assert (found.added_paths, found.scripts) == (["../lib"], ["scripts/run.py", "train.py", "deep.py"])
    assert {"x/y.csv", "in.txt"} <= {use.path for use in found.uses}
    assert (found.commands, found.dynamic, found.moves) == (True, False, False)


@pytest.mark.parametrize("source", ["import os\nos.chdir('x')", "%cd x", "cd x"])
def test_a_change_of_the_folder_is_noticed(source: str) -> None:
    assert file_names([source]).moves


def test_an_expression_that_a_program_has_written_hides_no_other_cell() -> None:
    deep = "x = " + " + ".join(map(str, range(3000)))
    assert read(PANDAS, deep, "pd.read_csv('a.csv')") == ["a.csv"]


def test_a_cell_that_does_not_parse_or_is_empty_names_nothing() -> None:
    assert file_names(["pd.read_csv('a.csv'", "", "\0"]).uses == []
