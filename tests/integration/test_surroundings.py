"""What surrounds a run, as real kernels and processes find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.capture.redact import REDACTED
from jupyter_mlops.journal.records import Context
from jupyter_mlops.services.tracking.run_journal import RELEASE_WAIT_S
from tests.integration.kernel import context, environment, load, of, running_kernel, runs_in
from tests.waiting import wait_until

SECRET = "hunter2hunter2"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "committed.py").write_text("a = 1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "first")
    return folder


def notebook_with(*sources: str, text: str = "") -> str:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": 1,
            "source": source.splitlines(keepends=True),
            "outputs": [{"output_type": "stream", "name": "stdout", "text": [text]}] if text else [],
        }
        for number, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def script(folder: Path, code: str, *, cwd: Path, **variables: str) -> tuple[dict[str, object], str]:
    """Run a script, and return its run's surroundings and what it said."""
    file = folder / "script.py"
    file.write_text("import jupyter_mlops as mlops\n" + code)
    done = subprocess.run(
        [sys.executable, str(file)],
        env=environment(folder, PYTHONPATH=str(Path(__file__).parents[2]), **variables),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (records,) = runs_in(folder / "home").values()
    return context(records), done.stderr


EMPTY_RUN = "with mlops.track('x'): pass\n"
OF_TRACKER = (
    "from jupyter_mlops.workspace import current\nfrom jupyter_mlops.entities import RunKind, RunStatus\n"
)


def blob(folder: Path, digest: str) -> str:
    return LocalBlobStore(folder / "home" / "blobs").get(digest).decode()


def test_a_cell_keeps_the_sources_that_no_commit_has_and_the_notebook_as_saved(tmp_path, repository):
    (repository / "own.py").write_text(f"b = 2\npassword = '{SECRET}'\n")
    saved = notebook_with("x = 1", f"api_key = '{SECRET}'", text="printed\n")
    (repository / "digits.ipynb").write_text(saved)
    with running_kernel(
        tmp_path, cwd=repository, JPY_SESSION_NAME=str(repository / "digits.ipynb")
    ) as kernel:
        assert kernel.run("%%track\nimport committed, own, json").ok
        found = context(kernel.last_run())
    (module,) = found["modules"]
    assert {key: module[key] for key in ("name", "path", "size_bytes", "cut")} == {
        "name": "own",
        "path": str(repository / "own.py"),
        "size_bytes": (repository / "own.py").stat().st_size,
        "cut": False,
    }
    assert blob(tmp_path, module["digest"]) == f"b = 2\npassword = '{REDACTED}'\n"
    kept = found["notebook_file"]
    assert (kept["path"], kept["redacted"]) == (str(repository / "digits.ipynb"), True)
    assert kept["saved_at"] == (repository / "digits.ipynb").stat().st_mtime
    assert json.loads(blob(tmp_path, kept["digest"])) == json.loads(saved.replace(SECRET, REDACTED))


def test_a_notebook_without_secrets_is_kept_byte_by_byte_and_found_again_when_it_changes(tmp_path):
    file = tmp_path / "digits.ipynb"
    with running_kernel(tmp_path, JPY_SESSION_NAME="digits.ipynb") as kernel:
        for sources in (["x = 1"], ["x = 1", "y = 2"]):
            file.write_text(notebook_with(*sources))
            assert kernel.run("%%track\nz = 1").ok
            kept = context(kernel.last_run())["notebook_file"]
            assert blob(tmp_path, kept["digest"]) == file.read_text()
            assert "redacted" not in kept
        file.rename(tmp_path / "renamed.ipynb")
        assert kernel.run("%%track\nz = 1").ok
        assert "not found" in context(kernel.last_run())["notebook_file"]["problem"]


@pytest.mark.parametrize(
    ("cap", "flag"), [("2000", {"without_outputs": True}), ("100", {"problem": True}), ("1000000", {})]
)
def test_a_large_notebook_is_kept_without_its_outputs_or_not_at_all(tmp_path, cap, flag):
    (tmp_path / "digits.ipynb").write_text(notebook_with("x = 1", "y = 2", text="z" * 3000))
    path = str(tmp_path / "digits.ipynb")
    with running_kernel(tmp_path, JPY_SESSION_NAME=path, JUPYTER_MLOPS_NOTEBOOK_CAP_BYTES=cap) as kernel:
        assert kernel.run("%%track\nz = 1").ok
        kept = context(kernel.last_run())["notebook_file"]
    assert {name: bool(kept[name]) for name in ("without_outputs", "problem") if name in kept} == flag
    if "digest" in kept:
        outputs = [cell["outputs"] for cell in json.loads(blob(tmp_path, kept["digest"]))["cells"]]
        assert all(outputs) == (not flag)


def test_sources_beyond_the_caps_are_cut_or_only_named(tmp_path):
    for number in range(12):
        (tmp_path / f"own{number:02}.py").write_text("# " + "x" * 998)
    names = ", ".join(f"own{number:02}" for number in range(12))
    found, _ = script(
        tmp_path,
        f"import {names}\n" + EMPTY_RUN,
        cwd=tmp_path,
        JUPYTER_MLOPS_SOURCE_CAP_BYTES="500",
    )
    modules = [each for each in found["modules"] if each["name"] != "__main__"]
    assert [each["size_bytes"] for each in modules] == [1000] * 12
    assert all(each["cut"] for each in modules)
    kept = [len(blob(tmp_path, each["digest"])) for each in found["modules"] if each["digest"]]
    assert max(kept) == 500
    assert sum(kept) <= 5000
    assert not modules[-1]["digest"]


def test_the_lock_names_every_package_and_what_came_from_elsewhere(tmp_path):
    folder = tmp_path / "site"
    origins = {
        "plain-1.0": None,
        "from_git-2.0": {
            "url": "https://me:pw@example.org/it.git",
            "vcs_info": {"vcs": "git", "commit_id": "abc"},
        },
        "edited-3.0": {"url": tmp_path.as_uri(), "dir_info": {"editable": True}},
        "gone-4.0": {"url": "file:///nowhere/gone.whl", "archive_info": {}},
        "archive-5.0": {"url": "https://example.org/a.zip", "archive_info": {"hashes": {"sha256": "ff"}}},
    }
    for stem, origin in origins.items():
        metadata = folder / f"{stem}.dist-info"
        metadata.mkdir(parents=True)
        if origin is not None:
            (metadata / "direct_url.json").write_text(json.dumps(origin))
    developed = folder / "developed.egg-info"
    developed.mkdir()
    (developed / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: developed\nVersion: 6.0\n")
    found, _ = script(
        tmp_path,
        f"import sys; sys.path.append({str(folder)!r})\n" + EMPTY_RUN,
        cwd=tmp_path,
        CONDA_PREFIX="/c",
    )
    lines = blob(tmp_path, found["lock"]["digest"]).splitlines()
    assert lines[0].startswith("# Python 3.")
    assert any(line.startswith("# conda environment /c") for line in lines)
    assert found["conda"] == "/c"
    assert {
        "plain==1.0",
        f"from-git @ git+https://me:{REDACTED}@example.org/it.git@abc",
        f"-e {tmp_path}  # edited==3.0",
        "gone==4.0  # from file:///nowhere/gone.whl",
        "archive @ https://example.org/a.zip#sha256=ff",
        "developed==6.0",
    } < set(lines)
    packages = [line for line in lines if "==" in line and not line.startswith(("#", "-e"))]
    assert packages == sorted(packages, key=lambda line: line.partition("==")[0])


def test_the_machine_is_described(tmp_path):
    found, _ = script(tmp_path, EMPTY_RUN, cwd=tmp_path)
    machine = found["hardware"]
    assert machine["cpu_model"]
    assert machine["memory_bytes"] == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


# git


def test_a_dirty_repository_is_described_whatever_its_paths_are_called(tmp_path, repository):
    (repository / "spaced name é.py").write_text("x = 1\n")
    (repository / "moved.py").write_text("".join(f"line {number}\n" for number in range(50)))
    git(repository, "add", ".")
    git(repository, "commit", "-qm", "second")
    (repository / "spaced name é.py").write_text(f"token = '{SECRET}'\n")
    git(repository, "mv", "moved.py", "elsewhere.py")
    (repository / "new.txt").write_text("")
    (repository / "inside").mkdir()
    found, _ = script(tmp_path, EMPTY_RUN, cwd=repository / "inside")
    state = found["git"]
    assert state["commit"] == git(repository, "rev-parse", "HEAD").strip()
    assert (state["branch"], state["dirty"], state["untracked"], state["patch_cut"]) == (
        "main",
        True,
        1,
        False,
    )
    patch = blob(tmp_path, state["patch_digest"])
    assert f"+token = '{REDACTED}'" in patch
    assert "rename from moved.py\nrename to elsewhere.py" in patch


def test_a_repository_without_commits_has_a_patch_of_all_that_was_added(tmp_path):
    folder = tmp_path / "fresh"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.py").write_text("a = 1\n")
    git(folder, "add", ".")
    found, _ = script(tmp_path, EMPTY_RUN, cwd=folder)
    assert (found["git"]["commit"], found["git"]["branch"]) == (None, "main")
    assert "+a = 1" in blob(tmp_path, found["git"]["patch_digest"])


def test_worktrees_and_submodules_are_repositories_of_their_own(tmp_path, repository):
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "side")
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "add", "-q", str(repository), "inner")
    for number, (folder, branch) in enumerate([(tmp_path / "tree", "side"), (outer / "inner", "main")]):
        home = tmp_path / str(number)
        home.mkdir()
        found, _ = script(home, EMPTY_RUN, cwd=folder)
        assert (found["git"]["root"], found["git"]["branch"]) == (str(folder), branch)


