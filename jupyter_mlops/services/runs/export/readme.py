"""The page that an exported run says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from ....entities import RunDetail, short_id
from ...quantities import counted, duration_text, size_text
from ...rows import iso_time

FILES = """\
| file | |
|---|---|
| `notebook.ipynb` | the code with its outputs; any Jupyter opens it |
| `source.py` | the code that was run |
| `params.json`, `tags.json`, `context.json` | inputs, tags, and where it ran |
| `metrics.csv`, `metrics.parquet` | every point: metric, step, time (UTC), value |
| `requirements.txt` | the packages that were installed |
| `artifacts/` | its artifacts |
| `journal/`, `blobs/`, `manifest.json` | what another workspace takes in: `jupyter mlops import PATH` |
"""


def readme(detail: RunDetail, missing: Sequence[str]) -> str:
    """Markdown."""
    run = detail.run
    took = f", took {duration_text(run.duration_s)}" if run.duration_s is not None else ""
    parts = [
        f"# {run.name}",
        f"Run `{run.id}` of experiment *{run.experiment}*: **{run.status.value}**. "
        f"Started {iso_time(run.started_at)}{took}, by {run.user}@{run.host}.",
    ]
    if run.note:
        parts.append(run.note)
    if run.params:
        parts.append(_table(("param", "value"), sorted(run.params.items())))
    if run.metrics:
        rows = [
            (name, f"{m.last:.6g}", f"{m.min:.6g}", f"{m.max:.6g}") for name, m in sorted(run.metrics.items())
        ]
        parts.append(_table(("metric", "last", "min", "max"), rows))
    if detail.artifacts:
        rows_ = [(each.name, size_text(each.size_bytes), each.digest[:12]) for each in detail.artifacts]
        parts.append(_table(("artifact", "size", "digest"), rows_))
    parts += ["## What is here", FILES]
    if detail.children:
        children = ", ".join(f"`{short_id(child)}`" for child in detail.children)
        parts.append(f"Runs inside this one are exported on their own: {children}.")
    if detail.inputs or detail.registered:
        parts.append(
            "Registered datasets and models are named in `journal/`; their contents are here where "
            "the workspace had them."
        )
    if missing:
        parts.append(
            f"{counted(len(missing), 'content')} that the run names could not be had: "
            + ", ".join(f"`{digest[:12]}`" for digest in missing)
            + "."
        )
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")[:200]
