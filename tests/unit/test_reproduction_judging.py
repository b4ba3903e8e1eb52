"""Whether two runs came out the same."""

from __future__ import annotations

import math

import pytest

from jupyter_mlops.entities import (
    DataDifference,
    MetricMatch,
    MetricSummary,
    Reproduction,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    VersionRef,
)
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.reproduction.judging import check_tolerance, is_close, metric_matches, reasons_of
from jupyter_mlops.services.reproduction.showing import as_html, as_text, headline

RUN_ID = "01m7yywssavkyvs6a5qbxw4m0p"


def detail(metrics: dict[str, float | MetricSummary] | None = None, params=None, **more) -> RunDetail:
    summaries = {
        name: value
        if isinstance(value, MetricSummary)
        else MetricSummary(last=value, min=value, max=value, count=1)
        for name, value in (metrics or {}).items()
    }
    run = Run(
        id=RUN_ID,
        name="a",
        experiment="e",
        kind=RunKind.CELL,
        status=RunStatus.FINISHED,
        started_at=1.0,
        metrics=summaries,
        params=params or {},
    )
    return RunDetail(run=run, **more)


def matches(a: dict, b: dict, tolerance=1e-6) -> dict[str, bool | None]:
    return {each.name: each.matches for each in metric_matches(detail(a), detail(b), tolerance)}


def test_metrics_match_within_the_tolerance_absolute_and_relative() -> None:
    assert matches({"a": 1e9, "b": 0.0}, {"a": 1e9 + 1, "b": 1e-7}) == {"a": True, "b": True}
    assert matches({"a": 1.0}, {"a": 1.001}) == {"a": False}
    assert matches({"a": 1.0, "b": 1.0}, {"a": 1.001, "b": 1.001}, {"a": 0.01}) == {"a": True, "b": False}
    assert matches({"a": 1.0, "b": 1.0}, {"a": 1.1, "b": 1.1}, {"a": 0, "": 1}) == {"a": False, "b": True}


def test_nan_and_infinities_are_themselves() -> None:
    same = {"nan": math.nan, "inf": math.inf}
    assert matches(same, same) == {"nan": True, "inf": True}
    assert matches({"a": math.nan, "b": math.inf}, {"a": 1.0, "b": -math.inf}) == {"a": False, "b": False}
    assert not is_close(math.inf, 1e308, 1e-6)


def test_what_a_clock_or_a_sampler_measures_is_not_compared() -> None:
    clocks = {
        "fit_time": 1.0,
        "epoch_seconds": 2.0,
        "samples_per_second": 3.0,
        "duration_s": 1.0,
        "step/elapsed": 1.0,
    }
    assert set(matches(clocks, dict.fromkeys(clocks, 9.0)).values()) == {None}
    assert matches({"system/cpu_percent": 1.0}, {"system/cpu_percent": 9.0}) == {}
    names = {"loss": 1.0, "times_improved_score": 1.0, "accuracy": 1.0, "estimate": 1.0, "sentiment": 1.0}
    assert all(
        each is not None for name, each in matches(names, names).items() if name != "times_improved_score"
    )


def test_missing_and_extra_metrics_differ() -> None:
    found = metric_matches(detail({"a": 1.0}), detail({"b": 2.0}), 1e-6)
    assert found == [
        MetricMatch(name="a", original=1.0, matches=False, note="was logged, and is not now"),
        MetricMatch(name="b", reproduced=2.0, matches=False, note="was not logged, and is now"),
    ]


def test_a_history_that_went_another_way_differs() -> None:
    before = MetricSummary(last=1.0, min=0.5, max=2.0, count=3)
    (found,) = metric_matches(
        detail({"a": before}), detail({"a": MetricSummary(last=1.0, min=0.4, max=2.0, count=3)}), 1e-6
    )
    assert (found.matches, found.note) == (False, "ends the same, but its least or greatest value differs")
    (found,) = metric_matches(
        detail({"a": before}), detail({"a": MetricSummary(last=1.0, min=0.5, max=2.0, count=4)}), 1e-6
    )
    assert found.note == "3 points then, 4 now"


@pytest.mark.parametrize("wrong", [-1, math.nan, math.inf, "1", True, {"a": -1}])
def test_a_tolerance_that_is_none_is_refused(wrong) -> None:
    with pytest.raises(InvalidInput, match="A tolerance is a number"):
        check_tolerance(wrong)


def test_reasons_name_what_has_changed() -> None:
    before = detail(
        params={"lr": 0.1, "only_then": 1},
        context={
            "python": "3.10.1",
            "packages": {"numpy": "1.0", "gone": "1"},
            "hardware": {"gpus": [{"name": "A"}], "driver": "1"},
            "modules": [{"name": "helper", "digest": "aaaa"}],
        },
        inputs=[VersionRef(kind="dataset", name="train", version=1, digest="d1")],
    )
    now = detail(
        params={"lr": 0.2},
        context={
            "python": "3.11.1",
            "packages": {"numpy": "2.0", "abc": "1"},
            "hardware": {"gpus": [{"name": "B"}], "driver": "2"},
            "modules": [{"name": "helper", "digest": "bbbb"}],
        },
        inputs=[VersionRef(kind="dataset", name="train", version=2, digest="d2")],
    )
    data = [DataDifference(name="x.csv", a="aaa", b="bbb")]
    reasons = reasons_of(before, now, data=data, unseeded=["cell 3: random.random()"], used={"numpy"})
    assert reasons == [
        "changed data: x.csv was aaa, and is bbb",
        "changed input: dataset train@1 was d1 and is none",
        "changed input: dataset train@2 was none and is d2",
        "another param: lr was 0.1 and is 0.2",
        "changed package: numpy was 1.0 and is 2.0",
        "changed package: abc was none and is 1",
        "changed package: gone was 1 and is none",
        "another GPU driver: was 1, and is 2",
        "other GPUs: was A, and is B",
        "changed module helper: was aaaa, and is bbbb",
        "another Python: was 3.10.1, and is 3.11.1",
        "missing seed: cell 3: random.random()",
    ]
    assert reasons_of(before, before, data=[], unseeded=[], used=set()) == []


def report(verdict: str, **more) -> Reproduction:
    return Reproduction(run_id=RUN_ID, job_id=RUN_ID, verdict=verdict, tolerance=1e-6, **more)


def test_a_report_reads_as_sentences() -> None:
    loss = MetricMatch(name="loss", original=0.5, reproduced=0.5, matches=True)
    acc = MetricMatch(name="<acc>", original=0.5, reproduced=0.6, matches=False, note="differs by 0.1")
    assert headline(report("running")).endswith("goes on as job bxw4m0p.") or "goes on" in headline(
        report("running")
    )
    assert "reproduced; 1 of 1 metric matches within 1e-06." in headline(report("reproduced", metrics=[loss]))
    text = as_text(
        report("differs", metrics=[loss, acc], reasons=["changed data: x"], reproduced_run_id=RUN_ID)
    )
    assert "1 of 2 metrics match" in text
    assert "What has changed, and may be why:\n  changed data: x" in text
    assert "jupyter mlops compare" in text
    html = as_html(report("differs", metrics=[acc], warnings=["<script>"]))
    assert "<td>&lt;acc&gt;</td>" in html
    assert "&lt;script&gt;" in html
    failed = as_text(report("failed", reason="cell 3 raised KeyError"))
    assert "failed: cell 3 raised KeyError" in failed
    nothing = headline(report("reproduced", reason="it has no metric that could be compared"))
    assert nothing.endswith("it has no metric that could be compared.")
