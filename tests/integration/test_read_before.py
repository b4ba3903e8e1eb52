"""Registered data that was loaded before a run, as it is recorded: from a real kernel, and from a script."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jupyter_mlops.journal.records import Close, Input, Start
from tests.waiting import wait_until

from .kernel import environment, of, running_kernel, runs_in

REGISTERING = """
import jupyter_mlops as mlops, pandas as pd, threading
for name in "abc":
    mlops.register_dataset(pd.DataFrame({name: [1.0, 2.0]}), name=name)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        assert running.run(REGISTERING).ok
        yield running


def inputs_of(runs, name):
    """The names of what a run has read, once it has been closed."""
    (found,) = [records for records in runs().values() if of(records, Start)[0].name == name]
    run_id = next(each for each, records in runs().items() if records == found)
    wait_until(lambda: of(runs()[run_id], Close))
    return {each.name for each in of(runs()[run_id], Input)}


def test_each_statement_of_a_cell_counts_for_itself(kernel):
    kernel.run("x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')")
    assert kernel.run("%%track statement\nx.sum()").ok
    assert inputs_of(kernel.runs, "statement") == {"a"}


def test_a_timed_cell_has_statements_as_well(kernel):
    kernel.run("%%time\n\nx = mlops.load_dataset('a')\ny = mlops.load_dataset('b')")
    assert kernel.run("%%track timed\n%%time\ny.sum()").ok
    assert inputs_of(kernel.runs, "timed") == {"b"}


def test_the_last_value_is_that_of_the_cell_that_showed_it(kernel):
    kernel.run("mlops.load_dataset('a')")
    kernel.run("mlops.load_dataset('b')")
    kernel.run("None")
    kernel.run("z = _")
    assert kernel.run("%%track shown\nz.sum()").ok
    assert inputs_of(kernel.runs, "shown") == {"b"}


def test_a_block_in_a_cell_depends_on_what_stands_above_it(kernel):
    kernel.run("x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')")
    cell = "z = mlops.load_dataset('c')\nwith mlops.track('block') as run:\n    (x.sum(), z.sum())\n"
    assert kernel.run(cell).ok
    assert inputs_of(kernel.runs, "block") == {"a", "c"}


def test_blocks_of_a_loop_have_a_dataset_each(kernel):
    loop = "for name in 'ab':\n    x = mlops.load_dataset(name)\n    with mlops.track(f'loop-{name}'):\n        x.sum()"
    assert kernel.run(loop).ok
    assert [inputs_of(kernel.runs, f"loop-{name}") for name in "ab"] == [{"a"}, {"b"}]


def test_a_model_has_the_datasets_of_the_cells_before_as_its_parents(kernel):
    kernel.run("x = mlops.load_dataset('a')\ny = mlops.load_dataset('b')")
    kernel.run("with mlops.track('parents'):\n    mlops.register_model({'mean': x.mean()}, name='parents')")
    kernel.run("from jupyter_mlops.workspace import current")
    found = kernel.value("[each.name for each in current().registry.model_version('parents').datasets]")
    assert found == ["a"]


def test_what_a_thread_loads_counts_with_the_whole_cell_that_started_it(kernel):
    kernel.run(
        "loaded = {}\ndef load():\n    loaded['c'] = mlops.load_dataset('c')\n"
        "thread = threading.Thread(target=load)\nthread.start()\nthread.join()\nother = 1"
    )
    assert kernel.run("%%track thread\nloaded").ok
    assert "c" in inputs_of(kernel.runs, "thread")


def test_what_a_script_has_loaded_above_its_block_is_read_by_the_run(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        REGISTERING
        + """
def fit(table):
    return table.sum()

def main():
    table = mlops.load_dataset("c")
    other = mlops.load_dataset("b")
    with mlops.track("in a function"):
        fit(table)

@mlops.track("decorated")
def train(table):
    return fit(table)

if __name__ == "__main__":
    x = mlops.load_dataset("a")
    y = mlops.load_dataset("b")
    with mlops.track("above"):
        fit(x)
    main()
    train(y)
"""
    )
    ran = subprocess.run(
        [sys.executable, str(script)],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr

    def runs():
        return runs_in(tmp_path / "home")

    assert inputs_of(runs, "above") == {"a"}
    assert inputs_of(runs, "in a function") == {"c"}
    assert inputs_of(runs, "decorated") == {"b"}
