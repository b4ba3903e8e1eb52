"""What users call; ``jupyter_mlops`` looks its public names up here."""

from .carrying import carried
from .comparing import Comparison, RunTable, compare
from .gpus import gpus
from .histories import history
from .jobs import Job, job, jobs
from .reading import Run, edit_run, run, runs
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
from .replaying import export_run, import_run, replay
from .reproducing import Reproduction, reproduce
from .schedules import Schedule, schedule, schedules
from .submitting import job_handle, submit
from .sweeps import Sweep, sweep, sweeps
from .tracking import log, log_artifact, log_figure, log_model, log_params, tag, track
from .usage import usage

__all__ = [
    "Comparison",
    "Job",
    "Reproduction",
    "Run",
    "RunTable",
    "Schedule",
    "Sweep",
    "carried",
    "compare",
    "datasets",
    "delete_alias",
    "edit_run",
    "export_run",
    "gpus",
    "history",
    "import_run",
    "job",
    "job_handle",
    "jobs",
    "load_dataset",
    "load_model",
    "log",
    "log_artifact",
    "log_figure",
    "log_model",
    "log_params",
    "models",
    "register_dataset",
    "register_model",
    "replay",
    "reproduce",
    "run",
    "runs",
    "schedule",
    "schedules",
    "set_alias",
    "submit",
    "sweep",
    "sweeps",
    "tag",
    "track",
    "usage",
]
