"""A real Ray: the contract of clusters, jobs handed over by the real agent, and what is killed there.

All in one file, so that a test run has one Ray, however many processes it has.
"""

from __future__ import annotations

import os
import signal
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Cause, Job, JobStatus, RunStatus
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.executors.process import processes_of
from jupyter_mlops.executors.ray import RayExecutor
from jupyter_mlops.testing.clusters import ClusterContract, Eventually
from jupyter_mlops.workspace import use
from tests.integration.jobs.conftest import Place, notebook_of
from tests.ray_cluster import RayCluster, ray_cluster
from tests.waiting import wait_until

LONG_S = 120.0
SPEAK_AND_WAIT = """
import os, time
print('devices', repr(os.environ['CUDA_VISIBLE_DEVICES']), flush=True)
print('secret', os.environ.get('MY_SECRET'), 'flavour', os.environ.get('FLAVOUR'), flush=True)
while not os.path.exists('go'):
    time.sleep(0.05)
"""
LOG_AND_WAIT = """
import time
import jupyter_mlops as mlops
mlops.log(loss=0.25)
print('ready', flush=True)
time.sleep(600)
"""

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def ray() -> Iterator[RayCluster]:
    with ray_cluster() as cluster:
        yield cluster


@pytest.fixture
def here(ray: RayCluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Place:
    """The place, once it knows of Ray."""
    monkeypatch.setenv("RAY_ADDRESS", ray.address)
    monkeypatch.setenv("RAY_AUTH_TOKEN", ray.token)
    place: Place = request.getfixturevalue("place")
    return place


class TestRayExecutor(ClusterContract):
    @pytest.fixture
    def another(
        self, ray: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[], RayExecutor]:
        monkeypatch.setenv("RAY_AUTH_TOKEN", ray.token)
        settings = load_settings({"home": tmp_path, "ray_address": ray.address}, environ={})
        return lambda: RayExecutor(settings)

    @pytest.fixture
    def cluster(self, another: Callable[[], RayExecutor]) -> RayExecutor:
        return another()

    @pytest.fixture
    def eventually(self) -> Eventually:
        def wait(predicate: Callable[[], object]) -> object:
            return wait_until(predicate, timeout_s=LONG_S, message=f"never: {predicate}")

        return wait


def ended(here: Place, job: Job) -> Job:
    (job,) = here.jobs.wait([job.id], timeout_s=LONG_S)
    return job


def wait_for_reason(here: Place, job: Job, words: str) -> str:
    """Its reason, once that holds these words and it waits in Ray's queue."""

    def reason() -> str:
        now = here.jobs.get(job.id)
        return now.reason if now.handed_over and words in now.reason else ""

    return wait_until(reason, timeout_s=LONG_S, message=lambda: here.story(job))


def test_notebook_is_submitted_to_ray_and_its_run_is_read_here(here: Place) -> None:
    notebook = nbformat.reads(
        notebook_of(
            "lr = 0.1",
            "import jupyter_mlops as mlops\nmlops.log(loss=lr * 2)\nprint('trained', lr)\nresult = lr * 3",
        ).decode(),
        as_version=4,
    )
    notebook.cells[0].metadata["tags"] = ["parameters"]
    path = here.folder / "train.ipynb"
    nbformat.write(notebook, path)
    use(here.workspace)
    try:
        job = mlops.submit(path, params={"lr": 0.5}, on="ray", gpus=1, returns="result")
        here.submitted.append(here.jobs.get(job.id))
        job.wait(timeout=LONG_S)
        assert "trained 0.5" in job.logs()
        assert job.namespace("result") == 1.5
    finally:
        use(None)
    found = here.jobs.get(job.id)
    assert (found.executor, found.status, found.cause) == ("ray", JobStatus.SUCCEEDED, None)
    assert len(found.gpus) == 1
    run = here.workspace.runs.get(found.run_id)
    assert (run.status, run.metrics["loss"].last) == (RunStatus.FINISHED, 1.0)


def test_job_has_the_environment_that_it_was_submitted_with_and_ray_shows_nothing_of_it(
    here: Place, ray: RayCluster
) -> None:
    job = here.submit(
        SPEAK_AND_WAIT,
        executor="ray",
        environment={"MY_SECRET": "hidden-from-ray"},
        options={"ray": {"env": "FLAVOUR=sour", "num-cpus": "0.5"}},
    )
    here.wait_for_log(job, "secret hidden-from-ray flavour sour")
    assert "devices ''" in here.jobs.log(job.id).text
    assert "hidden-from-ray" not in ray.ask("/api/jobs/") + ray.ask("/api/v0/actors?detail=1")
    assert job.id in ray.ask("/api/jobs/")
    (here.folder / "go").touch()
    assert ended(here, job).status is JobStatus.SUCCEEDED, here.story(job)


def test_two_halves_of_a_gpu_run_beside_each_other(here: Place) -> None:
    jobs = [here.submit(SPEAK_AND_WAIT, executor="ray", gpus=0.5) for _ in range(2)]
    for job in jobs:
        here.wait_for_log(job, "devices '")
    assert [here.jobs.get(job.id).gpus for job in jobs] == [["0"], ["0"]]
    (here.folder / "go").touch()
    assert [ended(here, job).status for job in jobs] == [JobStatus.SUCCEEDED] * 2


def test_waiting_jobs_outlive_the_agent_and_one_is_cancelled(here: Place) -> None:
    first, second, third = (here.submit(SPEAK_AND_WAIT, executor="ray", gpus=2) for _ in range(3))
    here.wait_for_log(first, "devices")
    for job in (second, third):
        assert wait_for_reason(here, job, "waits on Ray").startswith("waits on Ray for 1 CPU core and 2 GPUs")
    here.kill_agent()
    here.jobs.cancel(second.id)
    cancelled = ended(here, second)
    assert (cancelled.status, cancelled.started_at) == (JobStatus.CANCELLED, None), here.story(second)
    (here.folder / "go").touch()
    assert ended(here, first).status is JobStatus.SUCCEEDED, here.story(first)
    found = ended(here, third)
    assert (found.status, found.attempt) == (JobStatus.SUCCEEDED, 1), here.story(third)
    assert here.attempt(second).started() is None


def test_job_whose_node_sees_no_file_of_ours_goes_through_a_remote_folder(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING", (tmp_path / "remote").as_uri())
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING_S", "0.5")
    (tmp_path / "remote").mkdir(mode=0o700)
    there = Place(here.folder)
    job = there.submit(
        "import jupyter_mlops as mlops\nmlops.log(loss=0.5)\nprint('staged', flush=True)", executor="ray"
    )
    here.submitted.append(job)
    assert not there.jobs.shares_files("ray")
    found = ended(there, job)
    assert found.status is JobStatus.SUCCEEDED, there.story(job)
    assert "staged" in there.jobs.log(job.id).text
    assert there.workspace.runs.get(found.run_id).metrics["loss"].last == 0.5


def test_cancelled_job_may_tidy_up_and_leaves_nothing(here: Place) -> None:
    job = here.submit(
        "import time\nprint('ready', flush=True)\n"
        "try:\n    time.sleep(600)\nfinally:\n    print('tidied up', flush=True)",
        executor="ray",
    )
    here.wait_for_log(job, "ready")
    here.jobs.cancel(job.id)
    cancelled = ended(here, job)
    assert (cancelled.status, cancelled.cause) == (JobStatus.CANCELLED, Cause.USER), here.story(job)
    assert "tidied up" in here.jobs.log(job.id).text
    assert here.workspace.runs.get(cancelled.run_id).status is RunStatus.CANCELLED
    wait_until(lambda: processes_of(job.id) == set())


def test_time_limit_holds_though_ray_knows_none(here: Place) -> None:
    job = here.submit("import time; time.sleep(600)", executor="ray", time_limit_s=1.0)
    failed = ended(here, job)
    assert (failed.status, failed.cause) == (JobStatus.FAILED, Cause.TIME), here.story(job)
    assert failed.reason == "exceeded its time limit of 1 s"


def test_killed_worker_fails_the_attempt_and_a_retry_runs(here: Place) -> None:
    job = here.submit(
        "import os, time\nif not os.path.exists('again'):\n"
        "    print('ready', flush=True)\n    time.sleep(600)\nprint('well')",
        executor="ray",
        retries=1,
    )
    here.wait_for_log(job, "ready")
    worker = here.worker(job)
    (here.folder / "again").touch()
    os.kill(worker.pid, signal.SIGKILL)
    after = ended(here, job)
    assert (after.status, after.attempt) == (JobStatus.SUCCEEDED, 2), here.story(job)


def test_nodes_own_python_runs_worker_and_kernel(here: Place, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    (packages,) = tmp_path.glob("venv/lib/python*/site-packages")
    here_too = [
        str(Path(mlops.__file__).parents[1]),
        *(each for each in sys.path if each.endswith("-packages")),
    ]
    (packages / "here.pth").write_text("\n".join(here_too))
    python = str(tmp_path / "venv" / "bin" / "python")
    job = here.submit(
        "import sys; print('with', sys.executable)", executor="ray", options={"ray": {"python": python}}
    )
    assert ended(here, job).status is JobStatus.SUCCEEDED, here.story(job)
    assert f"with {python}" in here.jobs.log(job.id).text


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"gpus": 3}, "a node of Ray at .* has at most 2 GPUs"),
        ({"options": {"ray": {"resources": "TPU=1"}}}, "has no TPU"),
        ({"options": {"ray": {"resorces": "TPU=1"}}}, "Did you mean --ray-resources"),
    ],
)
def test_what_can_never_run_is_refused_at_once(here: Place, wanted: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        here.submit("1", executor="ray", **wanted)


def test_lost_node_ends_the_attempt_saying_so(here: Place, ray: RayCluster) -> None:
    node = ray.join(resources='{"there": 1}')
    job = here.submit(LOG_AND_WAIT, executor="ray", options={"ray": {"resources": "there=1"}})
    here.wait_for_log(job, "ready")
    ray.kill(node)
    lost = ended(here, job)
    assert (lost.status, lost.cause) == (JobStatus.FAILED, Cause.NODE), here.story(job)
    assert processes_of(job.id) == set()
    run = here.workspace.runs.get(lost.run_id)
    assert (run.status, run.metrics["loss"].last) == (RunStatus.FAILED, 0.25)
    assert run.status_reason == lost.reason


def test_lost_head_ends_what_ran_and_what_waited_runs_on_the_next_one(here: Place, ray: RayCluster) -> None:
    running = here.submit(LOG_AND_WAIT, executor="ray", gpus=2)
    here.wait_for_log(running, "ready")
    waiting, unwanted = (here.submit("print('after all')", executor="ray", gpus=2) for _ in range(2))
    for job in (waiting, unwanted):
        wait_for_reason(here, job, "waits on Ray")
    ray.kill()
    lost = ended(here, running)
    assert (lost.status, lost.cause) == (JobStatus.FAILED, Cause.NODE), here.story(running)
    assert here.workspace.runs.get(lost.run_id).metrics["loss"].last == 0.25
    wait_for_reason(here, waiting, "does not answer")
    assert here.jobs.get(waiting.id).status is JobStatus.QUEUED
    here.jobs.cancel(unwanted.id)
    assert ended(here, unwanted).status is JobStatus.CANCELLED, here.story(unwanted)
    with pytest.raises(Unavailable, match="does not answer"):
        here.submit("print('never')", executor="ray")
    ray.start()
    found = ended(here, waiting)
    assert (found.status, found.attempt) == (JobStatus.SUCCEEDED, 1), here.story(waiting)
    assert here.attempt(unwanted).started() is None
