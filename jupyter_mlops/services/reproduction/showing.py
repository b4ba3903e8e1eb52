"""A reproduction as text and as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ...entities import MetricMatch, Reproduction, short_id

VERDICTS = {
    "running": "goes on",
    "reproduced": "reproduced",
    "differs": "differs",
    "failed": "failed",
}
MARKS = {True: "yes", False: "NO", None: "-"}
MOST_LINES = 30


def headline(report: Reproduction) -> str:
    """``Run 7xk2qp reproduced: 3 of 3 metrics match within 1e-06.``"""
    subject = f"Reproduction of run {short_id(report.run_id)}"
    verdict = VERDICTS[report.verdict]
    if report.verdict == "running":
        return f"{subject} {verdict} as job {short_id(report.job_id)}."
    if report.verdict == "failed":
        return f"{subject} failed: {report.reason}. Its log: jupyter mlops logs {short_id(report.job_id)}"
    compared = [each for each in report.metrics if each.matches is not None]
    if not compared:
        return f"{subject}: {verdict}; {report.reason}."
    matching = sum(each.matches is True for each in compared)
    plural = "" if len(compared) == 1 else "s"
    agree = "matches" if matching == 1 and len(compared) == 1 else "match"
    within = f"within {report.tolerance:g}"
    return f"{subject}: {verdict}; {matching} of {len(compared)} metric{plural} {agree} {within}."


def as_text(report: Reproduction) -> str:
    """All of it, for a terminal."""
    lines = [headline(report)]
    if report.metrics:
        lines += ["", *_table([("metric", "then", "now", "same", ""), *map(_row, report.metrics)])]
    lines += _section(_why(report), report.reasons)
    lines += _section("Known beforehand:", report.warnings)
    if report.reproduced_run_id and report.verdict != "running":
        ids = f"{short_id(report.run_id)} {short_id(report.reproduced_run_id)}"
        lines += ["", f"Side by side: jupyter mlops compare {ids}"]
    return "\n".join(lines)


def as_html(report: Reproduction) -> str:
    """The same for a notebook."""
    parts = [f"<p><b>{escape(headline(report))}</b></p>"]
    if report.metrics:
        head = "".join(f"<th>{each}</th>" for each in ("metric", "then", "now", "same", ""))
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _row(each)) + "</tr>"
            for each in report.metrics
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    for title, texts in ((_why(report), report.reasons), ("Known beforehand:", report.warnings)):
        if texts:
            items = "".join(f"<li>{escape(each)}</li>" for each in texts[:MOST_LINES])
            parts.append(f"<p>{escape(title)}</p><ul>{items}</ul>")
    return f'<div class="jp-mlops-reproduction">{"".join(parts)}</div>'


def _why(report: Reproduction) -> str:
    return "What has changed, and may be why:" if report.verdict == "differs" else "What has changed:"


def _row(match: MetricMatch) -> tuple[str, str, str, str, str]:
    return match.name, _number(match.original), _number(match.reproduced), MARKS[match.matches], match.note


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _section(title: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    more = [f"  … and {len(texts) - MOST_LINES} more"] if len(texts) > MOST_LINES else []
    return ["", title, *(f"  {each}" for each in texts[:MOST_LINES]), *more]
