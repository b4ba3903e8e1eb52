"""What a job's card says, as HTML and as text. Pure: the job, its run and the time in, strings out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from ..entities import Job, JobStatus, Run, short_id
from ..services.quantities import duration_text
from .picture import Picture

CANCEL_COMMAND = "jupyter-mlops:cancel-job"
OPEN_COMMAND = "jupyter-mlops:open-job"
SHOWN_METRICS = 4

COLOURS = {
    JobStatus.QUEUED: "var(--jp-ui-font-color2, #757575)",
    JobStatus.STARTING: "var(--jp-info-color1, #0288d1)",
    JobStatus.RUNNING: "var(--jp-info-color1, #0288d1)",
    JobStatus.SUCCEEDED: "var(--jp-success-color1, #388e3c)",
    JobStatus.FAILED: "var(--jp-error-color1, #d32f2f)",
    JobStatus.CANCELLED: "var(--jp-warn-color1, #f57c00)",
    JobStatus.LOST: "var(--jp-warn-color1, #f57c00)",
}
FRAME = "border-left: 3px solid var(--jp-border-color1, #bdbdbd); padding: 2px 10px; line-height: 1.5"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A job at the time ``now``, and its newest run where it has one."""

    job: Job
    now: float
    run: Run | None = None


def job_picture(shot: Snapshot) -> Picture:
    """The card of a job."""
    state, commands = _state_html(shot), _commands_html(shot.job)
    return Picture(
        ended=shot.job.status.ended,
        fraction=_fraction(shot.job),
        state=state,
        actions=_buttons(shot.job) + commands,
        html=framed(state + commands),
        text=f"{_line(shot)}\n{_command(shot.job)}",
    )


def framed(content: str) -> str:
    """The whole card with nothing live in it: for saved notebooks and other readers."""
    return f'<div class="jp-mlops-card" style="{FRAME}">{content}</div>'


def button(command: str, subject: str, label: str, title: str, *, disabled: bool = False) -> str:
    """A button that runs a command of the front end with the id of its subject.

    JupyterLab runs the command of a clicked element that names one, in the browser: it reaches the
    server though the kernel is busy (https://jupyterlab.readthedocs.io, Command Linker).
    """
    arguments = escape(json.dumps({"id": subject}), quote=True)
    linked = f'data-commandlinker-command="{command}" data-commandlinker-args="{arguments}"'
    attributes = f'type="button" class="jupyter-button" title="{title}" {linked}'
    return f"<button {attributes}{' disabled' if disabled else ''}>{escape(label)}</button>"


def commands_line(words: str) -> str:
    """What to type in a cell."""
    return f'<div style="opacity: 0.7"><code>{escape(words)}</code></div>'


def _state_html(shot: Snapshot) -> str:
    """State, elapsed time, latest metrics: what changes from second to second."""
    job = shot.job
    parts = [f"<b>{escape(job.spec.name)}</b> {short_id(job.id)}", _state(job), *_facts(shot)]
    params = _pairs(job.spec.params)
    second = f"<div>{escape(params)}</div>" if params else ""
    return f"<div>{' · '.join(parts)}{_reason(job)}</div>{second}"


def _commands_html(job: Job) -> str:
    return commands_line(_command(job).partition(": ")[2])


def _command(job: Job) -> str:
    short = short_id(job.id)
    return f"Log: %mlops logs {short}" if job.status.ended else f"Cancel: %mlops cancel {short}"


def _buttons(job: Job) -> str:
    short = short_id(job.id)
    buttons = [button(OPEN_COMMAND, job.id, "Open", f"Open job {short}")]
    if not job.status.ended:
        asked = job.cancel_requested
        label = "Cancelling…" if asked else "Cancel"
        buttons.append(button(CANCEL_COMMAND, job.id, label, f"Cancel job {short}", disabled=asked))
    return " ".join(buttons)


def _facts(shot: Snapshot) -> list[str]:
    return [escape(fact) for fact in (_elapsed(shot), _metrics(shot)) if fact]


def _state(job: Job) -> str:
    return f'<span style="color: {COLOURS[job.status]}; font-weight: 600">{escape(_words(job))}</span>'


def _reason(job: Job) -> str:
    return f" · {escape(job.reason)}" if job.reason and job.status is not JobStatus.SUCCEEDED else ""


def _words(job: Job) -> str:
    """``running, cell 3 of 5``."""
    if job.cancel_requested and not job.status.ended:
        return "being cancelled"
    if job.status is JobStatus.RUNNING and job.progress and job.progress.total:
        return f"running, cell {min(job.progress.done + 1, job.progress.total)} of {job.progress.total}"
    return job.status.value


def _line(shot: Snapshot) -> str:
    job = shot.job
    title = f"Job {short_id(job.id)} {job.spec.name}"
    params = _pairs(job.spec.params)
    parts = [_words(job), _elapsed(shot), _metrics(shot)]
    if job.reason and job.status is not JobStatus.SUCCEEDED:
        parts.append(job.reason)
    return f"{title}{f' ({params})' if params else ''}: " + ", ".join(filter(None, parts))


def _fraction(job: Job) -> float:
    if job.status.ended:
        return 1.0
    return job.progress.done / job.progress.total if job.progress and job.progress.total else 0.0


def _elapsed(shot: Snapshot) -> str:
    if shot.job.started_at is None:
        return ""
    return duration_text((shot.job.ended_at or shot.now) - shot.job.started_at)


def _metrics(shot: Snapshot) -> str:
    if shot.run is None:
        return ""
    metrics = shot.run.metrics
    names = sorted(metrics)
    more = ["…"] * (len(names) > SHOWN_METRICS)
    return ", ".join([f"{name}={_number(metrics[name].last)}" for name in names[:SHOWN_METRICS]] + more)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_number(value)}" for name, value in values.items())


def _number(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return str(value)
