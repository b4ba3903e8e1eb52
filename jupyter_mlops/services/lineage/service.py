"""Where a thing comes from, what it led to, and what breaks if it is bad."""

from __future__ import annotations

from collections.abc import Callable

from ...entities import Impact, Lineage, VersionRef
from ...errors import InvalidInput
from ...protocols.lineage import RegistryLinks, RunLinks
from .labels import LabelledJobs, LabelledRuns, labelled
from .links import Links
from .naming import Namer
from .nodes import by_kind, pending_of, version_node, version_of
from .walking import Walk, walk_down, walk_up

LIMIT = 500
"""Nodes in one picture; the nearest to its focus are kept."""

DIRECTIONS = ("both", "up", "down")


class LineageService:
    """The graph of runs, jobs, notebooks, datasets, feature views, models and their aliases.

    A node may be given as people write it: see ``naming``.
    """

    def __init__(
        self,
        runs: LabelledRuns,
        jobs: LabelledJobs,
        *,
        run_links: RunLinks,
        registry_links: RegistryLinks,
        refresh: Callable[[], object] = lambda: None,
    ) -> None:
        self._runs = runs
        self._jobs = jobs
        self._registry = registry_links
        self._refresh = refresh
        self._links = Links(run_links, registry_links)
        self._namer = Namer(runs, jobs, registry_links, run_links)

    def node(self, text: str) -> str:
        """The node that people mean, by its whole id. Raises NotFound, Ambiguous, InvalidInput."""
        self._refresh()
        return self._namer.node(text)

    def graph(self, node: str, direction: str = "both") -> Lineage:
        """All that led to a node, all that it led to, or both; the nearest where they are very many.

        Arrows are followed back from the focus, and forward from it, but not back and forth: another run
        that read the same dataset is no kin. What is missing around the focus is shown as unknown. Raises
        NotFound for the focus itself, Ambiguous, and InvalidInput for a text of another form.
        """
        if direction not in DIRECTIONS:
            raise InvalidInput(f"direction is {', '.join(DIRECTIONS)}, not {direction!r}.")
        focus, walk = self.node(node), Walk()
        if direction != "down":
            walk_up(self._links, focus, walk, limit=LIMIT)
        if direction != "up":
            walk_down(self._links, focus, walk, limit=LIMIT)
        return self._picture(focus, walk)

    def impact(self, node: str) -> Impact:
        """What would have to be looked at again if a node were bad: all that it led to, however much.

        Raises NotFound, Ambiguous, InvalidInput.
        """
        focus, walk = self.node(node), Walk()
        walk_down(self._links, focus, walk)
        found = by_kind(each for each in walk.nodes if each != focus)
        return Impact(
            focus=focus,
            datasets=self._versions("dataset", walk, focus),
            views=self._versions("view", walk, focus),
            runs=found["run"],
            jobs=found["job"],
            models=self._versions("model", walk, focus),
            aliases=found["alias"],
            lineage=self._picture(focus, self._nearest(walk)),
        )

    def _versions(self, kind: str, walk: Walk, focus: str) -> list[VersionRef]:
        nodes = [each for each in walk.nodes if each.startswith(f"{kind}:") and each != focus]
        wanted = {node: version_of(node) or pending_of(node) for node in nodes}
        known = self._registry.origins([each for each in wanted.values() if each.version is not None])
        return list((wanted | {version_node(each.version): each.version for each in known}).values())

    @staticmethod
    def _nearest(walk: Walk) -> Walk:
        """As much of it as a picture can show."""
        if len(walk.nodes) <= LIMIT:
            return walk
        near = Walk(nodes=dict.fromkeys([*walk.nodes][:LIMIT]), truncated=True)
        near.keep(walk.edges)
        return near

    def _picture(self, focus: str, walk: Walk) -> Lineage:
        walk.keep(self._links.up(walk.nodes))  # arrows among those that were found on different ways
        return Lineage(
            focus=focus,
            nodes=labelled([*walk.nodes], self._runs, self._jobs, self._registry),
            edges=[*walk.edges],
            truncated=walk.truncated,
        )
