"""The line under a tracked cell: which run it was, what was captured, and how to see it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

from ..entities import RunStatus, short_id

_STYLE = "font-size: 0.85em; color: var(--jp-ui-font-color2, #616161); margin-top: 2px"
_NAME_LENGTH = 80
_MARKS = {RunStatus.FINISHED: "✓", RunStatus.FAILED: "✗", RunStatus.CANCELLED: "◼"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the footer says. ``missing`` are names that were asked for and not found."""

    run_id: str
    name: str
    status: RunStatus
    duration_s: float
    params: int
    metrics: int
    figures: int = 0
    tables: int = 0
    missing: tuple[str, ...] = ()

    @property
    def captured(self) -> str:
        counts = [
            _counted(self.params, "param"),
            _counted(self.metrics, "metric"),
            _counted(self.figures, "figure"),
            _counted(self.tables, "table"),
        ]
        return ", ".join(each for each in counts[:2]) + "".join(
            f", {each}" for each in counts[2:] if each[0] != "0"
        )

    def parts(self) -> list[str]:
        """The pieces of the line, in order, but for how to see the run."""
        pieces = [
            f"{_MARKS[self.status]} run {short_id(self.run_id)}",
            self.name if len(self.name) <= _NAME_LENGTH else self.name[: _NAME_LENGTH - 1] + "…",
            f"{self.status.value} in {duration_text(self.duration_s)}",
            self.captured,
        ]
        if self.missing:
            pieces.append(f"not found: {', '.join(self.missing)}")
        return pieces

    def text(self) -> str:
        return " · ".join([*self.parts(), f"%mlops show {short_id(self.run_id)}"])

    def html(self) -> str:
        command = f"<code>%mlops show {short_id(self.run_id)}</code>"
        line = " · ".join([*map(escape, self.parts()), command])
        return f'<div class="jp-mlops-footer" data-run-id="{self.run_id}" style="{_STYLE}">{line}</div>'


def show(summary: Summary) -> None:
    """Display the footer under the cell."""
    from IPython.display import display

    data: dict[str, Any] = {"text/plain": summary.text(), "text/html": summary.html()}
    display(data, raw=True)  # type: ignore[no-untyped-call]


def duration_text(seconds: float) -> str:
    """A duration for people: 0.4 s, 12 s, 3 min 5 s, 2 h 10 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
