"""What goes along with a job to where this file system is not seen, and how it is unpacked there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from jupyter_mlops.entities import JobSpec
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.files.finding import find
from jupyter_mlops.services.files.manifest import Entry, at_unpacked, manifest_path, tree_path, unpack
from jupyter_mlops.services.files.packing import Packing, pack, plan_packing
from jupyter_mlops.wire import encode
from tests.unit.test_files_finding import put

PANDAS = "import pandas as pd"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    return root


def plan(project: Path, *sources: str, **options: object) -> Packing:
    return plan_packing(find([PANDAS, *sources], cwd=project), **options)  # type: ignore[arg-type]


def names(packing: Packing) -> list[str]:
    return [os.path.relpath(path, packing.cwd) for path, _ in packing.files]


def test_what_was_found_goes_along_and_is_there_again(project: Path, tmp_path: Path) -> None:
    put(project, "data/a.csv", text="x\n1\n")
    put(project, "helpers.py", text="import shared")
    put(tmp_path, "lib/shared.py", text="VALUE = 1")
    sources = ["import sys\nsys.path.append('../lib')\nimport helpers", "pd.read_csv('data/a.csv')"]
    job = tmp_path / "job"
    packing = pack(find([PANDAS, *sources], cwd=project), job)
    assert (names(packing), packing.size_bytes, packing.notes) == (
        ["../lib/shared.py", "data/a.csv", "helpers.py"],
        len("x\n1\n") + len("import shared") + len("VALUE = 1"),
        [],
    )
    manifest = unpack(job, tmp_path / "there")
    assert manifest is not None
    assert (manifest.cwd, manifest.python_path) == ("project", ["project", "lib"])
    assert (tmp_path / "there/project/data/a.csv").read_text() == "x\n1\n"
    assert (tmp_path / "there/lib/shared.py").read_text() == "VALUE = 1"


def test_each_attempt_finds_the_files_as_they_were_sent(project: Path, tmp_path: Path) -> None:
    put(project, "a.csv", text="sent")
    (project / "a.csv").chmod(0o555)
    pack(find([PANDAS, "pd.read_csv('a.csv')"], cwd=project), tmp_path / "job")
    first, second = tmp_path / "1", tmp_path / "2"
    unpack(tmp_path / "job", first)
    assert stat.S_IMODE((first / "a.csv").stat().st_mode) == 0o500
    (first / "a.csv").chmod(0o600)
    (first / "a.csv").write_text("written over")
    unpack(tmp_path / "job", second)
    assert (second / "a.csv").read_text() == "sent"


def test_included_files_go_along_though_the_code_does_not_name_them(project: Path) -> None:
    put(project, "a.csv", "more/b.csv", "more/deep/c.csv", "more/.hidden", "d.txt")
    assert names(plan(project, include=["more"])) == ["more/b.csv", "more/deep/c.csv"]
    assert names(plan(project, include=["**/*.csv"])) == ["a.csv", "more/b.csv", "more/deep/c.csv"]
    assert names(plan(project, include=["d.*", "./a.csv"])) == ["a.csv", "d.txt"]


def test_an_include_that_names_nothing_is_refused(project: Path) -> None:
    with pytest.raises(NotFound, match=r"--include dta/\*: no such file. Names and globs start at"):
        plan(project, include=["dta/*"])


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("*.csv", ["m.py"]),
        ("data", ["a.csv", "m.py"]),
        ("data/", ["a.csv", "m.py"]),
        ("./data/*", ["a.csv", "m.py"]),
        ("b.csv", ["a.csv", "m.py"]),
        ("m.py", ["a.csv", "data/b.csv"]),
        ("nothing", ["a.csv", "data/b.csv", "m.py"]),
    ],
)
def test_excluded_files_stay(project: Path, pattern: str, left: list[str]) -> None:
    put(project, "a.csv", "data/b.csv", "m.py")
    sources = ["import m", "pd.read_csv('a.csv'); pd.read_csv('data/b.csv')"]
    assert names(plan(project, *sources, exclude=[pattern])) == left


def test_nothing_outside_of_the_folder_goes_along_unless_it_is_included(
    project: Path, tmp_path: Path
) -> None:
    put(tmp_path, "shared/a.csv")
    source = "pd.read_csv('../shared/a.csv')"
    alone = plan(project, source)
    assert (names(alone), alone.notes) == (
        [],
        ["../shared/a.csv lies outside of the job's folder and does not go along: --include ../shared/a.csv"],
    )
    included = plan(project, source, include=["../shared/a.csv"])
    assert (names(included), included.notes, included.root) == (["../shared/a.csv"], [], tmp_path)


def test_a_link_that_leads_out_is_followed_only_when_it_is_included(project: Path, tmp_path: Path) -> None:
    put(tmp_path, "big/a.csv", text="big")
    put(project, "real.csv", text="near")
    (project / "out.csv").symlink_to(tmp_path / "big/a.csv")
    (project / "near.csv").symlink_to(project / "real.csv")
    source = "pd.read_csv('out.csv'); pd.read_csv('near.csv')"
    alone = plan(project, source)
    assert names(alone) == ["near.csv"]
    assert alone.notes == [
        f"out.csv is a link to {tmp_path}/big/a.csv and does not go along: --include out.csv"
    ]
    pack(find([PANDAS, source], cwd=project), tmp_path / "job", include=["out.csv"])
    tree = tree_path(tmp_path / "job")
    assert [(tree / name).read_text() for name in ("near.csv", "out.csv")] == ["near", "big"]
    assert not (tree / "out.csv").is_symlink()


@pytest.mark.parametrize("name", [".env", "id_rsa", "server.pem", "credentials.json", ".aws/config"])
def test_files_with_secrets_go_along_only_when_they_are_named(project: Path, name: str) -> None:
    put(project, name, "a.txt")
    source = f"open('{name}'); open('a.txt')"
    careful = plan(project, source, include=["*", f"{name[:-1]}*"])
    assert names(careful) == ["a.txt"]
    assert careful.notes == [f"{name} may hold secrets and does not go along: --include {name}"]
    assert names(plan(project, source, include=[name])) == sorted([name, "a.txt"])


def test_a_link_does_not_hide_what_it_leads_to(project: Path) -> None:
    put(project, ".env")
    (project / "plain.txt").symlink_to(project / ".env")
    assert names(plan(project, "open('plain.txt')")) == []


def test_a_module_called_secrets_is_code(project: Path) -> None:
    put(project, "secrets.py")
    assert names(plan(project, "import secrets")) == ["secrets.py"]


def test_too_many_bytes_are_refused_with_the_largest_files_and_the_ways_out(project: Path) -> None:
    put(project, "data/big.bin", text="x" * 3000)
    put(project, "small.txt", text="x" * 10)
    source = "open('data/big.bin'); open('small.txt')"
    with pytest.raises(InvalidInput) as refusal:
        plan(project, source, limit_bytes=2000)
    assert "data/big.bin (" in refusal.value.message
    assert "--exclude" in refusal.value.message
    assert "JUPYTER_MLOPS_FILES_CAP_BYTES" in refusal.value.message
    assert names(plan(project, source, limit_bytes=2000, exclude=["data/*"])) == ["small.txt"]


def test_an_absolute_path_in_the_code_is_told(project: Path) -> None:
    put(project, "a.csv")
    packing = plan(project, f"pd.read_csv('{project}/a.csv')")
    assert packing.notes == [
        f"The code names {project}/a.csv by its absolute path, which is another place there: write 'a.csv'."
    ]


def test_a_file_that_went_away_after_the_planning_is_named(project: Path, tmp_path: Path) -> None:
    put(project, "a.csv")
    packing = plan(project, "pd.read_csv('a.csv')")
    (project / "a.csv").unlink()
    with pytest.raises(NotFound, match=r"a\.csv was to go along with the job and is gone"):
        packing.write(tmp_path / "job")


def test_files_that_are_not_what_was_sent_are_refused(project: Path, tmp_path: Path) -> None:
    put(project, "a.csv", text="sent")
    job = tmp_path / "job"
    pack(find([PANDAS, "pd.read_csv('a.csv')"], cwd=project), job)
    (tree_path(job) / "a.csv").chmod(0o600)
    (tree_path(job) / "a.csv").write_text("else")
    with pytest.raises(InvalidInput, match=r"a\.csv is not the file that was sent"):
        unpack(job, tmp_path / "there")
    assert not (tmp_path / "there/a.csv").exists()
    (tree_path(job) / "a.csv").unlink()
    with pytest.raises(InvalidInput, match=r"a\.csv was sent with the job and is not in its folder"):
        unpack(job, tmp_path / "there")


@pytest.mark.parametrize("place", ["../a.csv", "/etc/passwd", "x/../../a.csv"])
def test_a_place_that_leads_out_of_the_folder_is_refused(tmp_path: Path, place: str) -> None:
    job = tmp_path / "job"
    manifest_path(job).parent.mkdir(parents=True)
    entry = Entry(path=place, size_bytes=0, digest="")
    manifest_path(job).write_bytes(encode({"cwd": ".", "files": [entry]}))
    with pytest.raises(InvalidInput, match="leads out"):
        unpack(job, tmp_path / "there")


def test_a_job_without_files_stays_as_it_is(tmp_path: Path) -> None:
    spec = JobSpec(
        id="j", name="n", experiment="e", submitted_at=0, interpreter="python", kernel_name="python3", cwd="/"
    )
    assert at_unpacked(spec, tmp_path, tmp_path / "there") is spec
    assert not (tmp_path / "there").exists()
