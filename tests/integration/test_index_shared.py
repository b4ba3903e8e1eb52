"""One index, many processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..run_worlds import World

ROOT = Path(__file__).parents[2]
READ = """
import sys
from pathlib import Path
from tests.run_worlds import World
sys.stdin.readline()
home, rounds = Path(sys.argv[1]), int(sys.argv[2])
world = World(home)
for _ in range(rounds):
    found = world.runs.search("metrics.loss >= 0", order_by="metrics.loss desc", limit=1000).total
print(found)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path / "home", index=tmp_path / "aside.sqlite")
    yield world
    world.close()


def readers(home: Path, count: int, *, rounds: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", READ, str(home), str(rounds)]
    return [
        subprocess.Popen(
            command,
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(count)
    ]


def answers(processes: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """Let them go together; what each printed, and its errors."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=120) for process in processes]


def test_readers_that_begin_together_make_one_index(world: World) -> None:
    for number in range(300):
        world.new_run(f"run {number}").log(1, loss=float(number)).end()
    found = answers(readers(world.home, 6, rounds=3))
    assert found == [("300\n", "")] * 6
