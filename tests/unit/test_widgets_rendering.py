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
from jupyter_mlops.widgets.rendering import Snapshot, actions_html, html, state_html, text

FIRST, SECOND = "01hzy0000000000000000aaaaa", "01hzy0000000000000000bbbbb"


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


def test_text_says_state_progress_time_metrics_and_the_command_that_cancels():
    shot = Snapshot(
        jobs=[job(progress=Progress(done=2, total=5))],
        now=122.4,
        runs={FIRST: run_of(FIRST, accuracy=0.97531)},
    )
    assert text(shot) == (
        "Job 0aaaaa sweep (C=0.1): running, cell 3 of 5, 12 s, accuracy=0.9753\nCancel: %mlops cancel 0aaaaa"
    )


def test_text_of_a_failed_job_says_why_and_where_to_look():
    shot = Snapshot(jobs=[job(status=JobStatus.FAILED, reason="ValueError: no", ended_at=175.0)], now=999.0)
    assert text(shot) == (
        "Job 0aaaaa sweep (C=0.1): failed, 1 min 05 s, ValueError: no\nLog: %mlops logs 0aaaaa"
    )


def test_a_sweep_has_a_tally_and_a_line_for_each_job():
    shot = Snapshot(
        jobs=[
            job(FIRST, JobStatus.SUCCEEDED, ended_at=120.0),
            job(SECOND, JobStatus.QUEUED, started_at=None),
        ],
        now=130.0,
        sweep_id="01hzy0000000000000000ccccc",
    )
    assert text(shot).splitlines() == [
        "Sweep 0ccccc: 1 queued, 1 succeeded",
        "Job 0aaaaa sweep (C=0.1): succeeded, 10 s",
        "Job 0bbbbb sweep (C=0.1): queued",
        "Cancel: %mlops cancel 0bbbbb",
    ]
    assert shot.fraction == 0.5
    assert not shot.ended


def test_buttons_name_the_front_ends_commands_and_the_whole_id():
    buttons = re.findall(
        r'<button[^>]*data-commandlinker-command="([^"]*)" data-commandlinker-args="([^"]*)"',
        actions_html(Snapshot(jobs=[job()], now=120.0)),
    )
    assert [(command, loads(unescape(arguments))) for command, arguments in buttons] == [
        ("jupyter-mlops:open-job", {"id": FIRST}),
        ("jupyter-mlops:cancel-job", {"id": FIRST}),
    ]


def test_only_jobs_that_have_not_ended_can_be_cancelled():
    ended = Snapshot(jobs=[job(status=JobStatus.SUCCEEDED, ended_at=120.0)], now=130.0)
    assert "cancel-job" not in actions_html(ended)
    assert "disabled" in actions_html(Snapshot(jobs=[job(cancel_requested=True)], now=130.0))


def test_what_users_name_is_escaped():
    shot = Snapshot(jobs=[job(name="<script>alert(1)</script>", params={"x": "<b>"})], now=120.0)
    for made in (html(shot), state_html(shot), actions_html(shot)):
        assert "<script>" not in made
        assert "<b>=" not in made
        assert "=<b>" not in made


def test_the_static_card_has_nothing_that_only_works_live():
    assert "<button" not in html(Snapshot(jobs=[job()], now=120.0))
