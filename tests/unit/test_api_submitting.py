"""What ``mlops.submit`` takes, before anything is queued."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.api.submitting import submit
from jupyter_mlops.config import load_settings
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.workspace import Workspace, use


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "train.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell("lr = 0.5\nacc = lr * 2")]), path)
    workspace = Workspace(load_settings(environ={"JUPYTER_MLOPS_HOME": str(tmp_path / "home")}))
    use(workspace)
    yield path
    use(None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gpus": "one"}, "gpus must be a number of GPUs, or a share of one such as 0.5, not 'one'."),
        ({"gpus": 1.5}, "A job takes whole GPUs, or a share of one such as 0.5, not 1.5 of them."),
        ({"on": "lcal"}, "No executor 'lcal'. Did you mean 'local'? There are: local, ray, slurm."),
        ({"on": ["local", "nowhere"]}, "No executor 'nowhere'. There are: local, ray, slurm."),
        (
            {"options": {"slurm": {"partition": "gpu"}}},
            "--slurm-partition is for jobs on slurm, and this one goes to local: add --on slurm.",
        ),
        (
            {"options": ["gpu"]},
            "options takes a dict, such as options={'slurm': {'partition': 'gpu'}}, not a list.",
        ),
        (
            {"retry_on": "memory"},
            "--retry-on says how failures are tried again: add how often, such as --retries 2.",
        ),
        ({"retries": 1.5}, "retries must be a whole number, not 1.5."),
        (
            {"cron": "0 3 * * *", "params": {"lr": [1, 2]}},
            "A schedule runs one job each time, and no sweep: give each parameter one value, or make a schedule "
            "for each.",
        ),
        (
            {"cron": "0 3 * * *", "after": "abc123"},
            "A schedule follows the clock, not jobs: leave --after out, or --cron.",
        ),
        ({"cpus": 0.5}, "cpus must be a whole number, not 0.5."),
        ({"params": ["lr=1"]}, "params takes a dict, such as params={'lr': 0.1}, not a list."),
        ({"carry": ["df"]}, "carry takes a dict, such as carry={'df': df}, not a list."),
        ({"returns": "nope"}, "--return nope: no cell of the job sets 'nope'. It sets: acc, lr."),
    ],
)
def test_what_cannot_be_meant_is_refused(notebook: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        submit(notebook, **given)
    assert refused.value.message == message


def test_one_name_alone_is_one_name(notebook: Path) -> None:
    assert submit(notebook, returns="acc", include="*.csv", dry_run=True)
    with pytest.raises(NotFound, match="No job 'nosuch'"):
        submit(notebook, after="nosuch")
