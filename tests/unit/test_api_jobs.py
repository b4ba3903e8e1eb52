"""What a job's handle does with what its notebook left."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.api.jobs import Job
from jupyter_mlops.capture.history import on_job_use
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Job as JobEntity
from jupyter_mlops.entities import JobStatus, Kept
from jupyter_mlops.errors import InvalidInput, NotFound, Untrusted
from jupyter_mlops.magics import result_file
from jupyter_mlops.magics.result_file import keep_result, keep_variables
from jupyter_mlops.services.jobs.folder import Attempt
from jupyter_mlops.testing.jobs import job_spec
from jupyter_mlops.workspace import use


class EndedJob:
    """The jobs of a workspace that holds one, which ada submitted and which succeeded."""

    def __init__(self, folder: Path) -> None:
        spec = job_spec(user="ada", promoted=True, returns=["model", "lock", "df"])
        self.entity = JobEntity(spec=spec, status=JobStatus.SUCCEEDED)
        self.attempt = Attempt(folder / "home" / "jobs" / "1")
        self.attempt.path.mkdir(parents=True)
        self.path = self.attempt.result
        self.here = True

    def wait(self, ids: Any, *, timeout_s: float | None = None) -> list[JobEntity]:
        return [self.entity]

    def get(self, job_id: str) -> JobEntity:
        return self.entity

    def cancel(self, job_id: str) -> JobEntity:
        return self.entity

    def is_here(self, job: JobEntity) -> bool:
        return self.here

    def last_attempt(self, job_id: str) -> Attempt:
        return self.attempt

    def output_notebook(self, job_id: str) -> Path:
        return self.attempt.output


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[EndedJob]:
    jobs = EndedJob(tmp_path)
    be("ada", jobs)
    yield jobs
    use(None)


def be(user: str, jobs: EndedJob, *, trusted: tuple[str, ...] = ()) -> None:
    settings = load_settings(
        {"home": jobs.path.parent, "user": user, "trusted_users": trusted or None}, environ={}
    )
    use(SimpleNamespace(jobs=jobs, settings=settings))  # type: ignore[arg-type]


def test_a_result_is_the_value_that_the_cell_left(jobs: EndedJob) -> None:
    jobs.path.write_bytes(cloudpickle.dumps({"accuracy": 0.9}))
    assert Job(jobs.entity).result == {"accuracy": 0.9}


def test_a_cell_without_a_value_left_no_result(jobs: EndedJob) -> None:
    with pytest.raises(NotFound, match="left no result: its cell had no last value"):
        _ = Job(jobs.entity).result


def test_a_value_that_could_not_be_kept_says_why(jobs: EndedJob) -> None:
    jobs.attempt.note_result(Kept(name="", kind="generator", problem="it is a generator"))
    with pytest.raises(NotFound, match=r"\(generator\) could not be kept: it is a generator\. Make another"):
        _ = Job(jobs.entity).result


def test_a_whole_notebook_has_no_result_of_its_own(jobs: EndedJob) -> None:
    jobs.entity = replace(jobs.entity, spec=replace(jobs.entity.spec, promoted=False))
    with pytest.raises(NotFound, match=r"ran a whole notebook.*--return NAME"):
        _ = Job(jobs.entity).result


def test_the_namespace_holds_what_was_asked_for(jobs: EndedJob) -> None:
    with pytest.raises(NotFound, match="did not keep 'model': its notebook ended before that"):
        Job(jobs.entity).namespace("model")
    lock = threading.Lock()
    keep_variables({"model": {"w": 1}, "lock": lock, "other": 1}, ["model", "lock", "df"], jobs.attempt)
    job = Job(jobs.entity)
    assert job.namespace() == ["model"]
    assert job.namespace("model") == {"w": 1}
    refused = {
        "lock": "did not keep 'lock': lock is a lock, and it guards the threads of this kernel.",
        "df": "did not keep 'df': there was no such variable when the notebook ended.",
        "modle": "did not keep 'modle'. Did you mean 'model'?",
        "zzz": "did not keep 'zzz': submit it with --return zzz. It kept: model.",
    }
    for name, said in refused.items():
        with pytest.raises(NotFound, match=re.escape(said)):
            job.namespace(name)
    jobs.attempt.returned_path(0).unlink()
    with pytest.raises(NotFound, match=r"'model' of job .* is gone"):
        job.namespace("model")


def test_another_users_variables_are_not_unpickled(jobs: EndedJob) -> None:
    keep_variables({"model": 1}, ["model"], jobs.attempt)
    be("eve", jobs)
    assert Job(jobs.entity).namespace() == ["model"]
    with pytest.raises(Untrusted, match="submitted by 'ada'"):
        Job(jobs.entity).namespace("model")


def test_a_last_value_is_kept_up_to_a_size_and_a_variable_of_any(
    jobs: EndedJob, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(result_file, "MAX_BYTES", 1000)
    monkeypatch.setenv("JUPYTER_MLOPS_ATTEMPT", str(jobs.attempt.path))
    keep_result(b"x" * 2000)
    with pytest.raises(NotFound, match=r"larger than 1000 B: --return NAME keeps a variable of any size"):
        _ = Job(jobs.entity).result
    assert "not kept for job.result: it is larger" in capsys.readouterr().err
    keep_result(b"x" * 500)
    assert Job(jobs.entity).result == b"x" * 500
    keep_variables({"model": b"x" * 2000}, ["model"], jobs.attempt)
    assert len(Job(jobs.entity).namespace("model")) == 2000
    assert not [each for each in jobs.attempt.path.rglob("*") if each.name.startswith(".")]


# ------------------------------------------------------------------ opening
def executed(jobs: EndedJob, *, failed: bool) -> None:
    first, second = new_code_cell("1"), new_code_cell("1 / 0", metadata={"mlops": {"role": "submitted"}})
    second.id = "cell-b"
    if failed:
        second.metadata["papermill"] = {"status": "failed"}
    jobs.attempt.path.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=[first, second]), jobs.attempt.output)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of a Jupyter server that started this kernel, for a notebook in its folder ``work``."""
    root, runtime = tmp_path / "root", tmp_path / "jupyter-runtime"
    (root / "work").mkdir(parents=True)
    runtime.mkdir()
    about = {"url": "http://localhost:8888/base/", "root_dir": str(root), "pid": os.getpid()}
    (runtime / f"jpserver-{os.getpid()}.json").write_text(json.dumps(about))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(runtime))
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    monkeypatch.setenv("JPY_SESSION_NAME", str(root / "work" / "train.ipynb"))
    return root


