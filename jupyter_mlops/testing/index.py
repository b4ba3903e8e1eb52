"""What every run index must do; subclass it and give the fixture ``index``, which is empty."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ..entities import (
    CellTiming,
    MetricSummary,
    Process,
    Progress,
    RunError,
    RunKind,
    RunStatus,
    new_id,
)
from ..errors import FilterError
from ..journal import read_chunk
from ..journal.records import (
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
from ..protocols.runs import Delta, IndexedRun, RunIndex, Sight
from ..services.runs.folding import fold
from .clocks import FakeClock
from .journals import RUN, Scribe

HERE = Process(host="here", boot_id="boot", pid_namespace=1, pid=10, start_ticks=100)
ELSEWHERE = Process(host="there", boot_id="other", pid_namespace=1, pid=10, start_ticks=100)


def parts(scribe: Scribe, *, limit: int = 1 << 20) -> list[Delta]:
    """A whole journal as parts of about ``limit`` bytes."""
    found: list[Delta] = []
    offset = 0
    while True:
        chunk = read_chunk(scribe.path, offset, limit=limit)
        if chunk.end == offset:
            return found
        found.append(fold(scribe.journal.key, chunk))
        offset = chunk.end


def sight(now: float, *alive: str, silent_after_s: float = 600.0, lost_after_s: float = 3600.0) -> Sight:
    return Sight(now, now - silent_after_s, now - lost_after_s, frozenset(alive))


class RunIndexContract:
    """Inherit as ``class TestMine(RunIndexContract)`` with a fixture ``index``."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def scribe(self, tmp_path: Path, clock: FakeClock) -> Scribe:
        return Scribe(tmp_path, clock, writer="w1")

    # ------------------------------------------------------------ taking in
    def test_run_is_what_its_journal_says(self, index: RunIndex, scribe: Scribe, clock: FakeClock) -> None:
        scribe.start("net", process=HERE, user="ada", notebook="a.ipynb", cell_id="c", job_id="j")
        scribe.write(Params(p={"lr": 0.1, "opt": "adam", "deep": True}), Tags(g={"team": "a"}))
        scribe.log(0, loss=0.5).log(1, loss=0.25).log(2, loss=0.75)
        scribe.write(Step(progress=Progress(done=2, total=3)))
        clock.sleep(5)
        scribe.end(RunStatus.FAILED, reason="it broke", error=RunError(name="E", message="m", traceback="t"))
        index.apply(parts(scribe))
        run = self.one(index, clock).run
        expected = {
            "id": RUN,
            "name": "net",
            "experiment": "digits",
            "kind": RunKind.CELL,
            "status": RunStatus.FAILED,
            "status_reason": "it broke",
            "started_at": clock() - 5,
            "ended_at": clock(),
            "duration_s": 5.0,
            "notebook": "a.ipynb",
            "cell_id": "c",
            "job_id": "j",
            "user": "ada",
            "host": "here",
            "params": {"lr": 0.1, "opt": "adam", "deep": True},
            "metrics": {"loss": MetricSummary(last=0.75, min=0.25, max=0.75, count=3, last_step=2)},
            "tags": {"team": "a"},
            "progress": Progress(done=2, total=3),
        }
        assert {name: getattr(run, name) for name in expected} == expected
        assert index.records(RUN).error == RunError(name="E", message="m", traceback="t")

    def test_part_is_taken_in_once(self, index: RunIndex, scribe: Scribe, clock: FakeClock) -> None:
        scribe.start().log(loss=1.0)
        (part,) = parts(scribe)
        assert index.apply([part]) == []
        assert index.apply([part]) == [part]
        assert self.one(index, clock).run.metrics["loss"].count == 1

    def test_part_that_does_not_follow_is_left_out(self, index: RunIndex, scribe: Scribe) -> None:
        for step in range(20):
            scribe.log(step, loss=float(step))
        first, second, *_ = parts(scribe, limit=200)
        assert index.apply([second]) == [second]
        assert index.apply([first, second]) == []
        assert index.journals([RUN])[RUN, "w1"].offset == second.end

    @pytest.mark.parametrize("limit", [400, 5000, 100_000])
    def test_cutting_a_journal_makes_no_difference(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock, limit: int
    ) -> None:
        scribe.start(process=HERE).scribble(b"nonsense\n")
        for step in range(1500):
            scribe.log(step, loss=math.sin(step), acc=math.nan if step % 7 else -0.0)
        scribe.write(Params(p={"lr": 1})).end()
        for part in parts(scribe, limit=limit):
            index.apply([part])
        run = self.one(index, clock).run
        values = [math.sin(step) for step in range(1500)]
        assert run.metrics["loss"] == MetricSummary(
            last=values[-1], min=min(values), max=max(values), count=1500, last_step=1499
        )
        points = index.points(RUN, "loss")
        assert [(point[2], point[3]) for point in points] == list(enumerate(values))
        assert index.journals([RUN])[RUN, "w1"].bad_lines == 1

    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_writers_merge_by_time_whatever_comes_in_first(
        self, index: RunIndex, tmp_path: Path, clock: FakeClock, order: Sequence[int]
    ) -> None:
        owner = Scribe(tmp_path, clock, writer="w1").start("first", process=HERE)
        child = Scribe(tmp_path, clock, writer="w2").join(process=HERE)
        editor = Scribe(tmp_path, clock, writer="w3").join(role="editor")
        owner.log(1, loss=3.0).write(Params(p={"lr": 1, "own": 1}), Tags(g={"a": "old", "b": "kept"}))
        owner.write(Step(progress=Progress(done=1, total=9)), Context(values={"x": 1, "y": 1}))
        clock.sleep(1)
        child.log(2, loss=1.0).write(Params(p={"lr": 2}), Source(text="child"), Context(values={"x": 2}))
        child.write(Artifacts(name="plot", digest="new", size_bytes=2))
        clock.sleep(1)
        editor.write(Edit(name="renamed", note="good"), Tags(g={"a": "new", "gone": None}))
        owner.write(Source(text="owner"), Tags(g={"gone": "x"}), Step(progress=Progress(done=2, total=9)))
        child.write(Tags(g={"gone": None}))
        clock.sleep(1)
        owner.write(Edit(note="better")).log(3, loss=2.0)
        owner.end()
        scribes = [owner, child, editor]
        for position in order:
            index.apply(parts(scribes[position]))
        run, records = self.one(index, clock).run, index.records(RUN)
        assert (run.name, run.note, run.progress) == ("renamed", "better", Progress(done=2, total=9))
        assert run.metrics["loss"] == MetricSummary(last=2.0, min=1.0, max=3.0, count=3, last_step=3)
        assert run.params == {"lr": 2, "own": 1}
        # at one time the greater writer wins: w1 set "gone", w2 and w3 took it away
        assert run.tags == {"a": "new", "b": "kept"}
        assert records.details["source"][""].value == "owner"
        assert {name: each.value for name, each in records.details["context"].items()} == {"x": 2, "y": 1}
        assert [point[2] for point in index.points(RUN, "loss")] == [1, 2, 3]

    def test_only_the_owner_ends_a_run(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        scribe.start(process=HERE)
        child = Scribe(tmp_path, clock, writer="w2").join(process=HERE).end(RunStatus.FAILED)
        index.apply(parts(scribe) + parts(child))
        assert self.one(index, clock, RUN).run.status is RunStatus.RUNNING

    def test_end_by_somebody_else_counts_until_the_owner_has_spoken(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        scribe.start(process=HERE)
        keeper = Scribe(tmp_path, clock, writer="w2").join(role="keeper")
        keeper.end(RunStatus.CANCELLED, reason="its worker was killed")
        index.apply(parts(scribe) + parts(keeper))
        assert self.one(index, clock).run.status is RunStatus.CANCELLED
        before = len(parts(scribe))
        scribe.end(RunStatus.FINISHED)
        assert before == 1
        chunk = read_chunk(scribe.path, index.journals([RUN])[RUN, "w1"].offset)
        index.apply([fold(scribe.journal.key, chunk)])
        run = self.one(index, clock).run
        assert (run.status, run.status_reason) == (RunStatus.FINISHED, None)

    def test_lists_of_a_run_are_kept_in_merged_order(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start().write(
            Displayed(message="stream", data={"text/plain": "a"}, name="stdout"),
            Displayed(message="display_data", blobs={"image/png": "digest"}, display_id="d"),
            Input(kind="dataset", name="train", version=2, digest="d2"),
            Register(kind="model", version={"name": "m", "digest": "d3"}, alias="champion"),
            Step(progress=Progress(done=1, total=2), cell=CellTiming(index=0, duration_s=1.5, ok=True)),
        )
        index.apply(parts(scribe))
        records = index.records(RUN)
        assert [(each.number, each.message["message"]) for each in records.outputs] == [
            (2, "stream"),
            (3, "display_data"),
        ]
        assert records.outputs[1].message["blobs"] == {"image/png": "digest"}
        assert [(each.name, each.version, each.digest) for each in records.inputs] == [("train", 2, "d2")]
        assert records.details["cell"]["0"].value == {"duration_s": 1.5, "ok": True}
        (pending,) = index.pending_registrations()
        assert (pending.key, pending.name, pending.version) == (f"{RUN}/w1/5", "m", None)
        assert index.reading("dataset", "train", 2, None) == [RUN]
        assert index.reading("dataset", "train", 1, "d2") == []

    def test_settled_registration_is_pending_no_more(self, index: RunIndex, scribe: Scribe) -> None:
        scribe.start().write(
            Register(kind="model", version={"name": "m", "digest": "d"}),
            Register(kind="model", version={"name": "bad name", "digest": "d"}),
        )
        index.apply(parts(scribe))
        first, second = index.pending_registrations()
        seq, _ = index.changes(0)
        index.settle_registration(first, version=4)
        index.settle_registration(second, version=None, problem="no such name")
        assert index.pending_registrations() == []
        registrations = index.records(RUN).registrations
        assert [(each.version, each.problem) for each in registrations] == [(4, ""), (None, "no such name")]
        assert index.changes(seq)[1] == [RUN]

    def test_nan_and_infinities_are_kept(self, index: RunIndex, scribe: Scribe, clock: FakeClock) -> None:
        for step, value in enumerate([math.inf, 1.0, -math.inf, math.nan]):
            scribe.log(step, x=value, y=math.nan)
        index.apply(parts(scribe))
        summary = self.one(index, clock).run.metrics
        assert (summary["x"].min, summary["x"].max, summary["x"].count) == (-math.inf, math.inf, 4)
        assert math.isnan(summary["x"].last)
        assert all(math.isnan(getattr(summary["y"], part)) for part in ("last", "min", "max"))
        values = [point[3] for point in index.points(RUN, "x")]
        assert values[:3] == [math.inf, 1.0, -math.inf]
        assert math.isnan(values[3])

    def test_steps_of_any_size_do_no_harm(self, index: RunIndex, scribe: Scribe) -> None:
        scribe.log(2**70, x=1.0).log(-(2**62), x=2.0).log(None, x=3.0)
        index.apply(parts(scribe))
        assert [point[2] for point in index.points(RUN, "x")] == [None, -(2**62), None]

    def test_clear_forgets_all_but_the_counter(self, index: RunIndex, scribe: Scribe) -> None:
        scribe.start()
        index.apply(parts(scribe))
        index.note_scan(5.0)
        seq, _ = index.changes(0)
        index.clear()
        assert index.changes(0)[1] == []
        assert (index.journals([RUN]), index.scanned_at()) == ({}, None)
        index.apply(parts(scribe))
        later, ids = index.changes(seq)
        assert (later > seq, ids) == (True, [RUN])

    # ------------------------------------------------------------ changes
    def test_changes_name_the_runs_since(self, index: RunIndex, tmp_path: Path, clock: FakeClock) -> None:
        scribes = [Scribe(tmp_path, clock, run_id=new_id(clock() + n)).start(str(n)) for n in range(3)]
        index.apply([part for scribe in scribes for part in parts(scribe)])
        seq, ids = index.changes(0)
        assert sorted(ids) == sorted(scribe.run_id for scribe in scribes)
        assert index.changes(seq) == (seq, [])
        offset = scribes[1].path.stat().st_size
        scribes[1].log(loss=1.0)
        index.apply([fold(scribes[1].journal.key, read_chunk(scribes[1].path, offset))])
        later, ids = index.changes(seq)
        assert (later > seq, ids) == (True, [scribes[1].run_id])

    # ------------------------------------------------------------ liveness
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

    # ------------------------------------------------------------ searching
    @pytest.fixture
    def three(self, index: RunIndex, tmp_path: Path, clock: FakeClock) -> dict[str, str]:
        """Runs a (finished, best), b (failed, no metric) and c (lost); by name their ids."""
        made: dict[str, str] = {}
        about: dict[str, dict[str, Any]] = {
            "a": {"lr": 0.1, "opt": "adam", "flag": True, "layers": [1, 2]},
            "b": {"lr": 10, "opt": "sgd"},
            "c": {"lr": "auto"},
        }
        for name, params in about.items():
            clock.sleep(10)
            scribe = Scribe(tmp_path, clock, run_id=new_id(clock())).start(name, process=ELSEWHERE)
            scribe.write(Params(p=params), Tags(g={"team": name, "all": "x"}))
            if name != "b":
                scribe.log(acc=0.9).log(acc=0.8 if name == "a" else math.nan)
            if name != "c":
                scribe.end(RunStatus.FINISHED if name == "a" else RunStatus.FAILED)
            index.apply(parts(scribe))
            made[name] = scribe.run_id
        clock.sleep(10_000)
        return made

    @pytest.mark.parametrize(
        ("condition", "names"),
        [
            ("", "abc"),
            ("params.lr < 5", "a"),
            ("params.lr >= 0.1", "ab"),
            ("params.lr != 0.1", "bc"),
            ("not params.opt = 'adam'", "bc"),
            ("params.opt != 'adam'", "b"),
            ("params.lr = 'auto' or params.lr = 10", "bc"),
            ("params.lr in (0.1, 'auto')", "ac"),
            ("params.opt not in ('adam', 'x')", "b"),
            ("params.flag = true", "a"),
            ("params.layers = '[1,2]'", "a"),
            ("params.opt is null", "c"),
            ("params.opt is not null", "ab"),
            ("metrics.acc > 0.7", "a"),
            ("metrics.acc.max > 0.85", "ac"),
            ("metrics.acc.min = 0.8", "a"),
            ("not metrics.acc > 0.7", "bc"),
            ("metrics.acc is null", "b"),
            ("metrics.acc != 5", "a"),
            ("tags.team = 'a' or tags.team = \"c\"", "ac"),
            ("tags.team in ('a', 'b') and not tags.team = 'b'", "a"),
            ("tags.team like 'A%'", "a"),
            ("tags.`all` = 'x'", "abc"),
            ("status = 'lost'", "c"),
            ("status != 'lost'", "ab"),
            ("status in ('finished', 'failed')", "ab"),
            ("status = 'running'", ""),
            ("name like '%B%'", "b"),
            ("name not like 'b'", "ac"),
            ("experiment = 'digits' and kind = 'cell'", "abc"),
            ("notebook is null", "abc"),
            ("ended is null", "c"),
            ("duration >= 0 and duration < '1h'", "abc"),
            ("started > '1 d ago'", "abc"),
            ("started < '2001-09-09'", ""),
            ("NOT (name = 'a' OR name = 'b') AND status IS NOT NULL", "c"),
        ],
    )
    def test_filter(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, condition: str, names: str
    ) -> None:
        found, total = self.search(index, clock, condition, order_by="name")
        assert ("".join(each.run.name for each in found), total) == (names, len(names))

    @pytest.mark.parametrize(
        ("order_by", "names"),
        [
            ("", "cba"),
            ("started", "abc"),
            ("name desc", "cba"),
            ("metrics.acc desc", "acb"),
            ("metrics.acc", "acb"),
            ("metrics.acc.max desc, name", "acb"),
            ("status, name desc", "bac"),
            ("params.lr", "cab"),
            ("tags.all, name desc", "cba"),
            ("experiment, metrics.acc desc", "acb"),
            ("ended desc", "bac"),
        ],
    )
    def test_order(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, order_by: str, names: str
    ) -> None:
        found, _ = self.search(index, clock, order_by=order_by)
        assert "".join(each.run.name for each in found) == names

    @pytest.mark.parametrize("order_by", ["started desc", "metrics.acc desc", "params.opt, name"])
    def test_pages_together_are_the_whole(
        self, index: RunIndex, three: dict[str, str], clock: FakeClock, order_by: str
    ) -> None:
        whole, _ = self.search(index, clock, order_by=order_by)
        paged = []
        for offset in range(4):
            page, total = self.search(index, clock, order_by=order_by, limit=1, offset=offset)
            paged += page
            assert total == 3
        assert paged == whole

    @pytest.mark.parametrize(
        ("condition", "message"),
        [
            ("metrics.acc > 'x'", "expected a number after '>' at column 15: metrics.acc is one"),
            ("metrics.acc like 'x'", "'like' at column 13 compares text, and metrics.acc is a number"),
            ("tags.a > 3", "expected text in quotes after '>' at column 10: tags hold text"),
            ("status = 'done'", "no status 'done' at column 10: running, finished, failed, cancelled, lost"),
            ("status > 'lost'", "'>' before column 10 does not go with status: use = != or in"),
            ("duration > 'long'", "expected seconds or a text such as '90s', '10m', '2h' at column 12"),
            ("name like 3", "expected text in quotes after 'like' at column 11"),
        ],
    )
    def test_comparison_that_makes_no_sense_is_refused(
        self, index: RunIndex, clock: FakeClock, condition: str, message: str
    ) -> None:
        with pytest.raises(FilterError) as refused:
            self.search(index, clock, condition)
        assert refused.value.message == message

    def test_archived_runs_are_found_only_when_asked_for(
        self, index: RunIndex, three: dict[str, str], tmp_path: Path, clock: FakeClock
    ) -> None:
        editor = Scribe(tmp_path, clock, run_id=three["b"]).join(role="editor").write(Edit(archived=True))
        index.apply(parts(editor))
        shown, total = self.search(index, clock, order_by="name")
        assert ([each.run.name for each in shown], total) == (["a", "c"], 2)
        every, total = self.search(index, clock, order_by="name", archived=True)
        assert ([each.run.archived for each in every], total) == ([False, True, False], 3)

    def test_ids_are_found_by_their_end(self, index: RunIndex, three: dict[str, str]) -> None:
        assert index.ids_ending(three["a"][-6:], limit=5) == [three["a"]]
        assert index.ids_ending("%", limit=5) == []

    def test_children_and_jobs_find_their_runs(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        index.apply(parts(scribe.start("parent")))
        for number, kind in enumerate([RunKind.CELL, RunKind.JOB, RunKind.JOB]):
            clock.sleep(1)
            child = Scribe(tmp_path, clock, run_id=new_id(clock()))
            child.start(str(number), kind=kind, parent_id=RUN, job_id="job")
            index.apply(parts(child))
        children = index.children(RUN)
        names = [each.run.name for each in index.get(children, sight(clock()))]
        assert names == ["0", "1", "2"]
        assert index.of_jobs(["job", "other"]) == {"job": children[2]}
        assert index.experiments() == ["digits"]

    # ------------------------------------------------------------ asking
    def search(
        self, index: RunIndex, clock: FakeClock, condition: str = "", **options: Any
    ) -> tuple[list[IndexedRun], int]:
        options = {"order_by": "", "limit": 100, "offset": 0, "archived": False, **options}
        order_by = options.pop("order_by")
        return index.search(condition, order_by, sight(clock()), **options)

    def one(self, index: RunIndex, clock: FakeClock, run_id: str = RUN) -> IndexedRun:
        (found,) = index.get([run_id], sight(clock()))
        return found
