"""Ingest: nothing twice, nothing lost, and a rebuild says the same."""

from __future__ import annotations

import math
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import Progress, RunStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.journal.records import (
    Artifacts,
    Context,
    Displayed,
    Edit,
    Heartbeat,
    Input,
    Params,
    Register,
    Source,
    Step,
    Tags,
)
from jupyter_mlops.store.index_schema import SCHEMA
from jupyter_mlops.testing.journals import RUN, Scribe, kill, logging_process

from ..run_worlds import HERE, FakeHost, FakeRegistry, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home")
    yield world
    world.close()


def write_at_random(scribes: list[Scribe], world: World, dice: random.Random) -> None:
    """One record of any kind by any writer; clocks of several machines need not agree."""
    scribe = dice.choice(scribes)
    name, number = dice.choice("abc"), dice.random()
    world.clock.sleep(dice.choice([0.0, 0.0, 0.1, 3.0]))
    scribe.write(
        dice.choice(
            [
                Params(p={name: dice.choice([number, "text", None, True, [1, {"x": number}]])}),
                Tags(g={name: dice.choice([None, str(number)])}),
                Edit(name=f"n{number}", note=name, archived=number < 0.5),
                Source(text=f"x = {number}"),
                Context(values={name: number}),
                Displayed(message="stream", data={"text/plain": name}, name="stdout"),
                Artifacts(name=name, digest=str(number), size_bytes=1),
                Input(kind="dataset", name=name, version=1, digest="d"),
                Register(kind="model", version={"name": name, "digest": str(number)}),
                Step(progress=Progress(done=int(number * 9), total=9)),
                Heartbeat(),
            ]
        )
    )
    for _ in range(dice.randrange(40)):
        scribe.log(dice.randrange(1000), **{name: dice.choice([number, math.nan, math.inf, -0.0, 0.0])})
    if number < 0.1:
        scribe.scribble(b'{"k":"tag"\n{"k":"later","v":7}\n')


@pytest.mark.parametrize("seed", range(6))
def test_rebuild_gives_exactly_the_same_index(world: World, seed: int) -> None:
    dice = random.Random(seed)
    scribes = []
    for number in range(4):
        owner = world.new_run(f"run {number}")
        scribes += [
            owner,
            world.child_of(owner.run_id, pid=11),
            world.child_of(owner.run_id, pid=12, role="editor"),
        ]
    for _ in range(120):
        write_at_random(scribes, world, dice)
        if dice.random() < 0.3:
            world.runs.search()
    for scribe in scribes:
        if dice.random() < 0.7:
            scribe.end(dice.choice([RunStatus.FINISHED, RunStatus.FAILED]), reason=str(seed))
    world.runs.search()
    grown = world.facts()
    assert sum(map(len, grown.values())) > 100
    assert world.runs.rebuild() == 4
    assert world.facts() == grown
    fresh = world.again(index=world.home.parent / "fresh.sqlite")
    fresh.ingestor.ingest()
    assert fresh.facts() == grown
    fresh.close()


def test_ingesting_twice_changes_nothing(world: World) -> None:
    world.new_run().log(1, loss=1.0).write(Displayed(message="stream", data={"text/plain": "x"}))
    world.ingestor.ingest()
    seq, _ = world.index.changes(0)
    facts = world.facts()
    world.ingestor.ingest()
    world.again().ingestor.ingest()
    assert (world.facts(), world.index.changes(seq)) == (facts, (seq, []))


def test_rows_and_offset_are_committed_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    scribe = world.new_run().log(1, loss=1.0)

    def fail(*args: object) -> None:
        raise RuntimeError("the machine stops here")

    with monkeypatch.context() as patch:
        patch.setattr("jupyter_mlops.store.index_write._write_lists", fail)
        with pytest.raises(RuntimeError):
            world.ingestor.ingest()
    assert not any(world.facts().values())
    assert world.runs.get(scribe.run_id).metrics["loss"].count == 1


def test_torn_last_line_is_taken_in_when_it_is_complete(world: World) -> None:
    scribe = world.new_run().scribble(b'{"k":"tag","t":2e9,"n":9,"g":{"a"')
    assert world.runs.get(scribe.run_id).tags == {}
    scribe.scribble(b':"1"}}\n')
    assert world.runs.get(scribe.run_id).tags == {"a": "1"}


def test_bad_and_unknown_lines_are_counted_and_skipped(world: World) -> None:
    scribe = world.new_run().scribble(b'nonsense\n{"k":"later","v":7}\n').log(loss=1.0)
    impossible = b'{"k":"beat","t":1.0,"n":99999999999999999999}\n{"k":"metric","n":-1,"m":{"x":1}}\n'
    scribe.scribble(impossible).scribble(
        b'{"k":"input","kind":"d","name":"n","version":%d,"digest":""}\n' % 10**30
    )
    assert world.runs.get(scribe.run_id).metrics["loss"].count == 1
    state = world.index.journals([scribe.run_id])[scribe.run_id, scribe.journal.key.writer]
    assert (state.bad_lines, state.unknown) == (4, 1)


