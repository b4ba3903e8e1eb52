"""What a card says, as HTML and as text. Pure: a snapshot in, a string out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

from ..entities import Job, JobStatus, Run, short_id
from ..services.quantities import duration_text

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Jobs of one card at the time ``now``, and the newest run of each that has one.

    ``sweep_id`` is None for the card of a single job.
    """

    jobs: Sequence[Job]
    now: float
    runs: Mapping[str, Run] = field(default_factory=dict)
    sweep_id: str | None = None

    @property
    def ended(self) -> bool:
        return all(job.status.ended for job in self.jobs)

    @property
    def fraction(self) -> float:
        """How much is done, from 0 to 1: an ended job is done, a running one as far as its cells."""
        return sum(map(_fraction, self.jobs)) / max(len(self.jobs), 1)


def text(shot: Snapshot) -> str:
    """A line for each job, and the commands to go on with."""
    lines = [_line(job, shot) for job in shot.jobs]
    if shot.sweep_id:
        lines.insert(0, f"Sweep {short_id(shot.sweep_id)}: {_tally(shot)}")
    ends = " ".join(short_id(job.id) for job in shot.jobs if not job.status.ended)
    first = short_id(shot.jobs[0].id) if shot.jobs else ""
    lines.append(f"Cancel: %mlops cancel {ends}" if ends else f"Log: %mlops logs {first}")
    return "\n".join(lines)


def html(shot: Snapshot) -> str:
    """The whole card as it stands, with nothing live in it: for saved notebooks and other readers."""
    return f'<div class="jp-mlops-card" style="{FRAME}">{state_html(shot)}{commands_html(shot)}</div>'


FRAME = "border-left: 3px solid var(--jp-border-color1, #bdbdbd); padding: 2px 10px; line-height: 1.5"


def state_html(shot: Snapshot) -> str:
    """State, elapsed time, latest metrics: what changes from second to second."""
    if not shot.sweep_id:
        return "".join(_job_html(job, shot) for job in shot.jobs)
    rows = "".join(f"<tr>{_row_html(job, shot)}</tr>" for job in shot.jobs)
    head = "".join(f'<th style="{CELL}">{each}</th>' for each in COLUMNS)
    return (
        f"<div><b>Sweep {short_id(shot.sweep_id)}</b> · {escape(_name(shot))} · {escape(_tally(shot))}</div>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


COLUMNS = ("job", "params", "state", "elapsed", "metrics")
CELL = "text-align: left; padding-right: 1.5em"


def actions_html(shot: Snapshot) -> str:
    """The buttons, and the same in words.

    JupyterLab runs the command of a clicked element that names one, in the browser: it reaches the
    server though the kernel is busy (https://jupyterlab.readthedocs.io, Command Linker).
    """
    buttons = [_cancel_button(job, shot) for job in shot.jobs if not job.status.ended]
    if not shot.sweep_id:
        opening = [_button(OPEN_COMMAND, job, "Open", f"Open job {short_id(job.id)}") for job in shot.jobs]
        buttons = opening + buttons
    return " ".join(buttons) + commands_html(shot)


def commands_html(shot: Snapshot) -> str:
    """What to type in a cell."""
    alive = " ".join(short_id(job.id) for job in shot.jobs if not job.status.ended)
    first = short_id(shot.jobs[0].id) if shot.jobs else ""
    words = f"%mlops cancel {alive}" if alive else f"%mlops logs {first}"
    return f'<div style="opacity: 0.7"><code>{escape(words)}</code></div>'


def _cancel_button(job: Job, shot: Snapshot) -> str:
    label = "Cancel" if not shot.sweep_id else f"Cancel {_pairs(job.spec.params) or short_id(job.id)}"
    title = f"Cancel job {short_id(job.id)}"
    if job.cancel_requested:
        return _button(CANCEL_COMMAND, job, "Cancelling…", title, disabled=True)
    return _button(CANCEL_COMMAND, job, label, title)


def _button(command: str, job: Job, label: str, title: str, *, disabled: bool = False) -> str:
    arguments = escape(json.dumps({"id": job.id}), quote=True)
    linked = f'data-commandlinker-command="{command}" data-commandlinker-args="{arguments}"'
    attributes = f'type="button" class="jupyter-button" title="{title}" {linked}'
    return f"<button {attributes}{' disabled' if disabled else ''}>{escape(label)}</button>"


def _job_html(job: Job, shot: Snapshot) -> str:
    parts = [f"<b>{escape(job.spec.name)}</b> {short_id(job.id)}", _state(job), *_facts(job, shot)]
    params = _pairs(job.spec.params)
    second = f"<div>{escape(params)}</div>" if params else ""
    return f"<div>{' · '.join(parts)}{_reason(job)}</div>{second}"


def _row_html(job: Job, shot: Snapshot) -> str:
    cells = (
        short_id(job.id),
        escape(_pairs(job.spec.params)),
        _state(job) + _reason(job),
        escape(_elapsed(job, shot.now)),
        escape(_metrics(job, shot)),
    )
    return "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells)


def _facts(job: Job, shot: Snapshot) -> list[str]:
    return [escape(fact) for fact in (_elapsed(job, shot.now), _metrics(job, shot)) if fact]


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


def _line(job: Job, shot: Snapshot) -> str:
    title = f"Job {short_id(job.id)} {job.spec.name}"
    params = _pairs(job.spec.params)
    parts = [_words(job), _elapsed(job, shot.now), _metrics(job, shot)]
    if job.reason and job.status is not JobStatus.SUCCEEDED:
        parts.append(job.reason)
    return f"{title}{f' ({params})' if params else ''}: " + ", ".join(filter(None, parts))


def _name(shot: Snapshot) -> str:
    return shot.jobs[0].spec.name if shot.jobs else "no jobs"


def _tally(shot: Snapshot) -> str:
    """``1 running, 3 succeeded``, in the order of a job's life."""
    counts = {status: sum(job.status is status for job in shot.jobs) for status in JobStatus}
    return ", ".join(f"{count} {status.value}" for status, count in counts.items() if count)


def _fraction(job: Job) -> float:
    if job.status.ended:
        return 1.0
    return job.progress.done / job.progress.total if job.progress and job.progress.total else 0.0


def _elapsed(job: Job, now: float) -> str:
    if job.started_at is None:
        return ""
    end = job.ended_at or now
    return duration_text(end - job.started_at)


def _metrics(job: Job, shot: Snapshot) -> str:
    run = shot.runs.get(job.id)
    if run is None:
        return ""
    names = sorted(run.metrics)
    more = ["…"] * (len(names) > SHOWN_METRICS)
    return ", ".join([f"{name}={_number(run.metrics[name].last)}" for name in names[:SHOWN_METRICS]] + more)


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_number(value)}" for name, value in values.items())


def _number(value: Any) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.4g}"
    return str(value)
