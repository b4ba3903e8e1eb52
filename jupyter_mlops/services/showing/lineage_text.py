"""Lineage as an indented tree of text, and what breaks as a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...entities import Edge, Impact, Lineage, Node, reference_text, short_id
from ..quantities import counted
from .tables import facts

MOST_BRANCHES = 20
"""Of more, the rest is counted."""
MOST_LISTED = 12

UP = {
    "read": "read",
    "registered": "registered by",
    "ran": "ran by",
    "submitted": "submitted by",
    "contains": "part of",
    "computed": "computed from",
    "materialized": "given by",
    "named": "stands for",
}
DOWN = {
    "read": "read by",
    "registered": "registered",
    "ran": "ran as",
    "submitted": "submitted",
    "contains": "contains",
    "computed": "computed into",
    "materialized": "gave",
    "named": "named",
}
"""What an arrow is called on the way back, and forth."""

Branch = tuple[str, str]
"""What the arrow is called, and the node at its other end."""


def lineage_text(lineage: Lineage) -> str:
    """What led to the focus above what it led to; a node that comes again is not followed again."""
    nodes = {node.id: node for node in lineage.nodes}
    up, down = branches(lineage.edges)
    parts = []
    for title, ways in (("comes from", up), ("led to", down)):
        if lineage.focus in ways:
            lines = [node_text(nodes[lineage.focus]), *_tree(lineage.focus, ways, nodes, {lineage.focus})]
            parts.append(f"{title}:\n" + "\n".join(lines))
    if not parts:
        parts.append(f"{node_text(nodes[lineage.focus])}\nNothing is known that led to it or that it led to.")
    if lineage.truncated:
        parts.append(
            f"Only the nearest {len(nodes)} are shown. All that it led to: "
            f"jupyter_mlops.impact({lineage.focus!r})"
        )
    return "\n\n".join(parts)


def branches(edges: Iterable[Edge]) -> tuple[dict[str, list[Branch]], dict[str, list[Branch]]]:
    """The arrows at each node, back and forth."""
    up: dict[str, list[Branch]] = defaultdict(list)
    down: dict[str, list[Branch]] = defaultdict(list)
    for edge in edges:
        up[edge.target].append((UP.get(edge.relation, edge.relation), edge.source))
        down[edge.source].append((DOWN.get(edge.relation, edge.relation), edge.target))
    return dict(up), dict(down)


def node_text(node: Node) -> str:
    """``run train · 7xk2qp (finished)``."""
    kind, _, key = node.id.partition(":")
    name = f"{node.label} · {short_id(key)}" if kind in ("run", "job") else node.label
    status = "" if node.status in ("", "ready") else f" ({node.status})"
    return f"{kind} {name}{status}"


def _tree(
    begin: str, ways: Mapping[str, Sequence[Branch]], nodes: Mapping[str, Node], seen: set[str]
) -> Iterator[str]:
    """The lines below a node. Not by recursion: a chain of runs may be longer than Python's stack."""
    open_branches = [(iter(_shown(begin, ways)), "")]
    while open_branches:
        branch, indent = open_branches[-1]
        item = next(branch, None)
        if item is None:
            open_branches.pop()
            continue
        (word, node), last = item
        again = node in seen and node in ways
        yield f"{indent}{'└─' if last else '├─'} " + _line(word, node, nodes, again=again)
        if node and node not in seen:
            seen.add(node)
            open_branches.append((iter(_shown(node, ways)), indent + ("   " if last else "│  ")))


def _shown(node: str, ways: Mapping[str, Sequence[Branch]]) -> list[tuple[Branch, bool]]:
    """The branches of a node, and whether each is its last; the last one may stand for those left out."""
    found = [*ways.get(node, ())]
    if len(found) > MOST_BRANCHES:
        found = [*found[: MOST_BRANCHES - 1], (f"… and {len(found) - MOST_BRANCHES + 1} more", "")]
    return [(branch, number == len(found)) for number, branch in enumerate(found, start=1)]


def _line(word: str, node: str, nodes: Mapping[str, Node], *, again: bool) -> str:
    if not node:
        return word
    return f"{word} {node_text(nodes[node])}" + (" …" if again else "")


def impact_text(impact: Impact) -> str:
    """How much of each kind, the aliases and models first: those are what somebody uses now."""
    found = {
        "aliases": impact.aliases,
        "models": list(map(reference_text, impact.models)),
        "datasets": list(map(reference_text, impact.datasets)),
        "views": list(map(reference_text, impact.views)),
        "runs": list(map(short_id, impact.runs)),
        "jobs": list(map(short_id, impact.jobs)),
    }
    if not any(found.values()):
        return f"Nothing was made from {impact.focus}."
    title = f"If {impact.focus} is bad, so may be {_sum(found)}:"
    return f"{title}\n" + facts({name: _listed(values) for name, values in found.items()})


def _sum(found: Mapping[str, Sequence[str]]) -> str:
    words = {"aliases": "alias", "views": "feature view"}
    parts = [
        counted(len(values), words.get(name, name[:-1]), "aliases" if name == "aliases" else "")
        for name, values in found.items()
        if values
    ]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _listed(values: Sequence[str]) -> str:
    more = f", … and {len(values) - MOST_LISTED} more" if len(values) > MOST_LISTED else ""
    return ", ".join(values[:MOST_LISTED]) + more
