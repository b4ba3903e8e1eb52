"""What a picture says at each node."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Protocol

from ...entities import Job, Node, Run, short_id
from ...protocols.lineage import RegistryLinks
from .nodes import PENDING, VERSIONS, alias_parts, by_kind, version_node, version_of

UNKNOWN = "unknown"


class LabelledRuns(Protocol):
    """What pictures ask of runs."""

    def get(self, run_id: str) -> Run: ...

    def known(self, run_ids: Collection[str]) -> Mapping[str, Run]:
        """Those of these runs that there are."""
        ...


class LabelledJobs(Protocol):
    """What pictures ask of jobs."""

    def get(self, job_id: str) -> Job: ...

    def search(self, *, ids: Collection[str] | None = None, limit: int = 100) -> list[Job]: ...


def labelled(
    nodes: Sequence[str], runs: LabelledRuns, jobs: LabelledJobs, registry: RegistryLinks
) -> list[Node]:
    """The nodes with label and status; ``unknown`` is the status of what is not there any more."""
    found, said = by_kind(nodes), dict[str, tuple[str, str]]()
    if ids := found.get("run"):
        for run in runs.known(ids).values():
            said[f"run:{run.id}"] = _label(run.name or short_id(run.id), run), run.status.value
    if ids := found.get("job"):
        for job in jobs.search(ids=ids, limit=len(ids)):
            said[f"job:{job.id}"] = _label(job.spec.name, job.spec), job.status.value
    versions = [version for each in nodes if (version := version_of(each)) is not None]
    for origin in registry.origins(versions) if versions else ():
        node = version_node(origin.version)
        said[node] = node.partition(":")[2], origin.status
    return [_node(each, said) for each in nodes]


def _node(node: str, said: Mapping[str, tuple[str, str]]) -> Node:
    kind, _, key = node.partition(":")
    if node in said:
        label, status = said[node]
    elif kind in VERSIONS:
        label, status = key, PENDING if key.endswith(f"@{PENDING}") else UNKNOWN
    elif kind == "alias":
        label, status = "@".join(alias_parts(key)[1:]), ""
    elif kind == "notebook":
        label, status = PurePath(key).name, ""
    else:
        label, status = short_id(key), UNKNOWN
    return Node(id=node, kind=kind, label=label, status=status)


class Varied(Protocol):
    """A run, or a job's spec: of a sweep its params tell it from others."""

    @property
    def sweep_id(self) -> str | None: ...

    @property
    def params(self) -> Mapping[str, object]: ...


def _label(name: str, varied: Varied) -> str:
    pairs: Iterable[tuple[str, object]] = varied.params.items() if varied.sweep_id else ()
    told = ", ".join(f"{key}={value}" for key, value in pairs)
    return f"{told} · {name}" if told else name
