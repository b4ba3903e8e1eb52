"""Looking on disk for what sources import and read."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from jupyter_mlops.errors import NotFound
from jupyter_mlops.services.files.finding import FoundFiles, find

PANDAS = "import pandas as pd"


def put(root: Path, *names: str, text: str = "") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names_of(paths: list[Path], root: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in paths]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def missing(found: FoundFiles) -> list[str]:
    return [each.path for each in found.missing]


def test_modules_are_found_with_what_they_import_in_turn(project: Path) -> None:
    put(project, "helpers.py", text="from pack import deep\nimport json")
    put(project, "pack/__init__.py", "pack/other.py", "pack/unused.py", "unused.py")
    put(project, "pack/deep.py", text="from . import other\nfrom .sub.leaf import x")
    put(project, "pack/sub/__init__.py", "pack/sub/leaf.py", text="from ...pack import other")
    found = find(["import helpers, numpy"], cwd=project)
    assert names_of(found.modules, project) == [
        "helpers.py",
        "pack/__init__.py",
        "pack/deep.py",
        "pack/other.py",
        "pack/sub/__init__.py",
        "pack/sub/leaf.py",
    ]
    assert found.unclear == []


def test_modules_are_found_on_additions_to_the_path_and_not_where_packages_are_installed(
    project: Path, tmp_path: Path
) -> None:
    put(tmp_path, "lib/shared.py", "more/extra.py", "venv/lib/python3.11/site-packages/installed.py")
    found = find(
        ["import sys\nsys.path.append('../lib')", "import shared, extra, installed, sys"],
        cwd=project,
        python_path=[str(tmp_path / "more"), str(tmp_path / "venv/lib/python3.11/site-packages")],
    )
    assert names_of(found.modules, tmp_path) == ["lib/shared.py", "more/extra.py"]


def test_a_module_that_only_the_kernel_knows_the_place_of_is_found(project: Path) -> None:
    put(project, "odd/place.py")
    spec = importlib.util.spec_from_file_location("place", project / "odd/place.py")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    found = find(["import place"], cwd=project, namespace={"place": module, "x": 1})
    assert names_of(found.modules, project) == ["odd/place.py"]


def test_of_a_package_that_computes_what_it_imports_all_modules_are_taken(project: Path) -> None:
    put(project, "plugins/__init__.py", text="import importlib\nimportlib.import_module(name)")
    put(project, "plugins/a.py", "plugins/b/c.py")
    found = find(["import plugins"], cwd=project)
    assert names_of(found.modules, project) == ["plugins/__init__.py", "plugins/a.py", "plugins/b/c.py"]
    assert found.unclear == ["the code imports modules by names that it computes"]


def test_a_script_that_is_run_is_taken_with_its_imports(project: Path) -> None:
    put(project, "train.py", text="import common")
    put(project, "common.py")
    found = find(["!python train.py --fast"], cwd=project)
    assert names_of(found.modules, project) == ["common.py", "train.py"]


def test_modules_that_import_each_other_end(project: Path) -> None:
    put(project, "a.py", text="import b")
    put(project, "b.py", text="import a")
    assert names_of(find(["import a"], cwd=project).modules, project) == ["a.py", "b.py"]


def test_data_is_found_by_every_literal_that_names_it(project: Path) -> None:
    put(project, "data/a.csv", "data/b.csv", "images/x/1.png", "images/.hidden", "config.yaml", "unused.csv")
    put(project, "parts/1.csv", "parts/2.csv", "parts/readme.txt")
    found = find(
        [
            PANDAS,
            "CONFIG = 'config.yaml'",
            "pd.read_csv('data/a.csv')",
            "import os\nos.listdir('images')",
            "import glob\nglob.glob('parts/*.csv')",
            "load(CONFIG)\nframe['data']",
        ],
        cwd=project,
    )
    assert names_of(found.data, project) == [
        "config.yaml",
        "data/a.csv",
        "images/x/1.png",
        "parts/1.csv",
        "parts/2.csv",
    ]


def test_data_that_a_module_reads_beside_itself_is_found(project: Path) -> None:
    put(project, "pack/words.json")
    text = "from pathlib import Path\nWORDS = (Path(__file__).parent / 'words.json').read_text()"
    put(project, "pack/__init__.py", text=text)
    found = find(["import pack"], cwd=project)
    assert (names_of(found.data, project), found.absolute) == (["pack/words.json"], [])


def test_what_the_kernel_was_seen_to_read_is_found_and_what_is_the_systems_is_not(project: Path) -> None:
    put(project, "hidden_in_code.csv")
    found = find([""], cwd=project, recorded=[str(project / "hidden_in_code.csv"), "/etc/hostname"])
    assert names_of(found.data, project) == ["hidden_in_code.csv"]


def test_a_file_named_by_an_absolute_path_is_known_as_such(project: Path) -> None:
    put(project, "a.csv")
    found = find([PANDAS, f"pd.read_csv('{project}/a.csv')"], cwd=project)
    assert found.absolute == found.data == [project / "a.csv"]


def test_a_missing_file_is_told_with_where_it_was_looked_for(project: Path) -> None:
    found = find([PANDAS, "pd.read_csv('data/tran.csv')"], cwd=project)
    assert found.notes() == [
        f"pandas.read_csv('data/tran.csv') reads a file that is not there: {project}/data/tran.csv. "
        "Relative names start at the job's folder."
    ]
    with pytest.raises(NotFound, match=r"data/tran.csv.*Nothing was queued"):
        found.check()


@pytest.mark.parametrize(
    "sources",
    [
        ["df.to_csv('a.csv')", "pd.read_csv('a.csv')"],
        ["%%writefile a.csv\nx,y", "pd.read_csv('a.csv')"],
        ["urlretrieve(url, './a.csv')", "pd.read_csv('a.csv')"],
        ["open('a.csv', 'w')", "pd.read_csv('a.csv')"],
        ["import os\nos.makedirs('out')", "pd.read_csv('out/a.csv')"],
        ["%cd elsewhere", "pd.read_csv('a.csv')"],
        ["pd.read_csv('https://example.org/a.csv')"],
        ["mlops.load_dataset('train@2')"],
        ["pd.read_csv('*.csv')"],
    ],
)
def test_what_another_cell_writes_a_url_or_a_version_is_not_missing(
    project: Path, sources: list[str]
) -> None:
    assert missing(find([PANDAS, *sources], cwd=project)) == []


@pytest.mark.parametrize(
    "sources",
    [
        ["make_data()\npd.read_csv('a.csv')"],
        ["!make data", "pd.read_csv('a.csv')"],
        ["import own", "pd.read_csv('a.csv')"],
        ["pd.read_csv('a.csv')", "1"],
        ["pd.read_csv('../a.csv')"],
    ],
)
def test_a_file_that_may_come_to_be_is_told_and_not_refused(project: Path, sources: list[str]) -> None:
    put(project, "own.py")
    found = find([PANDAS, *sources], cwd=project)
    assert len(found.notes()) == 1
    found.check()


def test_what_the_texts_do_not_tell_is_said(project: Path) -> None:
    found = find(["%cd data", "!python $script"], cwd=project)
    assert found.unclear == [
        "the code changes its folder: files are looked for from where the job starts",
        "the code runs programs: of what they read, only files that their lines name are known",
    ]


def test_where_nothing_travels_only_what_is_missing_is_looked_for(project: Path) -> None:
    (project / "helpers.py").write_text("import deeper\n")
    (project / "deeper.py").write_text("")
    (project / "there.csv").write_text("a\n1\n")
    sources = ["import helpers", "import pandas as pd", "pd.read_csv('there.csv'); pd.read_csv('gone.csv')"]
    found = find(sources, cwd=project, travelling=False)
    assert [each.path for each in found.missing] == ["gone.csv"]
    assert (found.modules, found.data) == ([project / "helpers.py"], [])