@pytest.mark.parametrize("kind", ["none", "bare", "no program"])
def test_without_a_working_tree_or_git_nothing_is_said_of_it(tmp_path, repository, kind):
    folder, variables = tmp_path / "plain", {}
    folder.mkdir()
    if kind == "bare":
        git(folder, "init", "-q", "--bare")
    if kind == "no program":
        folder, variables = repository, {"PATH": str(tmp_path)}
    found, said = script(tmp_path, EMPTY_RUN, cwd=folder, **variables)
    assert said == ""
    if kind == "no program":
        assert "cannot be started" in found["git"]["problem"]
    else:
        assert "git" not in found


def test_a_patch_beyond_the_cap_is_cut_and_its_sources_are_kept_as_files(tmp_path, repository):
    (repository / "committed.py").write_text("a = 2\n" + "# more\n" * 400_000)
    found, _ = script(
        tmp_path, "import sys; sys.path.insert(0, '.'); import committed\n" + EMPTY_RUN, cwd=repository
    )
    assert found["git"]["patch_cut"]
    assert found["git"]["patch_bytes"] <= 1024 * 1024
    assert {"committed"} <= {each["name"] for each in found["modules"]}


def test_a_git_that_refuses_is_quoted(tmp_path, repository):
    programs = fake_git(
        tmp_path, "echo \"fatal: detected dubious ownership in repository at '/r'\" >&2; exit 128"
    )
    found, said = script(tmp_path, EMPTY_RUN, cwd=repository, PATH=programs)
    assert found["git"] == {
        "root": str(repository),
        "problem": "fatal: detected dubious ownership in repository at '/r'",
    }
    assert said == ""


