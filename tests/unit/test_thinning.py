from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.protocols.points import Points
from jupyter_mlops.services.runs.thinning import FEWEST, thin


def curve(values: list[float]) -> Points:
    places = range(len(values))
    return Points(array("d", places), array("q", places), array("q", places), array("d", values))


numbers = st.floats(allow_nan=False)
curves = st.lists(numbers, min_size=1, max_size=300)
curves_with_gaps = st.lists(st.one_of(numbers, st.just(math.nan)), min_size=1, max_size=300)
limits = st.integers(0, 100)


@given(curves_with_gaps, limits)
def test_thinned_points_are_some_of_the_points_in_their_order(values: list[float], most: int) -> None:
    thinned = thin(curve(values), most)
    places = list(thinned.steps)
    assert places == sorted(set(places))
    assert [repr(value) for value in thinned.values] == [repr(values[place]) for place in places]
    assert len(places) <= max(most, FEWEST)


@given(curves_with_gaps, limits)
def test_ends_and_extremes_stay(values: list[float], most: int) -> None:
    thinned = thin(curve(values), most)
    assert (thinned.steps[0], thinned.steps[-1]) == (0, len(values) - 1)
    known = [value for value in values if value == value]
    kept = [value for value in thinned.values if value == value]
    assert (min(kept, default=None), max(kept, default=None)) == (
        min(known, default=None),
        max(known, default=None),
    )


@given(curves_with_gaps, limits)
def test_gaps_stay_to_be_seen(values: list[float], most: int) -> None:
    has_gap = any(math.isnan(value) for value in values)
    assert any(math.isnan(value) for value in thin(curve(values), most).values) is has_gap


@given(curves)
def test_short_curves_stay_as_they_are(values: list[float]) -> None:
    assert list(thin(curve(values), len(values))) == list(curve(values))


@pytest.mark.parametrize("place", [1, 4_999, 123_456, 999_998])
def test_single_spike_in_a_million_points_stays(place: int) -> None:
    values = [0.0] * 1_000_000
    values[place] = 1.0
    thinned = thin(curve(values), 500)
    assert place in thinned.steps
    assert len(thinned) <= 500


def test_every_part_of_the_curve_keeps_its_own_extremes() -> None:
    values = [math.sin(place / 50) for place in range(10_000)]
    thinned = thin(curve(values), 200)
    waves = 10_000 / (2 * math.pi * 50)
    assert sum(value > 0.99 for value in thinned.values) >= waves - 1
    assert sum(value < -0.99 for value in thinned.values) >= waves - 1
