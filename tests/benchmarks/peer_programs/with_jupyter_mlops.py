"""This package, on the peers' workloads."""

import os
import sys
from pathlib import Path

from stopwatch import POINTS, RUNS, TOP, import_ms, median_ms, say, say_quantiles, say_rate

home = Path(sys.argv[1]) / "home"
os.environ["JUPYTER_MLOPS_HOME"] = str(home)

import jupyter_mlops as mlops  # noqa: E402  it reads its settings at first use

say(name="jupyter-mlops", version=mlops.__version__)
say(import_ms=import_ms("import jupyter_mlops; jupyter_mlops.log"))


def empty_run():
    with mlops.track("empty"):
        pass


say(run_ms=median_ms(empty_run, rounds=50))
with mlops.track("scalars"):
    say_quantiles(lambda step: mlops.log(loss=0.5, step=step))
mlops.runs(limit=1)
block = mlops.track("points")
run = block.__enter__()
say_rate(
    lambda step: mlops.log(loss=0.5, step=step),
    lambda: block.__exit__(None, None, None),
    lambda: len(mlops.history(run, "loss")),
)
assert len(mlops.history(run, "loss")) == POINTS
say(history_ms=median_ms(lambda: mlops.history(run, "loss")))
for number in range(RUNS):
    with mlops.track(f"run {number}", params={f"p{i}": i for i in range(5)}):
        mlops.log({f"m{i}": float(number + i) for i in range(5)})
found = mlops.runs(order_by="metrics.m0 desc", limit=TOP)
assert len(found) == TOP
assert found["metrics.m0"][0] == RUNS - 1
say(top_ms=median_ms(lambda: mlops.runs(order_by="metrics.m0 desc", limit=TOP)))
