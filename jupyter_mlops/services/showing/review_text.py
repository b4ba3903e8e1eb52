"""Reviews, gates and moves as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...entities import Approval, DatasetDiff, GateResult, Gates, Move, Review
from ..promotion.declaring import in_words
from ..quantities import counted
from .comparison_text import comparison_rows
from .tables import table, when

Row = tuple[str, Any, Any]

NO_GATES = "no gates: whoever may move the alias may move it"


def review_text(review: Review) -> str:
    """All of a review, part by part."""
    parts = [headline(review)]
    if review.gates:
        rows = [(_mark(each), in_words(each.gate), each.message) for each in review.gates]
        parts.append(plain(("", "gate", "what was found"), rows))
    if review.approvals:
        parts.append(table(("user", "says", "when", "why"), approval_rows(review.approvals)))
    if rows_ := difference_rows(review):
        parts.append(table(("", *sides(review)), rows_))
    parts += [diff_text(each) for each in review.data]
    if review.figures and review.figures.rows:
        parts.append(f"{counted(len(review.figures.rows), 'figure')}: see them in a notebook or the sidebar.")
    if review.source_diff:
        parts.append(review.source_diff)
    parts += ["\n".join(f"- {note}" for note in review.notes)] if review.notes else []
    return "\n\n".join(parts)


def headline(review: Review) -> str:
    """What it is about, and whether it is allowed."""
    holder = "nothing has it now" if review.holder is None else f"now {_ref(review, review.holder)}"
    failed = sum(not each.passed for each in review.gates)
    if not review.gates:
        verdict = NO_GATES
    else:
        verdict = "allowed" if review.allowed else f"refused by {counted(failed, 'gate')}"
    return f"{_ref(review, review.version)} as {review.alias!r} ({holder}): {verdict}"


def sides(review: Review) -> tuple[str, str]:
    """The heads of the two columns."""
    before = "-" if review.holder is None else _ref(review, review.holder)
    return before, _ref(review, review.version)


def difference_rows(review: Review) -> list[Row]:
    """Metrics, all of them, then what differs of packages, params, data and environment."""
    before, after = review.metrics_before, review.metrics_after
    rows: list[Row] = [
        (f"metrics.{name}", before.get(name), _with_delta(before.get(name), after.get(name)))
        for name in sorted({*before, *after})
    ]
    rows += [
        (f"packages.{name}", a or None, b or None) for name, (a, b) in sorted(review.packages_changed.items())
    ]
    if review.comparison is not None:
        taken = {row[0] for row in rows}
        rows += [
            row
            for row in comparison_rows(review.comparison)
            if row[0] not in taken and not row[0].startswith("metrics.")
        ]
    return rows


def diff_text(diff: DatasetDiff) -> str:
    """A dataset's difference in a few lines; ``mlops.diff`` shows all of it."""
    title = f"{diff.before.name}@{diff.before.version} → {diff.after.name}@{diff.after.version}"
    facts = diff_facts(diff)
    return "\n".join([title, *(f"  {fact}" for fact in facts or ["no difference was found"])])


def diff_facts(diff: DatasetDiff) -> list[str]:
    """What differs, a line each."""
    facts = []
    if diff.rows_before is not None and diff.rows_after is not None:
        facts.append(f"rows {diff.rows_before:,} → {diff.rows_after:,}")
    if diff.added:
        facts.append(f"columns added: {', '.join(each.name for each in diff.added)}")
    if diff.removed:
        facts.append(f"columns removed: {', '.join(each.name for each in diff.removed)}")
    facts += [f"column {each.name}: {each.before} → {each.after}" for each in diff.retyped]
    if diff.files is not None:
        files = diff.files
        facts.append(f"files: {files.added} added, {files.removed} removed, {files.changed} changed")
    for each in diff.drift:
        if each.verdict not in ("stable", "not compared"):  # a note says why
            psi = f", PSI {each.psi:.3g}" if each.psi is not None else ""
            ks = f", KS {each.ks:.3g}" if each.ks is not None else ""
            facts.append(f"drift of {each.name}: {each.verdict}{psi}{ks}")
    return facts + list(diff.notes)


def approval_rows(approvals: Iterable[Approval]) -> list[Sequence[Any]]:
    return [
        (each.user, "approved" if each.approved else "rejected", when(each.at), each.reason)
        for each in approvals
    ]


def gates_text(found: Sequence[Gates]) -> str:
    """A table of gates, or that there are none."""
    rows = [(each.alias, in_words(gate)) for each in found for gate in each.gates]
    return plain(("alias", "gate"), rows) if rows else "No gates."


def move_text(move: Move) -> str:
    """``digits@champion: version 3 → version 2 (rolled back), by ada: worse on ...``"""
    before, after = (
        "no version" if each is None else f"version {each}" for each in (move.before, move.after)
    )
    back = " (rolled back)" if move.rollback else ""
    reason = f": {move.reason}" if move.reason else ""
    return f"{move.kind} {move.name}@{move.alias}: {before} → {after}{back}, by {move.user}{reason}"


def plain(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose last column is as long as it is: nothing of a sentence is cut."""
    lines = [[*columns], *([*row] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _mark(result: GateResult) -> str:
    return "passed" if result.passed else "refused"


def _ref(review: Review, version: int) -> str:
    return f"{review.model}@{version}"


def _with_delta(before: float | None, after: float | None) -> Any:
    if before is None or after is None or before == after or before - before != 0 or after - after != 0:
        return after
    return f"{after:.4g} ({after - before:+.4g})"
