"""Lineage as a picture in SVG: escaped, with the theme's colours, and with nothing that runs.

Nodes stand in columns by their distance from the focus, what led to it on its left and what it led to on its
right.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from ...entities import Edge, Impact, Lineage, Node, short_id
from .lineage_text import impact_text, node_text

WIDTH, HEIGHT = 168, 38
GAP_X, GAP_Y = 64, 12
MARGIN = 8
MOST_IN_COLUMN = 25
LONGEST = 24

COLOURS = {
    "dataset": "var(--jp-info-color1, #0288d1)",
    "view": "var(--jp-success-color1, #388e3c)",
    "model": "var(--jp-warn-color1, #f57c00)",
    "alias": "var(--jp-error-color1, #d32f2f)",
}
PLAIN = "var(--jp-border-color1, #9e9e9e)"
TEXT = "var(--jp-ui-font-color1, #212121)"
FAINT = "var(--jp-ui-font-color2, #616161)"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node's box begins."""

    x: int
    y: int


def lineage_html(lineage: Lineage) -> str:
    """The picture; what a column has no room for is counted below it."""
    columns = _columns(lineage)
    places, more = _places(columns)
    drawn = {node.id: node for node in lineage.nodes if node.id in places}
    arrows = [edge for edge in lineage.edges if edge.source in places and edge.target in places]
    width = 2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X
    deepest = max((place.y for place in places.values()), default=0)
    height = deepest + HEIGHT + MARGIN + (20 if more else 0)
    parts = [
        *(_arrow(edge, places) for edge in arrows),
        *(_box(node, places[node.id], is_focus=node.id == lineage.focus) for node in drawn.values()),
        *(_more(x, count, height) for x, count in more),
    ]
    label = escape(f"Lineage of {lineage.focus}", quote=True)
    return (
        f'<div class="jp-mlops-lineage" style="overflow-x: auto">'
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{label}" width="{width}" '
        f'height="{height}" font-family="var(--jp-ui-font-family, sans-serif)" font-size="12">'
        f"{''.join(parts)}</svg></div>"
    )


def impact_html(impact: Impact) -> str:
    """The list above the picture."""
    picture = lineage_html(impact.lineage) if impact.lineage and len(impact.lineage.nodes) > 1 else ""
    return f'<pre style="margin: 0 0 8px">{escape(impact_text(impact))}</pre>{picture}'


def _columns(lineage: Lineage) -> list[list[str]]:
    """The nodes by their distance from the focus, those that led to it first."""
    up, down = defaultdict(list), defaultdict(list)
    for edge in lineage.edges:
        up[edge.target].append(edge.source)
        down[edge.source].append(edge.target)
    distances = {lineage.focus: 0}
    for ways, sign in ((up, -1), (down, 1)):
        queue = deque([lineage.focus])
        while queue:
            here = queue.popleft()
            for other in ways.get(here, ()):
                if other not in distances:
                    distances[other] = distances[here] + sign
                    queue.append(other)
    found: dict[int, list[str]] = defaultdict(list)
    for node in lineage.nodes:
        found[distances.get(node.id, 1)].append(node.id)
    return [found[distance] for distance in sorted(found)]


def _places(columns: Iterable[list[str]]) -> tuple[dict[str, Place], list[tuple[int, int]]]:
    """The boxes, and how many more there are in the column at each x."""
    places: dict[str, Place] = {}
    more: list[tuple[int, int]] = []
    for number, nodes in enumerate(columns):
        x = MARGIN + number * (WIDTH + GAP_X)
        for row, node in enumerate(nodes[:MOST_IN_COLUMN]):
            places[node] = Place(x, MARGIN + row * (HEIGHT + GAP_Y))
        if len(nodes) > MOST_IN_COLUMN:
            more.append((x, len(nodes) - MOST_IN_COLUMN))
    return places, more


def _box(node: Node, place: Place, *, is_focus: bool) -> str:
    kind, _, key = node.id.partition(":")
    below = " · ".join(filter(None, [kind, short_id(key) if kind in ("run", "job") else "", node.status]))
    label = node.label if len(node.label) <= LONGEST else node.label[: LONGEST - 1] + "…"
    edge = f'stroke="{COLOURS.get(kind, PLAIN)}" stroke-width="{3 if is_focus else 1.5}"'
    return (
        f"<g><title>{escape(f'{node_text(node)} {node.id}')}</title>"
        f'<rect x="{place.x}" y="{place.y}" width="{WIDTH}" height="{HEIGHT}" rx="4" {edge} '
        f'fill="var(--jp-layout-color1, #fff)"/>'
        f'<text x="{place.x + 8}" y="{place.y + 16}" fill="{TEXT}">{escape(label)}</text>'
        f'<text x="{place.x + 8}" y="{place.y + 30}" fill="{FAINT}" font-size="10">{escape(below)}</text></g>'
    )


def _arrow(edge: Edge, places: Mapping[str, Place]) -> str:
    """From a box's right to the next one's left; the small circle is where it ends."""
    source, target = places[edge.source], places[edge.target]
    x1, y1 = source.x + WIDTH, source.y + HEIGHT // 2
    x2, y2 = target.x, target.y + HEIGHT // 2
    bend = max(GAP_X // 2, abs(x2 - x1) // 2)
    return (
        f'<g><title>{escape(edge.relation)}</title><path d="M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} '
        f'{x2} {y2}" fill="none" stroke="{PLAIN}"/><circle cx="{x2}" cy="{y2}" r="2.5" fill="{PLAIN}"/></g>'
    )


def _more(x: int, count: int, height: int) -> str:
    return f'<text x="{x}" y="{height - 6}" fill="{FAINT}">and {count} more</text>'
