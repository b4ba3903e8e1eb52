"""Workers of process pools, which outlive the run that they were made in."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.entities import RunStatus
from jupyter_mlops.journal.records import Start
from tests.optional import optional

from .kernel import end, environment, metrics, of, runs_in

POOLS = {
    "fork": "multiprocessing.get_context('fork').Pool(2).map",
    "spawn": "multiprocessing.get_context('spawn').Pool(1).map",
    "forkserver": "multiprocessing.get_context('forkserver').Pool(1).map",
    "spawned executor": "ProcessPoolExecutor(1, mp_context=multiprocessing.get_context('spawn')).map",
    "executor": "ProcessPoolExecutor(2, mp_context=multiprocessing.get_context('fork')).map",
    "loky": "lambda work, numbers: Parallel(n_jobs=2)(delayed(work)(each) for each in numbers)",
}


def executed(folder: Path, body: str, prelude: str = "") -> tuple[dict[str, Any], str]:
    """The metrics of the runs of a script, by their names, and what it said on stderr."""
    program = folder / "train.py"
    head = """
        import contextlib, multiprocessing, os, subprocess, sys
        from concurrent.futures import ProcessPoolExecutor
        import jupyter_mlops as mlops

        def work(number):
            mlops.log(**{f"m{number}": number})
    """
    inner = textwrap.indent(textwrap.dedent(body), "    ")
    program.write_text(f"{textwrap.dedent(head)}\n{prelude}\nif __name__ == '__main__':\n{inner}")
    done = subprocess.run(
        [sys.executable, program],
        env=environment(folder),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    runs = runs_in(folder / "home").values()
    assert {end(run).status for run in runs} == {RunStatus.FINISHED}
    return {of(run, Start)[0].name: metrics(run) for run in runs}, done.stderr


@pytest.mark.parametrize("pool", POOLS)
def test_the_workers_of_a_pool_log_to_the_run_that_gives_them_work(tmp_path, pool):
    if pool == "loky":
        optional("joblib")  # loky comes with scikit-learn, an extra
    prelude = "from joblib import Parallel, delayed" if pool == "loky" else ""
    body = f"""
        spread = {POOLS[pool]}
        for name, numbers in (("first", [1, 2]), ("second", [3, 4])):
            with mlops.track(name):
                list(spread(work, numbers))
    """
    found, stderr = executed(tmp_path, body, prelude)
    assert found == {"first": {"m1": 1.0, "m2": 2.0}, "second": {"m3": 3.0, "m4": 4.0}}
    assert "jupyter-mlops:" not in stderr


def test_workers_of_a_data_loader_log_to_the_run_that_goes_through_it(tmp_path):
    optional("torch")
    prelude = """
from torch.utils.data import DataLoader, Dataset

class Numbers(Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        work(index)
        return index
"""
    body = """
        with mlops.track("epoch"):
            seen = sorted(int(each) for batch in DataLoader(Numbers(), num_workers=2) for each in batch)
            mlops.log(seen=len(seen))
    """
    found, stderr = executed(tmp_path, body, prelude)
    assert found == {"epoch": {"m0": 0.0, "m1": 1.0, "m2": 2.0, "m3": 3.0, "seen": 4.0}}
    assert "jupyter-mlops:" not in stderr


def test_the_ranks_of_a_launcher_log_to_its_run(tmp_path):
    """As torchrun does: a launcher process starts one process a rank, told by its environment."""
    (tmp_path / "rank.py").write_text(
        "import os, jupyter_mlops as mlops\n"
        "rank = os.environ['RANK']\n"
        "for step in range(50): mlops.log({f'loss/{rank}': step}, step=step)\n"
    )
    (tmp_path / "launch.py").write_text(
        "import os, subprocess, sys\n"
        "ranks = [subprocess.Popen([sys.executable, 'rank.py'], env={**os.environ, 'RANK': str(n), 'WORLD_SIZE': '3'},"
        " start_new_session=True) for n in range(3)]\n"
        "sys.exit(max(rank.wait() for rank in ranks))\n"
    )
    body = """
        with mlops.track("distributed"):
            subprocess.run([sys.executable, "launch.py", "--nproc=3"], check=True)
    """
    found, stderr = executed(tmp_path, body)
    assert found == {"distributed": {"loss/0": 49.0, "loss/1": 49.0, "loss/2": 49.0}}
    assert "jupyter-mlops:" not in stderr


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_pool_that_was_made_before_any_run_logs_to_the_innermost_open_one(tmp_path, method):
    body = f"""
        pool = multiprocessing.get_context({method!r}).Pool(1)
        pool.map(abs, [1])
        with mlops.track("outer"), mlops.track("inner"):
            pool.map(work, [1, 2])
    """
    assert executed(tmp_path, body)[0] == {"outer": {}, "inner": {"m1": 1.0, "m2": 2.0}}


def test_a_run_that_a_worker_starts_belongs_to_the_one_that_gives_it_work(tmp_path):
    prelude = "def trial(number):\n    with mlops.track(f'trial {number}'):\n        work(number)\n"
    body = """
        pool = multiprocessing.get_context("fork").Pool(1)
        for name, number in (("first", 1), ("second", 2)):
            with mlops.track(name):
                pool.map(trial, [number])
    """
    executed(tmp_path, body, prelude)
    starts = {
        of(run, Start)[0].name: (run_id, of(run, Start)[0])
        for run_id, run in runs_in(tmp_path / "home").items()
    }
    assert starts["trial 1"][1].parent_id == starts["first"][0]
    assert starts["trial 2"][1].parent_id == starts["second"][0]


def test_a_script_in_the_background_never_moves_on_to_the_next_run(tmp_path):
    child = "import jupyter_mlops as m, sys; m.log(early=1); print(flush=True); sys.stdin.read(); m.log(late=1); m.log(later=1)"
    body = f"""
        with mlops.track("first"):
            child = subprocess.Popen([sys.executable, "-c", {child!r}], stdin=-1, stdout=-1)
            child.stdout.readline()
        with mlops.track("second"):
            child.communicate()
    """
    found, stderr = executed(tmp_path, body)
    assert found == {"first": {"early": 1.0}, "second": {}}
    assert stderr.count("has ended; what is logged to it is lost") == 1
