"""Comparisons as HTML for a notebook: escaped, with the theme's colours, and with nothing that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from ...entities import CodeRow, Comparison, RunTable
from .comparison_text import ALL_SAME, SAME, comparison_rows, title
from .tables import shown

_BORDER = "1px solid var(--jp-border-color2, #e0e0e0)"
_TABLE = "border-collapse: collapse; margin: 4px 0 10px; font-size: var(--jp-ui-font-size1, 13px)"
_HEAD = f"text-align: left; padding: 3px 12px 3px 4px; border-bottom: {_BORDER}; font-weight: 600"
_CELL = "text-align: left; padding: 2px 12px 2px 4px; vertical-align: top; white-space: pre-wrap"
_CODE = (
    "font-family: var(--jp-code-font-family, monospace); font-size: var(--jp-code-font-size, 13px);"
    " text-align: left; padding: 0 8px; white-space: pre-wrap; vertical-align: top"
)
_NUMBER = f"{_CODE}; color: var(--jp-ui-font-color3, #9e9e9e); text-align: right; user-select: none"
_MISSING = "color: var(--jp-ui-font-color3, #9e9e9e)"
_MARKS = {"changed": ("-", "+"), "removed": ("-", ""), "added": ("", "+"), "same": ("", "")}
_SHADES = {
    "-": "background: color-mix(in srgb, var(--jp-error-color1, #d32f2f) 18%, transparent)",
    "+": "background: color-mix(in srgb, var(--jp-success-color1, #388e3c) 18%, transparent)",
}


def comparison_html(comparison: Comparison) -> str:
    """A table of what differs, and below it the code side by side."""
    heads = ("", title(comparison.a), title(comparison.b))
    rows = comparison_rows(comparison)
    parts = [_table(heads, rows)] if rows else []
    if comparison.code:
        parts.append(code_html(comparison.code, heads[1:]))
    return _frame("".join(parts) or f"<p>{escape(SAME)}</p>")


def run_table_html(comparison: RunTable) -> str:
    """A row for each thing that differs, a column for each run."""
    if not comparison.rows:
        return _frame(f"<p>{escape(ALL_SAME)}</p>")
    rows = [(f"{row.kind}.{row.key}", *row.values) for row in comparison.rows]
    return _frame(_table(("", *map(title, comparison.runs)), rows))


def code_html(rows: Iterable[CodeRow], heads: Sequence[str]) -> str:
    """Two columns of code; what differs is shaded, and marked for those who see no colours."""
    head = "".join(f'<th colspan="2" scope="colgroup" style="{_HEAD}">{escape(each)}</th>' for each in heads)
    body = "".join(map(_code_row, rows))
    return f'<table style="{_TABLE}; width: 100%"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _code_row(row: CodeRow) -> str:
    if row.change == "gap":
        return f'<tr><td colspan="4" style="{_CODE}; {_MISSING}">⋯ {escape(row.a_text)}</td></tr>'
    left, right = _MARKS[row.change]
    return f"<tr>{_side(row.a_line, row.a_text, left)}{_side(row.b_line, row.b_text, right)}</tr>"


def _side(line: int | None, text: str, mark: str) -> str:
    shade = _SHADES.get(mark, "")
    number = "" if line is None else f"{line} {mark}".rstrip()
    return f'<td style="{_NUMBER}">{number}</td><td style="{_CODE}; {shade}">{escape(text)}</td>'


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    head = "".join(f'<th scope="col" style="{_HEAD}">{escape(each)}</th>' for each in heads)
    body = "".join(
        f'<tr><th scope="row" style="{_CELL}; font-weight: normal">{escape(str(row[0]))}</th>'
        + "".join(map(_value, row[1:]))
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _value(value: Any) -> str:
    if value is None:
        return f'<td style="{_CELL}; {_MISSING}">—</td>'
    full = escape(str(value), quote=True)
    return f'<td style="{_CELL}" title="{full}">{escape(shown(value))}</td>'


def _frame(content: str) -> str:
    return f'<div class="jp-mlops-comparison" style="overflow-x: auto">{content}</div>'