@pytest.fixture
def no_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)


def test_opening_links_to_the_failing_cell_of_a_copy_beside_the_notebook(jobs: EndedJob, lab: Path) -> None:
    executed(jobs, failed=True)
    opened = Job(jobs.entity).open()
    name = f"train-{jobs.entity.id[-6:]}.ipynb"
    assert opened.path == lab / "work" / name
    assert opened.path.read_bytes() == jobs.attempt.output.read_bytes()
    assert (opened.cell_index, opened.cell_id) == (1, "cell-b")
    assert opened.url == f"http://localhost:8888/base/lab/tree/work/{name}#cell-id=cell-b"
    assert repr(opened) == f"{opened.url} (cell 1, the submitted cell, which failed)"
    assert opened._repr_html_() == (
        f'Open <a href="{name}#cell-id=cell-b">{name}</a> at cell 1, the submitted cell, which failed'
    )


def test_a_copy_that_was_changed_is_kept(jobs: EndedJob, lab: Path) -> None:
    executed(jobs, failed=False)
    copy = Job(jobs.entity).open().path
    copy.write_text("mine")
    assert Job(jobs.entity).open().path.read_text() == "mine"


def test_a_notebook_that_the_server_shows_is_opened_where_it_lies(jobs: EndedJob, lab: Path) -> None:
    jobs.attempt = Attempt(lab / "mlops" / "jobs" / "1")
    executed(jobs, failed=False)
    opened = Job(jobs.entity).open()
    assert opened.path == jobs.attempt.output
    assert (opened.cell_index, opened.cell_id) == (None, None)
    assert opened._repr_html_() == 'Open <a href="../mlops/jobs/1/output.ipynb">output.ipynb</a>'
    assert list((lab / "work").iterdir()) == []


def test_nothing_is_copied_where_that_is_not_wanted(jobs: EndedJob, lab: Path) -> None:
    executed(jobs, failed=True)
    opened = Job(jobs.entity).open(copy=False)
    assert (opened.path, opened.url) == (jobs.attempt.output, None)
    assert list((lab / "work").iterdir()) == []
    assert opened._repr_html_() == f"Open {jobs.attempt.output} at cell 1, the submitted cell, which failed"


def test_without_a_server_it_is_a_path(jobs: EndedJob, no_lab: None) -> None:
    executed(jobs, failed=True)
    opened = Job(jobs.entity).open()
    assert os.fspath(opened) == str(jobs.attempt.output)
    assert repr(opened) == f"{jobs.attempt.output} (cell 1, the submitted cell, which failed)"


def test_another_users_result_is_not_unpickled_unless_that_user_is_trusted(jobs: EndedJob) -> None:
    jobs.path.write_bytes(cloudpickle.dumps(1))
    be("eve", jobs)
    with pytest.raises(Untrusted, match=r"submitted by 'ada'.*JUPYTER_MLOPS_TRUSTED_USERS"):
        _ = Job(jobs.entity).result
    be("eve", jobs, trusted=("ada",))
    assert Job(jobs.entity).result == 1


def test_a_result_from_another_home_is_not_ones_own_whatever_the_row_says(jobs: EndedJob) -> None:
    jobs.path.write_bytes(cloudpickle.dumps(1))
    jobs.here = False
    with pytest.raises(Untrusted, match=r"submitted by 'ada', from another home.*TRUSTED_USERS"):
        _ = Job(jobs.entity).result
    be("ada", jobs, trusted=("ada",))
    assert Job(jobs.entity).result == 1


def test_a_result_that_cannot_be_unpickled_names_the_job(jobs: EndedJob) -> None:
    jobs.path.write_bytes(b"no pickle")
    with pytest.raises(InvalidInput, match=f"The result of job {jobs.entity.id[-6:]} cannot be unpickled"):
        _ = Job(jobs.entity).result


def test_a_cell_that_cancels_a_job_uses_jobs(jobs: EndedJob) -> None:
    used: list[str] = []
    on_job_use.append(note := lambda: used.append("cancel"))
    try:
        Job(jobs.entity).cancel()
    finally:
        on_job_use.remove(note)
    assert used == ["cancel"]
