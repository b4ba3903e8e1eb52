"""DataFrames that know which dataset they were loaded from, in ``attrs``, which pandas hands on.

pandas copies ``attrs`` to what is derived from a frame, and leaves them when a frame is changed: they say
where a frame comes from, never what it is. What it is, only a comparison tells.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from ...entities import DatasetVersion, VersionRef

KEY = "jupyter_mlops"


def mark(value: Any, version: DatasetVersion) -> Any:
    """``value`` itself; a DataFrame says from now on what it was loaded from."""
    if is_frame(value):
        value.attrs[KEY] = {"name": version.name, "version": version.version, "digest": version.digest}
    return value


def origin_of(data: Any) -> VersionRef | None:
    """The version that a DataFrame or Series, or what it is derived from, was loaded as."""
    said = getattr(data, "attrs", {}).get(KEY) if _is_pandas(data) else None
    if not isinstance(said, Mapping):
        return None
    name, version, digest = (said.get(key) for key in ("name", "version", "digest"))
    if not (isinstance(name, str) and isinstance(version, int) and isinstance(digest, str)):
        return None
    return VersionRef(kind="dataset", name=name, version=version, digest=digest)


def is_frame(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def may_be(frame: Any, version: DatasetVersion) -> bool:
    """Whether a frame has the shape of a version, as far as that is known without its content."""
    return version.rows in (None, len(frame))


def are_equal(frame: Any, other: Any) -> bool:
    """Whether two frames have the same values, types, labels and order; NaN equals NaN."""
    return (
        is_frame(other)
        and frame.shape == other.shape
        and frame.columns.equals(other.columns)
        and frame.columns.names == other.columns.names
        and frame.index.equals(other.index)
        and frame.index.names == other.index.names
        and bool((frame.dtypes.to_numpy() == other.dtypes.to_numpy()).all())
        and bool(frame.equals(other))
    )


def _is_pandas(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, (pandas.DataFrame, pandas.Series))
