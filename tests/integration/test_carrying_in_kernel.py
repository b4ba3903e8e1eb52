"""``--carry`` and ``--return`` in a real kernel, with jobs that a real agent runs to their end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.services.jobs.agent_control import AgentControl

from .kernel import NOTEBOOK, Kernel, environment, running_kernel


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path, JUPYTER_MLOPS_NOTEBOOK=NOTEBOOK) as kernel:
        yield kernel
    AgentControl(load_settings(environ=environment(tmp_path))).stop()


def specs(kernel: Kernel) -> list[dict[str, object]]:
    return [json.loads(path.read_text()) for path in sorted((kernel.home / "jobs").glob("*/spec.json"))]


def blobs(kernel: Kernel) -> set[str]:
    return {path.name for path in (kernel.home / "blobs").glob("??/*")}


def error_of(kernel: Kernel, cell: str) -> str:
    (error,) = kernel.run(cell).errors
    return f"{error['ename']}: {error['evalue']}"


def test_a_job_gets_the_live_objects_and_not_the_code_that_made_them(kernel: Kernel) -> None:
    kernel.run("import numpy as np\nimport pandas as pd")
    kernel.run("df = pd.DataFrame({'a': [1, 2], 'c': pd.Categorical(['x', 'y'])})")
    kernel.run("df.loc[0, 'a'] = 40\nweights = np.arange(3.0)\nnothing = None\nscale = 10")
    kernel.run("def scaled(x):\n    return x * scale")
    kernel.run(
        "class Net:\n    def __init__(self, w):\n        self.w = w\n    def same(self, other):\n        return isinstance(other, Net)"
    )
    kernel.run("base = {'w': [1]}\nnet = Net(base)")
    reply = kernel.run(
        "%%submit carrying --carry df,weights,nothing,scaled,net,base --wait\n"
        "base['w'].append(2)\n"
        "(int(df.a.sum()), str(df.c.dtype), float(weights.sum()), nothing, scaled(2), net.w, type(net).__name__, "
        "net.same(Net(1)))"
    )
    assert reply.ok, reply.errors
    assert "df" in reply.text
    assert "DataFrame 2 x 2" in reply.text
    assert kernel.value("_.result") == (42, "category", 3.0, None, 20, {"w": [1, 2]}, "Net", True)
    (spec,) = specs(kernel)
    (notebook,) = kernel.home.glob("jobs/*/input.ipynb")
    assert "pd.DataFrame(" not in notebook.read_text(), "the code that made them stays behind"
    carried = spec["carried"]
    assert isinstance(carried, list)
    assert {each["name"]: each["format"] for each in carried} == {
        "df": "pandas",
        "weights": "numpy",
        "nothing": "pickle",
        "scaled": "pickle",
        "net": "pickle",
        "base": "pickle",
    }
    assert {each["digest"] for each in carried} <= blobs(kernel)
    assert {tuple(each["together"]) for each in carried} == {(), ("net", "base")}


def test_a_sweep_and_a_second_submit_use_the_same_blobs(kernel: Kernel) -> None:
    kernel.run("rows = list(range(1000))\nn = 1")
    assert kernel.run("%%submit --carry rows -p n=1,2 --wait\nlen(rows) * n").ok
    assert kernel.value("_.results") == [1000, 2000]
    before = {each["digest"] for spec in specs(kernel) for each in spec["carried"]}  # type: ignore[attr-defined]
    assert len(before) == 1
    assert kernel.run("%%submit --carry rows --wait\nlen(rows)").ok
    after = {each["digest"] for spec in specs(kernel) for each in spec["carried"]}  # type: ignore[attr-defined]
    assert after == before


def test_a_function_of_a_cell_reads_what_the_job_sets(kernel: Kernel) -> None:
    kernel.run("lr = 0.1\ndef rate():\n    return lr")
    assert kernel.run("%%submit --carry rate --wait\nfirst = rate()\nlr = 0.5\nfirst, rate()").ok
    assert kernel.value("_.result") == (0.1, 0.5)


REFUSED = {
    "lock": "PromotionRefused: 'lock' cannot be carried: lock is a lock",
    "holder": "PromotionRefused: 'holder' cannot be carried: in it, holder['inner'][0] is a lock",
    "numbers": "PromotionRefused: 'numbers' cannot be carried: numbers is a generator",
    "database": "PromotionRefused: 'database' cannot be carried: database is a connection",
    "file": "PromotionRefused: 'file' cannot be carried: file is an open file",
    "threading": "PromotionRefused: 'threading' cannot be carried: threading is a module",
    "lokc": "InvalidInput: There is no variable 'lokc' to carry in this kernel. Did you mean 'lock'?",
}


def test_what_cannot_be_carried_is_refused_before_anything_is_queued(kernel: Kernel) -> None:
    kernel.run(
        "import sqlite3, threading\nlock = threading.Lock()\nholder = {'inner': [lock]}\n"
        "numbers = (n for n in [1])\ndatabase = sqlite3.connect(':memory:')\nfile = open('notes.txt', 'w')"
    )
    said = {name: error_of(kernel, f"%%submit --carry {name}\nprint({name})") for name in REFUSED}
    assert {name: text[: len(REFUSED[name])] for name, text in said.items()} == REFUSED
    assert specs(kernel) == []
    assert not list(kernel.home.glob("packing-*")), "no files of theirs stay"


def test_a_handle_of_a_job_is_not_carried_and_its_result_is(kernel: Kernel) -> None:
    assert kernel.run("%%submit --wait\n[1, 2]").ok
    kernel.run("job = _")
    assert "the handle of a job" in error_of(kernel, "%%submit --carry job\nprint(job)")
    kernel.run("numbers = job.result")
    assert kernel.run("%%submit --carry numbers --wait\nsum(numbers)").ok
    assert kernel.value("_.result") == 3


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda blob: blob.unlink(), "NotFound: 'rows' cannot be loaded: its blob is gone."),
        (lambda blob: blob.write_bytes(b"else"), "Corrupt: 'rows' cannot be loaded: its blob was damaged."),
    ],
)
def test_a_blob_that_is_gone_or_damaged_fails_the_job_with_the_way_out(
    kernel: Kernel, tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    kernel.run("rows = [1, 2, 3]")
    kernel.run("%%submit first\nimport os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.05)")
    kernel.run("first = _")
    assert kernel.run("%%submit second --carry rows --after {first.id}\nsum(rows)").ok
    kernel.run("second = _")
    digest = kernel.value("second.spec.carried[0].digest")
    blob = kernel.home / "blobs" / digest[:2] / digest
    blob.chmod(0o644)
    harm(blob)
    (tmp_path / "go").touch()
    kernel.run("second.wait(60)")
    reason = kernel.value("second.reason")
    assert reason.startswith(f"the cell that loads what is carried raised {said}")
    assert reason.endswith("Submit the cell again from a kernel that has it.")
    assert kernel.run("%%submit third --carry rows --wait\nsum(rows)").ok, "a damaged blob is replaced"
    assert kernel.value("_.result") == 6


def test_variables_that_were_asked_for_come_back(kernel: Kernel) -> None:
    reply = kernel.run(
        "%%submit --return model,df,lock,scaled --wait\n"
        "import pandas as pd, threading\nlock = threading.Lock()\ndf = pd.DataFrame({'a': [1]})\n"
        "class Model:\n    def __init__(self, w):\n        self.w = w\n"
        "factor = 3\ndef scaled(x):\n    return x * factor\n"
        "model = Model(5)"
    )
    assert reply.ok, reply.errors
    kernel.run("job = _\nfactor = 100")
    assert kernel.value("job.namespace()") == ["model", "df", "scaled"]
    assert kernel.value(
        "(job.namespace('model').w, job.namespace('df').a.tolist(), job.namespace('scaled')(2))"
    ) == (
        5,
        [1],
        6,
    )
    assert "Job " in error_of(kernel, "job.namespace('lock')")
    assert error_of(kernel, "job.namespace('lock')").endswith(
        "lock is a lock, and it guards the threads of this kernel."
    )
    assert "Did you mean 'model'?" in error_of(kernel, "job.namespace('modle')")
    assert "left no result: its cell had no last value" in error_of(kernel, "job.result")
    assert "no cell of the job sets 'modle'. Did you mean 'model'?" in error_of(
        kernel, "%%submit --return modle\nmodel = 1"
    )


def test_a_last_value_that_cannot_be_kept_says_why(kernel: Kernel) -> None:
    assert kernel.run("%%submit --wait\n(n for n in [1])").ok
    said = error_of(kernel, "_.result")
    assert (
        "(generator) could not be kept: it is a generator, and its position in the code cannot be kept"
        in said
    )


def test_a_whole_notebook_returns_variables_as_well(kernel: Kernel, tmp_path: Path) -> None:
    import nbformat
    from nbformat.v4 import new_code_cell, new_notebook

    nbformat.write(new_notebook(cells=[new_code_cell("best = {'lr': 0.1}")]), tmp_path / "train.ipynb")
    assert kernel.run("%submit train.ipynb --return best --wait").ok
    assert kernel.value("_.namespace('best')") == {"lr": 0.1}


def test_open_shows_the_executed_notebook_at_the_failing_cell(kernel: Kernel) -> None:
    kernel.run("%%submit broken\nprint('before')\n1 / 0")
    kernel.run("job = _.wait(60)")
    kernel.run("opened = job.open()")
    index, cell_id = kernel.value("(opened.cell_index, opened.cell_id)")
    notebook = json.loads(Path(kernel.value("str(opened.path)")).read_text())
    assert notebook["cells"][index]["id"] == cell_id
    assert "1 / 0" in "".join(notebook["cells"][index]["source"])
    assert "the submitted cell, which failed" in kernel.value("repr(opened)")
