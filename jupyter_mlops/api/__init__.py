"""What users call; ``jupyter_mlops`` looks its public names up here."""

from .jobs import Job, Sweep, job, job_handle, jobs, submit
from .reading import Run, compare, edit_run, history, run, runs
from .registry import (
    datasets,
    delete_alias,
    load_dataset,
    load_model,
    models,
    register_dataset,
    register_model,
    set_alias,
)
from .tracking import log, log_artifact, log_figure, log_params, tag, track

__all__ = [
    "Job",
    "Run",
    "Sweep",
    "compare",
    "datasets",
    "delete_alias",
    "edit_run",
    "history",
    "job",
    "job_handle",
    "jobs",
    "load_dataset",
    "load_model",
    "log",
    "log_artifact",
    "log_figure",
    "log_params",
    "models",
    "register_dataset",
    "register_model",
    "run",
    "runs",
    "set_alias",
    "submit",
    "tag",
    "track",
]
