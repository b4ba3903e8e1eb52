"""Which runs live, as readers of one host and of several see it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.capture import processes
from jupyter_mlops.entities import RunStatus
from jupyter_mlops.journal.records import Close, End, Heartbeat
from jupyter_mlops.services.runs.liveness import Liveness, Witness
from jupyter_mlops.services.runs.service import RunService
from jupyter_mlops.testing.journals import RUN, kill, logging_process

from ..run_worlds import HERE, FakeHost, World
from ..waiting import wait_until

THERE = replace(HERE, host="there", boot_id="boot-2")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home")
    yield world
    world.close()


@pytest.fixture
def really(world: World) -> RunService:
    """The run service that looks at real processes."""
    liveness = Liveness(world.index, world.settings)
    return RunService(world.index, world.ingestor, world.blobs, world.settings, liveness=liveness)


def test_run_of_a_killed_process_is_lost_and_of_a_living_one_running(
    world: World, really: RunService
) -> None:
    process = logging_process(world.home, count=3)
    assert process.stdout is not None
    process.stdout.readline()
    assert really.get(RUN).status is RunStatus.RUNNING
    kill(process)
    run = really.get(RUN)
    assert run.status is RunStatus.LOST
    assert run.status_reason is not None
    assert run.status_reason.startswith("its process is gone; its last record is of 20")
    assert really.search("status = 'lost'").total == 1
    assert really.search("status = 'running'").total == 0


def test_stopped_process_whose_parent_never_waits_is_lost(world: World, really: RunService) -> None:
    process = logging_process(world.home, count=1)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    wait_until(lambda: really.get(RUN).status is RunStatus.LOST, message="a zombie keeps its run alive")
    process.communicate()


def test_run_lives_while_any_of_its_processes_does(world: World) -> None:
    owner = world.new_run(pid=77)
    child = world.child_of(owner.run_id, pid=78)
    assert world.status(owner.run_id) is RunStatus.RUNNING
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.RUNNING
    world.host.dead.add(78)
    assert world.status(owner.run_id) is RunStatus.LOST
    assert child.run_id == owner.run_id


def test_closed_writer_does_not_keep_a_run_alive(world: World) -> None:
    owner = world.new_run(pid=77)
    world.child_of(owner.run_id, pid=78).close()
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.LOST


def test_editor_does_not_keep_a_run_alive(world: World) -> None:
    owner = world.new_run(pid=77)
    world.child_of(owner.run_id, pid=78, role="editor")
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.LOST


def test_later_record_undoes_lost(world: World) -> None:
    owner = world.new_run(pid=77)
    world.host.dead.add(77)
    seq, _ = world.runs.changes(0)
    assert world.status(owner.run_id) is RunStatus.LOST
    owner.write(End(status=RunStatus.FINISHED), Close())
    later, changed = world.runs.changes(seq)
    assert (world.status(owner.run_id), changed) == (RunStatus.FINISHED, [owner.run_id])
    assert world.runs.search("status = 'lost'").total == 0
    assert world.runs.changes(later) == (later, [])


def test_process_that_joins_a_lost_run_brings_it_back(world: World) -> None:
    owner = world.new_run(pid=77)
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.LOST
    world.child_of(owner.run_id, pid=78)
    assert world.status(owner.run_id) is RunStatus.RUNNING
    world.host.dead.add(78)
    assert world.status(owner.run_id) is RunStatus.LOST


def test_end_that_was_written_just_before_death_counts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the ingest and the look at processes a run may end and its process go."""
    owner = world.new_run(pid=77)
    world.ingestor.ingest()
    ingest = world.ingestor.ingest
    ended = []

    def ingest_then_end() -> None:
        ingest()
        if not ended:
            ended.append(owner.end())
            world.host.dead.add(77)

    monkeypatch.setattr(world.ingestor, "ingest", ingest_then_end)
    assert world.status(owner.run_id) is RunStatus.FINISHED


def test_run_that_turned_lost_counts_as_changed_once_for_every_reader(world: World) -> None:
    owner = world.new_run(pid=77)
    other = world.again()
    seq, _ = world.runs.changes(0)
    world.host.dead.add(77)
    lost_at, changed = world.runs.changes(seq)
    assert changed == [owner.run_id]
    assert other.runs.changes(seq) == (lost_at, [owner.run_id])
    assert [reader.runs.changes(lost_at) for reader in (world, other)] == [(lost_at, [])] * 2


# -------------------------------------------------------------------- what cannot be seen from here


@pytest.fixture
def elsewhere(world: World) -> World:
    """A reader on another host."""
    return world.again(host=FakeHost(here=THERE))


