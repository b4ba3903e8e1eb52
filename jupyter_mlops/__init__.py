"""Experiments, batch jobs, datasets and models inside Jupyter.

Importing this package loads nothing else: the public names below are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .api import (
        FeatureView,
        Job,
        Reproduction,
        Run,
        Schedule,
        Sweep,
        approve,
        audit,
        carried,
        check,
        compare,
        dataset_of,
        datasets,
        delete_alias,
        diff,
        edit_dataset,
        edit_model,
        edit_run,
        expect,
        expectations,
        export_feast,
        export_model,
        export_run,
        feature_view,
        feature_views,
        gates,
        gpus,
        history,
        impact,
        import_model,
        import_run,
        job,
        jobs,
        lineage,
        load_dataset,
        load_model,
        log,
        log_artifact,
        log_figure,
        log_model,
        log_params,
        model_card,
        models,
        online_features,
        predict,
        profile,
        push_online,
        register_dataset,
        register_model,
        reject,
        replay,
        reproduce,
        review,
        rollback,
        run,
        runs,
        schedule,
        schedules,
        set_alias,
        sql,
        submit,
        sweep,
        sweeps,
        tag,
        track,
        training_set,
        usage,
    )
    from .errors import MlopsError, TrialPruned

__all__ = [
    "FeatureView",
    "Job",
    "MlopsError",
    "Reproduction",
    "Run",
    "Schedule",
    "Sweep",
    "TrialPruned",
    "__version__",
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    home = import_module(".errors" if name in ("MlopsError", "TrialPruned") else ".api", __name__)
    value = globals()[name] = getattr(home, name)
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
