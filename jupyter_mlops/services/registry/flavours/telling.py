"""What models themselves say of their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....entities import Field, Signature

TABLE, ARRAY = "table", "array"


def of_estimator(model: Any) -> Signature | None:
    """By scikit-learn's convention: the names of features where a table fitted the model, else how many."""
    names = _told(model, "feature_names_in_")
    count = _told(model, "n_features_in_")
    if names is not None:
        return columns([str(name) for name in names])
    return None if count is None else matrix(int(count))


def columns(names: Sequence[str]) -> Signature:
    """A table with these columns of types that nobody says."""
    fields = [Field(name=name, dtype="") for name in names]
    return Signature(inputs=fields, outputs=[], input_kind=TABLE)


def matrix(count: int) -> Signature:
    """Any number of rows of so many values."""
    return Signature(inputs=[Field(name="", dtype="", shape=[None, count])], outputs=[], input_kind=ARRAY)


def _told(model: Any, attribute: str) -> Any:
    try:
        return getattr(model, attribute, None)
    except Exception:  # noqa: BLE001  a property of others' code, as LightGBM's of what is not fitted
        return None
