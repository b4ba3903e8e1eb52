"""Opening a sweep's study, where Optuna is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ...entities import SweepSpec
from ...errors import MissingPackage

if TYPE_CHECKING:
    from .study import Study


def study_of(spec: SweepSpec, path: Path) -> Study:
    """The study in the file ``path``. Raises MissingPackage where Optuna cannot be imported."""
    try:
        from .study import Study
    except ImportError as error:
        raise MissingPackage(
            f"Optuna cannot be imported by the agent ({error}). Install it there: "
            f"{sys.executable} -m pip install 'optuna>=4'"
        ) from error
    return Study(spec, path)
