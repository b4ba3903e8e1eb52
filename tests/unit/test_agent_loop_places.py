"""Clusters that keep their own queues, and jobs that may run at several places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause, Job, JobStatus, Started
from jupyter_mlops.errors import InvalidInput, MissingPackage, Unavailable
from jupyter_mlops.protocols.jobs import Outlook, Presence, Sighting, Wish
from jupyter_mlops.services.jobs.agent_loop import LOOK_EVERY_S
from jupyter_mlops.services.jobs.backlog import LOOK_AGAIN_S
from jupyter_mlops.services.jobs.choosing import ASK_EVERY_S
from jupyter_mlops.services.jobs.patience import LONGEST_S
from jupyter_mlops.services.jobs.queues import AGAIN_S
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import queued_job

from .queue_worlds import WORKER, Queue, queue_world


class Lacking(dict):
    """Executors of which one cannot be made."""

    def __init__(self, executors: dict[str, FakeExecutor], error: Exception | None) -> None:
        super().__init__(executors)
        self.error = error

    def __getitem__(self, name: str) -> FakeExecutor:
        if name == "slurm" and self.error is not None:
            raise self.error
        return super().__getitem__(name)


class Team(Queue):
    """A queue with this machine and a cluster."""

    def __init__(self, home: Path, database) -> None:
        super().__init__(home, database)
        self.cluster = self.executors["slurm"] = FakeExecutor(gpus=8, cpus=64, keeps_queue=True)

    def later(self) -> int:
        """A turn in which the cluster is asked again."""
        self.clock.now += LOOK_EVERY_S
        return self.tick()

    def is_at(self, job: Job, presence: Presence, reason: str = "", cause: Cause | None = None) -> None:
        self.cluster.sightings[job.id] = Sighting(presence=presence, reason=reason, cause=cause)
        self.later()

    def lacks(self, error: Exception | None) -> None:
        """What the agent meets when it wants the cluster, which was there when jobs were submitted."""
        self.executors = Lacking(self.executors, error)
        self.loop = self.new_loop()

    def tries_in(self, seconds: float) -> int:
        """How often the cluster, which does not answer, is given a job meanwhile."""
        tries = []
        self.cluster.start = lambda launch: tries.append(launch) or FakeExecutor.start(self.cluster, launch)
        until = self.clock() + seconds
        while self.clock() < until:
            self.clock.now += 1
            self.tick()
        return len(tries)

    def begins_there(self, job: Job) -> None:
        started = Started(process=WORKER, run_id="run", started_at=self.clock())
        assert self.attempt(job).begin(started)
        self.is_at(job, Presence.ALIVE)


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    with queue_world(tmp_path, Team) as world:
        yield world


class TestCluster:
    """``--on slurm``: the cluster keeps the queue."""

    def test_job_is_handed_over_waits_there_and_runs(self, team):
        job = team.submit(executor="slurm", gpus=4)
        team.tick()
        waiting = team.get(job)
        assert (waiting.status, waiting.handed_over, waiting.executor) == (JobStatus.QUEUED, True, "slurm")
        team.is_at(job, Presence.WAITING, "(Resources)")
        assert team.get(job).reason == "(Resources)"
        team.begins_there(job)
        assert (team.get(job).status, team.get(job).reason) == (JobStatus.RUNNING, "")
        team.attempt(job)
        team.worker_ends(job)
        team.tick()
        assert (team.get(job).status, team.get(job).handed_over) == (JobStatus.SUCCEEDED, False)
        assert len(team.cluster.launches) == 1

    def test_cluster_is_asked_seldom_for_all_at_once_and_folders_are_read_all_the_time(self, team):
        jobs = [team.submit(executor="slurm") for _ in range(3)]
        team.tick()
        for job in jobs:
            team.begins_there(job)
        looks = team.cluster.looks
        for _ in range(5):
            team.tick()
        assert team.cluster.looks == looks
        team.worker_ends(jobs[0])
        team.tick()
        assert team.get(jobs[0]).status is JobStatus.SUCCEEDED
        team.later()
        assert team.cluster.looks == looks + 1

    def test_what_the_cluster_refuses_fails_with_its_words(self, team):
        team.cluster.refuses = "sbatch: error: invalid partition specified: gpuu"
        job = team.submit(executor="slurm", retries=2)
        team.tick()
        failed = team.get(job)
        assert (failed.status, failed.cause) == (JobStatus.FAILED, Cause.START)
        assert failed.reason == "sbatch: error: invalid partition specified: gpuu"

    def test_cluster_that_does_not_answer_is_tried_again_and_the_job_runs_once(self, team):
        team.cluster.start_fails = team.cluster.does_not_answer = "Slurm does not answer."
        job = team.submit(executor="slurm")
        team.tick()
        assert (team.get(job).status, team.get(job).reason) == (JobStatus.QUEUED, "Slurm does not answer.")
        for _ in range(5):
            team.clock.now += team.settings.lost_after_s
            team.tick()
        assert team.get(job).status is JobStatus.QUEUED
        team.cluster.start_fails, team.cluster.does_not_answer = None, ""
        team.later()
        team.later()
        assert (len(team.cluster.launches), team.get(job).handed_over) == (1, True)

    def test_cluster_that_does_not_answer_is_left_alone_for_longer_and_longer(self, team):
        team.cluster.start_fails = "Slurm does not answer."
        jobs = [team.submit(executor="slurm") for _ in range(5)]
        assert team.tries_in(60) <= 6, "one job is tried, after 2, 4, 8, 16 and 32 seconds"
        assert 1 <= team.tries_in(2 * LONGEST_S) <= 3
        assert {team.get(job).reason for job in jobs} == {"Slurm does not answer."}
        team.cluster.start_fails = None
        team.clock.now += LONGEST_S
        team.later()
        team.later()
        assert {team.get(job).handed_over for job in jobs} == {True}

    def test_job_whose_own_cluster_does_not_answer_keeps_the_others_for_a_moment_only(self, team):
        def start(launch):
            if launch.job_id in hopeless:
                raise Unavailable("Nothing answers at ray://nowhere.")
            return FakeExecutor.start(team.cluster, launch)

        team.cluster.start = start
        hopeless = [team.submit(executor="slurm").id for _ in range(2)]
        job = team.submit(executor="slurm")
        for _ in range(30):
            team.clock.now += 1
            team.tick()
        assert [launch.job_id for launch in team.cluster.launches] == [job.id]

    def test_reason_of_a_job_that_cannot_be_handed_over_stays_the_same(self, team):
        team.cluster.start_fails = "Slurm does not answer."
        job = team.submit(executor="slurm")
        team.tick()
        said = set()
        explained = team.loop._store.update
        team.store.update = lambda job, **changes: (
            said.add(changes.get("reason")) or explained(job, **changes)
        )
        for _ in range(10):
            team.later()
        assert said == {"Slurm does not answer."}
        assert team.get(job).reason == "Slurm does not answer."

    def test_job_whose_files_are_on_their_way_is_asked_for_once_a_second(self, team):
        job = team.submit(executor="slurm")
        tries = []
        team.cluster.start = lambda launch: tries.append(launch)
        for _ in range(10):
            team.tick()
            team.clock.now += 0.2
        assert len(tries) in (2, 3)
        assert team.get(job).reason == "its files are on their way"

    @pytest.mark.parametrize(
        "error", [MissingPackage("pip install s3fs"), InvalidInput("no such URL"), RuntimeError("broken")]
    )
    def test_executor_that_cannot_be_made_keeps_no_job_from_the_others(self, team, error):
        far, near = team.submit(executor="slurm"), team.submit()
        team.lacks(error)
        team.tick()
        assert team.get(near).status is JobStatus.STARTING
        assert (team.get(far).status, str(error) in team.get(far).reason) == (JobStatus.QUEUED, True)
        team.executors.error = None
        team.clock.now += LOOK_AGAIN_S
        team.tick()
        assert team.get(far).handed_over

    def test_job_that_was_handed_over_is_doubted_where_its_executor_cannot_be_made(self, team):
        far = team.submit(executor="slurm")
        team.tick()
        near = team.submit()
        team.lacks(MissingPackage("pip install s3fs"))
        team.later()
        assert team.get(near).status is JobStatus.STARTING
        assert (team.get(far).handed_over, team.get(far).reason) == (True, "pip install s3fs")

    def test_running_job_of_a_cluster_that_is_away_is_doubted_and_then_lost(self, team):
        job = team.submit(executor="slurm")
        team.tick()
        team.begins_there(job)
        team.cluster.does_not_answer = "Slurm does not answer."
        team.later()
        assert (team.get(job).status, team.get(job).reason) == (JobStatus.RUNNING, "Slurm does not answer.")
        team.clock.now += team.settings.lost_after_s
        team.later()
        lost = team.get(job)
        assert (lost.status, lost.cause) == (JobStatus.LOST, Cause.NODE)
        assert lost.reason.endswith("(Slurm does not answer.)")

    def test_lost_node_fails_the_job_or_gives_it_another_attempt(self, team):
        once, twice = team.submit(executor="slurm"), team.submit(executor="slurm", retries=1)
        team.tick()
        for job in (once, twice):
            team.begins_there(job)
            team.is_at(job, Presence.GONE, "node n1 failed", Cause.NODE)
        assert (team.get(once).status, team.get(once).cause) == (JobStatus.FAILED, Cause.NODE)
        assert (team.get(twice).attempt, team.get(twice).handed_over) == (2, True)

    def test_job_that_waits_there_is_cancelled(self, team):
        job = team.submit(executor="slurm")
        team.tick()
        team.service.cancel(job.id)
        team.later()
        assert (team.get(job).status, team.cluster.killed) == (JobStatus.CANCELLED, [job.id])

    def test_files_that_are_on_their_way_are_waited_for(self, team, monkeypatch):
        monkeypatch.setattr(team.cluster, "start", lambda launch: False)
        job = team.submit(executor="slurm")
        team.tick()
        assert (team.get(job).handed_over, team.get(job).reason) == (False, "its files are on their way")
        monkeypatch.undo()
        team.clock.now += AGAIN_S
        team.tick()
        assert team.get(job).handed_over

    def test_nothing_is_queued_on_this_machine_for_it(self, team):
        team.submit(executor="slurm")
        team.tick()
        assert team.executor.queued_up == []

    def test_job_of_an_executor_that_is_not_installed_here_waits_and_says_so(self, team):
        job = team.store.add(queued_job(executor="moon", user="ada"))
        team.folder(job).create(job.spec, b"{}", {})
        team.tick()
        assert team.get(job).reason.startswith("there is no executor 'moon' where the agent runs")

    def test_running_job_whose_executor_is_no_longer_installed_is_lost_at_last(self, team):
        job = team.submit(executor="slurm")
        team.tick()
        team.begins_there(job)
        del team.executors["slurm"]
        team.later()
        doubted = team.get(job)
        assert (doubted.status, doubted.reason) == (
            JobStatus.RUNNING,
            "there is no executor 'slurm' where the agent runs",
        )
        team.clock.now += team.settings.lost_after_s + 1
        team.tick()
        assert team.get(job).status is JobStatus.LOST

    def test_job_that_has_begun_is_not_handed_over_again_when_the_cluster_knows_nothing_of_it(self, team):
        job = team.submit(executor="slurm")
        team.tick()
        team.begins_there(job)
        team.is_at(job, Presence.ABSENT)
        failed = team.get(job)
        assert (failed.status, failed.reason) == (JobStatus.FAILED, "its worker is gone")
        assert len(team.cluster.launches) == 1


class TestSeveralPlaces:
    """``--on local,slurm``."""

    def submit(self, team: Team, **wanted) -> Job:
        return team.submit(executors=["local", "slurm"], **wanted)

    def test_first_that_can_start_it_now_gets_it(self, team):
        job = self.submit(team, gpus=1)
        assert team.get(job).executor == ""
        team.tick()
        started = team.get(job)
        assert (started.status, started.executor, started.gpus) == (JobStatus.STARTING, "local", ["GPU-0"])
        assert started.choice == "it could start there at once"
        assert team.cluster.asked_outlook == 0

    def test_order_decides_where_both_could(self, team):
        job = team.submit(executors=["slurm", "local"])
        team.tick()
        assert (team.get(job).executor, team.get(job).handed_over) == ("slurm", True)

    def test_cluster_is_the_backup_when_this_machine_is_full(self, team):
        team.running(gpus=2)
        job = self.submit(team, gpus=1)
        team.tick()
        sent = team.get(job)
        assert (sent.executor, sent.handed_over) == ("slurm", True)
        assert sent.choice.startswith("it could start there at once (local: waits for 1 GPU")

    def test_shorter_wait_wins_when_neither_can(self, team):
        team.running(gpus=2, expected_s=3600.0)
        team.cluster.outlook_is = Outlook(starts_now=False, wait_s=600.0, reason="2 jobs wait before it")
        job = self.submit(team, gpus=1)
        team.tick()
        sent = team.get(job)
        assert sent.executor == "slurm"
        assert sent.choice.startswith("the shortest wait, about 10 min (local: waits for 1 GPU")

    def test_job_stays_here_where_the_wait_is_shorter_and_starts_when_there_is_room(self, team):
        blocker = team.running(gpus=2, expected_s=60.0)
        team.cluster.outlook_is = Outlook(starts_now=False, wait_s=600.0, reason="2 jobs wait before it")
        job = self.submit(team, gpus=1)
        team.tick()
        waiting = team.get(job)
        assert (waiting.status, waiting.executor, waiting.handed_over) == (JobStatus.QUEUED, "", False)
        assert "slurm: 2 jobs wait before it, about 10 min" in waiting.reason
        team.worker_ends(blocker)
        team.tick()
        assert (team.get(job).executor, team.get(job).status) == ("local", JobStatus.STARTING)

    def test_waiting_job_goes_to_the_cluster_when_that_has_room(self, team):
        team.running(gpus=2, expected_s=60.0)
        team.cluster.outlook_is = Outlook(starts_now=False, wait_s=600.0)
        job = self.submit(team, gpus=1)
        team.tick()
        team.cluster.outlook_is = Outlook(starts_now=True)
        team.tick()
        assert team.get(job).executor == ""  # what it said holds for a while
        team.clock.now += ASK_EVERY_S
        team.tick()
        assert team.get(job).executor == "slurm"

    def test_one_that_does_not_answer_is_passed_over_and_that_is_said(self, team):
        blocker = team.running(gpus=2)
        team.cluster.does_not_answer = "sinfo: error: timed out"
        job = self.submit(team, gpus=1)
        team.tick()
        assert "slurm does not answer: sinfo: error: timed out" in team.get(job).reason
        team.worker_ends(blocker)
        team.tick()
        assert team.get(job).executor == "local"
        assert "slurm does not answer" not in team.get(job).choice  # nobody had to ask it
        other = team.submit(executors=["slurm", "local"], gpus=1)
        team.clock.now += ASK_EVERY_S
        team.tick()
        assert "slurm does not answer: sinfo: error: timed out" in team.get(other).choice

    def test_cluster_is_asked_once_for_many_that_want_the_same(self, team):
        team.running(gpus=2)
        team.cluster.outlook_is = Outlook(starts_now=False)
        for _ in range(20):
            self.submit(team, gpus=1)
        team.tick()
        team.tick()
        assert team.cluster.asked_outlook == 1

    def test_all_of_a_sweep_find_their_places(self, team):
        jobs = [self.submit(team, gpus=1) for _ in range(12)]
        for _ in range(6):
            team.tick()
        places = [team.get(job).executor for job in jobs]
        assert (places.count("local"), places.count("slurm")) == (2, 10)

    def test_retry_has_the_choice_again(self, team):
        job = self.submit(team, gpus=1, retries=1)
        team.tick()
        team.worker_begins(job)
        team.submit(gpus=2, priority=1)
        team.worker_ends(job, JobStatus.FAILED, "no")
        team.tick()
        team.tick()
        assert (team.get(job).attempt, team.get(job).executor) == (2, "slurm")

    def test_places_where_it_can_never_run_are_left_out(self, team):
        job = self.submit(team, gpus=6)
        assert (job.spec.executor, job.spec.executors, job.executor) == ("slurm", [], "slurm")

    def test_job_that_can_run_nowhere_is_refused_with_every_reason(self, team):
        with pytest.raises(InvalidInput, match=r"local: The job wants 9 GPUs.*slurm: The job wants 9 GPUs"):
            self.submit(team, gpus=9)

    def test_place_that_cannot_be_asked_at_submit_stays_a_place(self, team, monkeypatch):
        def refuse(spec):
            raise Unavailable("Slurm does not answer.")

        monkeypatch.setattr(team.cluster, "refusal", refuse)
        assert self.submit(team, gpus=1).spec.executors == ["local", "slurm"]
        assert self.submit(team, gpus=1).spec.executor == "local"
        with pytest.raises(Unavailable, match="Slurm does not answer"):
            team.submit(executor="slurm")


class TestSharing:
    """Other agents' jobs on this machine."""

    def test_wishes_are_told_as_long_as_anything_is_open_and_withdrawn_then(self, team):
        running, waiting = team.running(gpus=2), team.submit(gpus=1)
        team.tick()
        told = {wish.job_id: wish for wish in team.executor.queued_up[-1]}
        assert set(told) == {running.id, waiting.id}
        assert (told[running.id].running_since, told[running.id].gpus) == (
            team.get(running).started_at,
            ("GPU-0", "GPU-1"),
        )
        assert told[waiting.id].running_since is None
        team.service.cancel(waiting.id)
        team.worker_ends(running)
        team.tick()
        team.tick()
        assert team.executor.queued_up[-1] == []

    def test_wish_of_another_with_a_higher_priority_goes_first(self, team):
        mine = team.submit(gpus=2)
        spec = mine.spec
        team.executor.wishes_of_others = [
            Wish(
                job_id="other",
                owner="bob",
                priority=9,
                submitted_at=spec.submitted_at,
                resources=spec.resources,
                mine=False,
            )
        ]
        team.tick()
        assert team.get(mine).status is JobStatus.QUEUED
        team.executor.wishes_of_others = []
        team.tick()
        assert team.get(mine).status is JobStatus.STARTING

    def test_queue_that_cannot_be_told_keeps_no_job_from_starting(self, team, monkeypatch, caplog):
        def refuse(wishes):
            raise OSError("read-only file system")

        monkeypatch.setattr(team.executor, "queue_up", refuse)
        job = team.submit(gpus=1)
        team.tick()
        assert team.get(job).status is JobStatus.STARTING
        assert "read-only file system" in caplog.text
