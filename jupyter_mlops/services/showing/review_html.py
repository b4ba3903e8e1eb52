"""Reviews as HTML for a notebook: escaped, with the theme's colours, and with nothing that runs."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ...entities import FigureTable, Gates, Output, Review
from ..promotion.declaring import in_words
from .comparison_html import code_html
from .review_text import approval_rows, diff_facts, difference_rows, headline, sides
from .tables import shown

_BORDER = "1px solid var(--jp-border-color2, #e0e0e0)"
_TABLE = "border-collapse: collapse; margin: 4px 0 10px; font-size: var(--jp-ui-font-size1, 13px)"
_HEAD = f"text-align: left; padding: 3px 12px 3px 4px; border-bottom: {_BORDER}; font-weight: 600"
_CELL = "text-align: left; padding: 2px 12px 2px 4px; vertical-align: top; white-space: pre-wrap"
_GOOD = "color: var(--jp-success-color1, #388e3c); font-weight: 600"
_BAD = "color: var(--jp-error-color1, #d32f2f); font-weight: 600"
_SUBTLE = "color: var(--jp-ui-font-color2, #616161)"

PICTURES = ("image/png", "image/jpeg", "image/gif")
MOST_PICTURE_BYTES = 2 * 1024 * 1024


def review_html(review: Review) -> str:
    """All of a review, part by part."""
    style = _GOOD if review.allowed else _BAD
    parts = [f'<p style="{style}">{escape(headline(review))}</p>']
    if review.gates:
        rows = [
            (_mark(each.passed), escape(in_words(each.gate)), escape(each.message)) for each in review.gates
        ]
        parts.append(_table(("", "gate", "what was found"), rows))
    if review.approvals:
        parts.append(_texts(("user", "says", "when", "why"), approval_rows(review.approvals)))
    if differences := difference_rows(review):
        parts.append(_texts(("", *sides(review)), [(row[0], *map(shown, row[1:])) for row in differences]))
    for diff in review.data:
        title = f"{diff.before.name}@{diff.before.version} → {diff.after.name}@{diff.after.version}"
        parts.append(f"<p><b>{escape(title)}</b></p>{_list(diff_facts(diff) or ['no difference was found'])}")
    if review.figures and review.figures.rows:
        parts.append(figures_html(review.figures))
    if review.code:
        parts.append(code_html(review.code, sides(review)))
    if review.notes:
        parts.append(f'<div style="{_SUBTLE}">{_list(review.notes)}</div>')
    return f'<div class="jp-mlops-review" style="overflow-x: auto">{"".join(parts)}</div>'


def _mark(passed: bool) -> str:
    style, word = (_GOOD, "passed") if passed else (_BAD, "refused")
    return f'<span style="{style}">{word}</span>'


def gates_html(found: Sequence[Gates]) -> str:
    """A table of gates, or that there are none."""
    rows = [(each.alias, in_words(gate)) for each in found for gate in each.gates]
    return _texts(("alias", "gate"), rows) if rows else "<p>No gates.</p>"


def figures_html(figures: FigureTable) -> str:
    """Pictures side by side; those of other kinds are named."""
    heads = ["", *(run.name for run in figures.runs)]
    rows = [(escape(row.name), *(_figure(output) for output in row.outputs)) for row in figures.rows]
    return _table(heads, rows)


def _figure(output: Output | None) -> str:
    if output is None:
        return "—"
    for mime in PICTURES:
        if (picture := _picture(mime, output.data)) is not None:
            return picture
    return f'<span style="{_SUBTLE}">{escape(", ".join(output.data))}</span>'


def _picture(mime: str, data: Mapping[str, Any]) -> str | None:
    value = data.get(mime)
    if not isinstance(value, str) or len(value) > MOST_PICTURE_BYTES * 4 // 3:
        return None
    text = "".join(value.split())
    try:
        base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return None
    return f'<img alt="figure" style="max-width: 420px" src="data:{mime};base64,{text}">'


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _texts(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return _table(heads, [[escape(str(value)) for value in row] for row in rows])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Of cells that are HTML already."""
    head = "".join(f'<th scope="col" style="{_HEAD}">{escape(each)}</th>' for each in heads)
    body = "".join(
        "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row) + "</tr>" for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