def test_hole_of_nuls_waits_for_its_writer_and_is_passed_over_when_it_is_dead(world: World) -> None:
    scribe = world.new_run(pid=77)
    scribe.scribble(b"\0" * 50 + b"\n").log(loss=1.0)
    assert world.runs.get(scribe.run_id).metrics == {}
    world.host.dead.add(77)
    assert world.runs.get(scribe.run_id).metrics["loss"].last == 1.0
    facts = world.facts()
    world.runs.rebuild()
    assert world.facts() == facts


def test_two_processes_write_one_run_and_several_ingest_at_once(world: World) -> None:
    environment = {**os.environ, "JUPYTER_MLOPS_HOME": str(world.home)}
    program = (
        "import sys; from pathlib import Path; from tests.run_worlds import World\n"
        "world = World(Path(sys.argv[1]))\n"
        "for _ in range(25): world.ingestor.ingest()"
    )
    writers = [logging_process(world.home, role=role, count=400) for role in ("owner", "child")]
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", program, str(world.home)]
    readers = [subprocess.Popen(command, cwd=root, env=environment) for _ in range(3)]
    for writer in writers:
        writer.communicate("")
    assert [reader.wait() for reader in readers] == [0, 0, 0]
    run = world.runs.get(RUN)
    assert (run.metrics["loss"].count, run.metrics["loss"].max) == (800, 399.0)
    facts = world.facts()
    world.runs.rebuild()
    assert world.facts() == facts


