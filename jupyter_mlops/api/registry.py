"""Datasets and models by name and version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..services.rows import DATASET_COLUMNS, MODEL_COLUMNS, dataset_row, model_row
from ..workspace import current

if TYPE_CHECKING:
    import pandas as pd

    from .. import entities


def register_dataset(data: Any, *, name: str, description: str = "") -> entities.DatasetVersion:
    """Register a file, a folder or a DataFrame under ``name``.

    A version is a content: the BLAKE3 digest of all of it decides, and registering the same content
    again gives the version that is there. Inside a run the two are linked.
    """
    return current().registry.register_dataset(data, name=name, description=description)


def load_dataset(ref: str, *, as_path: bool = False) -> Any:
    """A registered dataset: ``"train"`` (the newest), ``"train@2"``.

    Tables (also CSV, Parquet, Feather and JSON-lines files) come as a DataFrame, other files and
    folders as a read-only Path; ``as_path`` always gives the Path. Inside a run it becomes its input.
    Raises NotFound, or Corrupt when the content is not what was registered.
    """
    return current().registry.load_dataset(ref, as_path=as_path)


def datasets() -> pd.DataFrame:
    """All dataset versions, newest first."""
    import pandas as pd

    rows = [dataset_row(version) for each in current().registry.datasets() for version in each.versions]
    return pd.DataFrame(rows, columns=list(DATASET_COLUMNS))


def register_model(
    model: Any, *, name: str, alias: str | None = None, description: str = ""
) -> entities.ModelVersion:
    """Store a picklable model as the next version of ``name``, and point ``alias`` at it.

    Inside a run the version says which run made it and with which metrics.
    """
    workspace = current()
    run = workspace.tracker.active_or_none()
    metrics = run.last_metrics() if run is not None else None
    return workspace.registry.register_model(
        model, name=name, alias=alias, description=description, metrics=metrics
    )


def load_model(ref: str, *, trust: bool = False) -> Any:
    """A registered model: ``"digits"`` (the newest), ``"digits@3"``, ``"digits@champion"``.

    Loading runs code: a pickle that another user or workspace wrote raises Untrusted unless
    ``trust=True``.
    """
    return current().registry.load_model(ref, trust=trust)


def models() -> pd.DataFrame:
    """All model versions, newest first."""
    import pandas as pd

    rows = [model_row(version) for each in current().registry.models() for version in each.versions]
    metrics = sorted({name for row in rows for name in row if name not in MODEL_COLUMNS})
    return pd.DataFrame(rows, columns=[*MODEL_COLUMNS, *metrics])


def set_alias(
    name: str, alias: str, version: int, *, reason: str = "", kind: str = "model"
) -> entities.Model | entities.Dataset:
    """Point an alias of a model, or with ``kind="dataset"`` of a dataset, at a version.

    The move is in the audit trail with its reason. Raises GatesRefused when a gate of the alias does not let
    the version pass, and Forbidden when your role does not allow it: both are in the trail as well.
    """
    return current().registry.set_alias(name, alias, version, reason=reason, kind=kind)


def delete_alias(
    name: str, alias: str, *, reason: str = "", kind: str = "model"
) -> entities.Model | entities.Dataset:
    """Remove an alias; the version stays."""
    return current().registry.delete_alias(name, alias, reason=reason, kind=kind)
