"""Which runs live, as an index tells it."""

from __future__ import annotations

from pathlib import Path

from ..entities import RunStatus, new_id
from ..journal import read_chunk
from ..journal.records import Edit, Heartbeat
from ..protocols.runs import RunIndex
from ..services.runs.folding import fold
from .clocks import FakeClock
from .index_parts import ELSEWHERE, HERE, IndexContract, parts, sight
from .journals import RUN, Scribe


class LivenessContract(IndexContract):
    """What an index keeps for those who look at processes, and what it tells of the lost."""

    def test_open_writers_are_those_of_running_runs_near_by(
        self, index: RunIndex, tmp_path: Path, clock: FakeClock
    ) -> None:
        mine = Scribe(tmp_path, clock, run_id=new_id(1), writer="a").start(process=HERE)
        far_child = Scribe(tmp_path, clock, run_id=new_id(1), writer="b")
        far_child = Scribe(tmp_path, clock, run_id=mine.run_id, writer="b").join(process=ELSEWHERE)
        editor = Scribe(tmp_path, clock, run_id=mine.run_id, writer="c").join(process=HERE, role="editor")
        closed = Scribe(tmp_path, clock, run_id=mine.run_id, writer="d").join(process=HERE).close()
        far = Scribe(tmp_path, clock, run_id=new_id(2), writer="e").start(process=ELSEWHERE)
        ended = Scribe(tmp_path, clock, run_id=new_id(3), writer="f").start(process=HERE).end()
        for scribe in (mine, far_child, editor, closed, far, ended):
            index.apply(parts(scribe))
        found = index.open_writers(HERE)
        assert {(each.run_id, each.writer, each.process) for each in found} == {
            (mine.run_id, "a", HERE),
            (mine.run_id, "b", ELSEWHERE),
        }

    def test_dead_run_is_lost_until_a_later_record(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start(process=HERE)
        index.apply(parts(scribe))
        (writer,) = index.open_writers(HERE)
        seq, _ = index.changes(0)
        index.note_dead({RUN: writer.seq})
        assert self.one(index, clock).run.status is RunStatus.LOST
        assert index.changes(seq)[1] == [RUN]
        assert index.open_writers(HERE) == []
        offset = scribe.path.stat().st_size
        scribe.write(Heartbeat())
        index.apply([fold(scribe.journal.key, read_chunk(scribe.path, offset))])
        assert self.one(index, clock).run.status is RunStatus.RUNNING

    def test_run_that_changed_since_it_was_looked_at_is_not_noted_dead(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start(process=HERE)
        index.apply(parts(scribe))
        index.note_dead({RUN: index.open_writers(HERE)[0].seq - 1})
        assert self.one(index, clock).run.status is RunStatus.RUNNING

    def test_silence_is_told_once_and_then_that_the_run_is_lost(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start(process=ELSEWHERE)
        index.apply(parts(scribe))
        seq, _ = index.changes(0)
        told = []
        for _ in range(5):
            clock.sleep(900)
            for _ in range(2):
                index.note_silence(sight(clock()))
                seq, ids = index.changes(seq)
                told.append((self.one(index, clock).run.status.value, ids))
        assert told[0] == ("running", [RUN])
        assert told[8] == ("lost", [RUN])
        assert [ids for _, ids in told[1:8] + told[9:]] == [[]] * 8

    def test_run_that_somebody_sees_alive_is_never_silent(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start(process=ELSEWHERE)
        index.apply(parts(scribe))
        seq, _ = index.changes(0)
        clock.sleep(100_000)
        seeing = sight(clock(), RUN)
        index.note_silence(seeing)
        assert index.changes(seq) == (seq, [])
        assert index.get([RUN], seeing)[0].run.status is RunStatus.RUNNING

    def test_all_writers_closed_without_an_end_is_lost(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        index.apply(parts(scribe.start(process=HERE).close()))
        indexed = self.one(index, clock)
        assert (indexed.run.status, indexed.open_writers) == (RunStatus.LOST, 0)

    def test_editing_a_lost_run_does_not_bring_it_to_life(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        index.apply(parts(scribe.start(process=ELSEWHERE)))
        clock.sleep(10_000)
        editor = Scribe(tmp_path, clock, writer="w2").join(role="editor").write(Edit(note="why?"))
        index.apply(parts(editor))
        indexed = self.one(index, clock)
        assert (indexed.run.status, indexed.run.note) == (RunStatus.LOST, "why?")
