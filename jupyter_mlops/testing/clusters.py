"""What every cluster must do: an executor that has a queue of its own."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..capture.processes import process_of
from ..config import JOB
from ..entities import Cause, JobSpec, Process
from ..errors import Unavailable
from ..protocols.jobs import Begun, Cluster, Launch, Presence, Sighting
from .jobs import job_spec

SECRET = "hidden-from-everybody"
WORKER = """
import json, os, signal, sys, time
from pathlib import Path
attempt = Path(sys.argv[1]) / "attempts" / sys.argv[2]
interrupted = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: interrupted.append(number))
with (attempt / "ran").open("a") as file:
    said = {"pid": os.getpid(), "argv": sys.argv[1:], "environment": dict(os.environ)}
    file.write(json.dumps(said) + "\\n")
print("the worker speaks", flush=True)
while not (attempt / "go").exists() and not interrupted:
    time.sleep(0.05)
(attempt / ("interrupted" if interrupted else "went")).touch()
sys.exit(0 if interrupted else int((attempt / "go").read_text() or 0))
"""
"""In place of the real one: it says that it runs, and ends with the status that stands in ``go``."""

Eventually = Callable[[Callable[[], object]], object]


@dataclass(frozen=True, slots=True)
class Handed:
    """An attempt that a test hands over, and what its worker leaves."""

    launch: Launch

    @property
    def attempt(self) -> Path:
        return self.launch.log.parent

    @property
    def ran(self) -> list[dict[str, Any]]:
        """What each worker of it has said of itself."""
        path = self.attempt / "ran"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def process(self) -> Process:
        found = process_of(self.ran[0]["pid"])
        assert found is not None
        return found

    @property
    def gpus(self) -> list[str]:
        """Those that its worker sees."""
        visible = self.ran[0]["environment"]["CUDA_VISIBLE_DEVICES"]
        return [each for each in visible.split(",") if each]

    def begun(self, process: Process | None = None) -> Begun:
        launch = self.launch
        return Begun(job_id=launch.job_id, attempt=launch.attempt, folder=launch.folder, process=process)

    def go(self, status: int = 0) -> None:
        """Let its worker end."""
        (self.attempt / "go.new").write_text(str(status))
        (self.attempt / "go.new").rename(self.attempt / "go")


Hand = Callable[..., Handed]


def see(cluster: Cluster, *handed: Begun) -> Sighting:
    """What is seen of the first, after a look at all."""
    cluster.look(handed)
    return cluster.sight(handed[0])


def starts_now(cluster: Cluster, spec: JobSpec) -> bool | None:
    """Whether it would start at once; None where nobody answers just now."""
    try:
        return cluster.outlook(spec).starts_now
    except Unavailable:
        return None


class ClusterContract:
    """Inherit with fixtures ``cluster``, ``another`` and ``eventually``.

    ``cluster`` is a Cluster of two GPUs in all, on nodes that see this host's files and processes, with
    nothing else in its queue; ``another()`` makes one more executor for it, as an agent does that takes over.
    ``eventually(predicate)`` waits until the predicate holds.
    """

    @pytest.fixture
    def hand(self, tmp_path: Path, cluster: Cluster) -> Any:
        """Makes attempts to hand over; all of them may end when the test has ended."""
        package = tmp_path / "path" / "jupyter_mlops"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "worker.py").write_text(WORKER)
        made: list[Handed] = []

        def make(name: str = "a", **wanted: Any) -> Handed:
            spec = job_spec(id=f"{name}-{tmp_path.name}", cwd=str(tmp_path), **wanted)
            folder = tmp_path / "jobs" / spec.id
            log = folder / "attempts" / "1" / "log.txt"
            log.parent.mkdir(parents=True)
            variables = {JOB: spec.id, "PYTHONPATH": str(package.parent), "TOKEN": SECRET}
            environment = {**os.environ, **variables, "CUDA_VISIBLE_DEVICES": "7"}
            launch = Launch(spec=spec, attempt=1, folder=folder, log=log, environment=environment)
            made.append(Handed(launch))
            return made[-1]

        yield make
        for each in made:
            each.go()
            cluster.kill(each.begun(process_of(each.ran[0]["pid"]) if each.ran else None))

    def test_nothing_is_known_of_a_job_that_was_never_handed_over(self, cluster: Cluster, hand: Hand) -> None:
        assert see(cluster, hand().begun()) == Sighting(presence=Presence.ABSENT)

    def test_worker_runs_as_it_was_to_be_run_and_its_environment_lies_nowhere(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        assert job.ran[0]["argv"] == [str(job.launch.folder), "1"]
        environment = job.ran[0]["environment"]
        assert (environment[JOB], environment["TOKEN"]) == (job.launch.job_id, SECRET)
        eventually(lambda: "the worker speaks" in job.launch.log.read_text())
        eventually(lambda: see(cluster, job.begun(job.process)).presence is Presence.ALIVE)
        files = [path for path in job.launch.folder.rglob("*") if path.is_file() and path.name != "ran"]
        assert [path for path in files if SECRET in path.read_text()] == []

    def test_workers_see_the_gpus_that_they_have(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        none, *one_each = jobs = [hand(), hand("b", gpus=1), hand("c", gpus=1)]
        for job in jobs:
            assert cluster.start(job.launch)
        eventually(lambda: all(job.ran for job in jobs))
        assert none.gpus == []
        assert [len(job.gpus) for job in one_each] == [1, 1]
        assert one_each[0].gpus != one_each[1].gpus

    def test_attempt_that_was_started_twice_runs_once(
        self, cluster: Cluster, another: Callable[[], Cluster], hand: Hand, eventually: Eventually
    ) -> None:
        job, later = hand(), hand("b")
        assert cluster.start(job.launch)
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        taker = another()
        assert taker.start(job.launch)
        assert taker.start(later.launch)
        eventually(lambda: later.ran)
        assert len(job.ran) == 1

    def test_job_without_room_waits_and_says_why_and_when_it_is_killed_then_it_never_begins(
        self, cluster: Cluster, another: Callable[[], Cluster], hand: Hand, eventually: Eventually
    ) -> None:
        first, second, third = hand(gpus=2), hand("b", gpus=2), hand("c", gpus=2)
        eventually(lambda: starts_now(cluster, first.launch.spec))
        assert cluster.start(first.launch)
        eventually(lambda: first.ran)
        assert len(first.gpus) == 2
        assert cluster.start(second.launch)
        eventually(lambda: see(cluster, second.begun()).presence is Presence.WAITING)
        eventually(lambda: starts_now(cluster, second.launch.spec) is False)
        assert cluster.outlook(second.launch.spec).reason
        taker = another()  # it hears of a job that is just being handed over when that has been done
        eventually(lambda: see(taker, second.begun()).presence is Presence.WAITING)
        assert see(cluster, second.begun()).reason
        eventually(lambda: cluster.kill(second.begun()))
        assert cluster.start(third.launch)
        first.go()
        eventually(lambda: third.ran)
        assert second.ran == []

    def test_job_that_is_killed_as_soon_as_it_was_handed_over_leaves_nothing(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job, later = hand(gpus=2), hand("b", gpus=2)
        assert cluster.start(job.launch)
        eventually(lambda: cluster.kill(job.begun()))
        assert cluster.start(later.launch)
        eventually(lambda: later.ran)
        assert [each for each in job.ran if process_of(each["pid"])] == []

    def test_killed_worker_is_gone_also_for_an_agent_that_takes_over(
        self, cluster: Cluster, another: Callable[[], Cluster], hand: Hand, eventually: Eventually
    ) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        begun, taker = job.begun(job.process), another()
        both = (cluster, taker)
        eventually(lambda: all(see(each, begun).presence is Presence.ALIVE for each in both))
        os.kill(job.ran[0]["pid"], signal.SIGKILL)
        eventually(lambda: all(see(each, begun).presence is Presence.GONE for each in both))
        for each in both:
            sighting = see(each, begun)
            assert (sighting.cause, bool(sighting.reason)) == (Cause.KILLED, True)

    def test_worker_that_ends_before_it_has_begun_is_gone_and_says_so(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job = hand()
        job.go(status=5)
        assert cluster.start(job.launch)
        eventually(lambda: see(cluster, job.begun()).presence is Presence.GONE)
        sighting = see(cluster, job.begun())
        assert (sighting.cause, "5" in sighting.reason) == (Cause.START, True)

    def test_interrupted_worker_may_end_by_itself(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        begun = job.begun(job.process)
        see(cluster, begun)
        cluster.interrupt(begun)
        eventually(lambda: see(cluster, begun).presence is Presence.GONE)
        assert (job.attempt / "interrupted").exists()

    def test_kill_leaves_no_process(self, cluster: Cluster, hand: Hand, eventually: Eventually) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        begun = job.begun(job.process)

        def is_killed() -> bool:
            see(cluster, begun)
            return cluster.kill(begun)

        eventually(is_killed)
        assert process_of(job.ran[0]["pid"]) is None

    def test_interpreter_that_is_not_there_is_said(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job = hand(interpreter="/no/such/python")
        assert cluster.start(job.launch)
        eventually(lambda: see(cluster, job.begun()).presence is Presence.GONE)
        sighting = see(cluster, job.begun())
        assert sighting.cause is Cause.START
        assert "/no/such/python" in sighting.reason + job.launch.log.read_text()

    def test_what_can_never_fit_is_refused_with_what_is_there(self, cluster: Cluster) -> None:
        assert cluster.refusal(_spec(gpus=2)) == ""
        refusal = cluster.refusal(_spec(gpus=99))
        assert "99 GPUs" in refusal
        assert "2" in refusal


def _spec(**wanted: Any) -> JobSpec:
    return job_spec(**wanted)
