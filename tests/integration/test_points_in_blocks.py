"""Points of metrics in the index: blocks, however the journals were cut by reading."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import func, select

from jupyter_mlops.journal.records import Metrics
from jupyter_mlops.store import index_points
from jupyter_mlops.store import index_tables as tables
from jupyter_mlops.testing.journals import Scribe

from ..run_worlds import World

Row = tuple[float, str, int, int | None, float]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home")
    yield world
    world.close()


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_points, "SMALL", 4)
    monkeypatch.setattr(index_points, "LARGE", 16)


def log_lines(scribe: Scribe, records: list[Metrics]) -> list[Row]:
    """Write records with times and numbers of their own, as threads that overtake each other do."""
    scribe.scribble(b"".join(msgspec.json.encode(record) + b"\n" for record in records))
    writer = scribe.journal.key.writer
    return [(r.t, writer, r.n, r.s, float(value)) for r in records for value in r.m.values()]


def blocks_of(world: World) -> list[tuple[int, int]]:
    """The place and the number of points of each block."""
    size = func.length(tables.points.c.data)
    query = select(tables.points.c.block, size).order_by(tables.points.c.block)
    with world.database.read() as connection:
        return [(block, (length - 1) // 32) for block, length in connection.execute(query)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("seed", range(5))
def test_blocks_and_curves_do_not_depend_on_when_somebody_read(world: World, seed: int) -> None:
    dice = random.Random(seed)
    owner = world.new_run()
    scribes = [owner, *(world.child_of(owner.run_id, pid=pid) for pid in (11, 12))]
    numbers = dict.fromkeys((scribe.journal.key.writer for scribe in scribes), 10)
    logged: list[Row] = []
    time = world.clock()
    for _ in range(40):
        scribe = dice.choice(scribes)
        writer = scribe.journal.key.writer
        records = []
        for _ in range(dice.choice([1, 1, 2, 7, 40])):
            numbers[writer] += 1
            time += dice.choice([0.0, 0.25])
            late = dice.choice([0.0, 0.0, 0.0, 0.5])
            step = dice.choice([None, numbers[writer]])
            records.append(Metrics(v=1, t=time - late, n=numbers[writer], s=step, m={"loss": dice.random()}))
        if dice.random() < 0.3:
            dice.shuffle(records)
        logged += log_lines(scribe, records)
        if dice.random() < 0.6:
            world.ingestor.ingest()
    history = world.runs.history(owner.run_id, "loss")
    merged = sorted(logged, key=lambda row: row[:3])
    found = list(zip(history.times, history.steps, history.values, strict=True))
    assert found == [(time, step, value) for time, _, _, step, value in merged]
    grown = world.facts()
    fresh = world.again(index=world.home.parent / "fresh.sqlite")
    fresh.ingestor.ingest()
    assert fresh.facts() == grown
    fresh.close()


@pytest.mark.usefixtures("small_blocks")
def test_full_blocks_are_packed_into_one(world: World) -> None:
    scribe = world.new_run()
    seen = []
    for step in range(21):
        scribe.log(step, loss=float(step))
        world.ingestor.ingest()
        seen.append(blocks_of(world))
    assert seen[2] == [(0, 3)]
    assert seen[4] == [(0, 4), (4, 1)]
    assert seen[14] == [(0, 4), (4, 4), (8, 4), (12, 3)]
    assert seen[15] == [(0, 16)]
    assert seen[20] == [(0, 16), (16, 4), (20, 1)]


def test_large_batch_is_packed_at_once(world: World) -> None:
    scribe = world.new_run()
    count = 2 * index_points.LARGE + index_points.SMALL + 1
    for step in range(count):
        scribe.log(step, loss=float(step))
    world.ingestor.ingest()
    large, small = index_points.LARGE, index_points.SMALL
    assert blocks_of(world) == [(0, large), (large, large), (2 * large, small), (2 * large + small, 1)]
    assert world.runs.history(scribe.run_id, "loss").values == [float(step) for step in range(count)]


def test_one_more_point_rewrites_only_the_open_block(world: World) -> None:
    scribe = world.new_run()
    for step in range(index_points.LARGE - 1):
        scribe.log(step, loss=0.5)
    world.ingestor.ingest()
    whole = blocks_of(world)
    assert max(count for _, count in whole) == index_points.SMALL
    scribe.log(index_points.LARGE - 1, loss=0.5).log(index_points.LARGE, loss=0.5)
    world.ingestor.ingest()
    assert blocks_of(world) == [(0, index_points.LARGE), (index_points.LARGE, 1)]


def test_ten_thousand_metrics_of_one_run_are_kept_apart(world: World) -> None:
    scribe = world.new_run()
    names = [f"layer {number}/ﬁ" for number in range(10_000)]
    for step in range(2):
        scribe.log(step, **{name: float(place + step) for place, name in enumerate(names)})
        world.ingestor.ingest()
    assert world.runs.history(scribe.run_id, names[4321]).values == [4321.0, 4322.0]
    assert len(world.runs.get(scribe.run_id).metrics) == 10_000


def test_several_curves_are_read_together(world: World) -> None:
    first, second = world.new_run("first").log(1, loss=1.0), world.new_run("second").log(2, loss=2.0, acc=0.5)
    curves = world.runs.curves([first.run_id[-6:], second.run_id], "loss")
    assert {run_id: list(points.values) for run_id, points in curves.items()} == {
        first.run_id: [1.0],
        second.run_id: [2.0],
    }
    histories = world.runs.histories([first.run_id, second.run_id], ["acc", "loss"])
    assert [(each.run_id, each.name, each.values) for each in histories] == [
        (first.run_id, "loss", [1.0]),
        (second.run_id, "acc", [0.5]),
        (second.run_id, "loss", [2.0]),
    ]
