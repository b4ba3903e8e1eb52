"""What is known of a model version, as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...entities import Details, Field, ModelVersion, Move, RunDetail, Signature, reference_text
from ..quantities import size_text
from ..rows import iso_time
from .markdown import bullets, escaped, table

MOST_ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts:
    """A dataset that the model was made from, as far as it is known."""

    name: str
    version: int | None
    digest: str
    rows: int | None = None
    columns: int | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that a card is made from; what could not be found out is in ``notes``."""

    version: ModelVersion
    said: Details
    model_said: Details
    run: RunDetail | None = None
    datasets: Sequence[DatasetFacts] = ()
    moves: Sequence[Move] = ()
    notes: list[str] = field(default_factory=list)


def facts(known: Known) -> str:
    """The generated part of a card."""
    return "\n\n".join(part for part in _parts(known) if part)


def _parts(known: Known) -> Iterator[str]:
    version = known.version
    yield escaped(version.description)
    yield bullets(_identity(known))
    yield _metrics(known)
    yield _signature(version.signature)
    if known.datasets:
        yield _titled(
            "Data",
            table(
                ("dataset", "rows", "columns", "size", "content"),
                [
                    (
                        reference_text(each),
                        _number(each.rows),
                        _number(each.columns),
                        "" if each.size_bytes is None else size_text(each.size_bytes),
                        each.digest[:12],
                    )
                    for each in known.datasets
                ],
            ),
        )
    yield _titled("Training", bullets(_training(known)))
    if known.run is not None and known.run.run.params:
        yield _rows(("param", "value"), sorted(known.run.run.params.items()))
    if version.packages:
        yield _titled("Environment", _rows(("package", "version"), sorted(version.packages.items())))
    if known.moves:
        yield _titled("Aliases", _moves(known.moves))
    if known.notes:
        yield "\n".join(f"*{escaped(note)}*" for note in known.notes)


def _identity(known: Known) -> Iterator[tuple[str, object]]:
    version, said, of_model = known.version, known.said, known.model_said
    yield "Model", f"{version.name}, version {version.version}"
    yield "Class", version.class_name
    yield "Flavour", version.format
    yield "Owner", said.owner or of_model.owner
    yield "Licence", said.licence or of_model.licence
    yield "Registered", f"{iso_time(version.created_at)} by {version.created_by}"
    yield "Aliases", ", ".join(version.aliases)
    yield "Tags", ", ".join(f"{key}={value}" for key, value in sorted(version.tags.items()))
    yield "Size", size_text(version.size_bytes)
    yield "Content (BLAKE3)", version.digest


def _training(known: Known) -> Iterator[tuple[str, object]]:
    version, run = known.version, known.run
    context = run.context if run else {}
    git = context.get("git") or {}
    yield "Run", version.run_id if run is None else f"{run.run.name} ({run.run.id})"
    yield "Experiment", run.run.experiment if run else ""
    yield "Job", version.job_id or (run.run.job_id if run else "")
    yield "Notebook", version.notebook or (run.run.notebook if run else "")
    yield "Python", context.get("python") or ""
    yield (
        "Git commit",
        f"{git['commit']}{' with changes' if git.get('dirty') else ''}" if git.get("commit") else "",
    )
    yield "Code (BLAKE3)", version.code_digest
    yield "Requirements (BLAKE3)", version.requirements_digest


def _metrics(known: Known) -> str:
    last = {name: each.last for name, each in known.run.run.metrics.items()} if known.run else {}
    values = {**last, **known.version.metrics}
    rows = [(name, f"{value:.6g}") for name, value in sorted(values.items())]
    return _titled("Metrics", _rows(("metric", "value"), rows)) if rows else ""


def _signature(signature: Signature | None) -> str:
    if signature is None:
        return ""
    rows = [
        (side, each.name or "(unnamed)", each.dtype, _shape(each))
        for side, fields in (("input", signature.inputs), ("output", signature.outputs))
        for each in fields
    ]
    return _titled("Signature", _rows(("", "name", "type", "shape"), rows)) if rows else ""


def _shape(each: Field) -> str:
    if each.shape is None:
        return ""
    return " \N{MULTIPLICATION SIGN} ".join("any" if size is None else str(size) for size in each.shape)


def _moves(moves: Sequence[Move]) -> str:
    rows = [
        (
            move.alias,
            "nothing" if move.before is None else move.before,
            "nothing" if move.after is None else move.after,
            iso_time(move.at),
            move.user,
            f"{'rolled back. ' if move.rollback else ''}{move.reason}".strip(),
        )
        for move in moves
    ]
    return _rows(("alias", "from", "to", "when", "by", "why"), rows)


def _rows(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    more = len(rows) - MOST_ROWS
    shown = table(heads, rows[:MOST_ROWS])
    return shown if more <= 0 else f"{shown}\n\nand {more} more."


def _titled(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
