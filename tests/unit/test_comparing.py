"""Runs side by side: what differs, as entities, text and HTML."""

from __future__ import annotations

import math

import pytest

from jupyter_mlops.entities import (
    CodeRow,
    ColumnChange,
    DataDifference,
    Difference,
    MetricSummary,
    Output,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    RunTableRow,
)
from jupyter_mlops.services.runs.comparing import code_rows, compare
from jupyter_mlops.services.runs.side_by_side import figure_table, parallel_coordinates, run_table
from jupyter_mlops.services.showing.comparison_html import comparison_html, run_table_html
from jupyter_mlops.services.showing.comparison_text import SAME, comparison_text, run_table_text


def a_run(name="a", *, metrics=None, **fields):
    summaries = {
        key: MetricSummary(last=value, min=value, max=value, count=1)
        for key, value in (metrics or {}).items()
    }
    return Run(
        id=f"0{name:0>25}",
        name=name,
        experiment="e",
        kind=RunKind.CELL,
        status=RunStatus.FINISHED,
        started_at=0.0,
        metrics=summaries,
        **fields,
    )


def detail(name="a", *, source="", context=None, outputs=(), **fields):
    return RunDetail(run=a_run(name, **fields), source=source, context=context or {}, outputs=list(outputs))


# -------------------------------------------------------------------- two


def test_environment_says_what_the_machine_and_the_repository_were():
    a = detail(
        "a",
        context={
            "python": "3.10.1",
            "packages": {"numpy": "1"},
            "git": {"commit": "c1", "branch": "main"},
            "hardware": {"cpu_model": "X", "gpus": [{"name": "A100"}, {"name": "A100"}], "driver": "550"},
            "modules": [{"name": "mine", "digest": "1" * 64}],
        },
    )
    b = detail(
        "b",
        context={
            "python": "3.11.2",
            "packages": {"numpy": "1"},
            "git": {"commit": "c2", "branch": "main"},
            "hardware": {"cpu_model": "X", "gpus": [{"name": "H100"}], "driver": "550"},
            "modules": [{"name": "mine", "digest": "2" * 64}],
        },
    )
    assert compare(a, b).environment == [
        Difference(key="git.commit", a="c1", b="c2"),
        Difference(key="gpus", a="A100, A100", b="H100"),
        Difference(key="module mine", a="1" * 12, b="2" * 12),
        Difference(key="python", a="3.10.1", b="3.11.2"),
    ]
    assert compare(a, b).packages == []


def test_a_context_of_another_shape_is_no_trouble():
    odd = detail("a", context={"git": None, "hardware": [], "packages": "?", "modules": [None]})
    assert compare(odd, detail("b")).packages == []


def test_code_stands_side_by_side_with_what_is_the_same_left_out():
    a = "\n".join(["one", "two", "three", "four", "five", "six", "lr = 0.1", "fit()"])
    b = "\n".join(["one", "two", "three", "four", "five", "six", "lr = 0.2", "fit()", "score()"])
    assert code_rows(a, b, context=1) == [
        CodeRow(change="gap", a_text="5 lines the same"),
        CodeRow(change="same", a_line=6, a_text="six", b_line=6, b_text="six"),
        CodeRow(change="changed", a_line=7, a_text="lr = 0.1", b_line=7, b_text="lr = 0.2"),
        CodeRow(change="same", a_line=8, a_text="fit()", b_line=8, b_text="fit()"),
        CodeRow(change="added", b_line=9, b_text="score()"),
    ]


def test_code_that_is_the_same_has_no_rows():
    assert code_rows("a\nb", "a\nb\n") == []


def test_lines_that_were_removed_have_nothing_beside_them():
    assert code_rows("a\nb", "b") == [
        CodeRow(change="removed", a_line=1, a_text="a"),
        CodeRow(change="same", a_line=2, a_text="b", b_line=1, b_text="b"),
    ]


def test_text_lists_every_kind_of_difference():
    data = DataDifference(
        name="train.csv",
        a="train@1 (aaaaaaaa)",
        b="train@2 (bbbbbbbb)",
        rows_a=10,
        columns=[ColumnChange(column="age", change="type", a="int64", b="float64")],
    )
    a = detail("a", source="x = 1", params={"lr": 0.1}, metrics={"loss": 1.0}, tags={"t": "1"})
    b = detail("b", source="x = 2", params={"lr": 0.2}, metrics={"loss": 2.0}, tags={"t": "1"})
    text = comparison_text(compare(a, b, data=[data]))
    words = [line.split() for line in text.splitlines()]
    assert ["params.lr", "0.1", "0.2"] in words
    assert ["metrics.loss", "1", "2"] in words
    assert ["data.train.csv", "train@1", "(aaaaaaaa),", "10", "rows", "train@2", "(bbbbbbbb)"] in words
    assert ["column", "age", "int64", "float64"] in words
    assert "-x = 1\n+x = 2" in text


