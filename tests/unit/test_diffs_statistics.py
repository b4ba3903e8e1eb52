"""PSI and the Kolmogorov-Smirnov statistic against other ways to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlops.services.diffs.bins import bins_of
from jupyter_mlops.services.diffs.statistics import (
    MOST_HIDDEN,
    bins_within_chance,
    by_chance,
    kolmogorov,
    ks,
    psi,
    verdict,
)
from tests.optional import optional


@pytest.mark.parametrize("moved", [0.0, 0.05, 0.2, 1.0])
@pytest.mark.parametrize(("n", "m"), [(2000, 2000), (300, 5000)])
def test_ks_is_scipys(moved: float, n: int, m: int) -> None:
    stats = optional("scipy.stats")
    random = np.random.default_rng(7)
    before, after = np.sort(random.normal(0, 1, n)), np.sort(random.normal(moved, 1, m))
    theirs = stats.ks_2samp(before, after, method="asymp")
    found = ks(before, after)
    assert found is not None
    assert found[0] == pytest.approx(theirs.statistic)
    assert found[1] == pytest.approx(theirs.pvalue, rel=0.1, abs=1e-9)


@pytest.mark.parametrize("ends", [(0.0, 0.5), (0.3, 0.3), (0.1, 0.0), (1.0, 1.0)])
def test_ks_counts_infinities_as_scipys_does(ends: tuple[float, float]) -> None:
    stats = optional("scipy.stats")
    random = np.random.default_rng(3)
    before, after = random.normal(0, 1, 1000), random.normal(0, 1, 1000)
    before[random.random(1000) < ends[0]] = -np.inf
    after[random.random(1000) < ends[1]] = np.inf
    theirs = stats.ks_2samp(before, after, method="asymp")
    found = ks(np.sort(before), np.sort(after))
    assert found is not None
    assert found == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue, rel=0.1, abs=1e-9))


def test_kolmogorovs_distribution_is_scipys() -> None:
    special = optional("scipy.special")
    for value in (0.05, 0.3, 0.5, 0.9, 1.36, 2.0, 4.0):
        assert kolmogorov(value) == pytest.approx(float(special.kolmogorov(value)), abs=1e-9)


def test_ks_of_ties_and_of_nothing() -> None:
    assert ks(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0])) == (
        pytest.approx(1 / 3),
        pytest.approx(1.0, abs=0.05),
    )
    assert ks(np.array([]), np.array([1.0])) is None


def test_psi_is_that_of_a_computation_by_hand() -> None:
    by_hand = (0.2 - 0.5) * math.log(0.2 / 0.5) + (0.8 - 0.5) * math.log(0.8 / 0.5)
    assert psi([50, 50], [20, 80]) == pytest.approx(by_hand)
    assert psi([5, 5], [500, 500]) == 0.0
    assert psi([0, 0], [1, 2]) is None
    assert psi([1000, 0], [0, 1000]) == pytest.approx(2 * 0.9995 * math.log(1 / 0.0005))


def test_verdicts_follow_the_thresholds() -> None:
    n = 10_000
    assert verdict([n, n], [n, n]) == "stable"
    assert verdict([n, n], [int(n * 0.7), int(n * 1.3)]) == "stable"  # PSI 0.09
    assert verdict([n, n], [int(n * 0.6), int(n * 1.4)]) == "moderate"  # 0.17
    assert verdict([n, n], [int(n * 0.4), int(n * 1.6)]) == "large"  # 0.42
    assert verdict([0, 0], [0, 0]) == "stable"
    assert verdict([n, 0], [0, 0]) == "large"


def test_what_ks_says_for_sure_decides_where_psi_is_smaller() -> None:
    same = ([1000, 1000], [1000, 1000])
    assert verdict(*same, distance=(0.15, 1e-9)) == "stable"  # 4 KS² is 0.09
    assert verdict(*same, distance=(0.2, 1e-9)) == "moderate"
    assert verdict(*same, distance=(0.25, 1e-9)) == "large"
    assert verdict(*same, distance=(0.5, 0.02)) == "stable"  # chance
    assert verdict([1000, 0], [0, 1000], distance=(0.0, 1.0)) == "large"


def test_what_may_have_moved_unseen_is_not_called_stable() -> None:
    assert verdict([1000], [1000], hidden=MOST_HIDDEN - 0.01) == "stable"
    assert verdict([1000], [1000], hidden=MOST_HIDDEN) == "not compared"
    assert verdict([1000, 0], [0, 1000], hidden=1.0) == "large"


@pytest.mark.parametrize(("n", "m"), [(20_000, 20_000), (1000, 50_000), (1, 1)])
def test_bins_are_as_many_as_chance_leaves_stable(n: int, m: int) -> None:
    bins = bins_within_chance(n, m)
    assert by_chance(bins - 1, n, m) <= 0.1 < by_chance(bins + 1, n, m)


@pytest.mark.parametrize("values", [100, 5000, 100_000])
def test_all_of_many_values_that_changed_are_large(values: int) -> None:
    assert verdict([20] * values + [0] * values, [0] * values + [20] * values) == "large"


def test_small_samples_of_one_distribution_are_rarely_said_to_move() -> None:
    random = np.random.default_rng(0)
    said = 0
    for _ in range(300):
        before, after = np.sort(random.normal(size=60)), np.sort(random.normal(size=60))
        bins = bins_of(before, after)
        said += verdict(bins.before, bins.after, distance=ks(before, after)) != "stable"
    assert said / 300 < 0.08
    stats = optional("scipy.stats")
    assert by_chance(10, 60, 60) == pytest.approx(stats.chi2.ppf(0.99, 9) / 30, rel=0.01)
