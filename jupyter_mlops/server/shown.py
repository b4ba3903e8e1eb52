"""A run's outputs as one answer can carry them: the whole of what is usual, both ends of what is not.

A page that follows a running cell asks for them every second or two, so that a log of 60 MB must not be
sent each time. What was left out is marked and can be had by ``runs/ID/outputs/POSITION``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from ..entities import FigureTable, Output, RunDetail

TEXT_CHARACTERS = 200_000
"""Of one stream's text; a quarter of it is its beginning, the rest its end."""
BUNDLE_BYTES = 24 * 1024 * 1024
"""Of all pictures, tables and other displays together."""
LEFT_OUT = "left_out_bytes"
"""The key of an output's metadata that says how much of it is not in the answer."""


def shown(detail: RunDetail) -> RunDetail:
    """The detail with outputs of bounded size."""
    return replace(detail, outputs=bounded(detail.outputs))


def bounded(outputs: Sequence[Output], *, most_bytes: int = BUNDLE_BYTES) -> list[Output]:
    """Both ends of long texts, and displays as far as they fit."""
    fitting = _Fitting(most_bytes)
    return [_both_ends(each) if each.kind == "stream" else fitting.take(each) for each in outputs]


def bounded_figures(figures: FigureTable, *, most_bytes: int = BUNDLE_BYTES) -> FigureTable:
    """The figures of several runs as far as they fit."""
    fitting = _Fitting(most_bytes)
    rows = [
        replace(row, outputs=[each and fitting.take(each) for each in row.outputs]) for row in figures.rows
    ]
    return replace(figures, rows=rows)


class _Fitting:
    """Gives displays back whole until so many bytes are used up, then only their plain text."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    def take(self, output: Output) -> Output:
        size = sum(map(_size, output.data.values()))
        if size <= self._left:
            self._left -= size
            return output
        plain = str(output.data.get("text/plain", ""))[:1_000]
        return _without(output, {"text/plain": plain} if plain else {}, size)


def content_of(output: Output) -> tuple[bytes, str]:
    """An output's richest content as bytes, and its media type."""
    for mime, value in sorted(output.data.items(), key=lambda item: item[0] == "text/plain"):
        if not isinstance(value, str):
            return msgspec.json.encode(value), "application/json"
        if mime.startswith("image/") and mime != "image/svg+xml":
            try:
                return base64.b64decode(value, validate=False), mime
            except binascii.Error:
                pass
        return value.encode("utf-8", "surrogateescape"), mime
    return b"", "text/plain"


def _both_ends(output: Output) -> Output:
    text = str(output.data.get("text/plain", ""))
    if len(text) <= TEXT_CHARACTERS:
        return output
    head = text[: TEXT_CHARACTERS // 4].rpartition("\n")[0] or text[: TEXT_CHARACTERS // 4]
    tail = text[-TEXT_CHARACTERS * 3 // 4 :]
    tail = tail.partition("\n")[2] or tail
    dropped = len(text) - len(head) - len(tail)
    marked = _without(output, {"text/plain": head}, dropped)
    return replace(marked, metadata={**marked.metadata, "tail": tail})


def _without(output: Output, data: Mapping[str, Any], size: int) -> Output:
    return replace(output, data=dict(data), metadata={**output.metadata, LEFT_OUT: size})


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(msgspec.json.encode(value))
