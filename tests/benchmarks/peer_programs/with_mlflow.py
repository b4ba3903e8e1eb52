"""MLflow with its SQLite store, in this process."""

import os
import sys
import time

from stopwatch import POINTS, RUNS, TOP, import_ms, median_ms, say, say_quantiles, say_rate

os.chdir(sys.argv[1])
os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}
try:
    import mlflow
    from mlflow.entities import Metric
except ImportError:
    sys.exit(3)

say(name="mlflow", version=mlflow.__version__)
say(import_ms=import_ms("import mlflow"))
mlflow.set_tracking_uri(f"sqlite:///{sys.argv[1]}/mlflow.db")
mlflow.set_experiment("bench")
client = mlflow.MlflowClient()


def empty_run():
    with mlflow.start_run():
        pass


say(run_ms=median_ms(empty_run, rounds=20))
with mlflow.start_run():
    say_quantiles(lambda step: mlflow.log_metric("loss", 0.5, step=step))
logged = mlflow.start_run()
say_rate(
    lambda step: mlflow.log_metric("loss", 0.5, step=step),
    mlflow.end_run,
    lambda: len(client.get_metric_history(logged.info.run_id, "loss")),
)
with mlflow.start_run() as run:
    for start in range(0, POINTS, 1000):
        client.log_batch(
            run.info.run_id, [Metric("loss", 0.5, int(time.time() * 1000), start + i) for i in range(1000)]
        )
say(history_ms=median_ms(lambda: client.get_metric_history(run.info.run_id, "loss")))
mlflow.set_experiment("many")
for number in range(RUNS):
    with mlflow.start_run():
        mlflow.log_params({f"p{i}": i for i in range(5)})
        mlflow.log_metrics({f"m{i}": float(number + i) for i in range(5)})


def top():
    found = mlflow.search_runs(order_by=["metrics.m0 DESC"], max_results=TOP)
    assert len(found) == TOP


say(top_ms=median_ms(top, rounds=3))
