"""What is said of datasets as HTML for a notebook: escaped, in the theme's colours, nothing that runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from .tables import shown

_BORDER = "1px solid var(--jp-border-color2, #e0e0e0)"
_TABLE = "border-collapse: collapse; margin: 4px 0 10px; font-size: var(--jp-ui-font-size1, 13px)"
_HEAD = f"text-align: left; padding: 3px 12px 3px 4px; border-bottom: {_BORDER}; font-weight: 600"
_CELL = "text-align: left; padding: 2px 12px 2px 4px; vertical-align: top"
_QUIET = "color: var(--jp-ui-font-color2, #616161)"
_COLOURS = {
    "good": "var(--jp-success-color1, #388e3c)",
    "middling": "var(--jp-warn-color1, #b26a00)",
    "bad": "var(--jp-error-color1, #d32f2f)",
}


class Markup(str):
    """Text that is HTML already."""


def frame_html(title: str, *parts: str) -> str:
    """The whole, under a title."""
    head = f'<div style="font-weight: 600; margin: 4px 0">{escape(title)}</div>'
    return f'<div class="jp-mlops-data" style="overflow-x: auto">{head}{"".join(parts)}</div>'


def table_html(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table whose first column says what a row is of."""
    head = "".join(f'<th scope="col" style="{_HEAD}">{escape(each)}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row" style="{_CELL}; font-weight: normal">{_content(row[0])}</th>'
        + "".join(f'<td style="{_CELL}">{_content(value)}</td>' for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def facts_html(values: Mapping[str, Any]) -> str:
    """``name value`` side by side, without those that are empty."""
    kept = {name: value for name, value in values.items() if value not in (None, "", [], {})}
    said = " &nbsp; ".join(
        f'<span style="{_QUIET}">{escape(name)}</span> {escape(str(value))}' for name, value in kept.items()
    )
    return f'<div style="margin: 2px 0 6px">{said}</div>' if kept else ""


def paragraph(text: str) -> str:
    return f'<div style="{_QUIET}; margin: 2px 0">{escape(text)}</div>'


def mood(text: str, how: str) -> Markup:
    """A word in the colour of ``good``, ``middling`` or ``bad``; the word says it as well."""
    return Markup(f'<span style="color: {_COLOURS[how]}; font-weight: 600">{escape(text)}</span>')


def bars(counts: Sequence[int]) -> Markup:
    """A histogram, as high as a line of text."""
    most = max(counts, default=0)
    if not most:
        return Markup("")
    width, height = 4, 18
    drawn = "".join(
        f'<rect x="{number * width}" y="{height - tall:.1f}" width="{width - 1}" height="{tall:.1f}"/>'
        for number, count in enumerate(counts)
        if (tall := max(1.0 if count else 0.0, count / most * height))
    )
    return Markup(
        f'<svg width="{len(counts) * width}" height="{height}" role="img" aria-label="histogram" '
        f'style="fill: var(--jp-brand-color1, #1976d2)">{drawn}</svg>'
    )


def _content(value: Any) -> str:
    return value if isinstance(value, Markup) else escape(shown(value))
