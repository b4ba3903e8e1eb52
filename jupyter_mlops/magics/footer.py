"""The line under a tracked cell: which run it was, what was captured, and how to see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ..entities import RunStatus, short_id
from ..services.quantities import duration_text

_STYLE = "font-size: 0.85em; color: var(--jp-ui-font-color2, #616161); margin-top: 2px"
_NAME_LENGTH = 80
_SHOWN_VALUES = 3
_SHOWN_TEXT = 24
_LISTED = 100
"""How many values the tooltip lists."""
_MARKS = {RunStatus.FINISHED: "✓", RunStatus.FAILED: "✗", RunStatus.CANCELLED: "◼"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the footer says. ``missing`` are names that were asked for and not found."""

    run_id: str
    name: str
    status: RunStatus
    duration_s: float
    params: Mapping[str, Any] = field(default_factory=dict)
    params_left_out: int = 0
    metrics: Mapping[str, float] = field(default_factory=dict)
    figures: int = 0
    tables: int = 0
    files_read: int = 0
    models: tuple[str, ...] = ()
    registered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    recorded: bool = True
    complete: bool = True

    def parts(self) -> list[str]:
        """The pieces of the line, in order, but for how to see the run."""
        pieces = [
            f"{_MARKS[self.status]} run {short_id(self.run_id)}",
            _cut(self.name, _NAME_LENGTH),
            f"{self.status.value} in {duration_text(self.duration_s)}",
            *self._captured(),
        ]
        if self.missing:
            pieces.append(f"not found: {', '.join(self.missing)}")
        if not self.recorded:
            pieces.append("NOT RECORDED")
        elif not self.complete:
            pieces.append("not fully recorded")
        return pieces

    def text(self) -> str:
        return " · ".join([*self.parts(), *self._command()])

    def html(self) -> str:
        line = " · ".join([*map(escape, self.parts()), *(f"<code>{each}</code>" for each in self._command())])
        return (
            f'<div class="jp-mlops-footer" data-run-id="{self.run_id}" title="{escape(self.tooltip())}" '
            f'style="{_STYLE}">{line}</div>'
        )

    def tooltip(self) -> str:
        """Every value that the line has no room for, one a line."""
        lists = [("params", _listed(self.params)), ("metrics", _listed(self.metrics))]
        lists += [("models", list(self.models)), ("registered", list(self.registered))]
        return "\n".join(f"{title}\n  " + "\n  ".join(lines) for title, lines in lists if lines)

    def _captured(self) -> list[str]:
        left_out = f" ({self.params_left_out} left out)" if self.params_left_out else ""
        counts = [
            _counted(self.figures, "figure"),
            _counted(self.tables, "table"),
            _counted(self.files_read, "file") + " read" if self.files_read else "",
        ]
        pieces = [
            _some("params", self.params) + left_out,
            _some("metrics", self.metrics),
            ", ".join(filter(None, counts)),
            _names("model", self.models),
            f"registered {', '.join(self.registered)}" if self.registered else "",
        ]
        return [each for each in pieces if each]

    def _command(self) -> list[str]:
        return [f"%mlops show {short_id(self.run_id)}"] if self.recorded else []


def show(summary: Summary) -> None:
    """Display the footer under the cell."""
    from IPython.display import display

    data: dict[str, Any] = {"text/plain": summary.text(), "text/html": summary.html()}
    display(data, raw=True)  # type: ignore[no-untyped-call]


def _some(title: str, values: Mapping[str, Any]) -> str:
    """``params lr=0.1, C=1 +3``."""
    if not values:
        return ""
    shown = [_assigned(name, values[name]) for name in list(values)[:_SHOWN_VALUES]]
    rest = len(values) - len(shown)
    return f"{title} {', '.join(shown)}{f' +{rest}' if rest else ''}"


def _names(word: str, names: tuple[str, ...]) -> str:
    if not names:
        return ""
    rest = len(names) - _SHOWN_VALUES
    return f"{word} {', '.join(names[:_SHOWN_VALUES])}{f' +{rest}' if rest > 0 else ''}"


def _listed(values: Mapping[str, Any]) -> list[str]:
    lines = [_assigned(name, values[name], length=200) for name in list(values)[:_LISTED]]
    return [*lines, f"… {len(values) - _LISTED} more"] if len(values) > _LISTED else lines


def _assigned(name: str, value: Any, *, length: int = _SHOWN_TEXT) -> str:
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    return f"{_cut(_one_line(name), length)}={_cut(_one_line(shown), length)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}" if count else ""
