"""Following arrows level by level: complete, or as far as a picture goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from ...entities import Edge
from .links import Links, leads_down, leads_up


@dataclass(slots=True)
class Walk:
    """What was found so far: nodes in the order of their distance, and the arrows among them."""

    nodes: dict[str, None] = field(default_factory=dict)
    edges: dict[Edge, None] = field(default_factory=dict)
    truncated: bool = False

    def keep(self, edges: Iterable[Edge]) -> None:
        """Those whose ends are both here."""
        self.edges.update(
            (edge, None) for edge in edges if edge.source in self.nodes and edge.target in self.nodes
        )


def walk_down(links: Links, begin: str, walk: Walk, *, limit: int | None = None) -> None:
    """All that ``begin`` led to; not more than ``limit`` nodes in all, the nearest first."""
    _follow(links.down, begin, walk, lambda edge: edge.target, leads_down, limit)


def walk_up(links: Links, begin: str, walk: Walk, *, limit: int | None = None) -> None:
    """All that led to ``begin``, as ``walk_down``."""
    _follow(links.up, begin, walk, lambda edge: edge.source, leads_up, limit)


def _follow(
    step: Callable[[Iterable[str]], list[Edge]],
    begin: str,
    walk: Walk,
    end_of: Callable[[Edge], str],
    leads: Callable[[Edge], bool],
    limit: int | None,
) -> None:
    walk.nodes.setdefault(begin)
    level, followed = [begin], {begin}
    while level:
        edges = step(level)
        level = []
        for edge in edges:
            end = end_of(edge)
            if end not in walk.nodes:
                if limit is not None and len(walk.nodes) >= limit:
                    walk.truncated = True
                    continue
                walk.nodes[end] = None
            if end not in followed and leads(edge):
                followed.add(end)
                level.append(end)
        walk.keep(edges)
