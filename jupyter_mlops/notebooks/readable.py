"""A notebook as text that people read, in the form that editors call "percent"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .carried import ROLE


def as_text(notebook: Mapping[str, Any]) -> str:
    """Cell by cell, each with what it is there for."""
    return "\n\n".join(_cell(cell) for cell in notebook["cells"])


def _cell(cell: Mapping[str, Any]) -> str:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    title = " ".join(["# %%", *_about(cell)])
    if cell["cell_type"] != "code":
        source = "\n".join(f"# {line}".rstrip() for line in source.splitlines())
    return f"{title}\n{source}".rstrip()


def _about(cell: Mapping[str, Any]) -> list[str]:
    metadata = cell.get("metadata", {})
    about = metadata.get("mlops", {})
    words = [f"[{cell['cell_type']}]"] if cell["cell_type"] != "code" else []
    if "injected-parameters" in metadata.get("tags", []):
        words.append("injected parameters")
    elif about.get("role") == "replay":
        words.append(f"replays cell {about['number']}")
        if why := about.get("why"):
            words[-1] += f": {why}"
    elif about.get("role") == ROLE:
        words.append("loads what is carried")
    elif role := about.get("role"):
        words.append(f"the {role} cell" if role == "submitted" else role)
    return words


def listed(title: str, lines: Sequence[str]) -> str:
    """Lines as a comment below the cells; nothing where there are none."""
    return "\n".join([f"# {title}:", *(f"#   {line}" for line in lines)]) if lines else ""
