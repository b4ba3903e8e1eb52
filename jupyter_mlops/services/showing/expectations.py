"""Expectations, and what came of looking, as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...entities import CheckReport, Expectation, ExpectationResult, Severity
from .data_html import frame_html, mood, paragraph, table_html
from .tables import shown, table

EXPECTATION_HEADS = ("expectation", "is", "on fail", "by")
RESULT_HEADS = ("expectation", "holds", "what was found")
NONE = "Nothing is expected of it yet: jupyter_mlops.expect({!r}, not_null=['id']) says something."


def expectations_text(dataset: str, expectations: Sequence[Expectation]) -> str:
    """A line each."""
    if not expectations:
        return NONE.format(dataset)
    return table(EXPECTATION_HEADS, map(_expectation_cells, expectations))


def expectations_html(dataset: str, expectations: Sequence[Expectation]) -> str:
    if not expectations:
        return frame_html(f"Expectations of {dataset}", paragraph(NONE.format(dataset)))
    rows = [_expectation_cells(each) for each in expectations]
    return frame_html(f"Expectations of {dataset}", table_html(EXPECTATION_HEADS, rows))


def report_text(report: CheckReport) -> str:
    """The verdict, then a line an expectation, and in whole sentences what broke."""
    if not report.results:
        return f"{_about(report)}: {NONE.format(report.dataset)}"
    rows = [(each.name, _holds(each), each.message) for each in report.results]
    lines = [f"{_about(report)}: {_verdict(report)}", "", table(RESULT_HEADS, rows)]
    lines += ["", *(f"[{each.name}] {each.message}" for each in report.results if _is_cut(each))]
    return "\n".join(lines).rstrip()


def report_html(report: CheckReport) -> str:
    title = f"{_about(report)}: {_verdict(report)}" if report.results else _about(report)
    if not report.results:
        return frame_html(title, paragraph(NONE.format(report.dataset)))
    rows = [(each.name, mood(_holds(each), _mood(each)), each.message) for each in report.results]
    broken = [paragraph(f"[{each.name}] {each.message}") for each in report.results if _is_cut(each)]
    return frame_html(title, table_html(RESULT_HEADS, rows), *broken)


def said(expectation: Expectation) -> str:
    """What is expected, in a few words."""
    arguments = expectation.arguments
    columns = ", ".join(expectation.columns)
    words: dict[str, str] = {
        "columns": f"has {columns}",
        "type": f"{columns} is {arguments.get('type')}",
        "not_null": f"{columns} has a value in every row",
        "unique": f"no two rows have the same {columns}",
        "between": f"{columns} is {_span(arguments)}",
        "one_of": f"{columns} is one of {', '.join(map(repr, arguments.get('values', [])[:8]))}",
        "matches": f"{columns} matches {arguments.get('regex')!r}",
        "rows": f"the number of rows is {_span(arguments)}",
        "files": f"the number of files is {_span(arguments)}",
        "pandera": f"a pandera schema of {len(expectation.columns)} columns",
    }
    return words.get(expectation.check, expectation.check)


def _expectation_cells(each: Expectation) -> tuple[Any, ...]:
    return (each.name, said(each), each.severity.value, each.created_by)


def _span(arguments: dict[str, Any]) -> str:
    low, high = arguments.get("min"), arguments.get("max")
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"between {low} and {high}"


def _about(report: CheckReport) -> str:
    return report.dataset if report.version is None else f"{report.dataset}@{report.version}"


def _verdict(report: CheckReport) -> str:
    held = sum(1 for each in report.results if each.passed)
    return "all expectations hold" if report.passed else f"{held} of {len(report.results)} expectations hold"


def _holds(each: ExpectationResult) -> str:
    if each.passed:
        return "yes"
    return "no" if each.severity is Severity.REFUSE else "no, warns"


def _mood(each: ExpectationResult) -> str:
    if each.passed:
        return "good"
    return "bad" if each.severity is Severity.REFUSE else "middling"


def _is_cut(each: ExpectationResult) -> bool:
    return shown(each.message) != each.message
