"""The benchmarks' own bookkeeping: goals, ratios, tables, and peers that are not there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks import peers
from tests.benchmarks.figures import HIGHER, Figure
from tests.benchmarks.report import as_json, markdown, row

FAST = Figure(what="log", unit="µs", value=2.5, goal=3, limit=1.25, limit_is="os.write")
SLOW = Figure(what="points", unit="points/s", value=1000.0, goal=250_000, better=HIGHER)
PEER = Figure(what="log", unit="µs", value=4157.6, peer="mlflow 3")
ABSENT = Figure(what="", unit="", value=None, peer="aim", note="not installed there")


@pytest.mark.parametrize(
    ("value", "goal", "better", "met"),
    [
        (3.0, 3, "lower", True),
        (3.1, 3, "lower", False),
        (250_000.0, 250_000, HIGHER, True),
        (249_999.0, 250_000, HIGHER, False),
        (1.0, None, "lower", None),
        (None, 3, "lower", None),
    ],
)
def test_goal_is_met_or_not(value: float | None, goal: float | None, better: str, met: bool | None) -> None:
    assert Figure(what="x", unit="ms", value=value, goal=goal, better=better).met is met


def test_row_shows_figure_goal_limit_and_ratio() -> None:
    assert row(FAST) == ("log", "2.5 µs", "≤ 3", "met", "1.25 (os.write)", "2.00x")
    assert row(SLOW) == ("points", "1,000 points/s", "≥ 250,000", "MISSED", "", "")
    assert row(ABSENT)[:2] == ("aim", "not installed there")


def test_markdown_has_our_table_and_below_it_the_peers() -> None:
    lines = markdown([FAST, SLOW, PEER, ABSENT]).splitlines()
    assert lines[2] == "| log | 2.5 µs | ≤ 3 | 1.25 (os.write) | 2.00x |"
    assert lines[3] == "| points | 1,000 points/s | ≥ 250,000 **missed** |  |  |"
    assert "| | mlflow 3 |" in lines
    assert "| log | 4,158 µs |" in lines
    assert "aim: not installed there." in lines
    assert "Python" in lines[-1]


def test_json_has_everything() -> None:
    found = json.loads(json.dumps(as_json([FAST, ABSENT])))
    assert [(each["what"], each["value"], each["met"], each["ratio"]) for each in found["figures"]] == [
        ("log", 2.5, True, 2.0),
        ("", None, None, None),
    ]
    assert "cores" in found["machine"]


def test_peers_that_are_not_there_are_said_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "with_nothing.py").write_text("import sys; sys.exit(3)")
    (programs / "with_trouble.py").write_text(
        'print(\'{"name": "trouble", "version": "1"}\')\n'
        "print('{\"run_ms\": 1.5}', flush=True)\nraise OSError('no disk')"
    )
    monkeypatch.setattr(peers, "PROGRAMS", programs)
    monkeypatch.setattr(peers, "OURS", programs / "with_nothing.py")
    monkeypatch.delenv(peers.VARIABLE, raising=False)
    assert [(figure.peer, figure.note) for figure in peers.measured()] == [
        ("nothing", "not installed there"),
        ("peers", f"not measured: give --peers PYTHON or set {peers.VARIABLE}"),
    ]
    monkeypatch.setenv(peers.VARIABLE, sys.executable)
    assert [(figure.peer, figure.value, figure.note) for figure in peers.measured()][1:] == [
        ("trouble 1", 1.5, ""),
        ("trouble 1", None, "failed: OSError: no disk"),
    ]
    monkeypatch.setenv(peers.VARIABLE, str(tmp_path / "no python"))
    assert [figure.note.split(":")[0] for figure in peers.measured()][1:] == ["cannot be run"]


def test_benchmarks_run_by_name() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "run", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    figures = {each["what"]: each["value"] for each in json.loads(done.stdout)["figures"]}
    what = "start + finish of an empty run"
    assert set(figures) == {what, f"{what} in a git repository"}
    assert all(value > 0 for value in figures.values())


def test_unknown_benchmark_is_named() -> None:
    command = [sys.executable, "-m", "tests.benchmarks", "speed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 2
    assert "speed" in done.stderr
    assert "history" in done.stderr
