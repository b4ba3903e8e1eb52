"""Models by name and version: storing them, loading them, and predicting with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..services.rows import MODEL_COLUMNS, model_row
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def register_model(
    model: Any,
    name: str,
    *,
    alias: str | None = None,
    description: str = "",
    example: Any = None,
    flavour: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> entities.ModelVersion:
    """Store a model as the next version of ``name``, and point ``alias`` at it.

    ``register_model(model, "digits")`` and ``register_model(model, name="digits")`` are the same.

    ``model`` is a model of scikit-learn, torch, ONNX, XGBoost, LightGBM or Keras, the path of a file or
    folder (also one that MLflow wrote), or any object that can be pickled. Its flavour is found, or named:
    ``flavour="joblib"``. Of an ``example`` of its input the first rows are kept and predicted with: they show
    the signature that ``predict`` keeps to. What is installed is kept as a lock file.

    Inside a run the version says which run, job, notebook and code made it, from which datasets, and with
    which metrics. Where a gate or your role does not let the alias move, the version is registered without
    it, and a warning says why.
    """
    workspace = current()
    run = workspace.tracker.active_or_none()
    return workspace.registry.register_model(
        model,
        name=name,
        alias=alias,
        description=description,
        metrics=run.last_metrics() if run is not None else None,
        example=example,
        flavour=flavour,
        tags=tags,
    )


def load_model(ref: str, *, trust: bool = False) -> Any:
    """A registered model: ``"digits"`` (the newest), ``"digits@3"``, ``"digits@champion"``.

    It comes as it was; ONNX with a ``predict``, files and folders as a read-only Path. Where loading runs
    code, as a pickle does, one that another user or workspace wrote raises Untrusted unless ``trust=True``.
    """
    return current().registry.load_model(ref, trust=trust)


def predict(ref: str, data: Any, *, trust: bool = False) -> Any:
    """What a registered model makes of ``data``: ``predict("digits@champion", frame)``.

    By the model's signature columns are put in order and others left out, and numbers take its types where
    nothing is lost; what is missing or cannot be taken is named by InvalidInput. The model stays in memory
    for the next call. Trust is as for ``load_model``.
    """
    return current().registry.predict(ref, data, trust=trust)


def models() -> pd.DataFrame:
    """All model versions, by name; of each name the newest first."""
    import pandas as pd

    rows = [model_row(version) for each in current().registry.models() for version in each.versions]
    metrics = sorted({name for row in rows for name in row if name not in MODEL_COLUMNS})
    return pd.DataFrame(rows, columns=[*MODEL_COLUMNS, *metrics])
