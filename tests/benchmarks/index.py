"""The index of runs: taking in 100,000 small finished ones, and finding among as many."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from jupyter_mlops.entities import Process, RunKind, RunStatus, new_id
from jupyter_mlops.journal import all_journals
from jupyter_mlops.journal.records import (
    AnyRecord,
    Close,
    Context,
    End,
    Metrics,
    Params,
    Source,
    Start,
    Tags,
)
from jupyter_mlops.workspace import Workspace

from .figures import HIGHER, Benchmark, Figure
from .measuring import median_s, medians_s, seconds_of, temporary_workspace

RUNS = 100_000
ROUNDS = 20
FILTER = "metrics.m0 > 0.9 and params.p0 < 0.5 and tags.team = 'a'"
RAW_INSERT_ROWS = 30
"""A small run is so many rows, index entries not counted."""

_encode = msgspec.json.Encoder().encode


def ingest_of_small_runs() -> Iterator[Figure]:
    """Runs with 28 lines: 5 params, 5 metrics over 21 steps."""
    with temporary_workspace() as workspace:
        write_runs(workspace.settings.home, RUNS, names=5, steps=21)
        raw = _read_and_insert_s(workspace.settings.home)
        spent = seconds_of(workspace.ingestor.ingest)
        assert workspace.runs.search(limit=0).total == RUNS
        yield Figure(
            what=f"ingest of {RUNS:,} small finished runs",
            unit="runs/s",
            value=RUNS / spent,
            goal=5000,
            better=HIGHER,
            limit=1 / raw,
            limit_is=f"reading and decoding each, and {RAW_INSERT_ROWS} rows by sqlite3's executemany",
        )


def finding_among_many_runs() -> Iterator[Figure]:
    """Runs with 10 params and 10 metrics: the size of the index, and what a search of it takes."""
    with temporary_workspace() as workspace:
        write_runs(workspace.settings.home, RUNS, names=10, steps=1)
        workspace.ingestor.ingest()
        workspace.runs.search(limit=1)
        yield Figure(
            what=f"index of {RUNS:,} runs with 10 params and 10 metrics",
            unit="MB",
            value=sum(each.stat().st_size for each in workspace.settings.home.glob("index.sqlite")) / 1e6,
            goal=500,
        )
        raw = _raw_database(workspace)
        yield from _searches(workspace, raw)
        raw.close()


def _searches(workspace: Workspace, raw: sqlite3.Connection) -> Iterator[Figure]:
    def top() -> object:
        return workspace.runs.search(order_by="metrics.m0 desc", total=False)

    ours, limit = medians_s(top, lambda: _raw_top(raw, RAW_TOP), rounds=ROUNDS)
    yield Figure(
        what=f"top 100 of {RUNS:,} runs by a metric, with params and metrics",
        unit="ms",
        value=ours * 1e3,
        goal=5,
        limit=limit * 1e3,
        limit_is="sqlite3 with an index, and one row a run with its values as JSON",
    )

    def filtered() -> object:
        return workspace.runs.search(FILTER, order_by="metrics.m0 desc", total=False)

    ours, limit = medians_s(filtered, lambda: _raw_top(raw, RAW_FILTERED), rounds=ROUNDS)
    yield Figure(
        what=f"the same with a filter of three terms ({FILTER})",
        unit="ms",
        value=ours * 1e3,
        goal=25,
        limit=limit * 1e3,
        limit_is="the same query on sqlite3, written by hand",
    )
    lost = median_s(lambda: workspace.runs.search("status = 'lost'", total=False), rounds=ROUNDS)
    yield Figure(what=f"status = 'lost' among {RUNS:,} runs", unit="ms", value=lost * 1e3, goal=5)


BENCHMARKS: dict[str, Benchmark] = {"ingest": ingest_of_small_runs, "search": finding_among_many_runs}


# ---------------------------------------------------------------------- runs


def write_runs(home: Path, count: int, *, names: int, steps: int) -> None:
    """Journals of finished runs as cells leave them, with so many params, metrics, and steps.

    The metrics of a step are logged together, and every other step only the first two of them.
    """
    dice = random.Random(7)
    (home / "active").mkdir(parents=True)
    began = time.time() - 10 * count
    for number in range(count):
        now = began + number
        run_id, writer = new_id(now), new_id(now)
        folder = home / "runs" / run_id / "journal"
        folder.mkdir(parents=True)
        (folder / f"{writer}.jsonl").write_bytes(
            b"".join(
                _encode(msgspec.structs.replace(each, v=1, t=now + n / 100, n=n + 1)) + b"\n"
                for n, each in enumerate(_records(dice, number, names, steps))
            )
        )


def _records(dice: random.Random, number: int, names: int, steps: int) -> list[AnyRecord]:
    process = Process(host="bench", boot_id="0" * 36, pid_namespace=1, pid=1, start_ticks=1)
    params = {f"p{n}": dice.random() for n in range(names - 1)} | {"optimizer": dice.choice(["adam", "sgd"])}
    return [
        Start(name="bench", experiment="digits", kind=RunKind.CELL, user="ada", process=process),
        Source(text=f"model = fit(lr=lr, depth={number % 100})\nlog(acc=model.score(x, y))\n"),
        Context(values={"python": "3.11.0", "platform": "Linux", "packages": {"numpy": "2.0"}}),
        Tags(g={"team": dice.choice("abcd")}),
        Params(p=params, source="literal"),
        *(
            Metrics(m={f"m{n}": dice.random() for n in range(2 if step % 2 else names)}, s=step)
            for step in range(steps)
        ),
        End(status=RunStatus.FINISHED),
        Close(),
    ]


# ---------------------------------------------------------------------- raw limits

RAW_TOP = (
    "SELECT v.run, r.data FROM m v JOIN r ON r.run = v.run WHERE v.name = 0 ORDER BY v.value DESC LIMIT 100"
)
RAW_FILTERED = """
SELECT v.run, r.data FROM m v JOIN r ON r.run = v.run
WHERE v.name = 0 AND v.value > 0.9
AND EXISTS (SELECT 1 FROM p WHERE p.name = 0 AND p.run = v.run AND p.value < 0.5)
AND EXISTS (SELECT 1 FROM t WHERE t.name = 0 AND t.run = v.run AND t.value = 'a')
ORDER BY v.value DESC LIMIT 100
"""


def _read_and_insert_s(home: Path, count: int = 2000) -> float:
    """Seconds a run for what cannot be left out, from a part of the journals."""
    decode = msgspec.json.Decoder(AnyRecord).decode_lines
    paths = [key.path(home) for key, _ in zip(all_journals(home), range(count), strict=False)]
    read = seconds_of(lambda: [decode(path.read_bytes()) for path in paths])
    raw = sqlite3.connect(home / "raw.sqlite")
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("CREATE TABLE t (name, run, value, PRIMARY KEY (name, run)) WITHOUT ROWID")
    rows = [(name, run, 0.5) for name in range(RAW_INSERT_ROWS) for run in range(count)]
    insert = seconds_of(lambda: raw.executemany("INSERT INTO t VALUES (?, ?, ?)", rows))
    raw.close()
    return (read + insert) / count


def _raw_database(workspace: Workspace) -> sqlite3.Connection:
    """The same values in tables made for nothing but the two queries."""
    raw = sqlite3.connect(workspace.settings.home / "raw.sqlite")
    raw.execute("CREATE TABLE r (run INTEGER PRIMARY KEY, data)")
    for table in "mpt":
        raw.execute(f"CREATE TABLE {table} (name, run, value, PRIMARY KEY (name, run)) WITHOUT ROWID")
    raw.execute("CREATE INDEX m_by_value ON m (name, value, run)")
    for start in range(0, RUNS, 10_000):
        page = workspace.runs.search(order_by="started", limit=10_000, offset=start, total=False)
        for number, run in enumerate(page.runs, start):
            values = {
                "params": run.params,
                "metrics": {name: each.last for name, each in run.metrics.items()},
            }
            raw.execute("INSERT INTO r VALUES (?, ?)", (number, _encode(values)))
            raw.execute("INSERT INTO m VALUES (0, ?, ?)", (number, run.metrics["m0"].last))
            raw.execute("INSERT INTO p VALUES (0, ?, ?)", (number, run.params["p0"]))
            raw.execute("INSERT INTO t VALUES (0, ?, ?)", (number, run.tags["team"]))
    raw.commit()
    return raw


def _raw_top(raw: sqlite3.Connection, query: str) -> list[object]:
    return [(run, msgspec.json.decode(data)) for run, data in raw.execute(query)]
