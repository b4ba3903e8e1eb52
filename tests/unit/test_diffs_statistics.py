"""PSI and the Kolmogorov-Smirnov statistic against other ways to compute them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlops.services.diffs.statistics import (
    by_chance,
    counts_between,
    decile_edges,
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


def test_small_samples_of_one_distribution_are_rarely_said_to_move() -> None:
    random = np.random.default_rng(0)
    said = 0
    for _ in range(300):
        before, after = np.sort(random.normal(size=60)), np.sort(random.normal(size=60))
        edges = decile_edges(before)
        said += verdict(counts_between(before, edges), counts_between(after, edges)) != "stable"
    assert said / 300 < 0.08
    stats = optional("scipy.stats")
    assert by_chance(10, 60, 60) == pytest.approx(stats.chi2.ppf(0.99, 9) / 30, rel=0.01)


def test_deciles_of_repeated_values_are_fewer() -> None:
    assert decile_edges(np.zeros(100)) == [0.0]
    values = np.sort(np.array([0.0] * 80 + list(range(1, 21))))
    assert decile_edges(values) == pytest.approx([0.0, 0.2, 10.1])
    assert counts_between(values, [0.0, 0.2, 10.1]) == [0, 80, 10, 10]
