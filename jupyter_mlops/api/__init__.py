"""What users call; ``jupyter_mlops`` looks its public names up here."""

from .audit import audit
from .cards import edit_model, export_model, import_model, model_card
from .carrying import carried
from .comparing import Comparison, RunTable, compare
from .datasets import dataset_of, datasets, edit_dataset, load_dataset, register_dataset, sql
from .expectations import check, expect, expectations
from .features import (
    FeatureView,
    export_feast,
    feature_view,
    feature_views,
    online_features,
    push_online,
    training_set,
)
from .gpus import gpus
from .histories import history
from .jobs import Job, job, jobs
from .lineage import impact, lineage
from .models import load_model, models, predict, register_model
from .profiles import diff, profile
from .promotion import approve, delete_alias, gates, reject, review, rollback, set_alias
from .reading import Run, edit_run, run, runs
from .replaying import export_run, import_run, replay
from .reproducing import Reproduction, reproduce
from .schedules import Schedule, schedule, schedules
from .submitting import job_handle, submit
from .sweeps import Sweep, sweep, sweeps
from .tracking import log, log_artifact, log_figure, log_model, log_params, tag, track
from .usage import usage

__all__ = [
    "Comparison",
    "FeatureView",
    "Job",
    "Reproduction",
    "Run",
    "RunTable",
    "Schedule",
    "Sweep",
    "approve",
    "audit",
    "carried",
    "check",
    "compare",
    "dataset_of",
    "datasets",
    "delete_alias",
    "diff",
    "edit_dataset",
    "edit_model",
    "edit_run",
    "expect",
    "expectations",
    "export_feast",
    "export_model",
    "export_run",
    "feature_view",
    "feature_views",
    "gates",
    "gpus",
    "history",
    "impact",
    "import_model",
    "import_run",
    "job",
    "job_handle",
    "jobs",
    "lineage",
    "load_dataset",
    "load_model",
    "log",
    "log_artifact",
    "log_figure",
    "log_model",
    "log_params",
    "model_card",
    "models",
    "online_features",
    "predict",
    "profile",
    "push_online",
    "register_dataset",
    "register_model",
    "reject",
    "replay",
    "reproduce",
    "review",
    "rollback",
    "run",
    "runs",
    "schedule",
    "schedules",
    "set_alias",
    "sql",
    "submit",
    "sweep",
    "sweeps",
    "tag",
    "track",
    "training_set",
    "usage",
]
