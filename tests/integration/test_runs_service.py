"""Reading runs, and people's later changes to them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import (
    Artifact,
    CellTiming,
    Difference,
    History,
    Output,
    Progress,
    RunError,
    RunKind,
    RunStatus,
    VersionRef,
    new_id,
)
from jupyter_mlops.errors import Ambiguous, FilterError, InvalidInput, NotFound
from jupyter_mlops.journal.records import (
    Artifacts,
    Context,
    Displayed,
    Input,
    Params,
    Register,
    Source,
    Step,
    Tags,
)
from jupyter_mlops.testing.journals import RUN, Scribe

from ..run_worlds import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home")
    yield world
    world.close()


def text(value: str, *, name: str = "stdout") -> Displayed:
    return Displayed(message="stream", data={"text/plain": value}, name=name)


def shown(world: World, *messages: Displayed) -> list[tuple[str, object]]:
    scribe = world.new_run().write(*messages)
    return [(each.kind, each.data) for each in world.runs.detail(scribe.run_id).outputs]


# -------------------------------------------------------------------- finding


def test_run_is_found_by_its_id_and_by_the_end_of_it(world: World) -> None:
    run_id = world.new_run().run_id
    for given in (run_id, run_id.upper(), run_id[-6:], f" {run_id[-4:]} "):
        assert world.runs.get(given).id == run_id


def test_unknown_run_says_how_to_find_one(world: World) -> None:
    with pytest.raises(NotFound, match=r"No run 'zzzzzz'\. List them: %mlops runs"):
        world.runs.get("zzzzzz")
    with pytest.raises(NotFound, match=r"No run 'what is this\?'"):
        world.runs.get("what is this?")


def test_too_short_an_end_is_refused(world: World) -> None:
    run_id = world.new_run().run_id
    with pytest.raises(NotFound, match="at least the last 4 characters"):
        world.runs.get(run_id[-3:])


def test_end_of_several_ids_names_them(world: World) -> None:
    ids = [first + "0" * 19 + "same77" for first in "12"]
    for run_id in ids:
        world.scribe(run_id).start()
    with pytest.raises(Ambiguous, match=f"{ids[0]}, {ids[1]}"):
        world.runs.get("same77")
    assert world.runs.get(ids[0]).id == ids[0]


def test_search_pages_and_counts(world: World) -> None:
    for number in range(5):
        world.new_run(f"run {number}").log(acc=number / 10).end()
    page = world.runs.search("metrics.acc >= 0.1", order_by="metrics.acc desc", limit=2, offset=1)
    assert ([run.name for run in page.runs], page.total) == (["run 3", "run 2"], 4)
    with pytest.raises(FilterError, match="expected a value after '>' at column 14"):
        world.runs.search("metrics.acc >")
    with pytest.raises(InvalidInput, match="cannot be negative: -1"):
        world.runs.search(limit=-1)


def test_changes_follow_from_one_process_to_another(world: World) -> None:
    scribe = world.new_run()
    seq, changed = world.runs.changes(0)
    assert changed == [scribe.run_id]
    other = world.again()
    scribe.log(loss=1.0)
    later, changed = other.runs.changes(seq)
    assert (later > seq, changed) == (True, [scribe.run_id])
    assert world.runs.changes(seq) == (later, [scribe.run_id])
    assert world.runs.get(scribe.run_id).seq == later


def test_children_jobs_and_readers_of_a_version(world: World) -> None:
    parent = world.new_run("parent")
    job_run = world.new_run("first", kind=RunKind.JOB, job_id="j", parent_id=parent.run_id)
    retry = world.new_run("second", kind=RunKind.JOB, job_id="j")
    cell = world.new_run("cell", job_id="j", parent_id=parent.run_id)
    job_run.write(Input(kind="dataset", name="train", version=2, digest="d2"))
    retry.write(Input(kind="dataset", name="train", version=None, digest="d2"))
    assert [run.name for run in world.runs.children(parent.run_id)] == ["first", "cell"]
    assert world.runs.detail(parent.run_id).children == [job_run.run_id, cell.run_id]
    assert {key: run.name for key, run in world.runs.of_jobs(["j", "k"]).items()} == {"j": "second"}
    assert world.runs.reading("dataset", "train", 2) == [job_run.run_id]
    assert world.runs.reading("dataset", "train", 2, digest="d2") == [job_run.run_id, retry.run_id]
    assert world.runs.reading("model", "train", 2) == []
    assert world.runs.experiments() == ["digits"]


# -------------------------------------------------------------------- one run


def test_detail_is_everything_that_was_recorded(world: World) -> None:
    blob = world.blobs.put(b"a,b\n1,2\n")
    scribe = world.new_run()
    scribe.write(
        Source(text="x = 1"),
        Params(p={"x": 1}, source="literal"),
        Params(p={"lr": 0.1}),
        Context(values={"python": "3.11.0", "packages": {"numpy": "1.0"}}),
        Context(values={"git": {"commit": "abc"}}),
        Artifacts(name="out.csv", digest=blob.digest, size_bytes=8, media_type="text/csv"),
        Step(progress=Progress(done=1, total=2), cell=CellTiming(index=0, duration_s=1.0, ok=True)),
        Step(progress=Progress(done=2, total=2), cell=CellTiming(index=10, duration_s=2.0, ok=False)),
        Step(progress=Progress(done=2, total=2), cell=CellTiming(index=2, duration_s=2.0, ok=True)),
        Input(kind="dataset", name="train", version=2, digest="d2"),
        Input(kind="dataset", name="train", version=2, digest="d2"),
        Register(kind="model", version={"name": "m", "digest": "d3"}),
    )
    error = RunError(name="ValueError", message="bad", traceback="Traceback ...")
    scribe.end(RunStatus.FAILED, error=error)
    detail = world.runs.detail(scribe.run_id)
    now = world.clock()
    assert detail.run.status is RunStatus.FAILED
    assert detail.source == "x = 1"
    assert detail.error == error
    assert detail.context == {"git": {"commit": "abc"}, "packages": {"numpy": "1.0"}, "python": "3.11.0"}
    assert detail.params_from == {"x": "literal", "lr": "logged"}
    assert detail.artifacts == [
        Artifact(name="out.csv", digest=blob.digest, size_bytes=8, media_type="text/csv", time=now)
    ]
    assert [(cell.index, cell.ok) for cell in detail.cells] == [(0, True), (2, True), (10, False)]
    assert detail.inputs == [VersionRef(kind="dataset", name="train", version=2, digest="d2")]
    assert detail.registered == [VersionRef(kind="model", name="m", version=1, digest="d3")]
    assert world.runs.artifact(scribe.run_id, "out.csv") == b"a,b\n1,2\n"
    with pytest.raises(NotFound, match=r"no artifact 'other'. It has: out.csv"):
        world.runs.artifact(scribe.run_id, "other")


def test_history_has_every_point_in_merged_order(world: World) -> None:
    owner = world.new_run()
    child = world.child_of(owner.run_id, pid=11)
    for step, (scribe, value) in enumerate([(owner, 1.0), (child, math.nan), (owner, math.inf)]):
        world.clock.sleep(1)
        scribe.log(step, loss=value)
    history = world.runs.history(owner.run_id[-6:], "loss")
    assert (history.run_id, history.steps) == (owner.run_id, [0, 1, 2])
    assert history.times == [world.clock() - 2, world.clock() - 1, world.clock()]
    assert (history.values[0], history.values[2]) == (1.0, math.inf)
    assert math.isnan(history.values[1])
    with pytest.raises(NotFound, match=r"no metric 'acc'. It has: loss"):
        world.runs.history(owner.run_id, "acc")


def test_thinned_history_keeps_extremes_and_ends(world: World) -> None:
    scribe = world.new_run()
    for step in range(5000):
        scribe.log(step, loss={1234: 99.0, 4321: -99.0}.get(step, math.sin(step / 100)))
    history = world.runs.history(scribe.run_id, "loss", max_points=100)
    assert 50 < len(history.values) <= 100
    assert (history.steps[0], history.steps[-1]) == (0, 4999)
    assert {99.0, -99.0} <= set(history.values)
    assert history.steps == sorted(step for step in history.steps if step is not None)
    whole = world.runs.history(scribe.run_id, "loss", max_points=5000)
    assert isinstance(whole, History)
    assert whole.steps == list(range(5000))


def test_thinned_history_keeps_gaps_of_nan(world: World) -> None:
    scribe = world.new_run()
    for step in range(1000):
        scribe.log(step, loss=math.nan if 300 <= step < 700 else 1.0)
    values = world.runs.history(scribe.run_id, "loss", max_points=50).values
    assert any(math.isnan(value) for value in values)


# -------------------------------------------------------------------- outputs


def test_texts_of_one_stream_that_follow_each_other_are_one_output(world: World) -> None:
    assert shown(world, text("a"), text("b\n"), text("!", name="stderr"), text("c")) == [
        ("stream", {"text/plain": "ab\n"}),
        ("stream", {"text/plain": "!"}),
        ("stream", {"text/plain": "c"}),
    ]


def test_output_has_position_time_name_and_metadata(world: World) -> None:
    figure = Displayed(
        message="execute_result", data={"text/plain": "1"}, metadata={"isolated": True}, name=None
    )
    scribe = world.new_run().write(text("a"), figure)
    now = world.clock()
    assert world.runs.detail(scribe.run_id).outputs == [
        Output(position=0, kind="stream", data={"text/plain": "a"}, time=now, name="stdout"),
        Output(
            position=1, kind="execute_result", data={"text/plain": "1"}, time=now, metadata={"isolated": True}
        ),
    ]


def test_progress_bar_shows_its_last_state(world: World) -> None:
    assert shown(world, text("10%\r"), text("50%\r100%"), text("\ndone\r\n")) == [
        ("stream", {"text/plain": "100%\ndone\n"})
    ]


def test_clear_output_empties_what_was_shown(world: World) -> None:
    clear = Displayed(message="clear_output")
    assert shown(world, text("a"), clear, text("b")) == [("stream", {"text/plain": "b"})]
    assert shown(world, text("a"), clear) == []


def test_clear_output_with_wait_acts_when_the_next_output_comes(world: World) -> None:
    clear = Displayed(message="clear_output", wait=True)
    assert shown(world, text("a"), clear) == [("stream", {"text/plain": "a"})]
    assert shown(world, text("a"), clear, text("b"), text("c")) == [("stream", {"text/plain": "bc"})]


def test_update_display_replaces_every_output_of_its_id(world: World) -> None:
    def display(message: str, value: str) -> Displayed:
        return Displayed(message=message, data={"text/plain": value}, display_id="d")

    assert shown(
        world,
        display("display_data", "old"),
        text("between"),
        display("display_data", "again"),
        display("update_display_data", "new"),
        Displayed(message="update_display_data", data={"text/plain": "x"}, display_id="unknown"),
    ) == [
        ("display_data", {"text/plain": "new"}),
        ("stream", {"text/plain": "between"}),
        ("display_data", {"text/plain": "new"}),
    ]


def test_large_values_come_from_blobs(world: World) -> None:
    picture = world.blobs.put(b"iVBORw0KGgo=").digest
    chart = world.blobs.put(b'{"mark": "bar"}').digest
    blobs = {"image/png": picture, "application/vnd.vega.v5+json": chart}
    data = {"text/plain": "<Figure>"}
    assert shown(world, Displayed(message="display_data", data=data, blobs=blobs)) == [
        (
            "display_data",
            {**data, "image/png": "iVBORw0KGgo=", "application/vnd.vega.v5+json": {"mark": "bar"}},
        )
    ]


def test_missing_blob_leaves_a_word_in_its_place(world: World) -> None:
    ((kind, data),) = shown(world, Displayed(message="display_data", blobs={"image/png": "0" * 64}))
    assert kind == "display_data"
    assert isinstance(data, dict)
    assert data["text/plain"].startswith("[image/png of this output cannot be read:")


def test_cut_is_marked(world: World) -> None:
    outputs = shown(world, text("a"), Displayed(message="stream", name="stdout", cut=True), text("b"))
    assert outputs[1] == (
        "stream",
        {"text/plain": "\n[output left out here: more than is kept of one run]\n"},
    )


# -------------------------------------------------------------------- comparing


def test_compare_shows_only_what_differs(world: World) -> None:
    def made(name: str, lr: float, loss: float, version: int, numpy: str) -> Scribe:
        scribe = world.new_run(name).log(loss=loss, same=1.0, diverged=math.nan)
        return scribe.write(
            Params(p={"lr": lr, "opt": "adam", **({"extra": True} if lr == 1 else {})}),
            Tags(g={"team": "a"}),
            Source(text=f"lr = {lr}\nfit()"),
            Context(values={"python": "3.11", "packages": {"numpy": numpy, "pandas": "2"}}),
            Input(kind="dataset", name="train", version=version, digest=f"{version}" * 64),
        )

    a, b = made("a", 0.1, 0.5, 1, "1.0"), made("b", 1, 0.25, 2, "2.0")
    comparison = world.runs.compare(a.run_id, b.run_id)
    assert (comparison.a.name, comparison.b.name) == ("a", "b")
    assert comparison.params == [Difference(key="extra", a=None, b=True), Difference(key="lr", a=0.1, b=1)]
    assert comparison.metrics == [Difference(key="loss", a=0.5, b=0.25)]
    assert comparison.tags == []
    assert comparison.inputs == [Difference(key="dataset train", a="1 (11111111)", b="2 (22222222)")]
    assert comparison.packages == [Difference(key="numpy", a="1.0", b="2.0")]
    diff = comparison.source_diff.splitlines()
    assert diff[0] == f"--- a {a.run_id[-6:]}"
    assert [line for line in diff[3:] if line[0] in "+-"] == ["-lr = 0.1", "+lr = 1"]


def test_run_compared_with_itself_shows_nothing(world: World) -> None:
    run_id = world.new_run().log(loss=math.nan).run_id
    comparison = world.runs.compare(run_id, run_id)
    assert (comparison.metrics, comparison.params, comparison.source_diff) == ([], [], "")


def test_several_runs_stand_side_by_side(world: World) -> None:
    a = world.new_run("a").write(Params(p={"lr": 0.1, "same": 1})).log(loss=0.5)
    b = world.new_run("b").write(Params(p={"lr": 0.2, "same": 1})).log(loss=0.25)
    picture = Displayed(message="display_data", data={"image/png": "iVBO"})
    ids = [a.write(picture).run_id, b.run_id]
    table = world.runs.table([ids[0][-6:], ids[1], ids[0][-6:]])
    assert [run.name for run in table.runs] == ["a", "b"]
    assert [(row.key, row.values) for row in table.rows] == [("lr", [0.1, 0.2]), ("loss", [0.5, 0.25])]
    (row,) = world.runs.figures(ids).rows
    assert [output is not None for output in row.outputs] == [True, False]
    lines = world.runs.parallel(ids)
    assert [axis.key for axis in lines.axes] == ["params.lr", "metrics.loss"]
    assert [line.positions for line in lines.lines] == [[0.0, 1.0], [1.0, 0.0]]
    assert [line.name for line in world.runs.parallel(filter="params.lr > 0.15").lines] == ["b"]


def test_side_by_side_of_nothing_or_of_unknown_runs_is_refused(world: World) -> None:
    with pytest.raises(InvalidInput, match="Give 1 to 100 runs"):
        world.runs.table([])
    with pytest.raises(NotFound):
        world.runs.figures([new_id(1.0)])
    with pytest.raises(FilterError):
        world.runs.parallel(filter="params.lr >")


# -------------------------------------------------------------------- changing


def test_edit_is_a_record_in_a_journal_of_the_editors_own(world: World) -> None:
    scribe = world.new_run().write(Tags(g={"a": "1", "b": "2"})).end()
    journal = scribe.path.read_bytes()
    world.clock.sleep(5)
    run = world.runs.edit(
        scribe.run_id[-6:], name="better", note="look", tags={"a": None, "c": "3"}, archived=True
    )
    assert (run.name, run.note, run.tags, run.archived) == ("better", "look", {"b": "2", "c": "3"}, True)
    assert (run.status, run.ended_at) == (RunStatus.FINISHED, world.clock() - 5)
    assert scribe.path.read_bytes() == journal
    assert len(list(scribe.path.parent.iterdir())) == 2
    facts = world.facts()
    world.runs.rebuild()
    assert world.facts() == facts
    assert world.runs.search().total == 0
    assert world.runs.search(archived=True).total == 1


def test_edits_of_two_people_both_count(world: World) -> None:
    scribe = world.new_run()
    other = world.again()
    world.clock.sleep(1)
    world.runs.edit(scribe.run_id, tags={"mine": "1"}, note="first")
    world.clock.sleep(1)
    run = other.runs.edit(scribe.run_id, tags={"yours": "2"}, note="second")
    assert (run.tags, run.note) == ({"mine": "1", "yours": "2"}, "second")
    assert run.status is RunStatus.RUNNING


def test_secret_in_a_tag_is_redacted(world: World) -> None:
    run_id = world.new_run().run_id
    run = world.runs.edit(run_id, tags={"api_key": "abcdef", "team": "a"})
    assert run.tags == {"api_key": "[redacted]", "team": "a"}


@pytest.mark.parametrize(("change", "message"), [({"name": " "}, "name"), ({"tags": {"": "x"}}, "tag")])
def test_edit_that_makes_no_sense_is_refused(world: World, change: dict[str, object], message: str) -> None:
    run_id = world.new_run().run_id
    with pytest.raises(InvalidInput, match=f"A (run's )?{message}('s name)? cannot be empty"):
        world.runs.edit(run_id, **change)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        world.runs.edit(new_id(5.0), note="nobody")


def test_run_whose_beginning_is_missing_is_shown_all_the_same(world: World) -> None:
    world.scribe(writer="w").join().log(loss=1.0)
    run = world.runs.get(RUN)
    assert (run.name, run.kind, run.started_at) == (RUN[-6:], RunKind.SCRIPT, world.clock())
