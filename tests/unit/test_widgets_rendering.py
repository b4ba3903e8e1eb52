"""What a job's card says, as HTML and as text."""

from __future__ import annotations

import re
from html import unescape
from json import loads
from typing import Any

from jupyter_mlops.entities import (
    Job,
    JobSpec,
    JobStatus,
    MetricSummary,
    Progress,
    Run,
    RunKind,
    RunStatus,
)
from jupyter_mlops.widgets.picture import Picture
from jupyter_mlops.widgets.rendering import Snapshot, job_picture

FIRST = "01hzy0000000000000000aaaaa"


def job(job_id: str = FIRST, status: JobStatus = JobStatus.RUNNING, **changes: Any) -> Job:
    spec = JobSpec(
        id=job_id,
        name=changes.pop("name", "sweep"),
        experiment="digits",
        submitted_at=100.0,
        interpreter="python",
        kernel_name="python3",
        cwd="/",
        params=changes.pop("params", {"C": 0.1}),
    )
    return Job(spec=spec, status=status, started_at=changes.pop("started_at", 110.0), **changes)


def run_of(job_id: str, **metrics: float) -> Run:
    summaries = {
        name: MetricSummary(last=value, min=value, max=value, count=1) for name, value in metrics.items()
    }
    return Run(
        id=job_id,
        name="sweep",
        experiment="digits",
        kind=RunKind.JOB,
        status=RunStatus.RUNNING,
        started_at=110.0,
        metrics=summaries,
    )


def picture(job: Job, *, now: float = 120.0, run: Run | None = None) -> Picture:
    return job_picture(Snapshot(job=job, now=now, run=run))


def test_text_says_state_progress_time_metrics_and_the_command_that_cancels():
    shown = picture(job(progress=Progress(done=2, total=5)), now=122.4, run=run_of(FIRST, accuracy=0.97531))
    assert shown.text == (
        "Job 0aaaaa sweep (C=0.1): running, cell 3 of 5, 12 s, accuracy=0.9753\nCancel: %mlops cancel 0aaaaa"
    )
    assert shown.fraction == 0.4
    assert not shown.ended


def test_text_of_a_failed_job_says_why_and_where_to_look():
    shown = picture(job(status=JobStatus.FAILED, reason="ValueError: no", ended_at=175.0), now=999.0)
    assert shown.text == (
        "Job 0aaaaa sweep (C=0.1): failed, 1 min 05 s, ValueError: no\nLog: %mlops logs 0aaaaa"
    )
    assert shown.ended


def test_buttons_name_the_front_ends_commands_and_the_whole_id():
    buttons = re.findall(
        r'<button[^>]*data-commandlinker-command="([^"]*)" data-commandlinker-args="([^"]*)"',
        picture(job()).actions,
    )
    assert [(command, loads(unescape(arguments))) for command, arguments in buttons] == [
        ("jupyter-mlops:open-job", {"id": FIRST}),
        ("jupyter-mlops:cancel-job", {"id": FIRST}),
    ]


def test_only_jobs_that_have_not_ended_can_be_cancelled():
    ended = picture(job(status=JobStatus.SUCCEEDED, ended_at=120.0))
    assert "cancel-job" not in ended.actions
    assert "disabled" in picture(job(cancel_requested=True)).actions


def test_what_users_name_is_escaped():
    shown = picture(job(name="<script>alert(1)</script>", params={"x": "<b>"}))
    for made in (shown.html, shown.state, shown.actions):
        assert "<script>" not in made
        assert "<b>=" not in made
        assert "=<b>" not in made


def test_the_static_card_has_nothing_that_only_works_live():
    assert "<button" not in picture(job()).html
