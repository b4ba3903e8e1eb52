"""An executor without processes, and what every executor must do."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ..config import JOB
from ..entities import Cause, GpuSlot, JobSpec
from ..errors import InvalidInput, Unavailable
from ..protocols.jobs import (
    Begun,
    Launch,
    Machine,
    Outlook,
    Presence,
    Sighting,
    SlotRoom,
    Standings,
    Wish,
)
from .jobs import job_spec


def slot(number: int) -> GpuSlot:
    """A slot that no host has."""
    return GpuSlot(uuid=f"GPU-{number}", index=number, name="fake GPU", virtual=True)


def whole_slots(machine: Machine) -> list[GpuSlot]:
    """The GPUs that are wholly free."""
    return [room.slot for room in machine.room() if room.share >= 1.0]


class FakeExecutor:
    """Remembers what it was asked; the test says what becomes of the workers."""

    def __init__(
        self, *, gpus: int = 2, cpus: int = 4, shares_files: bool = True, keeps_queue: bool = False
    ) -> None:
        self.shares_files, self.keeps_queue = shares_files, keeps_queue
        self.never_because = ""
        self.launches: list[Launch] = []
        self.interrupted: list[str] = []
        self.killed: list[str] = []
        self.sightings: dict[str, Sighting] = {}
        self.unkillable = False
        self.start_fails: str | None = None
        self.refuses: str | None = None
        self.taken_by_others: set[str] = set()
        self.queued_up: list[list[Wish]] = []
        self.wishes_of_others: list[Wish] = []
        self.outlook_is = Outlook(starts_now=True)
        self.asked_outlook = self.looks = 0
        self.does_not_answer = ""
        self._slots = [slot(number) for number in range(gpus)]
        self._cpus = cpus

    def refusal(self, spec: JobSpec) -> str:
        wanted = spec.resources
        if wanted.gpus > len(self._slots):
            return f"The job wants {wanted.gpus:g} GPUs, and there are {len(self._slots) or 'none'} here."
        if wanted.cpus > self._cpus:
            return f"The job wants {wanted.cpus} CPU cores, and there are {self._cpus} here."
        if wanted.memory_bytes and wanted.memory_bytes > self.memory_bytes():
            asked, there_is = (each / 1024**3 for each in (wanted.memory_bytes, self.memory_bytes()))
            return f"The job wants {asked:.1f} GiB of memory, and there are {there_is:.1f} here."
        return self.never_because

    def look(self, begun: Sequence[Begun]) -> None:
        """Nothing to look after, but who does not answer says so here."""
        self.looks += 1
        if self.does_not_answer:
            raise Unavailable(self.does_not_answer)

    def slots(self) -> list[GpuSlot]:
        return self._slots

    def room(self) -> list[SlotRoom]:
        return [SlotRoom(slot=slot, share=1.0 - self._held(slot)) for slot in self._slots]

    def _held(self, slot: GpuSlot) -> float:
        alive = [launch for launch in self.launches if self.is_alive(launch.job_id)]
        there = [launch for launch in alive if slot in launch.slots]
        return sum(1.0 if each.exclusive else min(1.0, each.spec.resources.gpus) for each in there)

    def queue_up(self, wishes: Sequence[Wish]) -> list[Wish]:
        self.queued_up.append(list(wishes))
        return self.wishes_of_others

    def standings(self) -> Standings:
        return Standings()

    def outlook(self, spec: JobSpec) -> Outlook:
        self.asked_outlook += 1
        if self.does_not_answer:
            raise Unavailable(self.does_not_answer)
        return self.outlook_is

    def cpus(self) -> int:
        return self._cpus

    def memory_bytes(self) -> int:
        return 8 * 1024**3

    def start(self, launch: Launch) -> bool:
        if self.start_fails is not None:
            raise Unavailable(self.start_fails)
        if self.refuses is not None:
            raise InvalidInput(self.refuses)
        if any(slot.uuid in self.taken_by_others for slot in launch.slots):
            return False
        self.launches.append(launch)
        begins = Presence.WAITING if self.keeps_queue else Presence.ALIVE
        self.sightings[launch.job_id] = Sighting(presence=begins)
        return True

    def sight(self, begun: Begun) -> Sighting:
        return self.sightings.get(begun.job_id, Sighting(presence=Presence.ABSENT))

    def interrupt(self, begun: Begun) -> None:
        self.interrupted.append(begun.job_id)

    def kill(self, begun: Begun) -> bool:
        self.killed.append(begun.job_id)
        if not self.unkillable:
            self.end(begun.job_id, "its worker was killed")
        return not self.unkillable

    def end(self, job_id: str, reason: str = "its worker is gone", cause: Cause | None = None) -> None:
        """The job's worker goes away."""
        self.sightings[job_id] = Sighting(presence=Presence.GONE, reason=reason, cause=cause)

    def is_alive(self, job_id: str) -> bool:
        """Whether its worker goes on."""
        return self.sightings[job_id].presence is Presence.ALIVE


SLEEP = "import time\nwhile True: time.sleep(60)\n"
Program = Callable[[str], str]
MakeLaunch = Callable[..., Launch]
Eventually = Callable[[Callable[[], object]], object]


def _begun(job_id: str) -> Begun:
    return Begun(job_id=job_id, attempt=1, folder=Path())


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
                spec=job_spec(id=job_id, interpreter=program(SLEEP)),
                attempt=1,
                folder=tmp_path / job_id,
                log=log,
                environment={**os.environ, JOB: job_id},
                slots=slots,
            )

        return make

    def test_nothing_is_known_of_a_job_that_was_never_started(self, executor: Machine) -> None:
        assert executor.sight(_begun("never")).presence is Presence.ABSENT

    def test_worker_is_alive_until_it_is_killed(
        self, executor: Machine, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        assert executor.start(launch())
        assert executor.sight(_begun("job-a")).presence is Presence.ALIVE
        eventually(lambda: executor.kill(_begun("job-a")))
        eventually(lambda: executor.sight(_begun("job-a")).presence is Presence.GONE)
        assert signal.SIGKILL.name in executor.sight(_begun("job-a")).reason

    def test_leased_slots_are_not_free_and_come_back(
        self, executor: Machine, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        first, second = whole_slots(executor)
        assert executor.start(launch(slots=[first]))
        assert whole_slots(executor) == [second]
        assert not executor.start(launch("job-b", slots=[second, first]))
        assert whole_slots(executor) == [second]
        eventually(lambda: executor.kill(_begun("job-a")))
        eventually(lambda: whole_slots(executor) == [first, second])

    def test_interrupted_worker_may_end_by_itself(
        self, executor: Machine, launch: MakeLaunch, eventually: Eventually
    ) -> None:
        assert executor.start(launch())

        def is_gone_when_asked() -> bool:
            executor.interrupt(_begun("job-a"))  # one that is just being started is not there yet to hear it
            return executor.sight(_begun("job-a")).presence is Presence.GONE

        eventually(is_gone_when_asked)

    def test_interpreter_that_is_not_there_is_said_and_nothing_stays_leased(
        self, executor: Machine, launch: MakeLaunch
    ) -> None:
        free = whole_slots(executor)
        asked = launch(slots=free)
        missing = replace(asked, spec=replace(asked.spec, interpreter="/no/such/python"))
        with pytest.raises(Unavailable, match="/no/such/python"):
            executor.start(missing)
        assert whole_slots(executor) == free
