"""DVCLive: a folder a run, a row a point in a file of tab-separated values."""

import csv
import os
import sys
from itertools import count

from stopwatch import POINTS, import_ms, median_ms, say, say_quantiles, say_rate

os.chdir(sys.argv[1])
os.environ |= {"DVC_NO_ANALYTICS": "true", "DVCLIVE_LOGLEVEL": "ERROR"}
try:
    import dvclive
except ImportError:
    sys.exit(3)

from importlib.metadata import version  # noqa: E402

say(name="dvclive", version=version("dvclive"))
say(import_ms=import_ms("import dvclive"))
folders = (f"run-{number}" for number in count())


def new_run():
    return dvclive.Live(next(folders), save_dvc_exp=False, dvcyaml=None)


def logger(live):
    def log(step):
        live.step = step
        live.log_metric("loss", 0.5)
        live.next_step()

    return log


def points_of(live):
    with open(os.path.join(live.plots_dir, "metrics", "loss.tsv"), newline="") as file:
        return [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(file, delimiter="\t")]


say(run_ms=median_ms(lambda: new_run().end(), rounds=20))
live = new_run()
say_quantiles(logger(live))
live.end()
live = new_run()
say_rate(logger(live), live.end, lambda: len(points_of(live)))
live = new_run()
for _ in range(POINTS):
    live.log_metric("loss", 0.5)
    live._step = (live._step or 0) + 1  # next_step() writes its summary every time
assert len(points_of(live)) == POINTS
say(history_ms=median_ms(lambda: points_of(live)))
