"""Entities as flat rows with the column names of tables, DataFrames and ``--json``."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ..entities import DatasetVersion, Job, ModelVersion, Run, Schedule, Sweep, Trial, TrialStatus

if TYPE_CHECKING:
    import pandas as pd

RUN_COLUMNS = ("id", "name", "experiment", "status", "started", "duration_s", "notebook")
JOB_COLUMNS = (
    "id",
    "name",
    "status",
    "submitted",
    "started",
    "duration_s",
    "progress",
    "gpus",
    "attempt",
    "priority",
    "executor",
    "run_id",
    "sweep_id",
    "schedule_id",
    "notebook",
    "cause",
    "reason",
)
SWEEP_COLUMNS = (
    "id",
    "name",
    "experiment",
    "status",
    "submitted",
    "ended",
    "sampler",
    "pruner",
    "goal",
    "trials",
    *(status.value for status in TrialStatus),
    "best",
    "best_value",
    "reason",
)
SCHEDULE_COLUMNS = (
    "id",
    "name",
    "status",
    "cron",
    "timezone",
    "catch_up",
    "overlap",
    "next",
    "last",
    "last_job_id",
    "notebook",
    "user",
    "reason",
)
TRIAL_COLUMNS = ("trial", "status", "value", "started", "duration_s", "job_id", "run_id", "reason")
DATASET_COLUMNS = (
    "name",
    "version",
    "aliases",
    "kind",
    "rows",
    "size_bytes",
    "storage",
    "digest",
    "created",
    "created_by",
    "run_id",
    "status",
    "tags",
    "description",
)
MODEL_COLUMNS = (
    "name",
    "version",
    "aliases",
    "class_name",
    "flavour",
    "size_bytes",
    "digest",
    "inputs",
    "outputs",
    "created",
    "created_by",
    "run_id",
    "job_id",
    "status",
    "tags",
    "description",
)


def iso_time(time_s: float | None) -> str | None:
    """ISO 8601 in UTC, to the millisecond."""
    if time_s is None:
        return None
    return datetime.fromtimestamp(time_s, timezone.utc).isoformat(timespec="milliseconds")


def run_row(run: Run) -> dict[str, Any]:
    """``RUN_COLUMNS``, then ``params.*``, ``metrics.*`` (last values) and ``tags.*``."""
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status.value,
        "started": iso_time(run.started_at),
        "duration_s": run.duration_s,
        "notebook": run.notebook,
        **{f"params.{name}": value for name, value in sorted(run.params.items())},
        **{f"metrics.{name}": summary.last for name, summary in sorted(run.metrics.items())},
        **{f"tags.{name}": value for name, value in sorted(run.tags.items())},
    }


def job_row(job: Job) -> dict[str, Any]:
    """``JOB_COLUMNS``, then ``params.*``."""
    ended, started = job.ended_at, job.started_at
    return {
        "id": job.id,
        "name": job.spec.name,
        "status": job.status.value,
        "submitted": iso_time(job.spec.submitted_at),
        "started": iso_time(started),
        "duration_s": ended - started if ended is not None and started is not None else None,
        "progress": f"{job.progress.done}/{job.progress.total}" if job.progress else None,
        "gpus": list(job.gpus),
        "attempt": job.attempt,
        "priority": job.spec.priority,
        "executor": job.executor,
        "run_id": job.run_id,
        "sweep_id": job.spec.sweep_id,
        "schedule_id": job.spec.schedule_id,
        "notebook": job.spec.notebook,
        "cause": job.cause.value if job.cause else None,
        "reason": job.reason,
        **{f"params.{name}": value for name, value in sorted(job.spec.params.items())},
    }


def sweep_row(sweep: Sweep) -> dict[str, Any]:
    """``SWEEP_COLUMNS``, then ``best_params.*``; ``trials`` are those planned."""
    spec = sweep.spec
    return {
        "id": sweep.id,
        "name": spec.name,
        "experiment": spec.experiment,
        "status": sweep.status.value,
        "submitted": iso_time(spec.submitted_at),
        "ended": iso_time(sweep.ended_at),
        "sampler": spec.sampler,
        "pruner": spec.pruner,
        "goal": f"{spec.goal.direction}:{spec.goal.metric}" if spec.goal else None,
        "trials": spec.trials,
        **{status.value: sweep.counts.get(status.value, 0) for status in TrialStatus},
        "best": sweep.best,
        "best_value": sweep.best_value,
        "reason": sweep.reason,
        **{f"best_params.{name}": value for name, value in sorted(sweep.best_params.items())},
    }


def schedule_row(schedule: Schedule) -> dict[str, Any]:
    """``SCHEDULE_COLUMNS``, then ``params.*``; ``next`` is None while it is paused."""
    spec, timing = schedule.spec, schedule.spec.timing
    return {
        "id": schedule.id,
        "name": spec.name,
        "status": "active" if schedule.enabled else "paused",
        "cron": timing.cron,
        "timezone": timing.timezone,
        "catch_up": timing.catch_up.value,
        "overlap": timing.overlap.value,
        "next": iso_time(schedule.next_at),
        "last": iso_time(schedule.last_at),
        "last_job_id": schedule.last_job_id,
        "notebook": spec.template.notebook,
        "user": spec.user,
        "reason": schedule.reason,
        **{f"params.{name}": value for name, value in sorted(spec.template.params.items())},
    }


def trial_row(trial: Trial) -> dict[str, Any]:
    """``TRIAL_COLUMNS``, then ``params.*``."""
    ended, started = trial.ended_at, trial.started_at
    return {
        "trial": trial.number,
        "status": trial.status.value,
        "value": trial.value,
        "started": iso_time(started),
        "duration_s": ended - started if ended is not None and started is not None else None,
        "job_id": trial.job_id,
        "run_id": trial.run_id,
        "reason": trial.reason,
        **{f"params.{name}": value for name, value in trial.params.items()},
    }


def dataset_row(version: DatasetVersion) -> dict[str, Any]:
    """``DATASET_COLUMNS``."""
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "kind": version.kind.value,
        "rows": version.rows,
        "size_bytes": version.size_bytes,
        "storage": version.storage.value,
        "digest": version.digest,
        "created": iso_time(version.created_at),
        "created_by": version.created_by,
        "run_id": version.run_id,
        "status": version.status.value,
        "tags": dict(version.tags),
        "description": version.description,
    }


def model_row(version: ModelVersion) -> dict[str, Any]:
    """``MODEL_COLUMNS``, then ``metrics.*`` of the run that made it, when it was registered."""
    said = version.signature
    return {
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "class_name": version.class_name,
        "flavour": version.format,
        "size_bytes": version.size_bytes,
        "digest": version.digest,
        "inputs": [each.name for each in said.inputs] if said else [],
        "outputs": [each.name for each in said.outputs] if said else [],
        "created": iso_time(version.created_at),
        "created_by": version.created_by,
        "run_id": version.run_id,
        "job_id": version.job_id,
        "status": version.status.value,
        "tags": dict(version.tags),
        "description": version.description,
        **{f"metrics.{name}": value for name, value in sorted(version.metrics.items())},
    }


def uniform(table: pd.DataFrame) -> pd.DataFrame:
    """The table with texts in those columns whose values have no one type, as Parquet wants it."""
    import pyarrow as pa

    made = table.copy()
    for column in [name for name in made.columns if made[name].dtype.kind == "O"]:
        try:
            pa.array(made[column], from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            made[column] = [None if value is None or value != value else str(value) for value in made[column]]
    return made