def test_a_git_that_hangs_delays_the_end_a_little_and_is_killed(tmp_path, repository):
    programs = fake_git(tmp_path, f"echo $$ > {tmp_path}/pid; sleep 1000")
    code = (
        "import jupyter_mlops.capture.git as git, time\n"
        "git.TIMEOUT_S = 3.0\n"
        "began = time.monotonic()\n" + EMPTY_RUN + "print(time.monotonic() - began)\n"
        "began = time.monotonic()\n" + EMPTY_RUN + "print(time.monotonic() - began)\n"
    )
    with running_kernel(tmp_path, cwd=repository, PATH=programs) as kernel:
        reply = kernel.run("import jupyter_mlops as mlops\n" + code)
        assert reply.ok, reply.errors
        spent = [float(each) for each in reply.text.split()]
        assert all(each < RELEASE_WAIT_S + 1.0 for each in spent)
        wait_until(lambda: all("git" in context(run) for run in kernel.runs().values()))
        for run in kernel.runs().values():
            assert context(run)["git"]["problem"] == "git did not answer within 3 s"
        began = time.monotonic()
        assert kernel.run(EMPTY_RUN).ok  # it is known by now
        assert time.monotonic() - began < RELEASE_WAIT_S
    assert not _lives(int((tmp_path / "pid").read_text()))