def test_nothing_that_differs_is_said_so():
    assert comparison_text(compare(detail(), detail())) == SAME


def test_html_escapes_what_people_wrote_and_uses_the_themes_colours():
    a = detail("<script>alert(1)</script>", source="x = '<b>'", params={"<i>": "<u>"})
    html = comparison_html(compare(a, detail("b", source="x = '&'", params={})))
    assert "<script>" not in html
    assert "<i>" not in html
    assert "x = &#x27;&lt;b&gt;&#x27;" in html
    assert "var(--jp-error-color1" in html


# -------------------------------------------------------------------- many


def test_table_of_runs_has_only_what_differs_among_them():
    runs = [
        detail("a", params={"lr": 0.1, "opt": "adam"}, metrics={"acc": math.nan}),
        detail("b", params={"lr": 0.2, "opt": "adam"}, metrics={"acc": math.nan}),
        detail("c", params={"lr": 0.1, "opt": "adam", "extra": True}, metrics={"acc": math.nan}),
    ]
    table = run_table(runs)
    assert table.rows == [
        RunTableRow(kind="params", key="extra", values=[None, None, True]),
        RunTableRow(kind="params", key="lr", values=[0.1, 0.2, 0.1]),
    ]
    assert ["params.lr", "0.1", "0.2", "0.1"] in [line.split() for line in run_table_text(table).splitlines()]
    assert run_table_html(table).count("<tr>") == 3


def figure(position, *, title=None, mime="image/png"):
    plot = {"layout": {"title": {"text": title}}}
    data = {"application/vnd.plotly.v1+json": plot} if title else {mime: "iVBO"}
    return Output(position=position, kind="display_data", data=data, time=0.0)


def test_figures_stand_beside_each_other_by_title_else_by_position():
    text = Output(position=0, kind="stream", name="stdout", data={"text/plain": "x"}, time=0.0)
    a, b = figure(1), figure(2, title="ROC")
    c, d, e = figure(0, title="ROC"), figure(1), figure(2)
    table = figure_table([detail("a", outputs=[text, a, b]), detail("b", outputs=[c, d, e])])
    assert [(row.name, row.outputs) for row in table.rows] == [
        ("figure 1", [a, None]),
        ("ROC", [b, c]),
        ("figure 2", [None, d]),
        ("figure 3", [None, e]),
    ]


def test_axes_are_what_varies_with_scales_that_fit():
    runs = [
        a_run("a", params={"lr": 0.001, "opt": "sgd", "same": 1, "deep": True}, metrics={"acc": 0.5}),
        a_run("b", params={"lr": 1.0, "opt": "adam", "same": 1, "deep": False}, metrics={"acc": 0.75}),
        a_run("c", params={"lr": 0.1, "opt": "adam", "same": 1}, metrics={"acc": math.inf}),
    ]
    found = parallel_coordinates(runs)
    assert [(axis.key, axis.scale, axis.domain) for axis in found.axes] == [
        ("params.deep", "category", ["False", "True"]),
        ("params.lr", "log", [0.001, 1.0]),
        ("params.opt", "category", ["adam", "sgd"]),
        ("metrics.acc", "linear", [0.5, 0.75]),
    ]
    positions = [line.positions for line in found.lines]
    assert positions[0] == [1.0, 0.0, 1.0, 0.0]
    assert positions[1] == [0.0, 1.0, 0.0, 1.0]
    assert positions[2] == [None, pytest.approx(2 / 3), 0.0, None]
    assert found.lines[2].values == [None, 0.1, "adam", math.inf]


def test_extreme_numbers_have_a_place_within_the_axis():
    big = 1.7e308
    runs = [a_run(str(index), params={"x": value}) for index, value in enumerate((-big, 0.0, big))]
    assert [line.positions for line in parallel_coordinates(runs).lines] == [[0.0], [0.5], [1.0]]


def test_runs_without_anything_that_varies_have_no_axes():
    assert parallel_coordinates([a_run("a", params={"x": 1}), a_run("b", params={"x": 1})]).axes == []
    assert parallel_coordinates([]).lines == []
