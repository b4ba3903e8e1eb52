"""What a sweep's card says, as HTML and as text, and what ``%mlops`` prints of sweeps."""

from __future__ import annotations

import re
from html import unescape
from json import loads
from typing import Any

from jupyter_mlops.entities import (
    Distribution,
    Goal,
    JobSpec,
    Sweep,
    SweepDetail,
    SweepSpec,
    SweepStatus,
    Trial,
    TrialStatus,
)
from jupyter_mlops.services.showing.sweeps import sweep_text, sweeps_table
from jupyter_mlops.widgets.sweeps import SHOWN_TRIALS, sweep_picture

SWEEP = "01hzy0000000000000000ccccc"
NOW = 130.0


def trial(number: int, status: str, value: float | None = None, **changes: Any) -> Trial:
    ended = status not in ("queued", "running")
    return Trial(
        number=number,
        status=TrialStatus(status),
        params=changes.pop("params", {"lr": 0.1 * (number + 1)}),
        value=value,
        job_id=f"01hzy00000000000000job{number:04d}",
        started_at=None if status == "queued" else 110.0,
        ended_at=120.0 if ended else None,
        **changes,
    )


def detail(*trials: Trial, planned: int = 10, goal: Goal | None = None, **changes: Any) -> SweepDetail:
    template = JobSpec(
        id=SWEEP,
        name="fit",
        experiment="digits",
        submitted_at=100.0,
        interpreter="python",
        kernel_name="python3",
        cwd="/",
    )
    spec = SweepSpec(
        id=SWEEP,
        name=changes.pop("name", "fit"),
        experiment="digits",
        submitted_at=100.0,
        space={"lr": Distribution(kind="loguniform", low=1e-5, high=1.0)},
        trials=planned,
        sampler="tpe",
        pruner="median",
        template=template,
        goal=goal,
    )
    counts: dict[str, int] = {}
    for each in trials:
        counts[each.status.value] = counts.get(each.status.value, 0) + 1
    sweep = Sweep(
        spec=spec,
        status=SweepStatus(changes.pop("status", "running")),
        counts=counts,
        **changes,
    )
    return SweepDetail(sweep=sweep, trials=list(trials), importance={"lr": 1.0} if goal else None)


def searching(**changes: Any) -> SweepDetail:
    """A search with a trial of every kind."""
    trials = [
        trial(0, "finished", 0.8),
        trial(1, "pruned", 0.2, reason="pruned at step 3"),
        trial(2, "finished", 0.9731),
        trial(3, "running", 0.5),
        trial(4, "queued"),
    ]
    best: dict[str, Any] = {"best": 2, "best_value": 0.9731, "best_params": {"lr": 0.3}}
    return detail(*trials, goal=Goal(metric="acc", direction="maximize"), **{**best, **changes})


def test_text_says_how_far_it_is_what_is_best_and_shows_the_best_trials_first():
    assert sweep_picture(searching(), NOW).text.splitlines() == [
        "Sweep 0ccccc fit: running, 3 of 10 done: 1 queued, 1 running, 2 finished, 1 pruned",
        "Best: acc=0.9731, trial 2 (lr=0.3)",
        "trial  status       acc   lr  took  job     reason",
        "-----  --------  ------  ---  ----  ------  ----------------",
        "    2  finished  0.9731  0.3  10 s  ob0002",
        "    0  finished     0.8  0.1  10 s  ob0000",
        "    3  running      0.5  0.4  20 s  ob0003",
        "    4  queued            0.5        ob0004",
        "    1  pruned       0.2  0.2  10 s  ob0001  pruned at step 3",
        "Cancel: %mlops cancel 0ccccc",
    ]


def test_the_card_says_the_same_in_html_and_how_much_is_done():
    picture = sweep_picture(searching(), NOW)
    words = unescape(re.sub(r"<[^>]+>", " ", picture.state))
    assert "Best so far:  acc=0.9731, trial 2 (lr=0.3)" in words
    assert "maximize acc" in words
    numbers = re.findall(r"<tr><td[^>]*>(\d+)</td>", picture.state)
    assert numbers == ["2", "0", "3", "4", "1"]
    assert picture.fraction == 0.3
    assert not picture.ended


