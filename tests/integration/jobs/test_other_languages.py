"""Notebooks of other kernels, run as jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.entities import Job, JobStatus
from jupyter_mlops.errors import ParameterError
from jupyter_mlops.notebooks.values import parse_parameters
from jupyter_mlops.services.submission.request import Request
from tests.integration.jobs.conftest import Place
from tests.optional import give_up

NOTEBOOKS = {
    "bash": (
        "lr=0.1  # step size\nname=none",
        'echo "$lr of $name in $PWD"',
        "exit_now() { return 3; }; exit_now",
    ),
    "ir": ('lr <- 0.1  # step size\nname <- "none"', "cat(lr, 'of', name, 'in', getwd())", "stop('at last')"),
}


@pytest.fixture(params=list(NOTEBOOKS))
def kernel(request: pytest.FixtureRequest) -> str:
    """A kernel of another language that is installed here."""
    name: str = request.param
    if name not in KernelSpecManager().find_kernel_specs():
        give_up(f"There is no kernel {name!r}.")
    return name


def saved(folder: Path, kernel: str, *sources: str) -> Path:
    spec = KernelSpecManager().get_kernel_spec(kernel)
    about = {"name": kernel, "display_name": spec.display_name, "language": spec.language}
    notebook = new_notebook(cells=[new_code_cell(each) for each in sources], metadata={"kernelspec": about})
    notebook.cells[0].metadata["tags"] = ["parameters"]
    path = folder / "train.ipynb"
    nbformat.write(notebook, path)
    return path


def submit(place: Place, path: Path, *given: str) -> list[Job]:
    request = Request(params=parse_parameters(given))
    jobs = place.workspace.submission.submit_notebook(path, request=request).jobs
    place.submitted += jobs
    return jobs


@pytest.fixture(autouse=True)
def here(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)


def executed(place: Place, job: Job) -> Any:
    return nbformat.read(place.jobs.output_notebook(job.id), as_version=4)


def test_a_notebook_runs_in_its_kernel_with_the_values_given(place: Place, kernel: str):
    parameters, shows, _ = NOTEBOOKS[kernel]
    path = saved(place.folder, kernel, parameters, shows)
    (job,) = submit(place, path, "lr=0.5", "name=a b")
    ended = place.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, place.story(job)
    assert f"0.5 of a b in {place.folder}" in place.jobs.log(job.id).text
    assert job.spec.params == {"lr": 0.5, "name": "a b"}
    tags = [cell.metadata.get("tags") for cell in executed(place, job).cells]
    assert tags == [["parameters"], ["injected-parameters"], []]


def test_a_sweep_and_a_misspelt_name(place: Place, kernel: str):
    parameters, shows, _ = NOTEBOOKS[kernel]
    path = saved(place.folder, kernel, parameters, shows)
    with pytest.raises(ParameterError, match="Did you mean 'name'"):
        submit(place, path, "nme=x")
    jobs = submit(place, path, "lr=0.5,0.25")
    for job, value in zip(jobs, ("0.5", "0.25"), strict=True):
        assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
        assert f"{value} of none" in place.jobs.log(job.id).text


def test_a_cell_that_fails_fails_the_job(place: Place, kernel: str):
    parameters, _, fails = NOTEBOOKS[kernel]
    (job,) = submit(place, saved(place.folder, kernel, parameters, fails))
    ended = place.wait(job)
    assert ended.status is JobStatus.FAILED, place.story(job)
