from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import pytest

from jupyter_mlops.entities import MetricSummary
from jupyter_mlops.protocols.points import NO_STEP, Points, summarize

Row = tuple[float, int, int | None, float]


def points_of(rows: Sequence[Row]) -> Points:
    times, numbers, steps, values = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Points(
        array("d", times),
        array("q", numbers),
        array("q", [NO_STEP if step is None else step for step in steps]),
        array("d", values),
    )


ROWS: list[Row] = [(1.0, 1, 0, 0.5), (2.0, 2, None, 0.25), (3.0, 3, 7, 0.75)]


def test_points_read_as_rows() -> None:
    assert list(points_of(ROWS)) == ROWS
    assert points_of(ROWS).steps_or_none() == [0, None, 7]
    assert list(points_of([])) == []


def test_parts_are_copies() -> None:
    whole = points_of(ROWS)
    part = whole.part(1, 3)
    part.extend(points_of(ROWS[:1]))
    assert list(part) == [*ROWS[1:], ROWS[0]]
    assert list(whole) == ROWS


@pytest.mark.parametrize("places", [[], [1], [2, 0], [0, 1, 2]])
def test_points_at_places_stand_in_the_order_asked_for(places: list[int]) -> None:
    assert list(points_of(ROWS).at(places)) == [ROWS[place] for place in places]


def test_nothing_has_no_points_anywhere() -> None:
    assert len(Points().at([])) == 0


@pytest.mark.parametrize(
    ("stamps", "in_order", "latest"),
    [
        ([(1.0, 1), (1.0, 2), (2.0, 3)], True, 2),
        ([(1.0, 1), (3.0, 2), (2.0, 3)], False, 1),
        ([(1.0, 2), (1.0, 1)], False, 0),
        ([(1.0, 2), (2.0, 1)], True, 1),
        ([(1.0, 1), (1.0, 3), (1.0, 2)], False, 1),
    ],
)
def test_order_is_by_time_and_then_number(
    stamps: list[tuple[float, int]], in_order: bool, latest: int
) -> None:
    points = points_of([(time, number, None, 0.0) for time, number in stamps])
    assert points.in_order is in_order
    assert points.latest() == latest


@pytest.mark.parametrize(
    ("values", "least", "greatest"),
    [
        ([2.0, -1.0, 1.0], -1.0, 2.0),
        ([math.nan, 3.0, math.nan, 1.0], 1.0, 3.0),
        ([math.inf, -math.inf, 0.0], -math.inf, math.inf),
        ([math.inf, 1.0], 1.0, math.inf),
    ],
)
def test_summary_leaves_nan_out_where_there_are_numbers(
    values: list[float], least: float, greatest: float
) -> None:
    points = points_of([(float(i), i, i, value) for i, value in enumerate(values)])
    assert summarize(points) == MetricSummary(
        last=values[-1], min=least, max=greatest, count=len(values), last_step=len(values) - 1
    )


def test_summary_of_nothing_but_nan_is_nan() -> None:
    summary = summarize(points_of([(1.0, 1, None, math.nan)]))
    assert all(math.isnan(value) for value in (summary.last, summary.min, summary.max))
    assert (summary.count, summary.last_step) == (1, None)


@pytest.mark.parametrize("values", [[0.0, -0.0], [-0.0, 0.0]])
def test_sign_of_zero_does_not_depend_on_the_order(values: list[float]) -> None:
    summary = summarize(points_of([(float(i), i, i, value) for i, value in enumerate(values)]))
    assert (math.copysign(1, summary.min), math.copysign(1, summary.max)) == (1, 1)


def test_last_is_that_of_the_latest_record_not_of_the_last_line() -> None:
    summary = summarize(points_of([(2.0, 5, 50, 0.5), (1.0, 6, 60, 0.6)]))
    assert (summary.last, summary.last_step) == (0.5, 50)
