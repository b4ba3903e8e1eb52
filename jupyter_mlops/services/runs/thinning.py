"""Fewer points of a curve that look the same."""

from __future__ import annotations

from ...protocols.points import Points

FEWEST = 5
"""The ends, the extremes between them, and a gap."""


def thin(points: Points, most: int) -> Points:
    """At most ``most`` points (at least FEWEST): the ends, and the extremes of equal parts, in order.

    A part with NaN keeps one of them, too, so that gaps stay to be seen.
    """
    most = max(FEWEST, most)
    return points if len(points) <= most else points.at(_kept(points, most))


def _kept(points: Points, most: int) -> list[int]:
    import numpy as np  # here, so that who thins nothing need not wait for it

    values = np.asarray(points.values)
    inner = values[1:-1]
    has_gaps = bool(np.isnan(values).any())
    parts = (most - 2) // (3 if has_gaps else 2)
    width = -(-len(inner) // parts)
    rows = np.pad(inner, (0, -len(inner) % width), mode="edge").reshape(-1, width)
    starts = 1 + width * np.arange(len(rows))
    if has_gaps:
        gaps = np.isnan(rows)
        kept = [
            starts + np.where(gaps, np.inf, rows).argmin(axis=1),
            starts + np.where(gaps, -np.inf, rows).argmax(axis=1),
            (starts + gaps.argmax(axis=1))[gaps.any(axis=1)],
        ]
    else:
        kept = [starts + rows.argmin(axis=1), starts + rows.argmax(axis=1)]
    places: list[int] = np.unique(np.concatenate([[0, len(points) - 1], *kept])).tolist()
    return places
