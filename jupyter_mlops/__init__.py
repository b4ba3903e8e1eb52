"""Experiments, batch jobs, datasets and models inside Jupyter.

Importing this package loads nothing else: the public names below are looked up on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .api import (
        Job,
        Reproduction,
        Run,
        Schedule,
        Sweep,
        carried,
        compare,
        datasets,
        delete_alias,
        edit_run,
        export_run,
        gpus,
        history,
        import_run,
        job,
        jobs,
        load_dataset,
        load_model,
        log,
        log_artifact,
        log_figure,
        log_model,
        log_params,
        models,
        register_dataset,
        register_model,
        replay,
        reproduce,
        run,
        runs,
        schedule,
        schedules,
        set_alias,
        submit,
        sweep,
        sweeps,
        tag,
        track,
        usage,
    )
    from .errors import MlopsError, TrialPruned

__all__ = [
    "Job",
    "MlopsError",
    "Reproduction",
    "Run",
    "Schedule",
    "Sweep",
    "TrialPruned",
    "__version__",
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
