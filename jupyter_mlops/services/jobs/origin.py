"""Where a job comes from: the interpreter, folder, path and environment that it will have."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ...config import JOB, NOTEBOOK, PROCESS_VARIABLES

OF_THIS_SESSION = frozenset({*PROCESS_VARIABLES, "JPY_PARENT_PID", "JPY_SESSION_NAME"})
"""Variables that speak of the submitting process itself."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The submitting process as its jobs will see it.

    ``kernel_argv`` starts a kernel like the submitting one; ``python_path`` holds what its ``sys.path``
    has beyond that of a fresh interpreter; ``notebook`` is the path of the notebook that is open in it.
    ``running_notebook`` is the notebook that is executed by a job, where the process belongs to one.
    """

    interpreter: str
    cwd: str
    environment: Mapping[str, str] = field(repr=False)  # may hold secrets
    kernel_argv: list[str] | None = None
    kernel_name: str = "python3"
    python_path: list[str] = field(default_factory=list)
    notebook: str | None = None
    experiment: str | None = None
    running_notebook: str | None = None

    @classmethod
    def here(
        cls, *, cwd: str | None = None, notebook: str | None = None, experiment: str | None = None
    ) -> Origin:
        """The calling process. ``cwd`` is where jobs start: for a kernel, where it started itself."""
        from ...notebooks.jsonschema_import import import_jsonschema

        import_jsonschema()  # kernels load it with nbformat
        from ...notebooks.kernels import launcher

        return cls(
            interpreter=sys.executable,
            cwd=cwd or os.getcwd(),
            environment={name: value for name, value in os.environ.items() if name not in OF_THIS_SESSION},
            kernel_argv=launcher(sys.executable),
            python_path=added_paths(),
            notebook=notebook,
            experiment=experiment,
            running_notebook=os.environ.get(NOTEBOOK) if os.environ.get(JOB) else None,
        )


def added_paths() -> list[str]:
    """What this process has in ``sys.path`` beyond a fresh interpreter, as absolute paths, in order."""
    bare = {*_bare_path(sys.executable, os.environ.get("PYTHONPATH", "")), str(Path(sys.executable).parent)}
    added = [os.path.abspath(each) for each in sys.path if each and each not in bare]
    return list(dict.fromkeys(added))


@cache
def _bare_path(interpreter: str, python_path: str) -> tuple[str, ...]:
    command = [interpreter, "-c", "import json, sys; print(json.dumps(sys.path))"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return tuple(json.loads(answer.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        logger.warning("A fresh %s did not say its sys.path", interpreter, exc_info=True)
        return tuple(each for each in sys.path if each.startswith((sys.prefix, sys.base_prefix)))
