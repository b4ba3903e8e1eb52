"""What a sweep's card says, as HTML and as text. Pure: the sweep and the time in, strings out."""

from __future__ import annotations

from html import escape

from ..entities import Sweep, SweepDetail, SweepStatus, Trial, TrialStatus, short_id
from ..services.quantities import duration_text
from ..services.showing.sweeps import (
    best_text,
    counts_text,
    ended_trials,
    goal_text,
    in_order,
    took,
    trials_table,
)
from ..services.showing.tables import shown
from .picture import Picture
from .rendering import button, commands_line, framed

OPEN_COMMAND = "jupyter-mlops:open-sweep"
CANCEL_COMMAND = "jupyter-mlops:cancel-sweep"
SHOWN_TRIALS = 8
CELL = "text-align: left; padding: 0 1.5em 0 0; line-height: 1.6"

GOING = "var(--jp-info-color1, #0288d1)"
GOOD = "var(--jp-success-color1, #388e3c)"
BAD = "var(--jp-error-color1, #d32f2f)"
STOPPED = "var(--jp-warn-color1, #f57c00)"
QUIET = "var(--jp-ui-font-color2, #757575)"
COLOURS: dict[str, str] = {
    SweepStatus.RUNNING.value: GOING,
    SweepStatus.FINISHED.value: GOOD,
    SweepStatus.FAILED.value: BAD,
    SweepStatus.CANCELLED.value: STOPPED,
    TrialStatus.QUEUED.value: QUIET,
    TrialStatus.PRUNED.value: QUIET,
}


def sweep_picture(detail: SweepDetail, now: float) -> Picture:
    """The card of a sweep at the time ``now``."""
    sweep = detail.sweep
    state = state_html(detail, now)
    commands = commands_line(_command(sweep).partition(": ")[2])
    return Picture(
        ended=sweep.status.ended,
        fraction=ended_trials(sweep) / max(sweep.spec.trials, 1),
        state=state,
        actions=_buttons(sweep) + commands,
        html=framed(state + commands),
        text=text(detail, now),
    )


def text(detail: SweepDetail, now: float) -> str:
    """Where it stands, the best trial, the table, and the command to go on with."""
    sweep = detail.sweep
    lines = [f"Sweep {short_id(sweep.id)} {sweep.spec.name}: {_words(sweep)}, {counts_text(sweep)}"]
    if best := best_text(sweep):
        lines.append(f"Best: {best}")
    if detail.trials:
        lines.append(trials_table(detail, most=SHOWN_TRIALS, now=now))
    return "\n".join([*lines, _command(sweep)])


def state_html(detail: SweepDetail, now: float) -> str:
    """Status, counts, the best so far, and the best trials in a table."""
    sweep = detail.sweep
    facts = [
        f"<b>Sweep {short_id(sweep.id)}</b>",
        escape(sweep.spec.name),
        _coloured(sweep.status.value, _words(sweep)),
        escape(counts_text(sweep)),
        escape(goal_text(sweep)),
    ]
    parts = [f"<div>{' · '.join(filter(None, facts))}</div>"]
    if best := best_text(sweep):
        parts.append(f"<div>Best so far: <b>{escape(best)}</b></div>")
    if detail.trials:
        parts.append(_table_html(detail, now))
    return "".join(parts)


def _table_html(detail: SweepDetail, now: float) -> str:
    goal, names = detail.sweep.spec.goal, list(detail.sweep.spec.space)
    titles = ["trial", "status", *([goal.metric] if goal else []), *names, "took"]
    head = "".join(f'<th scope="col" style="{CELL}">{escape(title)}</th>' for title in titles)
    trials = in_order(detail)
    rows = "".join(_row_html(trial, detail, names, now) for trial in trials[:SHOWN_TRIALS])
    left = len(trials) - SHOWN_TRIALS
    more = f'<div style="opacity: 0.7">… and {left} more</div>' if left > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _row_html(trial: Trial, detail: SweepDetail, names: list[str], now: float) -> str:
    cells = [
        str(trial.number),
        _coloured(trial.status.value, trial.status.value, title=trial.reason),
        *([escape(shown(trial.value))] if detail.sweep.spec.goal else []),
        *(escape(shown(trial.params.get(name))) for name in names),
        escape(duration_text(took(trial, now))),
    ]
    best = "; font-weight: 600" if trial.number == detail.sweep.best else ""
    return "<tr>" + "".join(f'<td style="{CELL}{best}">{cell}</td>' for cell in cells) + "</tr>"


def _words(sweep: Sweep) -> str:
    if sweep.cancel_requested and not sweep.status.ended:
        return "being cancelled"
    reason = f" ({sweep.reason})" if sweep.reason and sweep.status is not SweepStatus.FINISHED else ""
    return f"{sweep.status.value}{reason}"


def _coloured(status: str, words: str, *, title: str = "") -> str:
    colour = COLOURS.get(status, QUIET)
    told = f' title="{escape(title, quote=True)}"' if title else ""
    return f'<span style="color: {colour}; font-weight: 600"{told}>{escape(words)}</span>'


def _buttons(sweep: Sweep) -> str:
    short = short_id(sweep.id)
    buttons = [button(OPEN_COMMAND, sweep.id, "Open", f"Open sweep {short}")]
    if not sweep.status.ended:
        label = "Cancelling…" if sweep.cancel_requested else "Cancel"
        asked = sweep.cancel_requested
        buttons.append(button(CANCEL_COMMAND, sweep.id, label, f"Cancel sweep {short}", disabled=asked))
    return " ".join(buttons)


def _command(sweep: Sweep) -> str:
    short = short_id(sweep.id)
    return f"All trials: %mlops show {short}" if sweep.status.ended else f"Cancel: %mlops cancel {short}"
