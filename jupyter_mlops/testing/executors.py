"""An executor without processes, and what every executor must do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ..config import JOB
from ..entities import GpuSlot, Process
from ..errors import Unavailable
from ..protocols.jobs import Executor, Launch, Presence, Sighting


def slot(number: int) -> GpuSlot:
    """A slot that no host has."""
    return GpuSlot(uuid=f"GPU-{number}", index=number, name="fake GPU", virtual=True)


class FakeExecutor:
    """Remembers what it was asked; the test says what becomes of the workers."""

    def __init__(self, *, gpus: int = 2, cpus: int = 4, shares_files: bool = True) -> None:
        self.shares_files = shares_files
        self.launches: list[Launch] = []
        self.interrupted: list[str] = []
        self.killed: list[str] = []
        self.sightings: dict[str, Sighting] = {}
        self.unkillable = False
        self.refusal: str | None = None
        self.taken_by_others: set[str] = set()
        self._slots = [slot(number) for number in range(gpus)]
        self._cpus = cpus

    def tidy(self) -> None:
        """Nothing to look after."""

    def slots(self) -> list[GpuSlot]:
        return self._slots

    def free_slots(self) -> list[GpuSlot]:
        held = {
            slot.uuid for launch in self.launches if self._is_alive(launch.job_id) for slot in launch.slots
        }
        return [slot for slot in self._slots if slot.uuid not in held]

    def cpus(self) -> int:
        return self._cpus

    def memory_bytes(self) -> int:
        return 8 * 1024**3

    def start(self, launch: Launch) -> bool:
        if self.refusal is not None:
            raise Unavailable(self.refusal)
        if any(slot.uuid in self.taken_by_others for slot in launch.slots):
            return False
        self.launches.append(launch)
        self.sightings[launch.job_id] = Sighting(presence=Presence.ALIVE)
        return True

    def sight(self, job_id: str, attempt: int, process: Process | None) -> Sighting:
        return self.sightings.get(job_id, Sighting(presence=Presence.ABSENT))

    def interrupt(self, job_id: str, process: Process | None) -> None:
        self.interrupted.append(job_id)

    def kill(self, job_id: str) -> bool:
        self.killed.append(job_id)
        if not self.unkillable:
            self.end(job_id, "its worker was killed")
        return not self.unkillable

    def end(self, job_id: str, reason: str = "its worker is gone") -> None:
        """The job's worker goes away."""
        self.sightings[job_id] = Sighting(presence=Presence.GONE, reason=reason)

    def _is_alive(self, job_id: str) -> bool:
        return self.sightings[job_id].presence is Presence.ALIVE


SLEEP = "import time\nwhile True: time.sleep(60)\n"
Program = Callable[[str], str]
MakeLaunch = Callable[..., Launch]
Eventually = Callable[[Callable[[], object]], object]


class ExecutorContract:
    """Inherit with fixtures ``executor`` (two slots, both free), ``program`` and ``eventually``.

    ``program(text)`` is an interpreter that runs the Python program ``text`` whatever it is given;
    ``eventually(predicate)`` waits until the predicate holds.
    """

    @pytest.fixture
    def launch(self, tmp_path: Path, program: Program) -> MakeLaunch:
        def make(job_id: str = "job-a", *, slots: Sequence[GpuSlot] = ()) -> Launch:
            log = tmp_path / job_id / "log.txt"
            log.parent.mkdir(exist_ok=True)
            return Launch(
                job_id=job_id,
                attempt=1,
                interpreter=program(SLEEP),
                folder=tmp_path / job_id,
                log=log,
                environment={**os.environ, JOB: job_id},
                slots=slots,
            )

        return make

    def test_nothing_is_known_of_a_job_that_was_never_started(self, executor: Executor) -> None:
        assert executor.sight("never", 1, None).presence is Presence.ABSENT

    def test_worker_is_alive_until_it_is_killed(
        self, executor: Executor, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        assert executor.start(launch())
        assert executor.sight("job-a", 1, None).presence is Presence.ALIVE
        eventually(lambda: executor.kill("job-a"))
        eventually(lambda: executor.sight("job-a", 1, None).presence is Presence.GONE)
        assert signal.SIGKILL.name in executor.sight("job-a", 1, None).reason

    def test_leased_slots_are_not_free_and_come_back(
        self, executor: Executor, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        first, second = executor.free_slots()
        assert executor.start(launch(slots=[first]))
        assert executor.free_slots() == [second]
        assert not executor.start(launch("job-b", slots=[second, first]))
        assert executor.free_slots() == [second]
        eventually(lambda: executor.kill("job-a"))
        eventually(lambda: executor.free_slots() == [first, second])

    def test_interrupted_worker_may_end_by_itself(
        self, executor: Executor, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        assert executor.start(launch())

        def is_gone_when_asked() -> bool:
            executor.interrupt("job-a", None)  # one that is just being started is not there yet to hear it
            return executor.sight("job-a", 1, None).presence is Presence.GONE

        eventually(is_gone_when_asked)

    def test_interpreter_that_is_not_there_is_said_and_nothing_stays_leased(
        self, executor: Executor, launch: MakeLaunch
    ) -> None:
        free = executor.free_slots()
        with pytest.raises(Unavailable, match="/no/such/python"):
            executor.start(replace(launch(slots=free), interpreter="/no/such/python"))
        assert executor.free_slots() == free
