"""The papermill engine ``mlops``: ``papermill --engine mlops in.ipynb out.ipynb -p lr 0.1``.

papermill loads every engine's class whenever it is imported itself, so this module imports nothing of
papermill: the class answers papermill's three questions (``papermill.engines.Engine``) without deriving.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .services.tracking.tracker import RunWriter


class MlopsEngine:
    """Executes a notebook as papermill's own engine does, and tracks it as a run."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute and track the whole notebook; inside a job, the job's run is the notebook's run."""
        from .entities import RunKind
        from .notebooks.engine import execute_tracked, notebook_path
        from .workspace import current

        path = notebook_path(options.get("input_path"))

        def start() -> RunWriter:
            name = Path(path).stem if path else "notebook"
            return current().tracker.start(
                name=name, kind=RunKind.NOTEBOOK, notebook=path, export=False, surroundings=True
            )

        return execute_tracked(nb, kernel_name, start=start, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        from .notebooks.engine import TrackedEngine

        return str(TrackedEngine.nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        from .notebooks.engine import TrackedEngine

        return str(TrackedEngine.nb_language(nb, language))
