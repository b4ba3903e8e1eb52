"""Two who move one alias at once: the gates' verdict holds for one of them only."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.entities import Gate, GateKind
from jupyter_mlops.errors import Conflict
from jupyter_mlops.store.database import Database, sqlite_url
from tests.promotion_worlds import World

GOOD = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9)
MOVERS = 4


def at_once(world: World, work: Any) -> list[Any]:
    """What each mover gets; all of them have been judged before the first of them moves."""
    barrier, judge = threading.Barrier(MOVERS), world.promotion.judge

    def judged(*question: Any) -> Any:
        verdict = judge(*question)
        barrier.wait(timeout=60)
        return verdict

    world.promotion.judge = judged  # type: ignore[method-assign]

    def outcome(number: int) -> Any:
        try:
            return work(number)
        except Conflict as error:
            return error

    with ThreadPoolExecutor(MOVERS) as pool:
        return list(pool.map(outcome, range(2, MOVERS + 2)))


def race(world: World) -> None:
    for _ in range(MOVERS + 1):
        world.version(metrics={"acc": 0.95})
    world.store.move_alias("model", "digits", "champion", 1, user="ada")
    world.promotion.set_gates("digits", "champion", [GOOD])
    ends = at_once(world, lambda number: world.registry.set_alias("digits", "champion", number))
    conflicts = [each for each in ends if isinstance(each, Conflict)]
    assert len(conflicts) == MOVERS - 1
    assert all("not at version 1" in each.message for each in conflicts)
    moves = world.registry.moves("digits", "champion")
    assert [(each.before, each.after) for each in moves] == [
        (1, world.store.model("digits").aliases["champion"]),
        (None, 1),
    ]
    refusals = [entry for entry in world.store.audit() if entry.action == "alias.refuse"]
    assert len(refusals) == MOVERS - 1
    assert world.store.verify_audit() == []


def registrations(world: World) -> None:
    """Registrations at once judge anew: each gets a number, and the last one has the alias."""
    world.version(metrics={"acc": 0.95})
    world.promotion.set_gates("digits", "champion", [GOOD])
    barrier = threading.Barrier(MOVERS)

    def register(number: int) -> int | None:
        barrier.wait(timeout=60)
        model = {"w": number}
        return world.registry.register_model(
            model, name="digits", alias="champion", metrics={"acc": 0.99}
        ).version

    with ThreadPoolExecutor(MOVERS) as pool:
        numbers = list(pool.map(register, range(MOVERS)))
    assert sorted(numbers) == list(range(2, MOVERS + 2))
    moves = world.registry.moves("digits", "champion")[::-1]
    assert [each.before for each in moves] == [None, *(each.after for each in moves[:-1])]
    assert moves[-1].after == world.store.model("digits").aliases["champion"]
    assert world.store.verify_audit() == []


@pytest.mark.parametrize("run", [race, registrations])
def test_movers_at_once_on_sqlite(tmp_path: Path, run: Any) -> None:
    run(World(tmp_path))


@pytest.mark.parametrize("run", [race, registrations])
def test_movers_at_once_on_postgres(tmp_path: Path, emptied: Database, run: Any) -> None:
    run(World(tmp_path, database=emptied))


def test_mover_in_another_process_is_met_as_well(tmp_path: Path) -> None:
    world, other = (
        World(tmp_path),
        World(tmp_path, database=Database(sqlite_url(tmp_path / "registry.sqlite"))),
    )
    for _ in range(3):
        world.version(metrics={"acc": 0.95})
    world.promotion.set_gates("digits", "champion", [GOOD])
    verdict = world.promotion.judge("digits", "champion", 2)
    other.registry.set_alias("digits", "champion", 3)
    with pytest.raises(Conflict, match="points at version 3 now, not at no version"):
        world.store.move_alias("model", "digits", "champion", 2, user="ada", expected=verdict.holder)
