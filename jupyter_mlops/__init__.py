"""Experiments, batch jobs, datasets and models inside Jupyter.

Importing this package loads nothing else: the public names below are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from .api.audit import audit as audit
    from .api.cards import edit_model as edit_model
    from .api.cards import export_model as export_model
    from .api.cards import import_model as import_model
    from .api.cards import model_card as model_card
    from .api.carrying import carried as carried
    from .api.comparing import compare as compare
    from .api.datasets import dataset_of as dataset_of
    from .api.datasets import datasets as datasets
    from .api.datasets import edit_dataset as edit_dataset
    from .api.datasets import load_dataset as load_dataset
    from .api.datasets import register_dataset as register_dataset
    from .api.datasets import sql as sql
    from .api.expectations import check as check
    from .api.expectations import expect as expect
    from .api.expectations import expectations as expectations
    from .api.features import FeatureView as FeatureView
    from .api.features import export_feast as export_feast
    from .api.features import feature_view as feature_view
    from .api.features import feature_views as feature_views
    from .api.features import online_features as online_features
    from .api.features import push_online as push_online
    from .api.features import training_set as training_set
    from .api.gpus import gpus as gpus
    from .api.histories import history as history
    from .api.jobs import Job as Job
    from .api.jobs import job as job
    from .api.jobs import jobs as jobs
    from .api.lineage import impact as impact
    from .api.lineage import lineage as lineage
    from .api.models import load_model as load_model
    from .api.models import models as models
    from .api.models import predict as predict
    from .api.models import register_model as register_model
    from .api.profiles import diff as diff
    from .api.profiles import profile as profile
    from .api.promotion import approve as approve
    from .api.promotion import delete_alias as delete_alias
    from .api.promotion import gates as gates
    from .api.promotion import reject as reject
    from .api.promotion import review as review
    from .api.promotion import rollback as rollback
    from .api.promotion import set_alias as set_alias
    from .api.reading import Run as Run
    from .api.reading import edit_run as edit_run
    from .api.reading import run as run
    from .api.reading import runs as runs
    from .api.replaying import export_run as export_run
    from .api.replaying import import_run as import_run
    from .api.replaying import replay as replay
    from .api.reproducing import Reproduction as Reproduction
    from .api.reproducing import reproduce as reproduce
    from .api.schedules import Schedule as Schedule
    from .api.schedules import schedule as schedule
    from .api.schedules import schedules as schedules
    from .api.submitting import submit as submit
    from .api.sweeps import Sweep as Sweep
    from .api.sweeps import sweep as sweep
    from .api.sweeps import sweeps as sweeps
    from .api.tracking import log as log
    from .api.tracking import log_artifact as log_artifact
    from .api.tracking import log_figure as log_figure
    from .api.tracking import log_model as log_model
    from .api.tracking import log_params as log_params
    from .api.tracking import tag as tag
    from .api.tracking import track as track
    from .api.usage import usage as usage
    from .errors import MlopsError as MlopsError
    from .errors import TrialPruned as TrialPruned

_NAMES = {
    "api.audit": "audit",
    "api.cards": "edit_model export_model import_model model_card",
    "api.carrying": "carried",
    "api.comparing": "compare",
    "api.datasets": "dataset_of datasets edit_dataset load_dataset register_dataset sql",
    "api.expectations": "check expect expectations",
    "api.features": (
        "FeatureView export_feast feature_view feature_views online_features push_online training_set"
    ),
    "api.gpus": "gpus",
    "api.histories": "history",
    "api.jobs": "Job job jobs",
    "api.lineage": "impact lineage",
    "api.models": "load_model models predict register_model",
    "api.profiles": "diff profile",
    "api.promotion": "approve delete_alias gates reject review rollback set_alias",
    "api.reading": "Run edit_run run runs",
    "api.replaying": "export_run import_run replay",
    "api.reproducing": "Reproduction reproduce",
    "api.schedules": "Schedule schedule schedules",
    "api.submitting": "submit",
    "api.sweeps": "Sweep sweep sweeps",
    "api.tracking": "log log_artifact log_figure log_model log_params tag track",
    "api.usage": "usage",
    "errors": "MlopsError TrialPruned",
}
"""The public names, by the modules that they are in."""
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

__all__ = sorted([*_HOMES, "__version__"])


if not TYPE_CHECKING:  # for a type checker any name would exist

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value = globals()[name] = getattr(import_module(f".{_HOMES[name]}", __name__), name)
        return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext jupyter_mlops``: the magics and the job cards, in a kernel or a terminal IPython."""
    from .magics import load_ipython_extension as load
    from .widgets import install

    load(shell)
    install(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext jupyter_mlops``."""
    from .magics import unload_ipython_extension as unload
    from .widgets import uninstall

    uninstall(shell)
    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-mlops"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.extension import MlopsExtension

    return [{"module": "jupyter_mlops", "app": MlopsExtension}]