def test_killed_ingest_is_taken_up_again(world: World) -> None:
    for number in range(3):
        scribe = world.new_run(f"run {number}")
        for step in range(3000):
            scribe.log(step, loss=float(step))
    program = (
        "import sys; from pathlib import Path; from tests.run_worlds import World\n"
        "import jupyter_mlops.services.runs.ingest as ingest\n"
        "ingest.BATCH_BYTES = 50_000; ingest.read_chunk.__kwdefaults__['limit'] = 20_000\n"
        "world = World(Path(sys.argv[1])); apply = world.index.apply\n"
        "world.index.apply = lambda deltas: (apply(deltas), print('batch', flush=True))[0]\n"
        "world.ingestor.ingest()"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, str(world.home)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == b"batch\n"
    reader.send_signal(signal.SIGKILL)
    reader.communicate()
    page = world.runs.search()
    assert [run.metrics["loss"].count for run in page.runs] == [3000] * 3
    facts = world.facts()
    world.runs.rebuild()
    assert world.facts() == facts


def test_everything_that_log_returned_for_is_read_after_sigkill(world: World) -> None:
    process = logging_process(world.home)
    assert process.stdout is not None
    returned = [process.stdout.readline() for _ in range(300)]
    returned += kill(process)
    history = world.runs.history(RUN, "loss")
    assert history.values[: len(returned)] == [float(line) for line in returned]


# -------------------------------------------------------------------- active entries


def test_closed_journal_is_retired_when_its_grace_time_has_passed(world: World) -> None:
    world.new_run().end()
    world.ingestor.ingest()
    world.clock.sleep(world.settings.journal_grace_s - 1)
    world.ingestor.ingest()
    assert len(world.active()) == 1
    world.clock.sleep(2)
    world.ingestor.ingest()
    assert world.active() == []


def test_record_that_raced_with_close_is_taken_in_before_the_journal_is_retired(world: World) -> None:
    scribe = world.new_run()
    late = b'{"k":"metric","v":1,"t":2.0,"n":99,"m":{"late":1.0}}\n'
    scribe.end()
    world.ingestor.ingest()
    world.ingestor.ingest()
    scribe.scribble(late)
    world.clock.sleep(100)
    world.ingestor.ingest()
    assert world.runs.get(scribe.run_id).metrics["late"].last == 1.0
    world.clock.sleep(100)
    world.ingestor.ingest()
    assert world.active() == []


def test_journal_of_a_living_process_stays_active(world: World) -> None:
    world.new_run(pid=77)
    for _ in range(3):
        world.clock.sleep(1_000_000)
        world.ingestor.ingest()
    assert len(world.active()) == 1


def test_journal_of_a_dead_process_is_retired_with_its_torn_line(world: World) -> None:
    scribe = world.new_run(pid=77).scribble(b'{"k":"ta')
    world.host.dead.add(77)
    world.ingestor.ingest()
    assert len(world.active()) == 1
    world.clock.sleep(100)
    world.ingestor.ingest()
    assert world.active() == []
    facts = world.facts()
    assert world.status(scribe.run_id) is RunStatus.LOST
    world.runs.rebuild()
    assert world.facts() == facts


def test_journal_that_is_not_all_in_the_index_is_not_retired(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scribe = world.new_run(pid=77)
    world.ingestor.ingest()
    scribe.log(loss=1.0)
    world.host.dead.add(77)
    world.clock.sleep(1000)
    with monkeypatch.context() as patch:
        patch.setattr(world.index, "apply", lambda deltas: list(deltas))  # somebody else is always faster
        world.ingestor.ingest()
    assert len(world.active()) == 1
    world.ingestor.ingest()
    world.ingestor.ingest()
    assert world.active() == []


def test_journal_of_a_process_that_cannot_be_seen_stays_active_for_a_week(world: World) -> None:
    scribe = world.new_run()
    elsewhere = world.again(host=FakeHost(here=replace(HERE, host="other", boot_id="other")))
    world.clock.sleep(6 * 86400)
    elsewhere.ingestor.ingest()
    elsewhere.ingestor.ingest()
    assert len(world.active()) == 1
    world.clock.sleep(2 * 86400)
    elsewhere.ingestor.ingest()
    assert world.active() == []
    scribe.log(loss=1.0)
    world.runs.rebuild()
    assert world.runs.get(scribe.run_id).metrics["loss"].count == 1


def test_entry_whose_writer_died_before_its_first_byte_goes_in_time(world: World) -> None:
    scribe = world.scribe()
    world.clock.now = scribe.journal.key.active_entry(world.home).stat().st_mtime + 60
    world.ingestor.ingest()
    assert len(world.active()) == 1
    world.clock.sleep(8 * 86400)
    world.ingestor.ingest()
    assert world.active() == []


def test_unreadable_journal_does_not_keep_others_from_being_read(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    broken = world.scribe("0" * 26)
    broken.path.unlink()
    broken.path.mkdir()
    run_id = world.new_run().log(loss=1.0).run_id
    assert world.runs.get(run_id).metrics["loss"].count == 1
    world.runs.get(run_id)
    assert len([record for record in caplog.records if "cannot be read" in record.message]) == 1


# -------------------------------------------------------------------- the index is disposable


def test_deleted_index_is_made_again_also_from_retired_journals(world: World) -> None:
    scribe = world.new_run().log(loss=1.0).end()
    world.ingestor.ingest()
    world.clock.sleep(100)
    world.ingestor.ingest()
    assert world.active() == []
    facts = world.facts()
    seq, _ = world.index.changes(0)
    world.close()
    for path in world.home.glob("index.sqlite*"):
        path.unlink()
    again = world.again()
    assert again.runs.get(scribe.run_id).metrics["loss"].count == 1
    assert again.facts() == facts
    assert again.runs.changes(seq)[1] == [scribe.run_id]


def test_index_of_another_version_is_dropped_and_made_anew(world: World) -> None:
    scribe = world.new_run().end()
    world.ingestor.ingest()
    world.clock.sleep(100)
    world.ingestor.ingest()
    facts = world.facts()
    seq, _ = world.index.changes(0)
    with sqlite3.connect(world.home / "index.sqlite") as connection:
        connection.execute("UPDATE index_state SET value = 0 WHERE name = ?", [SCHEMA])
        connection.execute("DROP TABLE run_points")
        connection.execute("CREATE TABLE run_of_old (x)")
        connection.execute("CREATE TABLE somebody_elses (x)")
    again = world.again()
    assert [run.id for run in again.runs.search().runs] == [scribe.run_id]
    assert again.facts() == facts
    assert again.runs.changes(seq)[1] == [scribe.run_id]
    with sqlite3.connect(world.home / "index.sqlite") as connection:
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert ("run_of_old" in names, "somebody_elses" in names) == (False, True)


def test_damaged_index_is_made_anew_from_the_journals(world: World, caplog: pytest.LogCaptureFixture) -> None:
    run_id = world.new_run().end().run_id
    world.ingestor.ingest()
    facts = world.facts()
    world.database.close()
    (world.home / "index.sqlite").write_bytes(b"this is no database" * 1000)
    again = world.again()
    assert [run.id for run in again.runs.search().runs] == [run_id]
    assert again.facts() == facts
    assert "was damaged" in caplog.text


def test_index_that_cannot_be_opened_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "index.sqlite").mkdir()
    with pytest.raises(Unavailable, match=r"index\.sqlite cannot be opened: .* delete it"):
        World(tmp_path)


def test_hosts_with_indexes_of_their_own_all_see_every_run(world: World) -> None:
    here, there = (
        world.again(index=world.home.parent / f"{name}.sqlite", several_indexes=True) for name in ("a", "b")
    )
    first = world.new_run().end().run_id
    here.ingestor.ingest()
    there.ingestor.ingest()
    second = world.new_run().end().run_id
    here.ingestor.ingest()
    world.clock.sleep(86400)
    here.ingestor.ingest()
    assert {run.id for run in there.runs.search().runs} == {first, second}
    third = world.new_run().end().run_id
    here.ingestor.ingest()
    world.clock.sleep(30 * 86400)
    here.ingestor.ingest()
    assert world.active() == []
    assert {run.id for run in there.runs.search().runs} == {first, second, third}


# -------------------------------------------------------------------- registrations


def registering(world: World, *names: str) -> Scribe:
    scribe = world.new_run(user="bea")
    return scribe.write(
        *(Register(kind="model", version={"name": name, "digest": f"d-{name}"}) for name in names)
    )


def test_registration_is_applied_once_for_its_key_and_user(world: World) -> None:
    scribe = registering(world, "m")
    detail = world.runs.detail(scribe.run_id)
    key = f"{scribe.run_id}/{scribe.journal.key.writer}/2"
    assert [(ref.name, ref.version) for ref in detail.registered] == [("m", 1)]
    assert world.registry.calls == [(key, scribe.run_id, "bea")]
    facts = world.facts()
    world.runs.rebuild()
    assert world.registry.numbers == {key: 1}
    assert world.facts() == facts


def test_registration_of_a_later_part_knows_who_began_the_run(world: World) -> None:
    scribe = world.new_run(user="bea")
    world.ingestor.ingest()
    scribe.write(Register(kind="model", version={"name": "m", "digest": "d"}))
    world.ingestor.ingest()
    assert [user for _, _, user in world.registry.calls] == ["bea"]


def test_unreachable_registry_leaves_the_version_pending_until_it_is_back(world: World) -> None:
    world.registry.reachable = False
    scribe = registering(world, "m", "n")
    assert [ref.version for ref in world.runs.detail(scribe.run_id).registered] == [None, None]
    seq, _ = world.runs.changes(0)
    world.registry.reachable = True
    assert world.runs.changes(seq)[1] == [scribe.run_id]
    assert [ref.version for ref in world.runs.detail(scribe.run_id).registered] == [1, 2]
    calls = len(world.registry.calls)
    world.ingestor.ingest()
    assert len(world.registry.calls) == calls


def test_registration_that_is_refused_for_good_is_not_tried_again(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    scribe = registering(world, "bad name", "good")
    assert [(ref.name, ref.version) for ref in world.runs.detail(scribe.run_id).registered] == [("good", 1)]
    world.ingestor.ingest()
    assert len(world.registry.calls) == 2
    assert "was refused: no such name: bad name" in caplog.text


def test_pending_registration_survives_the_reader(world: World) -> None:
    world.registry.reachable = False
    scribe = registering(world, "m")
    world.ingestor.ingest()
    later = world.again(registry=FakeRegistry())
    assert [ref.version for ref in later.runs.detail(scribe.run_id).registered] == [1]
    assert later.index.pending_registrations() == []


def test_line_that_is_no_utf8_is_a_bad_line_and_hides_nothing(world: World) -> None:
    scribe = world.new_run("spoiled")
    scribe.log(1, loss=0.5)
    scribe.scribble(b'{"k":"tag","g":{"a":"\xff"}}\n')
    scribe.log(2, loss=0.25)
    (run,) = world.runs.search().runs
    assert world.runs.history(run.id, "loss").values == [0.5, 0.25]


def test_reader_whose_index_was_deleted_goes_on_with_the_new_one(world: World) -> None:
    scribe = world.new_run("kept")
    scribe.log(1, loss=0.5)
    (before,) = world.runs.search().runs
    for path in world.home.glob("index.sqlite*"):
        path.unlink()
    another = world.again()
    assert [run.name for run in another.runs.search().runs] == ["kept"]
    scribe.log(2, loss=0.25)
    assert world.runs.history(before.id, "loss").values == [0.5, 0.25]
    assert another.facts() == world.facts()
    another.close()


def test_rebuild_makes_an_index_anew_that_is_damaged_within(world: World) -> None:
    for number in range(30):
        world.new_run(f"run {number}")
    world.runs.search()
    facts = world.facts()
    world.close()
    path = world.home / "index.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + b"\xab" * (len(content) // 2))
    damaged = world.again()
    assert damaged.runs.rebuild() == 30
    assert damaged.facts() == facts
    assert (world.home / "index.sqlite.damaged").exists()
    damaged.close()


def test_database_that_cannot_be_written_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.store.database.BUSY_TIMEOUT_S", 0.01)
    impatient = world.again()
    other = sqlite3.connect(world.home / "index.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable, match=r"index\.sqlite cannot be written: database is locked"):
        impatient.index.note_scan(1.0)
    other.close()
    impatient.close()
