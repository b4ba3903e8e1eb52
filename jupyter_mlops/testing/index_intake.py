"""Taking journals into an index: nothing twice, nothing lost, whatever comes first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..entities import CellTiming, MetricSummary, Progress, RunError, RunKind, RunStatus, new_id
from ..journal import read_chunk
from ..journal.records import (
    Artifacts,
    Context,
    Data,
    Displayed,
    Edit,
    Input,
    Params,
    Register,
    Source,
    Step,
    Tags,
)
from ..protocols.runs import RunIndex
from ..services.runs.folding import fold
from .clocks import FakeClock
from .index_parts import HERE, IndexContract, parts
from .journals import RUN, Scribe


class IntakeContract(IndexContract):
    """What :meth:`apply` makes of parts of journals."""

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
        for step in range(500):
            scribe.log(step, loss=math.sin(step), acc=math.nan if step % 7 else -0.0)
        scribe.write(Params(p={"lr": 1})).end()
        for part in parts(scribe, limit=limit):
            index.apply([part])
        run = self.one(index, clock).run
        values = [math.sin(step) for step in range(500)]
        assert run.metrics["loss"] == MetricSummary(
            last=values[-1], min=min(values), max=max(values), count=500, last_step=499
        )
        points = list(index.points(RUN, "loss"))
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
        assert (index.journals([RUN]), index.standing().scanned_at) == ({}, None)
        index.apply(parts(scribe))
        later, ids = index.changes(seq)
        assert (later > seq, ids) == (True, [RUN])

    def test_forgotten_runs_leave_nothing_and_others_stay(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        other = Scribe(tmp_path, clock, run_id=new_id(clock() + 1)).start("other").log(1, loss=0.5)
        scribe.start().log(1, loss=1.0).write(Params(p={"lr": 0.1}), Tags(g={"a": "b"}))
        scribe.write(Displayed(message="stream", data={"text/plain": "words"}, name="stdout"))
        index.apply([*parts(scribe), *parts(other)])
        kept = index.records(other.run_id), index.points(other.run_id, "loss").values.tolist()
        index.forget([RUN, "unknown"])
        assert index.journals([RUN]) == {}
        assert [each.run.id for each in self.search(index, clock)[0]] == [other.run_id]
        assert (index.records(other.run_id), index.points(other.run_id, "loss").values.tolist()) == kept
        index.apply(parts(scribe))
        assert self.one(index, clock).run.tags == {"a": "b"}
        assert [each.run.id for each in self.search(index, clock, "output = 'words'")[0]] == [RUN]

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

    # ------------------------------------------------------------ what is rare, and must not hurt
    def test_ten_thousand_names_in_one_run(self, index: RunIndex, scribe: Scribe, clock: FakeClock) -> None:
        names = [f"layer/{n}" for n in range(10_000)]
        scribe.start().write(Params(p=dict.fromkeys(names, 0.5)))
        for step, value in ((1, 2.0), (2, 1.0)):
            scribe.journal.metrics(dict.fromkeys(names, value), step)
        index.apply(parts(scribe))
        run = self.one(index, clock).run
        assert list(run.params) == sorted(names)
        assert run.metrics["layer/9999"] == MetricSummary(last=1.0, min=1.0, max=2.0, count=2, last_step=2)
        found, _ = self.search(index, clock, "metrics.layer/777.max = 2 and params.layer/8 < 1")
        assert len(found) == 1

    @pytest.mark.parametrize(
        "name", ["ü", "学习率", "a.max", "with space", "'\"", "%_\\", "\U0001f600", "x" * 5000, "a\nb", "\0"]
    )
    def test_any_name_is_a_name(self, index: RunIndex, scribe: Scribe, clock: FakeClock, name: str) -> None:
        scribe.start(name).write(Params(p={name: name}), Tags(g={name: name}), Source(text=name))
        scribe.log(1, **{name: 0.5})
        index.apply(parts(scribe))
        run = self.one(index, clock).run
        assert (run.params, run.tags, list(run.metrics)) == ({name: name}, {name: name}, [name])
        assert len(index.points(RUN, name)) == 1
        if "\0" not in name:
            found, _ = self.search(index, clock, f"metrics.`{name}`.last = 0.5 and tags.`{name}` is not null")
            assert len(found) == 1

    @pytest.mark.parametrize(
        "value", [2**70, -(10**400), 10**400, [1, {"a": None}], {}, "", None, 1e-320, True]
    )
    def test_any_param_is_kept_as_it_is(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock, value: object
    ) -> None:
        index.apply(parts(scribe.start().write(Params(p={"x": value}))))
        assert self.one(index, clock).run.params == {"x": value}
        scribe.write(Params(p={"y": 1}))
        chunk = read_chunk(scribe.path, index.journals([RUN])[RUN, "w1"].offset)
        index.apply([fold(scribe.journal.key, chunk)])
        assert self.one(index, clock).run.params == {"x": value, "y": 1}

    def test_series_of_the_hardware_are_no_metrics(
        self, index: RunIndex, scribe: Scribe, clock: FakeClock
    ) -> None:
        scribe.start().log(loss=0.5).journal.metrics({"system/rss_bytes": 2e9}, None)
        index.apply(parts(scribe))
        assert list(self.one(index, clock).run.metrics) == ["loss"]
        assert index.records(RUN).hardware["system/rss_bytes"].last == 2e9
        assert index.metric_names(RUN) == ["loss", "system/rss_bytes"]
        assert len(index.points(RUN, "system/rss_bytes")) == 1
        found, _ = self.search(index, clock, "metrics.system/rss_bytes.max > 1e9")
        assert [each.run.id for each in found] == [RUN]

    def test_long_details_come_back_whole(
        self, index: RunIndex, scribe: Scribe, tmp_path: Path, clock: FakeClock
    ) -> None:
        packages = {f"package-{n}": "1.0" for n in range(100)}
        other = Scribe(tmp_path, clock, run_id=new_id(clock() + 1))
        for each in (scribe, other):
            each.start().write(
                Context(values={"packages": packages, "python": "3.11"}), Source(text="x\n" * 500)
            )
            index.apply(parts(each))
            details = index.records(each.run_id).details
            assert details["context"]["packages"].value == packages
            assert details["context"]["python"].value == "3.11"
            assert details["source"][""].value == "x\n" * 500

    def test_runs_that_read_a_content_are_found_by_its_digest(self, index: RunIndex, scribe: Scribe) -> None:
        columns = {f"column {n}": "float64" for n in range(50)}
        scribe.start().write(
            Data(uri="/a.csv", reader="open", digest="d1", size_bytes=1),
            Data(uri="/b.csv", reader="open", digest="d2", size_bytes=1, columns=columns),
            Data(uri="/c.csv", reader="open", size_bytes=1),
        )
        index.apply(parts(scribe))
        assert index.reading("dataset", "train", 1, "d1") == [RUN]
        assert index.reading("dataset", "train", 1, "d2") == [RUN]
        assert index.reading("dataset", "train", 1, "d3") == []
        assert index.reading("model", "train", 1, "d1") == []