def test_heartbeat_speaks_for_a_process_that_cannot_be_seen(world: World, elsewhere: World) -> None:
    owner = world.new_run(pid=77)
    for _ in range(10):
        world.clock.sleep(500)
        owner.write(Heartbeat())
        run = elsewhere.runs.get(owner.run_id)
        assert (run.status, run.status_reason) == (RunStatus.RUNNING, None)


def test_silence_is_told_of_and_in_time_makes_a_run_lost(world: World, elsewhere: World) -> None:
    owner = world.new_run(pid=77)
    seq, _ = elsewhere.runs.changes(0)
    world.clock.sleep(world.settings.silent_after_s + 1)
    run = elsewhere.runs.get(owner.run_id)
    assert run.status is RunStatus.RUNNING
    assert run.status_reason is not None
    assert run.status_reason.startswith("no sign of life since 2023-11-1")
    seq, changed = elsewhere.runs.changes(seq)
    assert changed == [owner.run_id]
    world.clock.sleep(world.settings.lost_after_s)
    run = elsewhere.runs.get(owner.run_id)
    assert run.status is RunStatus.LOST
    assert run.status_reason is not None
    assert run.status_reason.startswith("no sign of life since")
    assert run.duration_s == 0.0
    seq, changed = elsewhere.runs.changes(seq)
    assert changed == [owner.run_id]
    assert elsewhere.runs.changes(seq) == (seq, [])
    assert elsewhere.runs.search("status = 'lost'").total == 1
    owner.write(Heartbeat())
    run = elsewhere.runs.get(owner.run_id)
    assert (run.status, run.status_reason) == (RunStatus.RUNNING, None)


def test_who_sees_the_process_alive_needs_no_heartbeat(world: World, elsewhere: World) -> None:
    owner = world.new_run(pid=77)
    world.clock.sleep(100_000)
    assert elsewhere.status(owner.run_id) is RunStatus.LOST
    run = world.runs.get(owner.run_id)
    assert (run.status, run.status_reason) == (RunStatus.RUNNING, None)
    assert world.runs.search("status = 'running'").total == 1
    assert elsewhere.runs.search("status = 'running'").total == 0
    seq, _ = world.runs.changes(0)
    for reader in (elsewhere, world, elsewhere, world):
        later, changed = reader.runs.changes(seq)
        assert len(changed) <= 1  # told once, and readers of different views do not take turns
        seq = later
    assert [reader.runs.changes(seq)[1] for reader in (world, elsewhere)] == [[], []]


def test_death_that_one_reader_saw_is_known_to_all(world: World, elsewhere: World) -> None:
    owner = world.new_run(pid=77)
    assert elsewhere.status(owner.run_id) is RunStatus.RUNNING
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.LOST
    assert elsewhere.status(owner.run_id) is RunStatus.LOST


def test_run_with_a_dead_process_here_and_an_unseen_one_there_follows_the_heartbeat(world: World) -> None:
    owner = world.new_run(pid=77)
    world.scribe(owner.run_id).join(process=replace(THERE, pid=5))
    world.host.dead.add(77)
    assert world.status(owner.run_id) is RunStatus.RUNNING
    world.clock.sleep(world.settings.lost_after_s + 1)
    assert world.status(owner.run_id) is RunStatus.LOST


def test_process_of_before_the_last_boot_is_dead(world: World) -> None:
    owner = world.new_run(pid=77)
    world.clock.sleep(60)
    rebooted = FakeHost(here=replace(HERE, boot_id="boot-3"), booted_at=world.clock() - 30)
    assert world.again(host=rebooted).status(owner.run_id) is RunStatus.LOST


def test_process_of_another_host_of_the_same_name_is_not_taken_for_dead(world: World) -> None:
    owner = world.new_run(pid=77)
    namesake = FakeHost(here=replace(HERE, boot_id="boot-3"), booted_at=world.clock() - 30)
    assert world.again(host=namesake).status(owner.run_id) is RunStatus.RUNNING


def test_writer_that_does_not_say_which_process_it_is_follows_the_heartbeat(world: World) -> None:
    world.scribe().start(process=None)
    assert world.status() is RunStatus.RUNNING
    world.clock.sleep(world.settings.lost_after_s + 1)
    assert world.status() is RunStatus.LOST


def test_witness_looks_at_real_processes_by_default() -> None:
    me = processes.current_process()
    witness = Witness()
    assert witness.sees(me, 0.0) is True
    assert witness.sees(replace(me, start_ticks=me.start_ticks - 1), 0.0) is False
    assert witness.sees(replace(me, pid_namespace=1), 0.0) is None
    assert witness.sees(None, 0.0) is None
