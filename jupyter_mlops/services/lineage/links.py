"""One step along the arrows, for any number of nodes at once.

A feature view is a definition, computed on one version of its source after the other: who comes to it from a
dataset goes on to what was computed from that version, and not to what the view gave of another one; nor is
that made from what the run had read in which somebody wrote the definition down. A view that is met so is
shown, and not followed (``leads_down``, ``leads_up``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ...entities import Edge, VersionRef
from ...protocols.lineage import Origin, RegistryLinks, RunLinks
from .nodes import alias_node, alias_parts, by_kind, version_node, version_of


class Step(list[Edge]):
    """The arrows at some nodes."""

    def add(self, source: str, relation: str, target: str) -> None:
        self.append(Edge(source=source, target=target, relation=relation))


def leads_down(edge: Edge) -> bool:
    """Whether what an arrow points at is to be followed from where it begins."""
    return not edge.target.startswith("view:")


def leads_up(edge: Edge) -> bool:
    """Whether where an arrow begins is to be followed from what it points at."""
    return edge.relation != "materialized"


class Links:
    """What the index of runs and the registry know together."""

    def __init__(self, runs: RunLinks, registry: RegistryLinks) -> None:
        self._runs = runs
        self._registry = registry

    # ------------------------------------------------------------ down
    def down(self, nodes: Iterable[str]) -> Step:
        """What these nodes led to."""
        step, found = Step(), by_kind(nodes)
        if runs := found.get("run"):
            self._below_runs(runs, step)
        if jobs := found.get("job"):
            self._below_jobs(jobs, step)
        if versions := _versions(found):
            self._below_versions(versions, step)
        if paths := found.get("notebook"):
            self._below_notebooks(paths, step)
        return step

    def _below_runs(self, runs: Sequence[str], step: Step) -> None:
        for run, made in (*self._registry.registered_by(runs), *self._runs.pending(runs)):
            step.add(f"run:{run}", "registered", version_node(made))
        for parent, child in self._runs.children(runs):
            step.add(f"run:{parent}", "contains", f"run:{child}")
        for run, job in self._registry.jobs_of_runs(runs):
            step.add(f"run:{run}", "submitted", f"job:{job}")

    def _below_jobs(self, jobs: Sequence[str], step: Step) -> None:
        told = [(each.id, each.run_id) for each in self._registry.jobs(jobs) if each.run_id]
        for job, run in dict.fromkeys((*self._runs.of_jobs(jobs), *told)):
            step.add(f"job:{job}", "ran", f"run:{run}")

    def _below_versions(self, versions: Sequence[VersionRef], step: Step) -> None:
        known = [each.version for each in self._registry.origins(versions)]
        numbered = {version_node(each): each for each in (*versions, *known)}  # with digests, where they are
        refs = list(numbered.values())
        readers = self._runs.readers(refs)
        for run, version in readers:
            step.add(version_node(version), "read", f"run:{run}")
        told = {(run, version_node(version)) for run, version in readers}
        for version, made in self._registry.made_from(refs):
            self._made(version, made, told, step)
        self._below_sources(refs, step)
        for version, alias in self._registry.aliases(refs):
            step.add(version_node(version), "named", alias_node(version, alias))

    @staticmethod
    def _made(version: VersionRef, made: Origin, told: set[tuple[str, str]], step: Step) -> None:
        """A version that names another as its input: a model by its run, which no index may know any more."""
        here, there = version_node(version), version_node(made.version)
        if version.kind == "view":
            step.add(here, "materialized", there)
        elif made.view is not None:
            _through(version_node(made.view), here, there, step)
        elif made.version.kind != "model" or made.run_id is None:
            step.add(here, "computed", there)
        elif (made.run_id, here) not in told:
            step.add(here, "read", f"run:{made.run_id}")

    def _below_sources(self, versions: Sequence[VersionRef], step: Step) -> None:
        wanted = {version_node(each) for each in versions}
        for each in self._registry.computed(versions):
            source, view, result = map(version_node, (each.source, each.view, each.dataset))
            if view in wanted:
                step.add(view, "materialized", result)
            if source in wanted:
                _through(view, source, result, step)

    def _below_notebooks(self, paths: Sequence[str], step: Step) -> None:
        for path, run in self._runs.of_notebooks(paths):
            step.add(f"notebook:{path}", "contains", f"run:{run}")
        for path, job in self._registry.jobs_of_notebooks(paths):
            step.add(f"notebook:{path}", "submitted", f"job:{job}")

    # ------------------------------------------------------------ up
    def up(self, nodes: Iterable[str]) -> Step:
        """What led to these nodes."""
        step, found = Step(), by_kind(nodes)
        if runs := found.get("run"):
            self._above_runs(runs, step)
        for job in self._registry.jobs(found["job"]) if "job" in found else ():
            if job.parent_run_id:
                step.add(f"run:{job.parent_run_id}", "submitted", f"job:{job.id}")
            elif job.notebook:
                step.add(f"notebook:{job.notebook}", "submitted", f"job:{job.id}")
        if versions := _versions(found):
            self._above_versions(versions, step)
        for key in found.get("alias", ()):
            version = self._registry.find(*alias_parts(key))
            step.add(version_node(version), "named", f"alias:{key}")
        return step

    def _above_runs(self, runs: Sequence[str], step: Step) -> None:
        places = self._runs.places(runs)
        for place in places:
            here = f"run:{place.id}"
            if place.parent_id:
                step.add(f"run:{place.parent_id}", "contains", here)
            elif place.job_id:
                step.add(f"job:{place.job_id}", "ran", here)
            elif place.notebook:
                step.add(f"notebook:{place.notebook}", "contains", here)
        self._read_by(runs, step)
        if unknown := set(runs).difference(place.id for place in places):
            self._remembered(unknown, step)

    def _read_by(self, runs: Sequence[str], step: Step) -> None:
        reads = self._runs.read_by(runs)
        contents = self._runs.contents_read_by(runs)
        digests = {digest for _, digest in contents}
        digests |= {version.digest for _, version in reads if version.version is None}
        known: dict[str, list[VersionRef]] = defaultdict(list)
        for digest, version in self._registry.of_contents(digests) if digests else ():
            known[digest].append(version)
        named: dict[str, set[str]] = defaultdict(set)
        for run, version in reads:
            named[run].add(version_node(_numbered(version, known[version.digest])))
        for run, digest in contents:
            # with several names for one content, the one that the run knows it by
            nodes = [version_node(each) for each in known[digest] if each.kind == "dataset"]
            if nodes and not named[run].intersection(nodes):
                named[run].add(nodes[0])
        for run in runs:
            for node in sorted(named[run]):
                step.add(node, "read", f"run:{run}")

    def _remembered(self, runs: set[str], step: Step) -> None:
        """What runs had read that no index knows here, as the models remember that they made."""
        made = [version for _, version in self._registry.registered_by(runs) if version.kind == "model"]
        for origin in self._registry.origins(made):
            if origin.run_id in runs:
                for version in origin.inputs:
                    step.add(version_node(version), "read", f"run:{origin.run_id}")

    def _above_versions(self, versions: Sequence[VersionRef], step: Step) -> None:
        for run, version in self._registry.registering(versions):
            step.add(f"run:{run}", "registered", version_node(version))
        for origin in self._registry.origins(versions):
            here = version_node(origin.version)
            sources = [version_node(each) for each in origin.inputs]
            if origin.view is not None:
                step.add(version_node(origin.view), "materialized", here)
                for source in sources:
                    step.add(source, "computed", version_node(origin.view))
            elif origin.version.kind != "model" or origin.run_id is None:
                for source in sources:
                    step.add(source, "computed", here)
        wanted = {version_node(each) for each in versions}
        for each in self._registry.computed(versions):
            source, view, result = map(version_node, (each.source, each.view, each.dataset))
            if view in wanted:
                step.add(source, "computed", view)
            if result in wanted:
                _through(view, source, result, step)


def _through(view: str, source: str, result: str, step: Step) -> None:
    """A view gave ``result`` of ``source``."""
    step.add(source, "computed", view)
    step.add(view, "materialized", result)


def _numbered(version: VersionRef, known: Iterable[VersionRef]) -> VersionRef:
    """A version that was pending when it was read may have a number now."""
    if version.version is not None:
        return version
    named = (each for each in known if (each.kind, each.name) == (version.kind, version.name))
    return next(named, version)


def _versions(found: dict[str, list[str]]) -> list[VersionRef]:
    nodes = (f"{kind}:{key}" for kind in ("dataset", "model", "view") for key in found.get(kind, ()))
    return [version for node in nodes if (version := version_of(node)) is not None]
