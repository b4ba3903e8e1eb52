"""Jobs on a real Slurm, from submission to their end, with nothing faked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.entities import Cause, JobStatus, RunStatus
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.workspace import use
from tests.integration.jobs.conftest import Place, notebook_of
from tests.slurm import Cluster, cluster
from tests.waiting import wait_until

SPARE = {"partition": "spare", "nodelist": "n2"}
OUTPUTS = "jupyter-mlops-slurm-*"
SLEEP = "import time; print('ready', flush=True); time.sleep(600)"


@pytest.fixture(scope="module")
def running_cluster() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def slurm(running_cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    monkeypatch.setenv("SLURM_CONF", str(running_cluster.configuration))
    monkeypatch.setenv("JUPYTER_MLOPS_SLURM_POLL_S", "1")
    yield running_cluster
    running_cluster.clear()


def test_job_runs_on_a_node_with_its_gpu_and_its_environment(slurm, place):
    job = place.submit(
        "import json, os\n"
        "names = ['CUDA_VISIBLE_DEVICES', 'TOKEN', 'SLURMD_NODENAME', 'JUPYTER_MLOPS_JOB']\n"
        "print('FACTS', json.dumps([*(os.environ.get(n) for n in names), os.getcwd()]))",
        executor="slurm",
        gpus=1,
        environment={"TOKEN": "of-the-kernel", "CUDA_VISIBLE_DEVICES": "7"},
    )
    ended = place.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.SUCCEEDED, ""), place.story(job)
    facts = json.loads(place.jobs.log(job.id).text.split("FACTS ")[1].splitlines()[0])
    assert facts == ["0", "of-the-kernel", facts[2], job.id, str(place.folder)]
    assert facts[2] in ("n1", "n2")
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.FINISHED


def test_failing_cell_fails_the_job(slurm, place):
    ended = place.wait(place.submit("1 / 0", executor="slurm"))
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.ERROR), place.story(ended)
    assert "ZeroDivisionError" in ended.reason


def test_job_that_waits_in_the_queue_says_why_and_runs_when_there_is_room(slurm, place):
    blocker = slurm.submit("--gres=gpu:2", "--nodes=2")
    job = place.submit("print('went')", executor="slurm", gpus=1)
    wait_until(lambda: "waits for free resources (Resources)" in place.jobs.get(job.id).reason)
    waiting = place.jobs.get(job.id)
    assert (waiting.status, waiting.handed_over) == (JobStatus.QUEUED, True)
    slurm.ask("scancel", blocker)
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)


def test_job_cancelled_in_the_queue_leaves_the_queue(slurm, place):
    slurm.submit("--gres=gpu:2", "--nodes=2")
    job = place.submit("print('never')", executor="slurm", gpus=1)
    (number,) = wait_until(lambda: _numbers(slurm, job))
    place.jobs.cancel(job.id)
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.CANCELLED, Cause.USER), place.story(job)
    assert slurm.states()[number] == "CANCELLED"
    assert place.jobs.log(job.id).text == ""


def test_cancelled_job_is_interrupted_and_ends_by_itself(slurm, place):
    job = place.submit(SLEEP, executor="slurm")
    place.wait_for_log(job, "ready")
    place.jobs.cancel(job.id)
    ended = place.wait(job)
    assert (ended.status, ended.cause, ended.reason) == (JobStatus.CANCELLED, Cause.USER, "cancelled"), (
        place.story(job)
    )
    assert "KeyboardInterrupt" in place.jobs.output_notebook(job.id).read_text()
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.CANCELLED


def test_job_that_somebody_cancelled_in_slurm_is_cancelled(slurm, place):
    job = place.submit(SLEEP, executor="slurm", retries=2)
    place.wait_for_log(job, "ready")
    slurm.ask("scancel", *_numbers(slurm, job))
    ended = place.wait(job)
    assert (ended.status, ended.cause, ended.attempt) == (JobStatus.CANCELLED, Cause.USER, 1), place.story(
        job
    )
    assert "was cancelled in Slurm" in ended.reason
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.CANCELLED


def test_job_that_somebody_cancelled_in_slurms_queue_is_cancelled(slurm, place):
    slurm.submit("--gres=gpu:2", "--nodes=2")
    job = place.submit("print('never')", executor="slurm", gpus=1)
    slurm.ask("scancel", *wait_until(lambda: _numbers(slurm, job)))
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.CANCELLED, Cause.USER), place.story(job)
    assert "was cancelled in Slurm" in ended.reason


def test_job_of_a_lost_node_fails_and_is_retried_where_that_was_asked_for(slurm, place):
    once = place.submit(SLEEP, executor="slurm", gpus=2)
    place.wait_for_log(once, "ready")
    again = place.submit(
        "from pathlib import Path\n"
        "import time\n"
        "print('ready', flush=True)\n"
        "while not Path('go').exists(): time.sleep(0.05)",
        executor="slurm",
        options={"slurm": {"nodelist": _node_of(slurm, once)}},
        retries=1,
        retry_on=[Cause.NODE],
    )
    place.wait_for_log(again, "ready")
    node = _node_of(slurm, once)
    slurm.cut_power(node)
    ended = place.wait(once)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE), place.story(once)
    assert ended.reason.startswith("the node that it ran on was lost")
    assert node in ended.reason
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.FAILED
    wait_until(lambda: place.jobs.get(again.id).attempt == 2, message=lambda: place.story(again))
    slurm.start_node(node)
    (place.folder / "go").touch()
    ended = place.wait(again)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCEEDED, 2), place.story(again)
    assert len([name for name in _names(slurm).values() if again.id in name]) == 2


def test_preempted_job_says_so_and_its_run_has_failed(slurm, place):
    job = place.submit(SLEEP, executor="slurm", gpus=2, options={"slurm": SPARE})
    place.wait_for_log(job, "ready")
    slurm.submit("--partition=main", "--gres=gpu:2", "--nodelist=n2")
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE), place.story(job)
    assert "preempted" in ended.reason
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.FAILED


def test_job_that_slurm_was_made_to_requeue_does_not_run_twice(slurm, place):
    job = place.submit(SLEEP, executor="slurm")
    place.wait_for_log(job, "ready")
    (number,) = _numbers(slurm, job)
    slurm.ask("scontrol", "update", f"jobid={number}", "Requeue=1")
    slurm.ask("scontrol", "requeue", number)
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE), place.story(job)
    assert place.jobs.log(job.id).text.count("ready") == 1
    wait_until(lambda: slurm.states()[number] == "CANCELLED")


def test_killed_worker_fails_the_job_with_its_signal(slurm, place):
    job = place.submit(SLEEP, executor="slurm")
    place.wait_for_log(job, "ready")
    slurm.ask("scancel", "--signal=KILL", "--batch", *_numbers(slurm, job))
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.KILLED), place.story(job)
    assert "its worker was killed by SIGKILL" in ended.reason
    assert place.workspace.runs.get(ended.run_id).status is RunStatus.FAILED


def test_worker_ends_its_notebook_at_the_time_limit_before_slurm_does(slurm, place):
    job = place.submit(SLEEP, executor="slurm", time_limit_s=2)
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.TIME), place.story(job)
    assert ended.reason == "exceeded its time limit of 2 s"


def test_job_over_the_memory_that_slurm_gives_it_is_out_of_memory(slurm, place):
    job = place.submit(
        "x = b'a' * 1_500_000_000\nimport time; time.sleep(600)",
        executor="slurm",
        options={"slurm": {"mem": "600M"}},
    )
    ended = place.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.MEMORY), place.story(job)
    assert "out of memory" in ended.reason


def test_notebook_and_grid_are_submitted_to_slurm_as_anywhere(slurm, place):
    path = place.folder / "train.ipynb"
    cells = ["lr = 0.1", "import jupyter_mlops as mlops\nmlops.log(loss=2 * lr)\nresult = 2 * lr"]
    notebook = nbformat.reads(notebook_of(*cells).decode(), as_version=4)
    notebook.cells[0].metadata["tags"] = ["parameters"]
    nbformat.write(notebook, path)
    use(place.workspace)
    try:
        job = mlops.submit(path, params={"lr": 0.5}, on="slurm", gpus=1, returns="result")
        place.submitted.append(place.jobs.get(job.id))
        sweep = mlops.submit(path, params={"lr": [1.0, 2.0, 3.0]}, on="slurm")
        trials = place.jobs.search(sweep_id=sweep.id)
        place.submitted += trials
        job.wait(timeout=60)
        assert job.namespace("result") == 1.0
        ended = place.jobs.wait([each.id for each in trials], timeout_s=120)
    finally:
        use(None)
    assert [each.status for each in ended] == [JobStatus.SUCCEEDED] * 3, place.story(trials[0])
    runs = place.workspace.runs.search("kind = 'job'").runs
    assert sorted(run.metrics["loss"].last for run in runs) == [1.0, 2.0, 4.0, 6.0]
    receipts = [json.loads((place.attempt(each).path / "executor.json").read_text()) for each in trials]
    assert sorted(each["task"] for each in receipts) == [0, 1, 2]
    assert len({each["name"] for each in receipts}) == 1


def test_slurm_takes_what_this_machine_has_no_room_for(slurm, place):
    blocker = place.submit(SLEEP, gpus=2)
    place.wait_for_log(blocker, "ready")
    job = place.submit("print('went')", executor="local", executors=["local", "slurm"], gpus=1)
    ended = place.wait(job)
    assert (ended.status, ended.executor) == (JobStatus.SUCCEEDED, "slurm"), place.story(job)
    assert "it could start there at once (local: waits for 1 GPU" in ended.choice
    place.jobs.cancel(blocker.id)
    place.wait(blocker)


def test_jobs_go_on_when_agent_and_controller_are_killed_and_come_back(slurm, place):
    running = place.submit(
        "from pathlib import Path\n"
        "import time\n"
        "print('ready', flush=True)\n"
        "while not Path('go').exists(): time.sleep(0.05)",
        executor="slurm",
    )
    place.wait_for_log(running, "ready")
    slurm.kill_controller()
    place.kill_agent()
    late = place.submit("print('late')", executor="slurm")
    wait_until(lambda: "Slurm does not answer" in place.jobs.get(late.id).reason)
    assert place.jobs.get(running.id).status is JobStatus.RUNNING
    (place.folder / "go").touch()
    assert place.wait(running).status is JobStatus.SUCCEEDED, place.story(running)
    slurm.start_controller()
    assert place.wait(late).status is JobStatus.SUCCEEDED, place.story(late)
    assert len([name for name in _names(slurm).values() if late.id in name]) == 1


@pytest.fixture
def far(slurm: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request) -> Place:
    """A home whose jobs go by way of a folder behind a URL."""
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING", f"file://{tmp_path}/staging")
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING_S", "0.3")
    return request.getfixturevalue("place")


def test_job_on_nodes_without_this_file_system_runs_and_is_seen_live(slurm, far):
    job = far.submit(
        "import os, time\n"
        "print('ready', repr(os.environ['CUDA_VISIBLE_DEVICES']), os.environ['TOKEN'], flush=True)\n"
        "while not os.path.exists(os.environ['GO']): time.sleep(0.05)",
        executor="slurm",
        environment={"TOKEN": "of-the-kernel", "CUDA_VISIBLE_DEVICES": "7", "GO": str(far.folder / "go")},
    )
    assert "ready '' of-the-kernel" in far.wait_for_log(job, "ready")
    assert far.jobs.get(job.id).status is JobStatus.RUNNING
    (far.folder / "go").touch()
    ended = far.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, far.story(job)
    assert far.workspace.runs.get(ended.run_id).status is RunStatus.FINISHED


def test_job_on_nodes_without_this_file_system_is_cancelled_and_preempted(slurm, far):
    before = set(Path("/tmp").glob(OUTPUTS))
    cancelled = far.submit(SLEEP, executor="slurm", options={"slurm": {"nodelist": "n1"}})
    preempted = far.submit(SLEEP, executor="slurm", gpus=2, options={"slurm": SPARE})
    far.wait_for_log(cancelled, "ready")
    far.wait_for_log(preempted, "ready")
    assert set(Path("/tmp").glob(OUTPUTS)) <= before
    far.jobs.cancel(cancelled.id)
    slurm.submit("--partition=main", "--gres=gpu:2", "--nodelist=n2")
    ended = far.wait(cancelled)
    assert (ended.status, ended.cause) == (JobStatus.CANCELLED, Cause.USER), far.story(cancelled)
    ended = far.wait(preempted)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE), far.story(preempted)
    assert "preempted" in ended.reason


def test_what_can_never_run_is_refused_with_what_there_is(slurm, place):
    with pytest.raises(
        InvalidInput,
        match=r"wants 3 GPUs, 1 CPU core.*2 in partition main of 4 CPU cores, 7.8 GiB and 2 GPUs",
    ):
        place.submit("1", executor="slurm", gpus=3)
    with pytest.raises(InvalidInput, match="Did you mean --slurm-partition"):
        place.submit("1", executor="slurm", options={"slurm": {"partion": "main"}})


def _names(slurm: Cluster) -> dict[str, str]:
    """The name of each job, by Slurm's number."""
    lines = slurm.ask("squeue", "--noheader", "--array", "--states=all", "--format=%i %j").splitlines()
    return dict(line.split() for line in lines)


def _numbers(slurm: Cluster, job) -> list[str]:
    return [number for number, name in _names(slurm).items() if job.id in name]


def _node_of(slurm: Cluster, job) -> str:
    (number,) = _numbers(slurm, job)
    return slurm.ask("squeue", "--noheader", f"--jobs={number}", "--format=%N")
