"""Where things come from and what became of them: runs, jobs and versions as a graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..entities import (
    DatasetVersion,
    Edge,
    Job,
    Lineage,
    ModelVersion,
    Node,
    Run,
    RunDetail,
    VersionRef,
    short_id,
)
from ..errors import InvalidInput, NotFound

LIMIT = 500
"""Nodes in one graph; the nearest to its focus are kept."""

PENDING = "pending"


class LineageRuns(Protocol):
    """What lineage asks of runs."""

    def detail(self, run_id: str) -> RunDetail: ...

    def reading(self, kind: str, name: str, version: int, *, digest: str | None = None) -> list[str]:
        """Ids of the runs that read a version, by its name or as a file with its content."""
        ...

    def of_jobs(self, job_ids: Sequence[str]) -> Mapping[str, Run]:
        """The newest run of kind JOB of each job that has one."""
        ...


class LineageJobs(Protocol):
    """What lineage asks of jobs."""

    def get(self, job_id: str) -> Job: ...

    def search(self, *, parent_run_id: str | None = None, limit: int = 100) -> list[Job]: ...


class LineageVersions(Protocol):
    """What lineage asks of the registry."""

    def dataset_version(self, ref: str) -> DatasetVersion: ...

    def model_version(self, ref: str) -> ModelVersion: ...

    def registered_by(self, run_id: str) -> list[VersionRef]: ...

    def registering_runs(self, kind: str, name: str, version: int) -> list[str]: ...


@dataclass(frozen=True, slots=True)
class _Seen:
    """A node and the edges that touch it, in and out."""

    node: Node
    into: tuple[Edge, ...]
    out: tuple[Edge, ...]


class LineageService:
    """Answers ``graph``: all that led to a thing, and all that it led to."""

    def __init__(self, runs: LineageRuns, registry: LineageVersions, jobs: LineageJobs) -> None:
        self._runs = runs
        self._registry = registry
        self._jobs = jobs

    def graph(self, node_id: str) -> Lineage:
        """The lineage of ``run:<id>``, ``job:<id>``, ``dataset:<reference>`` or ``model:<reference>``.

        Arrows are followed back from the focus, and forward from it, but not back and forth: another run
        that read the same dataset is no kin. Raises NotFound for the focus itself; what is missing around it
        is shown as unknown. Raises InvalidInput for an id of another form.
        """
        kind, colon, key = node_id.partition(":")
        if not colon or kind not in ("run", "job", "dataset", "model"):
            raise InvalidInput(
                f"{node_id!r} is no node: give 'run:<id>', 'job:<id>', 'dataset:name@2' or 'model:name@1'."
            )
        seen: dict[str, _Seen] = {}
        focus = self._look(kind, key)
        seen[focus.node.id] = focus
        self._follow(focus, seen, lambda each: [edge.source for edge in each.into])
        self._follow(focus, seen, lambda each: [edge.target for edge in each.out])
        edges = dict.fromkeys(edge for each in seen.values() for edge in (*each.into, *each.out))
        return Lineage(
            focus=focus.node.id,
            nodes=[each.node for each in seen.values()],
            edges=[edge for edge in edges if edge.source in seen and edge.target in seen],
        )

    def _follow(self, focus: _Seen, seen: dict[str, _Seen], step: Callable[[_Seen], Iterable[str]]) -> None:
        """Breadth first from the focus in one direction; new nodes go into ``seen``."""
        queue, queued = deque([focus]), {focus.node.id}
        while queue:
            for other in step(queue.popleft()):
                if other in queued or (other not in seen and len(seen) >= LIMIT):
                    continue
                queued.add(other)
                if other not in seen:
                    seen[other] = self._look_or_unknown(other)
                queue.append(seen[other])

    def _look_or_unknown(self, node_id: str) -> _Seen:
        kind, _, key = node_id.partition(":")
        try:
            if not key.endswith(f"@{PENDING}"):
                return self._look(kind, key)
            status = PENDING
        except NotFound:
            status = "unknown"
        label = short_id(key) if kind in ("run", "job") else key
        return _Seen(Node(id=node_id, kind=kind, label=label, status=status), (), ())

    def _look(self, kind: str, key: str) -> _Seen:
        if kind == "run":
            return self._look_at_run(key)
        if kind == "job":
            return self._look_at_job(key)
        return self._look_at_version(kind, key)

    def _look_at_run(self, run_id: str) -> _Seen:
        detail = self._runs.detail(run_id)
        run = detail.run
        here = f"run:{run.id}"
        recognised = [each.version for each in detail.data if each.version is not None]
        read = dict.fromkeys(_version_id(each) for each in (*detail.inputs, *recognised))
        into = [Edge(source=each, target=here, relation="read") for each in read]
        if run.job_id:
            into.append(Edge(source=f"job:{run.job_id}", target=here, relation="ran"))
        if run.parent_id:
            into.append(Edge(source=f"run:{run.parent_id}", target=here, relation="contains"))
        pending = [each for each in detail.registered if each.version is None]
        out = [
            Edge(source=here, target=_version_id(each), relation="registered")
            for each in (*self._registry.registered_by(run.id), *pending)
        ]
        out += [Edge(source=here, target=f"run:{child}", relation="contains") for child in detail.children]
        out += [
            Edge(source=here, target=f"job:{job.id}", relation="submitted")
            for job in self._jobs.search(parent_run_id=run.id, limit=LIMIT)
        ]
        label = _label(run.name or short_id(run.id), run.params if run.sweep_id else {})
        node = Node(id=here, kind="run", label=label, status=run.status.value)
        return _Seen(node, tuple(into), tuple(out))

    def _look_at_job(self, job_id: str) -> _Seen:
        job = self._jobs.get(job_id)
        here = f"job:{job.id}"
        submitter = job.spec.parent_run_id
        into = [Edge(source=f"run:{submitter}", target=here, relation="submitted")] if submitter else []
        run = self._runs.of_jobs([job.id]).get(job.id)
        run_id = run.id if run else job.run_id
        out = [Edge(source=here, target=f"run:{run_id}", relation="ran")] if run_id else []
        label = _label(job.spec.name, job.spec.params if job.spec.sweep_id else {})
        node = Node(id=here, kind="job", label=label, status=job.status.value)
        return _Seen(node, tuple(into), tuple(out))

    def _look_at_version(self, kind: str, reference: str) -> _Seen:
        version: DatasetVersion | ModelVersion = (
            self._registry.dataset_version(reference)
            if kind == "dataset"
            else self._registry.model_version(reference)
        )
        number = version.version
        assert number is not None  # a stored one has its number
        label = f"{version.name}@{number}"
        here = f"{kind}:{label}"
        makers = self._registry.registering_runs(kind, version.name, number)
        readers = self._runs.reading(kind, version.name, number, digest=version.digest)
        return _Seen(
            Node(id=here, kind=kind, label=label, status=version.status.value),
            tuple(Edge(source=f"run:{run}", target=here, relation="registered") for run in makers),
            tuple(Edge(source=here, target=f"run:{run}", relation="read") for run in readers),
        )


def _label(name: str, params: Mapping[str, object]) -> str:
    """A name; first, for the jobs of a sweep, the params that tell one from another."""
    told = ", ".join(f"{key}={value}" for key, value in params.items())
    return f"{told} · {name}" if told else name


def _version_id(version: VersionRef) -> str:
    return f"{version.kind}:{version.name}@{PENDING if version.version is None else version.version}"
