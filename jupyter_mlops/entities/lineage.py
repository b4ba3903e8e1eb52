"""Where things come from and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from .runs import VersionRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A thing in the lineage graph.

    ``id`` is ``run:<id>``, ``job:<id>``, ``dataset:<name>@<version>``, ``view:<name>@<version>``,
    ``model:<name>@<version>``, ``alias:<model>@<alias>`` (of a dataset ``alias:dataset:<name>@<alias>``) or
    ``notebook:<path>``. A version without a number yet is ``<name>@pending``.
    """

    id: str
    kind: str
    label: str
    status: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``source`` led to ``target``.

    A version is ``read`` by a run; a run ``registered`` a version and ``submitted`` a job, which ``ran`` as a
    run; a run or a notebook ``contains`` runs, and a notebook ``submitted`` what no run did. A dataset is
    ``computed`` into a view or another dataset, and what a view gives is ``materialized`` from it. A version
    is ``named`` by an alias.
    """

    source: str
    target: str
    relation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """The graph around one node: all that led to it and all that it led to.

    ``truncated`` when there is more than a graph can show.
    """

    focus: str
    nodes: list[Node]
    edges: list[Edge]
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What would have to be looked at again if the focus were bad: all that it led to.

    ``aliases`` are the names that stand for one of these versions, or for the focus, now:
    ``digits@champion``, of a dataset ``dataset:train@gold``. The lists are whole; ``lineage`` is as much of
    it as a picture shows.
    """

    focus: str
    datasets: list[VersionRef] = field(default_factory=list)
    views: list[VersionRef] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    models: list[VersionRef] = field(default_factory=list)
    aliases: list[str] = field(default_factory=list)
    lineage: Lineage | None = None
