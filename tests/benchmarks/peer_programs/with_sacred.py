"""Sacred with its file observer: metrics stay in memory until a heartbeat, at the latest the run's end."""

import json
import os
import sys

from stopwatch import POINTS, RUNS, TOP, import_ms, median_ms, say, say_quantiles, say_rate

os.chdir(sys.argv[1])
try:
    import sacred
    from sacred.observers import FileStorageObserver
except ImportError:
    sys.exit(3)

say(name="sacred (memory until the end)", version=sacred.__version__)
say(import_ms=import_ms("import sacred"))


def run(main, folder, **config):
    experiment = sacred.Experiment("bench", interactive=True, save_git_info=False)
    experiment.observers.append(FileStorageObserver(folder))
    experiment.add_config(config or {"p": 1})
    experiment.captured_out_filter = None
    experiment.main(main)
    return experiment.run(options={"--loglevel": "ERROR", "--capture": "no"})


def metrics_of(folder, number):
    with open(os.path.join(folder, str(number), "metrics.json")) as file:
        return json.load(file)


say(run_ms=median_ms(lambda: run(lambda: None, "empty"), rounds=20))
run(lambda _run: say_quantiles(lambda step: _run.log_scalar("loss", 0.5, step)), "scalars")
say_rate(
    lambda step: (
        None if step else run(lambda _run: [_run.log_scalar("loss", 0.5, i) for i in range(POINTS)], "points")
    ),
    lambda: None,
    lambda: len(metrics_of("points", 1)["loss"]["values"]),
)
say(history_ms=median_ms(lambda: metrics_of("points", 1)["loss"]["values"]))
for number in range(RUNS):
    run(lambda _run, n=number: [_run.log_scalar(f"m{i}", float(n + i)) for i in range(5)], "many")


def top():
    runs = [(metrics_of("many", number)["m0"]["values"][-1], number) for number in range(1, RUNS + 1)]
    found = []
    for _, number in sorted(runs, reverse=True)[:TOP]:
        with open(os.path.join("many", str(number), "config.json")) as file:
            found.append((json.load(file), metrics_of("many", number)))
    assert len(found) == TOP


say(top_ms=median_ms(top, rounds=3))
