"""Numbers in bins: deciles, what is common alone, infinities."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jupyter_mlops.services.diffs.bins import Bins, bins_of

INF = math.inf


@pytest.mark.parametrize(
    ("before", "after", "bins"),
    [
        pytest.param([0] * 95 + [2] * 5, [0] * 80 + [1] * 20, ([0, 0, 2], [95, 5], [80, 20]), id="zeros"),
        pytest.param([0] * 95 + [2] * 5, [-1] * 3 + [0], ([-1, 0, 0, 2], [0, 95, 5], [3, 1, 0]), id="below"),
        pytest.param([5] * 9, [5] * 4, ([5, 5], [9], [4]), id="constant"),
        pytest.param([5] * 9, [4, 5, 6], ([4, 5, 5, 6], [0, 9, 0], [1, 1, 1]), id="was constant"),
        pytest.param(
            [0, 1, 2, 3] * 5, [0, 0, 0, 3], ([0, 1, 2, 3, 3], [5, 5, 5, 5], [3, 0, 0, 1]), id="few integers"
        ),
        pytest.param(
            [0, 1] * 5, [0, 0.5, 1], ([0, 0.5, 1, 1], [5, 0, 5], [1, 1, 1]), id="between what is common"
        ),
        pytest.param([1.0], [-INF, INF, 1.0], ([-INF, 1, INF, INF], [0, 1, 0], [1, 1, 1]), id="ends"),
        pytest.param([INF] * 2, [INF], ([INF, INF], [2], [1]), id="only infinities"),
        pytest.param([], [1.0, 2.0], ([1, 2], [0], [2]), id="was empty"),
        pytest.param([1.0, 2.0], [], None, id="became empty"),
        pytest.param([], [], ([], [], []), id="empty"),
    ],
)
def test_bins(before: list[float], after: list[float], bins: tuple[list[float], ...] | None) -> None:
    found = bins_of(np.sort(np.array(before, float)), np.sort(np.array(after, float)))
    if bins is not None:
        assert found == Bins(edges=bins[0], before=bins[1], after=bins[2])
    assert (sum(found.before), sum(found.after)) == (len(before), len(after))


@pytest.mark.parametrize("seed", range(20))
def test_each_value_is_in_one_bin_as_its_edges_say(seed: int) -> None:
    """Of mixtures of common, continuous and infinite values."""
    random = np.random.default_rng(seed)

    def some() -> np.ndarray:
        size = int(random.integers(1, 300))
        parts = [
            random.normal(size=size),
            random.integers(-2, 3, size),
            np.full(size, random.choice([0, INF])),
        ]
        return np.sort(np.choose(random.integers(0, 3, size), parts))

    before, after = some(), some()
    found = bins_of(before, after)
    for values, counts in ((before, found.before), (after, found.after)):
        assert counts == [_in_bin(values, found.edges, number) for number in range(len(counts))]
    assert all(x or y for x, y in zip(found.before, found.after, strict=True))


def _in_bin(values: np.ndarray, edges: list[float], number: int) -> int:
    """As the docstring of Bins says it."""
    low, high = edges[number], edges[number + 1]
    if low == high:
        return int((values == low).sum())
    alone = number > 0 and edges[number - 1] == low
    inside = (values > low if alone else values >= low) & (values < high)
    if number == len(edges) - 2:
        inside |= values == high
    return int(inside.sum())
