"""Numbers in bins: of a tenth of the values each, and what is there often in one of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

COMMON = 0.1
"""A number that has so large a share is a bin of its own, as those of deciles have."""

_Cut = tuple[float, bool]
"""Between two bins: below a number, or (True) above it."""
_SIDES: dict[bool, Literal["left", "right"]] = {False: "left", True: "right"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """``before[i]`` values lie from ``edges[i]`` to ``edges[i + 1]``.

    A bin has its first edge and not its last one; but the last bin has both, and after a bin whose edges are
    equal, which holds that number alone, the next one begins above it. No bin is empty on both sides.
    """

    edges: list[float]
    before: list[int]
    after: list[int]


def bins_of(before: Any, after: Any) -> Bins:
    """Two sorted NumPy arrays in bins of the deciles of the first; each infinity is a bin of its own."""
    import numpy

    ends = [float(each[at]) for each in (before, after) if len(each) for at in (0, -1)]
    if not ends:
        return Bins(edges=[], before=[], after=[])
    places: dict[tuple[int, int], float] = {}
    for number, above in _cuts(before):
        ours, theirs = (int(numpy.searchsorted(each, number, _SIDES[above])) for each in (before, after))
        places[ours, theirs] = number  # of two cuts with nothing between them the later one stays
    whole = (len(before), len(after))
    inner = {place: number for place, number in places.items() if place not in ((0, 0), whole)}
    counts = numpy.diff([(0, 0), *inner, whole], axis=0)
    return Bins(
        edges=[min(ends), *inner.values(), max(ends)],
        before=[int(count) for count in counts[:, 0]],
        after=[int(count) for count in counts[:, 1]],
    )


def _deciles(values: Any) -> list[float]:
    import numpy

    if not len(values):
        return []
    return [float(edge) for edge in numpy.unique(numpy.quantile(values, numpy.arange(1, 10) / 10))]


def _cuts(values: Any) -> list[_Cut]:
    import numpy

    finite = values[numpy.isfinite(values)]
    cuts: set[_Cut] = {(-numpy.inf, True), (numpy.inf, False)}
    for edge in _deciles(finite):
        cuts.add((edge, False))
        first, last = (numpy.searchsorted(finite, edge, side=side) for side in ("left", "right"))
        if last - first >= COMMON * len(finite):
            cuts.add((edge, True))
    return sorted(cuts)