def test_the_least_value_is_first_where_the_goal_is_to_minimize():
    loss = Goal(metric="loss", direction="minimize")
    made = detail(trial(0, "finished", 0.8), trial(1, "finished", 0.1), goal=loss, best=1, best_value=0.1)
    assert re.findall(r"<tr><td[^>]*>(\d+)</td>", sweep_picture(made, NOW).state) == ["1", "0"]


def test_a_grid_without_a_goal_has_no_best_and_keeps_the_order_of_its_values():
    made = detail(trial(1, "finished"), trial(0, "finished"), planned=2, status="finished", ended_at=120.0)
    picture = sweep_picture(made, NOW)
    assert "Best" not in picture.text
    assert "Best" not in picture.html
    assert re.findall(r"<tr><td[^>]*>(\d+)</td>", picture.state) == ["0", "1"]
    assert picture.ended
    assert picture.text.endswith("All trials: %mlops show 0ccccc")


def test_no_more_trials_than_fit_are_shown_and_the_others_are_counted():
    acc = Goal(metric="acc", direction="maximize")
    made = detail(*[trial(number, "finished", number) for number in range(SHOWN_TRIALS + 3)], goal=acc)
    picture = sweep_picture(made, NOW)
    assert picture.state.count("<tr>") == SHOWN_TRIALS + 1
    assert "and 3 more" in picture.state
    assert "… and 3 more trials." in picture.text


def test_before_the_first_trial_it_says_that_none_is_done():
    picture = sweep_picture(detail(planned=20), NOW)
    assert picture.text.splitlines()[0] == "Sweep 0ccccc fit: running, 0 of 20 done"
    assert "<table>" not in picture.state


def test_buttons_open_and_cancel_the_sweep_as_long_as_it_goes_on():
    def buttons(of: SweepDetail) -> list[tuple[str, dict[str, str]]]:
        linked = r'data-commandlinker-command="([^"]*)" data-commandlinker-args="([^"]*)"'
        found = re.findall(linked, sweep_picture(of, NOW).actions)
        return [(command, loads(unescape(arguments))) for command, arguments in found]

    opening = ("jupyter-mlops:open-sweep", {"id": SWEEP})
    assert buttons(searching()) == [opening, ("jupyter-mlops:cancel-sweep", {"id": SWEEP})]
    assert buttons(searching(status="finished")) == [opening]
    asked = sweep_picture(searching(cancel_requested=True), NOW)
    assert "disabled" in asked.actions
    assert "being cancelled" in asked.state
    assert "<button" not in asked.html


def test_what_users_name_is_escaped():
    made = detail(
        trial(0, "failed", reason='"><script>', params={"lr": "<b>"}),
        name="<script>alert(1)</script>",
        goal=Goal(metric="<i>", direction="maximize"),
        best=0,
        best_params={"lr": "<b>"},
    )
    picture = sweep_picture(made, NOW)
    for shown in (picture.html, picture.state, picture.actions):
        assert "<script>" not in shown
        assert "=<b>" not in shown
        assert "<i>" not in shown


def test_a_list_has_a_line_for_each_sweep():
    header, _, line = sweeps_table([searching().sweep]).splitlines()
    assert header.split()[:6] == ["id", "name", "status", "trials", "goal", "best"]
    assert re.split(r" {2,}", line)[:7] == [
        "0ccccc",
        "fit",
        "running",
        "3/10",
        "maximize acc",
        "0.9731",
        "lr=0.3",
    ]


def test_all_of_a_sweep_has_its_settings_and_every_trial():
    text = sweep_text(searching(status="cancelled", reason="cancelled by ada"), now=NOW)
    assert "status      cancelled (cancelled by ada)" in text
    assert "sampler     tpe with median pruner" in text
    assert "importance  lr=1" in text
    assert len(text.partition("\n\n")[2].splitlines()) == 2 + 5
