"""The Slurm executor keeps the contract of clusters, on a real Slurm; and what is Slurm's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Cause, Resources
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.executors.handover import withdraw
from jupyter_mlops.executors.slurm.executor import SlurmExecutor
from jupyter_mlops.protocols.jobs import Begun, Launch, Outlook, Presence, Sighting
from jupyter_mlops.testing.clusters import ClusterContract, Eventually
from jupyter_mlops.testing.jobs import job_spec
from tests.slurm import Cluster, cluster
from tests.slurm_desk import PATIENCE_S, Desk, executor_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def running_cluster() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def slurm(running_cluster: Cluster) -> Iterator[Cluster]:
    yield running_cluster
    running_cluster.clear()


@pytest.fixture
def eventually() -> Eventually:
    def wait(predicate: Callable[[], object]) -> object:
        return wait_until(predicate, timeout_s=PATIENCE_S, message=f"never: {predicate}")

    return wait


class TestSlurmExecutor(ClusterContract):
    @pytest.fixture
    def another(self, slurm: Cluster, tmp_path: Path) -> Callable[[], SlurmExecutor]:
        slurm.ask("scontrol", "update", "nodename=n2", "state=drain", "reason=two GPUs are enough")
        return lambda: executor_of(slurm, tmp_path)

    @pytest.fixture
    def cluster(self, another: Callable[[], SlurmExecutor]) -> SlurmExecutor:
        return another()


@pytest.fixture
def desk(slurm: Cluster, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(slurm, tmp_path)
    yield made
    made.go.touch()


def test_job_asks_slurm_for_what_was_asked_for(desk: Desk) -> None:
    begun = desk.start(
        resources=Resources(gpus=0.5, cpus=2, memory_bytes=700 * 1024**2, time_limit_s=600),
        priority=-5,
        options={"slurm": {"partition": "main", "comment": "of ada", "hold": ""}},
    )
    shown = desk.slurm.ask("scontrol", "show", "job", desk.number(begun))
    for each in (
        f"JobName=mlops-{begun.job_id}-1",
        "Partition=main",
        "Comment=of ada",
        "TresPerNode=gres:gpu:1",
        "CPUs/Task=2",
        "mem=700M",
        "TimeLimit=00:11:00",
        "Nice=5",
        "Requeue=0",
        "JobHeldUser",
    ):
        assert each in shown
    wait_until(lambda: "is held: scontrol release lets it go" in desk.see(begun).reason)


def test_defaults_of_the_person_who_submitted_hold(desk: Desk) -> None:
    begun = desk.start()
    assert "Partition=spare" in desk.slurm.ask("scontrol", "show", "job", desk.number(begun))


def test_job_that_is_to_be_alone_gets_a_node_of_its_own(desk: Desk) -> None:
    launch = replace(desk.launch(resources=Resources(memory_bytes=1024**3)), exclusive=True)
    assert desk.executor.start(launch)
    shown = desk.slurm.ask("scontrol", "show", "job", desk.number(desk.made[-1]))
    assert "OverSubscribe=NO" in shown
    assert "mem=8000M" in shown


def test_jobs_of_a_sweep_that_ask_for_the_same_are_one_array(desk: Desk) -> None:
    trials = [desk.start(sweep_id="1" * 26, cpus=cpus) for cpus in (1, 1, 2, 1)]
    others = [desk.start(), desk.start(sweep_id="2" * 26)]
    numbers = [desk.number(each) for each in [*trials, *others]]
    array = numbers[0].partition("_")[0]
    assert [numbers[0], numbers[1], numbers[3]] == [f"{array}_{task}" for task in range(3)]
    assert all("_" not in each for each in (numbers[2], *numbers[4:]))
    for each in trials:
        desk.wait_for(each, Presence.ALIVE)
    wait_until(lambda: desk.executor.kill(trials[1]) or desk.see(trials[1]) is None)
    assert desk.see(trials[0]).presence is Presence.ALIVE
    sighting = desk.wait_for(trials[1], Presence.GONE)
    assert (sighting.cause, f"{array}_1" in sighting.reason) == (Cause.USER, True)


def test_links_of_an_array_go_when_its_attempts_have_ended(desk: Desk) -> None:
    first = [desk.start(sweep_id="1" * 26) for _ in range(2)]
    for each in first:
        desk.number(each)
    (links,) = (desk.folder / "slurm").iterdir()
    for each in first:
        (each.folder / "attempts" / "1" / "exit.json").touch()
    second = [desk.start(sweep_id="1" * 26) for _ in range(2)]
    for each in second:
        desk.number(each)
    assert links not in list((desk.folder / "slurm").iterdir())


def test_agent_killed_before_slurm_was_asked_leaves_an_absent_job(desk: Desk) -> None:
    begun = Begun(job_id="a", attempt=1, folder=desk.folder / "jobs" / "a")
    assert desk.see(begun).presence is Presence.ABSENT


def test_agent_killed_before_it_heard_slurms_answer_loses_no_job_and_sends_none_twice(desk: Desk) -> None:
    begun = desk.start()
    desk.wait_for(begun, Presence.ALIVE)
    _forget_the_answer(begun)
    taker = executor_of(desk.slurm, desk.folder)
    desk.wait_for(begun, Presence.ALIVE, taker)
    assert desk.receipt(begun)["id"] is not None
    _forget_the_answer(begun)
    launch = Launch(
        spec=job_spec(id=begun.job_id, interpreter=str(desk.program)),
        attempt=1,
        folder=begun.folder,
        log=begun.folder / "attempts" / "1" / "log.txt",
        environment={},
    )
    assert executor_of(desk.slurm, desk.folder).start(launch)
    assert desk.number(begun) in desk.slurm.states()
    assert len(desk.slurm.states()) == len(set(desk.slurm.states()))
    names = desk.slurm.ask("squeue", "--noheader", "--states=all", "--format=%j").splitlines()
    assert [name for name in names if begun.job_id in name] == [f"mlops-{begun.job_id}-1"]


def test_agent_killed_before_slurm_heard_it_hands_the_job_over_again(desk: Desk) -> None:
    begun = desk.start()
    number = desk.number(begun)
    desk.slurm.ask("scancel", number)
    path = begun.folder / "attempts" / "1" / "executor.json"
    path.write_text(json.dumps({**desk.receipt(begun), "id": None, "name": "mlops-never-heard-of"}))
    taker = executor_of(desk.slurm, desk.folder)
    desk.wait_for(begun, Presence.ABSENT, taker)


def test_job_that_a_crashed_controller_forgot_is_handed_over_again(desk: Desk) -> None:
    begun = desk.start(options={"slurm": {"hold": ""}})
    number = desk.number(begun)
    path = begun.folder / "attempts" / "1" / "executor.json"
    path.write_text(json.dumps({**desk.receipt(begun), "id": "999999"}))
    taker = executor_of(desk.slurm, desk.folder)
    desk.wait_for(begun, Presence.ABSENT, taker)
    assert taker.start(replace(desk.launches[-1], spec=replace(desk.launches[-1].spec, options={})))
    wait_until(lambda: desk.receipt(begun).get("id") not in (None, number, "999999"))
    desk.wait_for(begun, Presence.ALIVE, taker)


def test_number_that_slurm_gave_to_another_job_is_not_taken_for_this_one(desk: Desk) -> None:
    begun = desk.start()
    desk.wait_for(begun, Presence.ALIVE)
    withdraw(begun.folder / "attempts" / "1")  # as its worker does when it starts
    other = desk.slurm.submit()
    path = begun.folder / "attempts" / "1" / "executor.json"
    path.write_text(json.dumps({**desk.receipt(begun), "id": other}))
    sighting = desk.wait_for(begun, Presence.GONE, executor_of(desk.slurm, desk.folder))
    assert sighting == Sighting(
        presence=Presence.GONE,
        reason=f"Slurm no longer knows its job {other}; it had not begun",
        cause=Cause.START,
    )


def test_job_that_slurm_does_not_take_is_gone_with_its_words(desk: Desk) -> None:
    begun = desk.start(options={"slurm": {"partition": "nowhere"}})
    sighting = desk.wait_for(begun, Presence.GONE)
    assert sighting.cause is Cause.START
    assert "Slurm does not take it: " in sighting.reason
    assert "invalid partition specified: nowhere" in sighting.reason.lower()
    assert desk.executor.kill(begun)
    assert not (begun.folder / "attempts" / "1" / "worker.env.json").exists()


def test_job_whose_dependency_in_slurm_fails_ends_with_that(desk: Desk) -> None:
    other = desk.slurm.submit(script="exit 1")
    wait_until(lambda: desk.slurm.states()[other] == "FAILED")
    begun = desk.start(options={"slurm": {"dependency": f"afterok:{other}"}})
    sighting = desk.wait_for(begun, Presence.GONE)
    assert sighting.cause is Cause.DEPENDENCY


def test_time_limit_that_only_slurm_knows_is_its_cause(desk: Desk) -> None:
    begun = desk.start()
    desk.wait_for(begun, Presence.ALIVE)
    desk.slurm.ask("scontrol", "update", f"jobid={desk.number(begun)}", "EndTime=now")
    sighting = desk.wait_for(begun, Presence.GONE)
    assert sighting.cause is Cause.TIME
    assert sighting.reason.startswith("exceeded the time limit that Slurm holds it to: job")


def test_controller_that_is_away_is_said_and_jobs_wait_for_it(desk: Desk) -> None:
    waiting = desk.start(options={"slurm": {"hold": ""}})
    desk.wait_for(waiting, Presence.WAITING)
    number = desk.number(waiting)
    desk.slurm.kill_controller()
    wait_until(lambda: "Slurm does not answer since" in desk.see(waiting).reason, timeout_s=PATIENCE_S)
    late = desk.start()
    assert "Slurm does not answer since" in desk.see(late).reason
    assert not desk.executor.kill(waiting)
    assert desk.executor.kill(late)
    desk.slurm.start_controller()
    wait_until(lambda: desk.see(waiting) and desk.executor.kill(waiting), timeout_s=PATIENCE_S)
    assert desk.slurm.states()[number] == "CANCELLED"
    assert desk.receipt(late) == {}


def test_where_slurm_is_not_installed_submitting_says_what_to_do(tmp_path: Path) -> None:
    executor = SlurmExecutor(load_settings({"home": tmp_path}), environ={"PATH": str(tmp_path)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        refusal = executor.refusal(job_spec())
    assert "sbatch is not on PATH" in refusal
    assert "apt install slurm-client" in refusal


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"partion": "main"}, "Slurm's sbatch knows no --partion. Did you mean --slurm-partition?"),
        ({"partition": "nowhere"}, "invalid partition specified: nowhere"),
        ({"requeue": ""}, "--retries 3 --retry-on node"),
        ({"output": "x"}, "--slurm-output cannot be set for a job"),
        ({"Gres": "gpu:1"}, "--slurm-Gres is no option of a job in Slurm"),
        ({"time": "soon"}, "Invalid --time specification"),
        ({"gres": "gpu:a100:1"}, "--slurm-gres gpu:a100:1"),
    ],
)
def test_option_that_cannot_be_is_refused(desk: Desk, options: dict[str, str], words: str) -> None:
    assert words in desk.executor.refusal(job_spec(options={"slurm": options}))


def test_job_that_only_waits_for_nodes_that_are_down_is_not_refused(desk: Desk) -> None:
    desk.slurm.ask("scontrol", "update", "nodename=n1,n2", "state=drain", "reason=maintenance")
    assert desk.executor.refusal(job_spec(gpus=2)) == ""
    outlook = outlook_of(desk, gpus=2)
    assert (outlook.starts_now, outlook.wait_s) == (False, None)
    assert "wants 3 GPUs" in desk.executor.refusal(job_spec(gpus=3))


def test_outlook_knows_when_room_will_come(desk: Desk) -> None:
    assert outlook_of(desk, gpus=2).starts_now
    other = desk.slurm.submit("--gres=gpu:2", "--nodes=2", "--time=30")
    wait_until(lambda: desk.slurm.states()[other] == "RUNNING")
    wait_until(lambda: not outlook_of(desk, gpus=2).starts_now)
    outlook = outlook_of(desk, gpus=2)
    assert outlook.wait_s == pytest.approx(1800, abs=120)
    assert outlook.reason == "Slurm expects to start it in 30 min"
    assert outlook_of(desk).starts_now


def test_outlook_reckons_with_those_who_wait(desk: Desk) -> None:
    desk.slurm.submit("--gres=gpu:2", "--nodelist=n1")
    desk.slurm.submit("--gres=gpu:2", "--nodes=2")
    wait_until(lambda: set(desk.slurm.states().values()) >= {"RUNNING", "PENDING"})
    wait_until(lambda: not outlook_of(desk, gpus=1).starts_now)


def outlook_of(desk: Desk, **wanted: Any) -> Outlook:
    """Slurm's answer, as soon as there is one."""

    def answered() -> Outlook | None:
        try:
            return desk.executor.outlook(job_spec(**wanted))
        except Unavailable:
            return None

    return wait_until(answered, timeout_s=PATIENCE_S)  # type: ignore[return-value]


def _forget_the_answer(begun: Begun) -> None:
    path = begun.folder / "attempts" / "1" / "executor.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": None}))
