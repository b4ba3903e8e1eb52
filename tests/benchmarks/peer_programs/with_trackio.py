"""trackio with its local SQLite file. It has no search over runs: its SQL does."""

import os
import sys
from contextlib import contextmanager, redirect_stdout

from stopwatch import POINTS, RUNS, TOP, import_ms, median_ms, say, say_quantiles, say_rate

os.environ |= {"TRACKIO_DIR": sys.argv[1], "HF_HUB_OFFLINE": "1", "TRACKIO_TELEMETRY": "0"}
try:
    import trackio
    from trackio.sqlite_storage import SQLiteStorage
except ImportError:
    sys.exit(3)

say(name="trackio (memory first)", version=trackio.__version__)
say(import_ms=import_ms("import trackio"))
PROJECT = "bench"
QUIET = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}


@contextmanager
def silence():
    """It prints where it stores, and how to look at it."""
    with redirect_stdout(sys.stderr):
        yield


def start(**options):
    with silence():
        trackio.init(**QUIET, **options)


def finish():
    with silence():
        trackio.finish()


def empty_run():
    start(project=PROJECT)
    finish()


say(run_ms=median_ms(empty_run, rounds=20))
start(project=PROJECT, name="scalars")
say_quantiles(lambda step: trackio.log({"loss": 0.5}, step=step))
finish()
start(project=PROJECT, name="points")
say_rate(
    lambda step: trackio.log({"loss": 0.5}, step=step),
    finish,
    lambda: len(SQLiteStorage.get_logs(PROJECT, "points")),
)
assert len(SQLiteStorage.get_logs(PROJECT, "points")) == POINTS
say(history_ms=median_ms(lambda: SQLiteStorage.get_logs(PROJECT, "points")))
for number in range(RUNS):
    start(project="many", name=f"run {number}", config={f"p{i}": i for i in range(5)})
    trackio.log({f"m{i}": float(number + i) for i in range(5)})
    finish()
QUERY = f"select * from metrics order by json_extract(metrics, '$.m0') desc limit {TOP}"


def top():
    found = SQLiteStorage.query_project("many", QUERY)
    assert len(found["rows"]) == TOP, found


say(top_ms=median_ms(top))
