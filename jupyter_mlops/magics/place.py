"""Where a cell stands: its notebook, its id, and the names that follow from them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import NOTEBOOK
from .cells import cell_number

_DRIVE = re.compile(r"^[A-Za-z][A-Za-z0-9+-]+:(?=[^/\\]|/)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """``experiment`` defaults to the notebook's name, a run's name to the cell's number."""

    notebook: str | None
    cell_id: str | None
    number: int

    @classmethod
    def of(cls, shell: Any, info: Any) -> Place:
        return cls(
            notebook=notebook_path(shell),
            cell_id=_cell_id(shell, info),
            number=cell_number(shell),
        )

    @property
    def experiment(self) -> str:
        return Path(self.notebook).stem if self.notebook else "default"

    @property
    def default_name(self) -> str:
        return f"cell {self.number}"


def notebook_path(shell: Any) -> str | None:
    """The notebook's path, as far as a kernel can know it.

    jupyter_server tells it at the kernel's start (also to consoles, with a path that is no notebook's);
    whoever starts a kernel without a server sets our own variable; VS Code puts it into the namespace.
    """
    told = (
        os.environ.get(NOTEBOOK),
        os.environ.get("JPY_SESSION_NAME"),
        shell.user_ns.get("__vsc_ipynb_file__"),
    )
    for path in told:
        if isinstance(path, str) and path.endswith(".ipynb"):
            return _DRIVE.sub("", path)  # jupyter-collaboration's paths begin with its drive, "RTC:"
    return None


def _cell_id(shell: Any, info: Any) -> str | None:
    if getattr(info, "cell_id", None):
        return str(info.cell_id)
    get_parent = getattr(shell, "get_parent", None)
    parent = (get_parent() or {}) if callable(get_parent) else {}
    found = (parent.get("metadata") or {}).get("cellId")
    return str(found) if found else None
