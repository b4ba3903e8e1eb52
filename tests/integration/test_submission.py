"""Submitting: what is queued, and what is refused before anything is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.config import JOB, NOTEBOOK, RUN, Settings
from jupyter_mlops.entities import Cause, Goal, Job, JobSpec, JobStatus, Resources, Size
from jupyter_mlops.errors import (
    Conflict,
    InvalidInput,
    MlopsError,
    NotFound,
    ParameterError,
    PromotionRefused,
    Unsupported,
)
from jupyter_mlops.notebooks.kernels import launcher
from jupyter_mlops.notebooks.promotion import SETUP
from jupyter_mlops.notebooks.values import parse_parameters
from jupyter_mlops.services.jobs.origin import Origin, added_paths
from jupyter_mlops.services.submission.request import Request, Search, request_of
from jupyter_mlops.services.submission.service import SubmissionService
from jupyter_mlops.testing.executors import FakeExecutor

NOW = 1_700_000_000.0


@dataclass
class RememberingQueue:
    """Satisfies ``services.submission.Queue``."""

    submitted: list[tuple[JobSpec, dict[str, Any], dict[str, str]]] = field(default_factory=list)

    files: list[Any] = field(default_factory=list)

    def submit(
        self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str], *, files: Any = None
    ) -> Job:
        self.files.append(files)
        self.submitted.append((spec, json.loads(notebook), dict(environment)))
        return Job(spec=spec, status=JobStatus.QUEUED)

    def find(self, text: str) -> Job:
        for spec, _, _ in self.submitted[::-1]:
            if spec.id.endswith(text) or spec.name == text:
                return Job(spec=spec, status=JobStatus.QUEUED)
        raise NotFound(f"No job {text!r}.")

    @property
    def specs(self) -> list[JobSpec]:
        return [spec for spec, _, _ in self.submitted]

    def sources(self, index: int = 0) -> list[str]:
        return ["".join(cell["source"]) for cell in self.submitted[index][1]["cells"]]


@pytest.fixture
def queue() -> RememberingQueue:
    return RememberingQueue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        home=tmp_path / "home", runtime_dir=tmp_path / "runtime", leases_dir=tmp_path / "leases", user="ada"
    )


@pytest.fixture
def service(queue: RememberingQueue, settings: Settings) -> SubmissionService:
    return SubmissionService(queue, settings, tracker=None, clock=lambda: NOW)


ORIGIN = Origin(
    interpreter=sys.executable,
    cwd="/project",
    environment={"PATH": "/bin"},
    kernel_argv=launcher(sys.executable),
    python_path=["/project/src"],
    notebook="/project/digits.ipynb",
)


def cells(*sources: str) -> list[ExecutedCell]:
    return [ExecutedCell(number=number, source=source, ok=True) for number, source in enumerate(sources, 1)]


def notebook_at(path: Path, *sources: str, parameters: str | None = None, **metadata: Any) -> Path:
    made = [new_code_cell(source) for source in sources]
    if parameters is not None:
        made.insert(0, new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    nbformat.write(new_notebook(cells=made, metadata=metadata), path)
    return path


def test_a_cell_becomes_a_job_like_the_kernel_that_submits_it(
    service: SubmissionService, queue: RememberingQueue, settings: Settings
) -> None:
    found = service.submit_cell(
        cells("lr = 0.05"),
        "train(lr)",
        origin=ORIGIN,
        request=Request(
            params=parse_parameters(["lr=0.1"]),
            resources=Resources(gpus=1, cpus=2, memory_bytes=8, time_limit_s=60),
            priority=3,
            retries=2,
        ),
    )
    ((spec, _, environment),) = queue.submitted
    assert found.jobs == [Job(spec=spec, status=JobStatus.QUEUED)]
    assert found.sweep_id is None
    assert spec == JobSpec(
        id=spec.id,
        name="digits",
        experiment="digits",
        submitted_at=NOW,
        interpreter=sys.executable,
        kernel_name="python3",
        kernel_argv=launcher(sys.executable),
        cwd="/project",
        python_path=["/project/src"],
        params={"lr": 0.1},
        resources=Resources(gpus=1, cpus=2, memory_bytes=8, time_limit_s=60),
        priority=3,
        retries=2,
        notebook="/project/digits.ipynb",
        promoted=True,
        user="ada",
        host=settings.host,
    )
    assert queue.sources()[1:] == ["# Parameters\nlr = 0.1", SETUP, "%%track digits\ntrain(lr)"]
    assert environment == {"PATH": "/bin", **settings.environment()}


@pytest.mark.parametrize(("cores_of_nodes", "asked"), [(4, 1), (16, 8)])
def test_cores_that_were_learned_here_are_asked_of_a_cluster_that_has_them(
    queue: RememberingQueue, settings: Settings, cores_of_nodes: int, asked: int
) -> None:
    cluster = FakeExecutor(keeps_queue=True, cpus=cores_of_nodes)
    past = SimpleNamespace(suggest=lambda **_: Size(runs=3, memory_bytes=64 * 1024**3, cpus=8))
    service = SubmissionService(
        queue,
        settings,
        tracker=None,
        executors={"slurm": cluster},
        sizing=lambda: past,
        machine=FakeExecutor,
        clock=lambda: NOW,
    )
    service.submit_cell([], "1", origin=ORIGIN, request=request_of(on="slurm", name="train"))
    service.submit_cell([], "1", origin=ORIGIN, request=request_of(on="slurm"))
    spec, unnamed = queue.specs
    assert spec.resources == Resources(cpus=asked)
    assert spec.learned == (["cpus"] if asked > 1 else [])
    assert unnamed.learned == []  # another cell of the notebook may be anything


def test_what_the_queue_needs_to_know_goes_with_each_job_of_a_grid(
    queue: RememberingQueue, settings: Settings
) -> None:
    executors = {"local": FakeExecutor(), "slurm": FakeExecutor(keeps_queue=True)}
    service = SubmissionService(queue, settings, tracker=None, executors=executors, clock=lambda: NOW)
    before = service.submit_cell([], "1", origin=ORIGIN, request=Request(name="prepare")).jobs[0]
    request = request_of(
        name="prepare",
        gpus="0.5",
        gpu_memory="1G",
        on="local, slurm",
        options={"slurm": {"partition": "gpu", "exclusive": True}},
        retries=2,
        retry_on="memory,node",
        retry_delay="30s",
        after_any=["prepare"],
        params={"lr": [1, 2]},
    )
    told: list[str] = []
    service.submit_cell(
        cells("lr = 0"), "lr", origin=ORIGIN, request=request, tell=lambda each: told.extend(each.lines())
    )
    for spec in queue.specs[1:]:
        assert spec.resources == Resources(gpus=0.5, gpu_memory_bytes=1024**3)
        assert (spec.executor, spec.executors) == ("local", ["local", "slurm"])
        assert spec.options == {"slurm": {"partition": "gpu", "exclusive": ""}}
        assert (spec.retries, spec.retry_on, spec.retry_delay_s) == (2, [Cause.MEMORY, Cause.NODE], 30.0)
        assert spec.after_any == [before.id], "and not one of its own"
    assert len(queue.specs) == 3
    assert told[-1] == (
        "It runs at the first place that can start it now (local: 2 of 2 GPUs have room for it; slurm: it can "
        "start now)."
    )


def test_a_schedule_needs_a_workspace_that_keeps_it(service: SubmissionService) -> None:
    with pytest.raises(Unsupported, match="Schedules need a workspace"):
        service.submit_cell([], "1", origin=ORIGIN, request=request_of(cron="@daily", timezone="UTC"))


def test_a_sweep_is_one_job_for_each_combination(service: SubmissionService, queue: RememberingQueue) -> None:
    found = service.submit_cell(
        cells("lr = 0.05", "n = 1"),
        "train(lr, n)",
        origin=ORIGIN,
        request=Request(name="grid", params=parse_parameters(["lr=0.1,0.2", "n=1,2"])),
    )
    assert [spec.params for spec in queue.specs] == [
        {"lr": 0.1, "n": 1},
        {"lr": 0.1, "n": 2},
        {"lr": 0.2, "n": 1},
        {"lr": 0.2, "n": 2},
    ]
    assert found.sweep_id is not None
    assert {spec.sweep_id for spec in queue.specs} == {found.sweep_id}
    assert len({spec.id for spec in queue.specs}) == 4
    assert [queue.sources(index)[1] for index in (0, 3)] == [
        "# Parameters\nlr = 0.1\nn = 1",
        "# Parameters\nlr = 0.2\nn = 2",
    ]


def test_a_lists_only_value_is_a_sweep_of_one(service: SubmissionService) -> None:
    assert (
        service.submit_cell(
            cells("lr = 1"), "lr", origin=ORIGIN, request=Request(params={"lr": [2]})
        ).sweep_id
        is not None
    )


def test_the_submitting_run_is_the_parent_and_lends_its_experiment(
    queue: RememberingQueue, settings: Settings
) -> None:
    run = SimpleNamespace(id="r" * 26, experiment="vision")
    tracker = SimpleNamespace(active_or_none=lambda: run, replaying=False)
    service = SubmissionService(queue, settings, tracker=tracker, clock=lambda: NOW)  # type: ignore[arg-type]
    service.submit_cell([], "1", origin=ORIGIN)
    assert (queue.specs[0].parent_run_id, queue.specs[0].experiment) == ("r" * 26, "vision")


def test_a_replayed_cell_submits_nothing(queue: RememberingQueue, settings: Settings) -> None:
    tracker = SimpleNamespace(active_or_none=lambda: None, replaying=True)
    service = SubmissionService(queue, settings, tracker=tracker)  # type: ignore[arg-type]
    with pytest.raises(Conflict, match="never submits itself again"):
        service.submit_cell([], "1", origin=ORIGIN)
    assert queue.submitted == []


def test_a_job_waits_for_those_it_comes_after(service: SubmissionService, queue: RememberingQueue) -> None:
    first = service.submit_cell([], "1", origin=ORIGIN).jobs[0].id
    service.submit_cell([], "2", origin=ORIGIN, request=Request(after=(first[-6:],)))
    assert queue.specs[1].after == [first]


def test_what_is_left_out_is_told(service: SubmissionService) -> None:
    history = [*cells("x = 1"), ExecutedCell(number=2, source="1 / 0", ok=False)]
    told = service.submit_cell(history, "x", origin=ORIGIN).told
    assert told.left_out == ["cell 2 (1 / 0): it raised"]
    assert told.lines() == ["The job takes 1 of the 2 executed cells: 1."]
    whole = service.submit_cell(history, "x", origin=ORIGIN, request=Request(whole=True)).told
    assert whole.lines(whole=True) == ["Left out of the job: cell 2 (1 / 0): it raised."]


@pytest.mark.parametrize(
    ("request_", "error", "said"),
    [
        ({"params": {"lrr": 1}}, ParameterError, "Did you mean 'lr'?"),
        ({"params": {"lr": "fast"}}, ParameterError, "of type float"),
        ({"params": {"lr": [0.1, "fast"]}}, ParameterError, "of type float"),
        ({"executors": ("local", "moon")}, InvalidInput, "No executor 'moon'"),
        ({"executor": "moon"}, InvalidInput, "No executor 'moon'"),
        ({"resources": Resources(gpus=-1)}, InvalidInput, "gpus must be a number of GPUs"),
        ({"resources": Resources(cpus=0)}, InvalidInput, "cpus must be at least 1"),
        ({"retries": -1}, InvalidInput, "retries must be at least 0"),
        ({"after": ["zzzzzz"]}, NotFound, "No job 'zzzzzz'"),
        ({"params": {"lr": [0.1] * 2000}}, InvalidInput, "2000 jobs; the limit is 1000"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_queued(
    service: SubmissionService,
    queue: RememberingQueue,
    request_: dict[str, Any],
    error: type[MlopsError],
    said: str,
) -> None:
    with pytest.raises(error) as refused:
        service.submit_cell(cells("lr = 0.05"), "train(lr)", origin=ORIGIN, request=Request(**request_))
    assert said in refused.value.message
    assert queue.submitted == []


@pytest.mark.parametrize(("given", "noted"), [("lr=0.1,0.2", True), ("lr=0.1", False)])
def test_jobs_that_write_the_same_file_at_the_same_time_are_told_of(
    service: SubmissionService, given: str, noted: bool
) -> None:
    history = cells("import pandas as pd\nlr = 0.05", "pd.DataFrame({'x': [lr]}).to_csv('shared.csv')")
    request = Request(params=parse_parameters([given]))
    found = service.submit_cell(history, "pd.read_csv('shared.csv'), lr", origin=ORIGIN, request=request)
    assert any("Each of the jobs writes shared.csv" in note for note in found.told.notes) is noted


def test_a_refused_cell_queues_nothing(service: SubmissionService, queue: RememberingQueue) -> None:
    with pytest.raises(PromotionRefused):
        service.submit_cell([ExecutedCell(number=1, source="x = 1; 1 / 0", ok=False)], "x", origin=ORIGIN)
    assert queue.submitted == []


def test_a_dry_run_shows_the_notebook_and_queues_nothing(
    service: SubmissionService, queue: RememberingQueue
) -> None:
    shown = service.dry_run_cell(
        cells("lr = 1", "n = 2"), "train(lr)", origin=ORIGIN, request=Request(params={"lr": [2, 3]})
    )
    assert "".join(shown.notebook["cells"][1]["source"]) == "# Parameters\nlr = 2"
    assert (shown.jobs, shown.told.taken) == (2, "The job takes 1 of the 2 executed cells: 1.")
    assert shown.text.splitlines()[-4:] == [
        "# left out:",
        "#   cell 2 (n = 2): nothing that it sets or changes is used",
        "",
        "# It would be 2 jobs; this is the first one.",
    ]
    assert queue.submitted == []


def test_files_travel_where_the_executor_does_not_see_them(
    queue: RememberingQueue, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("answer = 42")
    (tmp_path / "data.csv").write_text("a,b")
    (tmp_path / "more.txt").write_text("more")
    origin = replace(ORIGIN, cwd=str(tmp_path), python_path=[])
    apart = SubmissionService(queue, settings, tracker=None, shares_files=lambda executor: False)
    request = Request(include=("more.txt",), exclude=("data.csv",))
    source = "from mine import answer\nopen('data.csv').read()"
    apart.submit_cell([], source, origin=origin, request=request)
    assert [path.name for path, _ in queue.files[0].files] == ["mine.py", "more.txt"]
    together = SubmissionService(queue, settings, tracker=None)
    told = together.submit_cell([], source, origin=origin, request=request).told
    assert queue.files[1] is None
    assert told.notes == [
        "--include and --exclude: nothing has to travel, local jobs see the files themselves."
    ]


def test_a_file_that_an_earlier_job_may_make_is_not_missed(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    origin = replace(ORIGIN, cwd=str(tmp_path))
    first = service.submit_cell([], "1", origin=origin).jobs[0].id
    with pytest.raises(NotFound, match="reads a file that is not there"):
        service.submit_cell([], "open('made.csv')", origin=origin)
    found = service.submit_cell([], "open('made.csv')", origin=origin, request=Request(after=(first,)))
    assert len(found.told.notes) == 1


def test_nothing_can_be_carried_without_a_kernel(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "df")
    with pytest.raises(InvalidInput, match="there is none here"):
        service.submit_notebook(path, origin=ORIGIN, request=Request(carry=("df",)))
    assert queue.submitted == []


def test_what_is_told_is_told_before_anything_is_queued(
    service: SubmissionService, queue: RememberingQueue
) -> None:
    told: list[tuple[str, int]] = []
    service.submit_cell(
        cells("x = 1"), "x", origin=ORIGIN, tell=lambda each: told.append((each.taken, len(queue.submitted)))
    )
    assert told == [("The job takes 1 of the 1 executed cells: 1.", 0)]


def test_a_search_needs_a_workspace_with_sweeps(service: SubmissionService) -> None:
    search = Search(trials=3, goal=Goal(metric="a", direction="maximize"))
    params = parse_parameters(["lr=uniform(0,1)"])
    with pytest.raises(Unsupported, match="need a workspace with sweeps"):
        service.submit_cell(
            cells("lr = 1"), "lr", origin=ORIGIN, request=Request(params=params, search=search)
        )


# notebooks


def test_a_notebook_is_submitted_with_its_parameters(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "print(lr)", parameters="lr = 0.05\nlayers = [64]")
    service.submit_notebook(path, origin=ORIGIN, request=Request(params={"lr": 1, "layers": [32, 16]}))
    ((spec, _, _),) = queue.submitted
    assert (spec.name, spec.notebook, spec.promoted) == ("train", str(path), False)
    assert spec.params == {"lr": 1.0, "layers": [32, 16]}
    assert queue.sources() == [
        "lr = 0.05\nlayers = [64]",
        "# Parameters\nlr = 1.0\nlayers = [32, 16]",
        "print(lr)",
    ]


def test_a_list_sweeps_a_scalar_parameter(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "lr", parameters="lr = 0.05")
    service.submit_notebook(path, origin=ORIGIN, request=Request(params={"lr": [0.1, 0.2]}))
    assert [spec.params for spec in queue.specs] == [{"lr": 0.1}, {"lr": 0.2}]


def test_without_a_parameters_cell_the_literals_are_the_parameters(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "lr = 0.05", "print(lr)")
    service.submit_notebook(path, origin=ORIGIN, request=Request(params={"lr": 0.1}))
    assert queue.sources()[1:] == ["# Parameters\nlr = 0.1", "", "print(lr)"]


def test_earlier_injected_parameters_are_replaced(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "lr = 0.7", "lr", parameters="lr = 0.05")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = ["injected-parameters"]
    nbformat.write(notebook, path)
    service.submit_notebook(path, origin=ORIGIN, request=Request(params={"lr": 0.1}))
    assert queue.sources() == ["lr = 0.05", "# Parameters\nlr = 0.1", "lr"]


@pytest.mark.parametrize(
    ("sources", "params", "error", "said"),
    [
        (["lr"], {"lrr": 1}, ParameterError, "No parameter 'lrr' in the parameters cell of train.ipynb."),
        (["lr"], {"lr": "fast"}, ParameterError, "of type float"),
        (["lr = 0.3"], {"lr": 1}, ParameterError, "cell 2 assigns it again"),
        (["for"], {}, InvalidInput, "Cell 2 of the notebook does not parse"),
    ],
)
def test_a_notebook_that_cannot_run_as_asked_is_refused(
    service: SubmissionService,
    queue: RememberingQueue,
    tmp_path: Path,
    sources: list[str],
    params: dict[str, Any],
    error: type[MlopsError],
    said: str,
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", *sources, parameters="lr = 0.05")
    with pytest.raises(error) as refused:
        service.submit_notebook(path, origin=ORIGIN, request=Request(params=params))
    assert said in refused.value.message
    assert queue.submitted == []


def test_a_missing_or_broken_or_empty_notebook_is_refused(service: SubmissionService, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        service.submit_notebook(tmp_path / "none.ipynb", origin=ORIGIN)
    with pytest.raises(NotFound, match="is a folder"):
        service.submit_notebook(tmp_path, origin=ORIGIN)
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(InvalidInput, match="no notebook"):
        service.submit_notebook(tmp_path / "broken.ipynb", origin=ORIGIN)
    with pytest.raises(InvalidInput, match="no code to run"):
        service.submit_notebook(notebook_at(tmp_path / "empty.ipynb"), origin=ORIGIN)


def test_a_cell_with_a_bash_body_or_an_expected_error_is_no_obstacle(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "%%bash\nfor f in *; do echo $f; done", "!ls | wc", "1 / ")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[2].metadata["tags"] = ["raises-exception"]
    nbformat.write(notebook, path)
    service.submit_notebook(path, origin=ORIGIN)
    assert len(queue.submitted) == 1


def kernelspec(folder: Path, name: str, *argv: str, language: str = "python") -> None:
    (folder / "kernels" / name).mkdir(parents=True)
    spec = {"argv": list(argv), "display_name": name, "language": language}
    (folder / "kernels" / name / "kernel.json").write_text(json.dumps(spec))


def kernel_metadata(name: str, language: str = "python") -> dict[str, Any]:
    return {"kernelspec": {"name": name, "display_name": name, "language": language}}


def test_a_notebook_keeps_its_kernel_where_that_is_another_environments(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(
        tmp_path, "torch", "/envs/torch/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"
    )
    kernelspec(tmp_path, "mine", sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}")
    kernelspec(tmp_path, "ir", "/usr/bin/R", "{connection_file}", language="R")
    for name in ("torch", "mine", "gone", "python3"):
        service.submit_notebook(
            notebook_at(tmp_path / f"{name}.ipynb", "1", **kernel_metadata(name)), origin=ORIGIN
        )
    service.submit_notebook(
        notebook_at(tmp_path / "r.ipynb", "x", parameters="x <- 1", **kernel_metadata("ir", "R")),
        origin=ORIGIN,
        request=Request(params={"x": 2}),
    )
    own = ("python3", launcher(sys.executable))
    assert [(spec.kernel_name, spec.kernel_argv) for spec in queue.specs] == [
        ("torch", None),
        own,
        own,
        own,
        ("ir", None),
    ]
    assert queue.sources(4)[1] == "# Parameters\nx = 2\n"


def another_interpreter(folder: Path, *, has_this_package: bool) -> Path:
    """A program that stands for the Python of another environment."""
    (folder / "bin").mkdir(parents=True)
    program = folder / "bin" / "python"
    program.write_text(f"#!/bin/sh\nexit {0 if has_this_package else 1}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("has_this_package", [True, False])
def test_a_python3_that_is_another_environments_runs_the_notebook(
    service: SubmissionService,
    queue: RememberingQueue,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_this_package: bool,
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    program = another_interpreter(tmp_path / "env", has_this_package=has_this_package)
    command = [str(program), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernelspec(tmp_path, "python3", *command)
    service.submit_notebook(
        notebook_at(tmp_path / "a.ipynb", "1", **kernel_metadata("python3")), origin=ORIGIN
    )
    (spec,) = queue.specs
    theirs = (str(program), "python3", command)
    ours = (sys.executable, "python3", None)  # the worker finds the kernelspec by its name
    assert (spec.interpreter, spec.kernel_name, spec.kernel_argv) == (theirs if has_this_package else ours)


def test_a_python3_whose_interpreter_is_gone_is_replaced(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    kernelspec(tmp_path, "python3", "/gone/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}")
    service.submit_notebook(
        notebook_at(tmp_path / "a.ipynb", "1", **kernel_metadata("python3")), origin=ORIGIN
    )
    assert queue.specs[0].kernel_argv == launcher(sys.executable)


def test_json_that_is_no_notebook_is_said_to_be_none(service: SubmissionService, tmp_path: Path) -> None:
    (tmp_path / "data.ipynb").write_text('{"cells": 3}')
    with pytest.raises(InvalidInput, match="its JSON does not have the form of a notebook"):
        service.submit_notebook(tmp_path / "data.ipynb", origin=ORIGIN)


def test_a_cell_that_installs_without_a_percent_sign_is_no_obstacle(
    service: SubmissionService, queue: RememberingQueue, tmp_path: Path
) -> None:
    service.submit_notebook(notebook_at(tmp_path / "a.ipynb", "pip install rich", "1"), origin=ORIGIN)
    assert queue.sources() == ["pip install rich", "1"]


def test_a_kernel_of_another_language_that_is_not_installed_is_refused(
    service: SubmissionService, tmp_path: Path
) -> None:
    path = notebook_at(tmp_path / "r.ipynb", "x <- 1", **kernel_metadata("no-such-ir", "R"))
    with pytest.raises(NotFound, match="'no-such-ir' is not installed"):
        service.submit_notebook(path, origin=ORIGIN)


# origin


def test_the_origin_is_the_calling_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GREETING", "hello")
    monkeypatch.setenv(RUN, "r" * 26)
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    monkeypatch.delenv(JOB, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "mine"))
    origin = Origin.here(notebook="a.ipynb")
    assert (origin.interpreter, origin.cwd, origin.notebook) == (sys.executable, str(tmp_path), "a.ipynb")
    assert origin.environment["GREETING"] == "hello"
    assert not {RUN, "JPY_PARENT_PID"} & set(origin.environment)
    assert origin.python_path[0] == str(tmp_path / "mine")
    assert "hello" not in repr(origin)


def test_what_every_interpreter_has_in_its_path_is_not_carried() -> None:
    assert not [path for path in added_paths() if path.startswith(os.path.join(sys.base_prefix, "lib"))]


def test_a_job_does_not_submit_the_notebook_that_it_runs(
    service: SubmissionService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = notebook_at(tmp_path / "train.ipynb", "1")
    monkeypatch.setenv(JOB, "j" * 26)
    monkeypatch.setenv(NOTEBOOK, str(path))
    with pytest.raises(Conflict, match="does not submit itself again"):
        service.submit_notebook(path, origin=Origin.here())
