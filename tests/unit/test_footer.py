"""The line under a tracked cell."""

from __future__ import annotations

from jupyter_mlops.entities import RunStatus
from jupyter_mlops.magics.footer import Summary

RUN = "01hzzzzzzzzzzzzzzzzzzz1234"


def summary(**more):
    return Summary(run_id=RUN, name="fit", status=RunStatus.FINISHED, duration_s=0.4, **more)


def test_names_and_values_are_shown_and_many_are_counted():
    made = summary(
        params={"lr": 0.1, "C": 1, "name": "a" * 60, "d": 4, "e": 5},
        metrics={"acc": 0.912345},
        figures=1,
        tables=2,
        files_read=1,
        models=("a", "b", "c", "d"),
        registered=("digits@3",),
        missing=("nowhere",),
    )
    assert made.text() == (
        f"✓ run zz1234 · fit · finished in 0.4 s · params lr=0.1, C=1, name={'a' * 23}… +2 · metrics acc=0.9123 · "
        "1 figure, 2 tables, 1 file read · model a, b, c +1 · registered digits@3 · not found: nowhere · "
        "%mlops show zz1234"
    )


def test_a_run_with_nothing_in_it_has_a_short_line():
    assert summary().text() == "✓ run zz1234 · fit · finished in 0.4 s · %mlops show zz1234"


def test_the_line_is_one_line_whatever_the_values_are():
    assert "\n" not in summary(params={"text": "two\nlines", "many\nlines" * 9: [1] * 99}).text()


def test_the_tooltip_lists_every_value_and_is_escaped():
    made = summary(params={f"p{n}": n for n in range(120)}, metrics={"<b>": 0.5})
    assert "p99=99\n  … 20 more\nmetrics\n  <b>=0.5" in made.tooltip()
    assert "&lt;b&gt;=0.5" in made.html()
    assert "<b>" not in made.html()


def test_what_is_not_recorded_is_said():
    assert summary(complete=False).text().split(" · ")[-2] == "not fully recorded"
    lost = summary(complete=False, recorded=False)
    assert lost.text().split(" · ")[-1] == "NOT RECORDED"
