"""The notebook's file as it lies on disk: found, and made fit to be kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from .redact import redact_shapes, redact_source

READ_TIMES_CAP = 8
"""A file larger than so many times the cap is not even read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotebookFile:
    """``data`` is what is kept: the file's own bytes, unless it is ``redacted`` or ``without_outputs``."""

    path: Path
    saved_at: float
    data: bytes = b""
    redacted: bool = False
    without_outputs: bool = False
    problem: str = ""


def find_notebook(told: str, folders: Iterable[Path | None]) -> Path | None:
    """The file of the notebook that a kernel was told of, if it is there.

    ``told`` may be relative to the Jupyter server's root, which a kernel does not know: it is looked for
    from the folders that are given, and from those above them.
    """
    given = Path(told).expanduser()
    if given.is_absolute():
        return given if given.is_file() else None
    places = (place for folder in folders if folder is not None for place in _places(folder, given))
    return next((place for place in places if place.is_file()), None)


def _places(folder: Path, given: Path) -> Iterator[Path]:
    """The longest match first: a folder above may hold another notebook of this name."""
    for above in (folder, *folder.parents):
        yield above / given
    yield folder / given.name


def read_notebook(path: Path, *, cap_bytes: int) -> NotebookFile:
    """The file without secrets, and without outputs where it would be larger than the cap. Raises OSError."""
    status = path.stat()
    if status.st_size > READ_TIMES_CAP * cap_bytes:
        return NotebookFile(
            path=path,
            saved_at=status.st_mtime,
            problem=f"not kept: {status.st_size} bytes, and {cap_bytes} are allowed",
        )
    raw = path.read_bytes()
    notebook = _decoded(raw)
    if notebook is None:
        return NotebookFile(path=path, saved_at=status.st_mtime, problem="not kept: it is no notebook")
    without_outputs = len(raw) > cap_bytes
    if without_outputs:
        strip_outputs(notebook)
    redacted = redact_notebook(notebook)
    data = _encoded(notebook) if redacted or without_outputs else raw
    if len(data) > cap_bytes:
        problem = f"not kept: {len(data)} bytes without outputs, and {cap_bytes} are allowed"
        return NotebookFile(path=path, saved_at=status.st_mtime, problem=problem)
    return NotebookFile(
        path=path, saved_at=status.st_mtime, data=data, redacted=redacted, without_outputs=without_outputs
    )


def shareable(raw: bytes) -> bytes:
    """A notebook's bytes without secrets: the same ones where it has none, or is no notebook."""
    notebook = _decoded(raw)
    return _encoded(notebook) if notebook is not None and redact_notebook(notebook) else raw


def redact_notebook(notebook: dict[str, Any]) -> bool:
    """Take secrets out of cells and outputs, in place; whether there were any."""
    found = False
    for cell in _cells(notebook):
        source = _joined(cell.get("source"))
        shown = redact_source(source) if cell.get("cell_type") == "code" else redact_shapes(source)
        if shown != source:
            cell["source"] = shown.splitlines(keepends=True) if isinstance(cell["source"], list) else shown
            found = True
        outputs = cell.get("outputs")
        if outputs:
            shown_outputs = [_redacted_output(each) for each in outputs]
            if shown_outputs != outputs:
                cell["outputs"] = shown_outputs
                found = True
    return found


def strip_outputs(notebook: dict[str, Any]) -> None:
    """Leave the code, in place."""
    for cell in _cells(notebook):
        if cell.get("cell_type") == "code":
            cell["outputs"] = []
        cell.pop("attachments", None)
    metadata = notebook.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("widgets", None)


def _cells(notebook: dict[str, Any]) -> Iterator[dict[str, Any]]:
    cells = notebook.get("cells")
    if isinstance(cells, list):
        yield from (cell for cell in cells if isinstance(cell, dict))


def _redacted_output(output: Any) -> Any:
    """An output of nbformat: texts are strings or lists of lines, pictures are left alone."""
    if not isinstance(output, dict):
        return output
    shown = dict(output)
    for key in ("text", "evalue"):
        if key in shown:
            shown[key] = _redacted_lines(shown[key])
    if "traceback" in shown:
        shown["traceback"] = redact_shapes(shown["traceback"])
    data = shown.get("data")
    if isinstance(data, dict):
        shown["data"] = {
            mime: value if is_picture(mime) else _redacted_lines(value) for mime, value in data.items()
        }
    return shown


def _redacted_lines(value: Any) -> Any:
    """The value itself where nothing is found, so that the file's own bytes can be kept."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        text = "".join(value)
        shown = redact_shapes(text)
        return value if shown == text else shown.splitlines(keepends=True)
    return redact_shapes(value)


def is_picture(mime: str) -> bool:
    """Whether values of a MIME type are base64, in which nothing is to be looked for."""
    return mime.startswith(("image/", "audio/", "video/")) and mime != "image/svg+xml"


def _decoded(raw: bytes) -> dict[str, Any] | None:
    try:
        notebook = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return notebook if isinstance(notebook, dict) else None


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source or "")


def _encoded(notebook: dict[str, Any]) -> bytes:
    """As nbformat writes it."""
    return (json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode(
        "utf-8", "surrogatepass"
    )
