"""The page that an exported model says of itself."""

from __future__ import annotations

from collections.abc import Sequence

from ...entities import ModelVersion
from ..cards.markdown import bullets, escaped
from ..quantities import counted, size_text
from ..rows import iso_time
from .bundle import DatasetRows

FILES = """\
| file | |
|---|---|
| `card.md` | the model's card |
| `model.json`, `datasets.json` | the version and the datasets that it was made from, as registered |
| `run.zip` | the training run; `jupyter mlops import run.zip` takes it in alone |
| `blobs/` | contents by their BLAKE3 digests: the model, its example, requirements and code |
| `manifest.json` | what each file must be; `jupyter mlops import` looks at all of them first |
"""


def readme(version: ModelVersion, datasets: DatasetRows, missing: Sequence[str], *, with_run: bool) -> str:
    """Markdown."""
    facts = (
        ("Class", version.class_name),
        ("Flavour", version.format),
        ("Size", size_text(version.size_bytes)),
        ("Registered", f"{iso_time(version.created_at)} by {version.created_by}"),
        ("Content (BLAKE3)", version.digest),
        ("Datasets", ", ".join(f"{row.version.name}@{row.version.version}" for row in datasets.rows)),
    )
    parts = [
        f"# {escaped(version.name)}, version {version.version}",
        escaped(version.description),
        bullets(facts),
        "Take it in with `jupyter mlops import FILE` or `jupyter_mlops.import_model(FILE)`. Loading a pickle "
        "that came so runs its author's code, and takes `trust=True`.",
        "## What is here",
        FILES,
    ]
    if not with_run:
        parts.append("The training run could not be read where this was written.")
    if missing:
        named = ", ".join(f"`{digest[:12]}`" for digest in missing[:20])
        parts.append(f"{counted(len(missing), 'content')} of datasets are not here: {named}.")
    return "\n\n".join(part for part in parts if part) + "\n"
