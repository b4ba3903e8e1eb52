"""How far a distribution has moved: the population stability index, and Kolmogorov's and Smirnov's statistic.

PSI is the sum over bins of (a - b) ln(a / b), of the shares before and after (S. Lewis, "An Introduction to
Credit Scoring", 1992). By the usual rule of thumb below 0.1 is stable, below 0.25 moderate, and above large.
It is not zero for two samples of the same: then it is distributed as (1/n + 1/m) times chi-squared with (bins
- 1) degrees of freedom (B. Yurdakul, "Statistical Properties of Population Stability Index", 2018), so that
what chance gives in one of a hundred cases is stable, whatever the rule says.

Values that share a bin may move unseen. PSI is the sum of both Kullback-Leibler divergences, so that without
bins it would be at least 4 V² by Pinsker's inequality (T. Cover, J. Thomas, "Elements of Information Theory",
lemma 11.6.1), where V is the total variation: half the sum of all differences of shares. The
Kolmogorov-Smirnov statistic is never above V. So 4 KS² is judged by the same thresholds.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from typing import Any

STABLE_BELOW = 0.1
LARGE_FROM = 0.25
LEAST_SHARE = 1e-4
"""Stands for the share of an empty bin, whose logarithm there is not; of few values half of one does."""
MOST_FLOORED = 0.1
"""So much all bins together may have that are empty, however many they are."""
Z_OF_99 = 2.3263478740408408
"""The 99th percentile of the normal distribution."""
BY_CHANCE = 0.01
MOST_HIDDEN = math.sqrt(LARGE_FROM / 4)
"""So large a total variation of what shares a bin were large for sure."""

STABLE, MODERATE, LARGE, NOT_COMPARED = "stable", "moderate", "large", "not compared"


def psi(before: Sequence[int], after: Sequence[int]) -> float | None:
    """The index of two counts over the same bins; None where one of them is empty."""
    n, m = sum(before), sum(after)
    if not n or not m:
        return None
    least = max(min(LEAST_SHARE, MOST_FLOORED / len(before)), 0.5 / n, 0.5 / m)
    shares = ((max(b / n, least), max(a / m, least)) for b, a in zip(before, after, strict=True))
    return sum((a - b) * math.log(a / b) for b, a in shares)


def verdict(
    before: Sequence[int],
    after: Sequence[int],
    *,
    distance: tuple[float, float] | None = None,
    hidden: float = 0.0,
) -> str:
    """stable, moderate or large; a column that was empty and is not, or became so, has moved far.

    ``distance`` is the Kolmogorov-Smirnov statistic with its p-value: what it says for sure, PSI does not
    take back. ``hidden`` is the total variation (0 to 1) of what shares a bin: where there is much of it,
    nothing is said to be stable, but not compared.
    """
    index = psi(before, after)
    if index is None:
        return STABLE if sum(before) == sum(after) else LARGE
    used = sum(1 for b, a in zip(before, after, strict=True) if b or a)
    if index < by_chance(used, sum(before), sum(after)):
        index = 0.0
    if distance is not None and distance[1] < BY_CHANCE:
        index = max(index, 4 * distance[0] ** 2)
    if index >= STABLE_BELOW:
        return MODERATE if index < LARGE_FROM else LARGE
    return STABLE if hidden < MOST_HIDDEN else NOT_COMPARED


def bins_within_chance(before: int, after: int) -> int:
    """In how many bins so many values may be counted, so that chance alone does not leave what is stable."""
    return bisect.bisect_right(
        range(before + after), STABLE_BELOW, key=lambda bins: by_chance(bins, before, after)
    )


def by_chance(bins: int, before: int, after: int) -> float:
    """What PSI reaches in one of a hundred pairs of samples of one distribution."""
    if bins < 2:
        return 0.0
    return _chi_squared_99(bins - 1) * (1 / before + 1 / after)


def ks(before: Any, after: Any) -> tuple[float, float] | None:
    """The largest distance of two empirical distribution functions, and its asymptotic p-value.

    ``before`` and ``after`` are sorted NumPy arrays, infinities among them. None where one is empty.
    """
    import numpy

    n, m = len(before), len(after)
    if not n or not m:
        return None
    points = numpy.concatenate([before, after])
    below_before = numpy.searchsorted(before, points, side="right") / n
    below_after = numpy.searchsorted(after, points, side="right") / m
    distance = float(numpy.max(numpy.abs(below_before - below_after)))
    root = math.sqrt(n * m / (n + m))
    return distance, kolmogorov((root + 0.12 + 0.11 / root) * distance)


def kolmogorov(value: float) -> float:
    """The probability that Kolmogorov's statistic is larger: 2 Σ (-1)^(j-1) exp(-2 j² λ²).

    With the correction of Stephens (1970) for small samples it is good to a few percent from 4 values on
    (W. H. Press and others, Numerical Recipes, 3rd edition, section 6.14.12).
    """
    if value < 0.2:  # where the series does not converge, it is 1 to 12 digits
        return 1.0
    terms = (2 * (-1) ** (j - 1) * math.exp(-2 * (j * value) ** 2) for j in range(1, 101))
    return min(1.0, max(0.0, math.fsum(terms)))


def _chi_squared_99(freedom: int) -> float:
    """Wilson's and Hilferty's approximation of the 99th percentile."""
    part = 2 / (9 * freedom)
    return float(freedom * (1 - part + Z_OF_99 * math.sqrt(part)) ** 3)
