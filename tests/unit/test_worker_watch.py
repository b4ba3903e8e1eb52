"""What the worker's watch does while the notebook runs."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlops.capture.gpu_use import GpuReading
from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.entities import Cause, Process, Resources, RunStatus, Started, Used
from jupyter_mlops.services.jobs.folder import Attempt
from jupyter_mlops.services.jobs.watch import StopRequest, Watch
from jupyter_mlops.testing.jobs import job_spec
from tests.waiting import wait_until

WORKER = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
GIB = 1024**3


@dataclass
class FakeCustody:
    """A job that uses what the test says; ``confines`` says whether the system keeps limits here."""

    in_use: int = GIB
    confines: bool = False
    killed: bool = False
    machine_killed: bool = False
    confined_to: list[int] = field(default_factory=list)
    tended: int = 0
    kept: int = 0

    def keep(self) -> None:
        self.kept += 1

    def confine(self, memory_bytes: int) -> bool:
        self.confined_to.append(memory_bytes)
        return self.confines

    def tend(self) -> None:
        self.tended += 1

    def ran_out_of_memory(self) -> bool:
        return self.killed

    def machine_ran_out_of_memory(self) -> bool:
        return self.machine_killed

    def processes(self) -> set[int]:
        return {1}

    def memory_bytes(self) -> int:
        return self.in_use

    def peak_bytes(self) -> int:
        return self.in_use


@dataclass
class FakeGpus:
    load: float | None = 0.0

    def can_tell(self) -> bool:
        return True

    def read(self, pids: object) -> list[GpuReading]:
        return [GpuReading(memory_bytes=5, load=self.load)]


class Scene:
    """A watch that a test turns, second by second, and what it said to the notebook."""

    def __init__(self, folder: Path, settings: Settings, resources: Resources, **changes) -> None:
        self.now = 1000.0
        self.attempt = Attempt(folder / "attempt")
        self.attempt.path.mkdir()
        self.attempt.begin(Started(process=WORKER, run_id="r", started_at=1.0))
        self.said: list[tuple[str, RunStatus, str]] = []
        self.stop = StopRequest(1.0)
        handle = SimpleNamespace(
            stop=lambda *verdict, grace_s: self.said.append(("stop", *verdict)),
            kill=lambda *verdict: self.said.append(("kill", *verdict)),
        )
        self.stop.attach(handle)  # type: ignore[arg-type]
        self.custody, self.gpus = FakeCustody(), FakeGpus()
        self.watch = Watch(
            job_spec(resources=resources, **changes),
            settings,
            self.attempt,
            self.stop,
            self.custody,  # type: ignore[arg-type]
            gpus=self.gpus,
            clock=lambda: self.now,
        )

    def pass_time(self, seconds: float, *, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            self.watch.turn()


@pytest.fixture
def scene(tmp_path: Path):
    settings = load_settings({"home": tmp_path}, environ={})

    def make(resources: Resources | None = None, *, learned: list[str] | None = None, **changes) -> Scene:
        given = replace(settings, **changes)
        return Scene(tmp_path, given, resources or Resources(), learned=learned or [])

    return make


def test_job_whose_folder_was_deleted_is_stopped(scene) -> None:
    played = scene(heartbeat_s=0.0)
    shutil.rmtree(played.attempt.path)
    played.pass_time(2)
    assert played.said[0] == ("stop", RunStatus.CANCELLED, "the job's folder was deleted")
    assert not played.attempt.path.exists()


def test_signs_of_life_say_what_it_has_used(scene) -> None:
    played = scene(heartbeat_s=30.0)
    played.pass_time(29)
    assert (played.attempt.used(), played.custody.kept) == (None, 0)
    played.pass_time(3)
    assert (played.attempt.used().memory_bytes, played.custody.kept) == (GIB, 1)


def test_a_full_disk_is_no_reason_to_stop(scene, monkeypatch, caplog) -> None:
    played = scene(heartbeat_s=0.0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Attempt, "note_used", full)
    played.pass_time(3)
    assert played.said == []
    assert "No space left" in caplog.text


def test_the_time_limit_stops_it(scene) -> None:
    played = scene(Resources(time_limit_s=60.0))
    played.pass_time(60)
    assert played.said == []
    played.pass_time(5)
    assert played.said == [("stop", RunStatus.FAILED, "exceeded its time limit of 1 min")]
    assert played.stop.cause is Cause.TIME


def test_memory_is_watched_where_the_system_keeps_no_limit(scene) -> None:
    played = scene(Resources(memory_bytes=2 * GIB))
    played.pass_time(5)
    assert played.said == []
    played.custody.in_use = 3 * GIB
    played.pass_time(5)
    reason = "out of memory: used 3.0 GiB, and had asked for 2.0 GiB"
    assert played.said == [("kill", RunStatus.FAILED, reason)]
    assert played.stop.cause is Cause.MEMORY


def test_a_limit_that_was_learned_is_none(scene) -> None:
    played = scene(Resources(memory_bytes=2 * GIB), learned=["memory_bytes"])
    played.custody.in_use = 100 * GIB
    played.pass_time(5)
    assert (played.said, played.custody.confined_to) == ([], [])


def test_the_system_is_told_the_limit_and_what_it_kills_ends_the_job(scene) -> None:
    played = scene(Resources(memory_bytes=2 * GIB))
    played.custody.confines = True
    played.watch.start()
    wait_until(lambda: played.custody.tended)
    played.watch.finish()
    assert played.custody.confined_to == [2 * GIB]
    played.custody.killed = True
    assert played.watch.out_of_memory(killed=True).startswith("out of memory: used 2.0 GiB")
    played.pass_time(2)
    assert [each[0] for each in played.said] == ["kill"]


def test_a_kernel_that_was_killed_when_the_machine_was_out_of_memory_says_so(scene) -> None:
    played = scene()
    played.pass_time(2)
    played.custody.machine_killed = True
    assert played.watch.out_of_memory(killed=False) == ""
    assert played.watch.out_of_memory(killed=True) == (
        "out of memory: the system killed its kernel; the job had used 1.0 GiB at most"
    )


def test_a_kernel_that_was_killed_by_somebody_is_not_said_to_be_out_of_memory(scene) -> None:
    assert scene(Resources(memory_bytes=GIB)).watch.out_of_memory(killed=True) == ""


def test_an_idle_gpu_is_flagged_and_the_flag_taken_back_when_it_works(scene) -> None:
    played = scene(Resources(gpus=1))
    played.pass_time(595)
    assert played.attempt.warning() == ""
    played.pass_time(10)
    assert played.attempt.warning() == "its GPU has been idle for 10 min (utilisation below 5 %)"
    played.pass_time(600)
    assert "idle for 20 min" in played.attempt.warning()
    played.gpus.load = 0.9
    played.pass_time(3)
    assert played.attempt.warning() == ""
    assert played.said == []


def test_an_idle_gpu_ends_the_job_where_that_is_configured(scene) -> None:
    played = scene(Resources(gpus=2), idle_warn_s=60.0, idle_kill_s=300.0)
    played.pass_time(100)
    assert played.attempt.warning().endswith("; it is ended after 5 min")
    played.pass_time(210)
    reason = "ended: its GPUs have been idle for 5 min (utilisation below 5 %)"
    assert played.said == [("stop", RunStatus.FAILED, reason)]
    assert played.stop.cause is Cause.IDLE
    used = played.watch.finish()
    assert used.gpu_idle_s > 290
    assert (used.gpu_load, used.gpu_memory_bytes) == (0.0, 5)


@pytest.mark.parametrize("resources", [Resources(), Resources(gpus=1)])
def test_gpus_that_do_not_tell_and_jobs_without_are_never_idle(scene, resources) -> None:
    played = scene(resources, idle_warn_s=10.0, idle_kill_s=20.0)
    played.gpus.load = None
    played.pass_time(100)
    assert (played.said, played.attempt.warning()) == ([], "")
    assert played.watch.finish().gpu_idle_s is None


def test_nobody_is_flagged_where_that_is_switched_off(scene) -> None:
    played = scene(Resources(gpus=1), idle_warn_s=0.0)
    played.pass_time(5000)
    assert (played.said, played.attempt.warning()) == ([], "")


def test_the_first_wish_to_stop_gives_the_cause(scene) -> None:
    played = scene()
    played.stop.stop(RunStatus.CANCELLED, "cancelled", Cause.USER)
    played.stop.kill(RunStatus.FAILED, "out of memory", Cause.MEMORY)
    assert played.stop.cause is Cause.USER


def test_what_fails_in_a_turn_does_not_end_the_watch(scene, monkeypatch, caplog) -> None:
    played = scene(Resources(memory_bytes=GIB))
    monkeypatch.setattr("jupyter_mlops.services.jobs.watch.WATCH_EVERY_S", 0.01)
    turns = []

    def fails() -> None:
        turns.append(1)
        raise RuntimeError("no such counter")

    monkeypatch.setattr(played.watch, "turn", fails)
    played.watch.start()
    wait_until(lambda: len(turns) > 2)
    assert isinstance(played.watch.finish(), Used)
    assert "no such counter" in caplog.text


@pytest.fixture
def signals():
    """The handlers of this process, put back after the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_cancels(scene, signals, number) -> None:
    played = scene()
    played.stop.listen()
    os.kill(os.getpid(), number)
    wait_until(lambda: played.said)
    assert played.said == [("stop", RunStatus.CANCELLED, "cancelled")]
    assert played.stop.cause is Cause.USER


def test_somebody_else_may_say_what_a_termination_stands_for(scene, signals) -> None:
    played, asked_in = scene(), []

    def preempted() -> tuple[RunStatus, str, Cause]:
        asked_in.append(threading.current_thread())
        return RunStatus.FAILED, "preempted", Cause.NODE

    played.stop.listen(preempted)
    os.kill(os.getpid(), signal.SIGTERM)
    wait_until(lambda: played.said)
    assert played.said == [("stop", RunStatus.FAILED, "preempted")]
    assert (played.stop.cause, asked_in[0] is threading.main_thread()) == (Cause.NODE, False)