def fake_git(folder: Path, body: str) -> str:
    """A PATH on which ``git`` does that."""
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "git"
    program.write_text(f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
    return f"{programs}{os.pathsep}{os.environ['PATH']}"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# what goes wrong


def test_modules_that_vanish_or_cannot_be_read_cost_only_themselves(tmp_path):
    for name in ("stays", "vanishes"):
        (tmp_path / f"{name}.py").write_text(f"name = {name!r}\n")
    code = "import os, stays, vanishes\nos.unlink('vanishes.py')\n" + EMPTY_RUN
    found, said = script(tmp_path, code, cwd=tmp_path)
    assert {each["name"] for each in found["modules"]} == {"__main__", "stays"}
    assert said == ""


def test_further_captures_are_run_after_the_rest_and_harm_nothing_when_they_fail(tmp_path):
    code = (
        OF_TRACKER + "from jupyter_mlops.services.tracking.surroundings import capture_surroundings\n"
        "run = current().tracker.start(name='x', kind=RunKind.SCRIPT)\n"
        "def fails(run): raise ValueError('no')\n"
        "capture_surroundings(run, fails, lambda run: run.context({'more': 1}))\n"
        "run.end(RunStatus.FINISHED)\n"
    )
    found, said = script(tmp_path, code, cwd=tmp_path)
    assert found["more"] == 1
    assert said.count("\n") == 1
    assert "not captured whole: no" in said


def test_what_a_script_imports_inside_its_run_is_kept(tmp_path):
    (tmp_path / "late.py").write_text("x = 1\n")
    found, _ = script(tmp_path, "with mlops.track('x'):\n    import late\n", cwd=tmp_path)
    assert {"__main__", "late"} == {each["name"] for each in found["modules"]}


def test_lazy_modules_are_not_loaded_by_being_looked_at(tmp_path):
    (tmp_path / "lazy.py").write_text("raise SystemExit('loaded')\n")
    code = (
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec('lazy')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "sys.modules['lazy'] = module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        + OF_TRACKER
        + "run = current().tracker.start(name='x', kind=RunKind.SCRIPT, surroundings=True)\n"
        + "run.end(RunStatus.FINISHED)\n"
    )
    found, said = script(tmp_path, code, cwd=tmp_path)
    assert "lazy" in {each["name"] for each in found["modules"]}
    assert said == ""


def test_the_kernel_path_imports_nothing_heavy_for_it(tmp_path):
    heavy = ["psutil", "pynvml", "numpy", "pandas", "sqlalchemy", "nbformat", "papermill"]
    code = (
        EMPTY_RUN.replace("pass", "time.sleep(1.8)")
        + f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    _, said = script(tmp_path, "import sys, time\n" + code, cwd=tmp_path, JUPYTER_MLOPS_SAMPLE_S="0.2")
    assert said == "[]\n"


# the load


def test_a_script_s_load_is_sampled_with_that_of_its_children(tmp_path):
    code = (
        "import subprocess, sys\n"
        "with mlops.track('x'):\n"
        "    subprocess.run([sys.executable, '-c', 'import time; b = time.time()\\nwhile time.time() - b < 3: pass'])\n"
    )
    script(tmp_path, code, cwd=tmp_path, JUPYTER_MLOPS_SAMPLE_S="0.5")
    (records,) = runs_in(tmp_path / "home").values()
    series = load(records)
    assert max(series["system/cpu_percent"]) > 25  # this process sleeps, its child does not
    assert max(series["system/rss_bytes"]) > 15e6
    assert 0 < series["system/memory_percent"][-1] < 100
    assert {name.partition("/")[2].rpartition("_bytes_per_s")[0] for name in series} >= {
        "disk_read",
        "disk_written",
        "network_received",
        "network_sent",
    }


def test_no_load_is_sampled_when_it_is_turned_off(tmp_path):
    code = "import time, threading\nwith mlops.track('x'):\n    time.sleep(1.6)\n    print(sorted(t.name for t in threading.enumerate()))"
    script(tmp_path, code, cwd=tmp_path, JUPYTER_MLOPS_SAMPLE_S="0")
    (records,) = runs_in(tmp_path / "home").values()
    assert load(records) == {}


def test_a_cell_and_the_run_inside_it_both_get_the_load(tmp_path):
    code = "%%track\nimport jupyter_mlops as mlops, time\nwith mlops.track('inner'):\n    time.sleep(2.5)"
    with running_kernel(tmp_path, JUPYTER_MLOPS_SAMPLE_S="0.3") as kernel:
        assert kernel.run(code).ok
        outer, inner = kernel.runs().values()
    assert load(outer)["system/rss_bytes"]
    assert load(inner)["system/rss_bytes"]


def test_context_is_written_once_for_each_kind(tmp_path):
    _, _ = script(tmp_path, EMPTY_RUN, cwd=tmp_path)
    (records,) = runs_in(tmp_path / "home").values()
    keys = [key for record in of(records, Context) for key in record.values]
    assert len(keys) == len(set(keys))
