"""Feature views as flat rows with the column names of tables, DataFrames and ``--json``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...entities import FeatureView, FeatureViewVersion, Materialization
from ..rows import iso_time

VIEW_COLUMNS = (
    "name",
    "version",
    "source",
    "keys",
    "timestamp",
    "ttl_s",
    "features",
    "dataset",
    "source_version",
    "rows",
    "online_rows",
    "materialized",
    "digest",
    "created",
    "created_by",
    "run_id",
    "status",
    "description",
)


def view_rows(view: FeatureView) -> Iterator[dict[str, Any]]:
    """``VIEW_COLUMNS`` of each version, the newest first, with what it gave last."""
    for version in view.versions:
        yield version_row(version, newest_of(view, version))


def newest_of(view: FeatureView, version: FeatureViewVersion) -> Materialization | None:
    """What a version gave from the newest version of its source."""
    return next((each for each in view.materializations if each.view.version == version.version), None)


def version_row(version: FeatureViewVersion, computed: Materialization | None) -> dict[str, Any]:
    """``VIEW_COLUMNS``; those of what was computed are None where nothing was."""
    return {
        "name": version.name,
        "version": version.version,
        "source": version.source,
        "keys": list(version.keys),
        "timestamp": version.timestamp,
        "ttl_s": version.ttl_s,
        "features": [each.name for each in version.features],
        "dataset": computed and f"{computed.dataset.name}@{computed.dataset.version}",
        "source_version": computed and computed.source.version,
        "rows": computed and computed.rows,
        "online_rows": computed and computed.online_rows,
        "materialized": computed and iso_time(computed.at),
        "digest": version.digest,
        "created": iso_time(version.created_at),
        "created_by": version.created_by,
        "run_id": version.run_id,
        "status": version.status.value,
        "description": version.description,
    }


def materialization_row(computed: Materialization) -> dict[str, Any]:
    """What ``materialize`` did, as one flat object."""
    return {
        "view": f"{computed.view.name}@{computed.view.version}",
        "source": f"{computed.source.name}@{computed.source.version}",
        "dataset": f"{computed.dataset.name}@{computed.dataset.version}",
        "rows": computed.rows,
        "online_rows": computed.online_rows,
        "materialized": iso_time(computed.at),
        "user": computed.user,
        "run_id": computed.run_id,
        "duration_s": computed.duration_s,
    }
