"""Fewer points of a curve that look the same."""

from __future__ import annotations

from collections.abc import Sequence

from ...protocols.runs import Point


def thin(points: Sequence[Point], most: int) -> list[Point]:
    """At most ``most`` points (at least 4): first, last, and the extremes of equal parts, in order.

    A part with no numbers but NaN keeps one of them, so that gaps stay to be seen.
    """
    most = max(4, most)
    if len(points) <= most:
        return list(points)
    parts = (most - 2) // 2
    inner = len(points) - 2
    kept = {0, len(points) - 1}
    for part in range(parts):
        start, end = 1 + inner * part // parts, 1 + inner * (part + 1) // parts
        numbers = [i for i in range(start, end) if points[i][3] == points[i][3]]
        if numbers:
            kept.add(min(numbers, key=lambda i: points[i][3]))
            kept.add(max(numbers, key=lambda i: points[i][3]))
        else:
            kept.add(start)
    return [points[i] for i in sorted(kept)]
