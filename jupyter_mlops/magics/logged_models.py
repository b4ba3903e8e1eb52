"""``--log-model``: models that are registered when their cell has run."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..entities import reference_text
from ..services.tracking.tracker import warn_line
from ..workspace import Workspace

logger = logging.getLogger(__name__)


def log_models(
    workspace: Workspace, namespace: Mapping[str, Any], models: Sequence[tuple[str, str]]
) -> list[str]:
    """Register variables as models of the active run; returns references such as ``digits@3``.

    What cannot be registered costs a line, and nothing else: the cell has run.
    """
    registered = []
    for variable, name in models:
        if variable not in namespace:
            warn_line(f"--log-model {variable}: the cell left no variable of that name.")
            continue
        try:
            run = workspace.tracker.active_or_none()
            version = workspace.registry.register_model(
                namespace[variable], name=name, metrics=run.last_metrics() if run is not None else None
            )
        except Exception as problem:
            logger.debug("A model could not be registered", exc_info=problem)
            warn_line(f"--log-model {variable}: not registered as {name!r}: {problem}")
            continue
        registered.append(reference_text(version))
    return registered
