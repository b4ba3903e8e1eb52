"""The files that were captured with a run and are kept as blobs, as its context names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ...errors import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedFile:
    """A blob under the name that a person saves it by."""

    digest: str
    name: str
    media_type: str = "text/plain"


def captured_file(context: Mapping[str, Any], digest: str) -> CapturedFile:
    """The captured file with this digest. Raises NotFound for any digest that the context does not name."""
    for each in captured_files(context):
        if each.digest == digest:
            return each
    raise NotFound(f"This run has captured no file with the digest {digest[:20]!r}.")


def captured_files(context: Mapping[str, Any]) -> Iterator[CapturedFile]:
    """The uncommitted patch, the lock file, the notebook as saved, the history's cells, the modules."""
    if digest := _part(context, "git").get("patch_digest"):
        yield CapturedFile(digest=digest, name="uncommitted.patch")
    if digest := _part(context, "lock").get("digest"):
        yield CapturedFile(digest=digest, name="requirements.lock.txt")
    if digest := _part(context, "history").get("digest"):
        yield CapturedFile(digest=digest, name="history.json", media_type="application/json")
    notebook = _part(context, "notebook_file")
    if digest := notebook.get("digest"):
        name = PurePosixPath(str(notebook.get("path") or "notebook.ipynb")).name
        yield CapturedFile(digest=digest, name=name, media_type="application/x-ipynb+json")
    modules = context.get("modules")
    for module in modules if isinstance(modules, list) else []:
        if isinstance(module, Mapping) and (digest := module.get("digest")):
            path = str(module.get("path") or f"{module.get('name', 'module')}.py")
            yield CapturedFile(digest=str(digest), name=PurePosixPath(path).name)


def _part(context: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = context.get(key)
    return value if isinstance(value, Mapping) else {}
