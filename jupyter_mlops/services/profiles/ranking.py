"""The commonest of many."""

from __future__ import annotations

from collections import Counter

OTHERS = "(others)"


def commonest(counts: Counter[str], most: int) -> dict[str, int]:
    """The ``most`` commonest, those that are equally common by name; the rest together as ``(others)``."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[most:])
    return dict(ranked[:most]) | ({OTHERS: rest} if rest else {})
