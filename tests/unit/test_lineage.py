"""The graph around a node: what led to it, and what it led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import (
    DataRead,
    Edge,
    Job,
    JobSpec,
    JobStatus,
    Lineage,
    Node,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    VersionRef,
)
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services import lineage
from jupyter_mlops.services.lineage import LineageJobs, LineageRuns, LineageService
from jupyter_mlops.testing.registry import dataset_version, model_version

from ..registries import Registry, open_registry

CELL, JOB_RUN, CHILD, OTHER = (f"01hzzzzzzzzzzzzzzzzzzzzzz{digit}" for digit in "1234")
JOB = "01hzzzzzzzzzzzzzzzzzzzzzz9"


@dataclass
class Runs:
    details: dict[str, RunDetail] = field(default_factory=dict)

    def add(self, run_id: str, *, inputs: list[VersionRef] | None = None, **fields: object) -> None:
        run = Run(
            id=run_id,
            name=str(fields.pop("name", "")),
            experiment="e",
            kind=RunKind.CELL,
            status=RunStatus.FINISHED,
            started_at=1.0,
        )
        self.details[run_id] = RunDetail(run=replace(run, **fields), inputs=inputs or [])  # type: ignore[arg-type]

    def detail(self, run_id: str) -> RunDetail:
        if run_id not in self.details:
            raise NotFound(f"No run {run_id!r}.")
        children = [each.run.id for each in self.details.values() if each.run.parent_id == run_id]
        return replace(self.details[run_id], children=children)

    def reading(self, kind: str, name: str, version: int, *, digest: str | None = None) -> list[str]:
        return [
            run_id
            for run_id, detail in self.details.items()
            if any((each.kind, each.name, each.version) == (kind, name, version) for each in detail.inputs)
            or any(each.digest == digest for each in detail.data)
        ]

    def of_jobs(self, job_ids: Sequence[str]) -> dict[str, Run]:
        return {
            each.run.job_id: each.run for each in self.details.values() if each.run.job_id in set(job_ids)
        }


@dataclass
class Jobs:
    jobs: list[Job] = field(default_factory=list)

    def get(self, job_id: str) -> Job:
        for job in self.jobs:
            if job.id == job_id:
                return job
        raise NotFound(f"No job {job_id!r}.")

    def search(self, *, parent_run_id: str | None = None, limit: int = 100) -> list[Job]:
        return [job for job in self.jobs if job.spec.parent_run_id == parent_run_id]


def _proof(runs: Runs, jobs: Jobs) -> tuple[LineageRuns, LineageJobs]:
    return runs, jobs


@dataclass
class World:
    registry: Registry
    runs: Runs
    jobs: Jobs

    def graph(self, node: str) -> Lineage:
        return LineageService(self.runs, self.registry.service, self.jobs).graph(node)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """dataset train@1 -> cell run -> job -> its run (reads train@1 too) -> model digits@1 -> another run."""
    registry = open_registry(tmp_path)
    registry.store.register_dataset(dataset_version("train", run_id=None))
    registry.store.register_model(model_version("digits", run_id=JOB_RUN))
    train = VersionRef(kind="dataset", name="train", version=1, digest="a" * 64)
    digits = VersionRef(kind="model", name="digits", version=1, digest="b" * 64)
    runs = Runs()
    runs.add(CELL, name="explore", inputs=[train])
    runs.add(JOB_RUN, name="train", inputs=[train], job_id=JOB)
    runs.add(OTHER, name="evaluate", inputs=[digits])
    spec = JobSpec(
        id=JOB,
        name="train",
        experiment="e",
        submitted_at=1.0,
        interpreter="python",
        kernel_name="python3",
        cwd="/",
        parent_run_id=CELL,
    )
    return World(registry, runs, Jobs([Job(spec=spec, status=JobStatus.SUCCEEDED)]))


CELL_NODE = Node(id=f"run:{CELL}", kind="run", label="explore", status="finished")
JOB_NODE = Node(id=f"job:{JOB}", kind="job", label="train", status="succeeded")
JOB_RUN_NODE = Node(id=f"run:{JOB_RUN}", kind="run", label="train", status="finished")
OTHER_NODE = Node(id=f"run:{OTHER}", kind="run", label="evaluate", status="finished")
TRAIN_NODE = Node(id="dataset:train@1", kind="dataset", label="train@1", status="ready")
DIGITS_NODE = Node(id="model:digits@1", kind="model", label="digits@1", status="ready")

TRAIN_CELL = Edge(source="dataset:train@1", target=f"run:{CELL}", relation="read")
TRAIN_JOB_RUN = Edge(source="dataset:train@1", target=f"run:{JOB_RUN}", relation="read")
CELL_JOB = Edge(source=f"run:{CELL}", target=f"job:{JOB}", relation="submitted")
JOB_RAN = Edge(source=f"job:{JOB}", target=f"run:{JOB_RUN}", relation="ran")
RUN_DIGITS = Edge(source=f"run:{JOB_RUN}", target="model:digits@1", relation="registered")
DIGITS_OTHER = Edge(source="model:digits@1", target=f"run:{OTHER}", relation="read")
ALL_EDGES = {TRAIN_CELL, TRAIN_JOB_RUN, CELL_JOB, JOB_RAN, RUN_DIGITS, DIGITS_OTHER}
ALL_NODES = {CELL_NODE, JOB_NODE, JOB_RUN_NODE, OTHER_NODE, TRAIN_NODE, DIGITS_NODE}


@pytest.mark.parametrize(
    "focus", ["model:digits@1", f"run:{JOB_RUN}", f"job:{JOB}", f"run:{CELL}", "dataset:train@1"]
)
def test_lineage_leads_from_data_over_run_and_job_to_model(world: World, focus: str) -> None:
    graph = world.graph(focus)
    assert graph.focus == focus
    assert set(graph.nodes) == ALL_NODES
    assert set(graph.edges) == ALL_EDGES
    assert (len(graph.nodes), len(graph.edges)) == (len(ALL_NODES), len(ALL_EDGES))


@pytest.mark.parametrize("reference", ["model:digits", "model:digits@latest", "model:digits@champion"])
def test_lineage_of_a_reference_is_that_of_its_version(world: World, reference: str) -> None:
    world.registry.service.set_alias("digits", "champion", 1)
    assert world.graph(reference).focus == "model:digits@1"


def test_lineage_leaves_out_what_only_shares_an_ancestor(world: World) -> None:
    sibling = "01hzzzzzzzzzzzzzzzzzzzzzz5"
    train = VersionRef(kind="dataset", name="train", version=1, digest="a" * 64)
    world.runs.add(sibling, inputs=[train])
    assert f"run:{sibling}" not in {node.id for node in world.graph("model:digits@1").nodes}
    assert f"run:{sibling}" in {node.id for node in world.graph("dataset:train@1").nodes}


def test_lineage_of_a_child_run_shows_its_parent(world: World) -> None:
    world.runs.add(CHILD, name="fold 1", parent_id=CELL)
    contains = Edge(source=f"run:{CELL}", target=f"run:{CHILD}", relation="contains")
    assert contains in world.graph(f"run:{CHILD}").edges
    assert contains in world.graph(f"run:{CELL}").edges
    assert f"run:{CHILD}" not in {node.id for node in world.graph(f"run:{JOB_RUN}").nodes}


def test_lineage_shows_what_is_missing_as_unknown(world: World) -> None:
    del world.runs.details[JOB_RUN]
    unknown = Node(id=f"run:{JOB_RUN}", kind="run", label=JOB_RUN[-6:], status="unknown")
    assert world.graph("model:digits@1") == Lineage(
        focus="model:digits@1",
        nodes=[DIGITS_NODE, unknown, OTHER_NODE],
        edges=[RUN_DIGITS, DIGITS_OTHER],
    )


def test_lineage_shows_a_pending_version(world: World) -> None:
    pending = VersionRef(kind="model", name="next", version=None, digest="c" * 64)
    world.runs.details[OTHER] = replace(world.runs.details[OTHER], registered=[pending])
    graph = world.graph(f"run:{OTHER}")
    assert Node(id="model:next@pending", kind="model", label="next@pending", status="pending") in graph.nodes


def test_lineage_counts_every_run_that_registered_the_same_content(world: World) -> None:
    world.registry.store.register_dataset(dataset_version("train", run_id=OTHER), key=f"{OTHER}/w/1")
    edge = Edge(source=f"run:{OTHER}", target="dataset:train@1", relation="registered")
    assert edge in world.graph("dataset:train@1").edges
    assert edge in world.graph(f"run:{OTHER}").edges


def test_lineage_ends_where_versions_lead_in_a_circle(world: World) -> None:
    train = VersionRef(kind="dataset", name="train", version=1, digest="a" * 64)
    world.runs.add("01hzzzzzzzzzzzzzzzzzzzzzz6", inputs=[train])
    world.registry.store.register_dataset(dataset_version("train"), key="01hzzzzzzzzzzzzzzzzzzzzzz6/w/1")
    assert len(world.graph("dataset:train@1").nodes) == 7


def test_lineage_of_a_popular_dataset_is_cut(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "LIMIT", 3)
    graph = world.graph("dataset:train@1")
    assert len(graph.nodes) == 3
    ids = {node.id for node in graph.nodes}
    assert all({edge.source, edge.target} <= ids for edge in graph.edges)


@pytest.mark.parametrize("node", ["", "run", "sweep:1", "digits@1", "dataset:a/b"])
def test_lineage_of_what_is_no_node_is_refused(world: World, node: str) -> None:
    with pytest.raises(InvalidInput):
        world.graph(node)


@pytest.mark.parametrize("node", ["run:nothing", "job:nothing", "dataset:nothing@1", "model:digits@7"])
def test_lineage_of_a_missing_focus_is_not_found(world: World, node: str) -> None:
    with pytest.raises(NotFound):
        world.graph(node)


def test_lineage_tells_the_runs_of_a_sweep_apart_by_their_params(world: World) -> None:
    world.runs.add(OTHER, name="grid", sweep_id="01hzzzzzzzzzzzzzzzzzzzzzzs", params={"C": 0.01, "seed": 1})
    assert [node.label for node in world.graph(f"run:{OTHER}").nodes] == ["C=0.01, seed=1 · grid"]


def test_a_run_that_read_a_file_with_a_datasets_content_is_among_its_readers(world: World) -> None:
    train = VersionRef(kind="dataset", name="train", version=1, digest="a" * 64)
    read = DataRead(uri="/d/train.csv", reader="pandas.read_csv", digest=train.digest, version=train)
    world.runs.add(CHILD, name="plain read")
    world.runs.details[CHILD] = replace(world.runs.details[CHILD], data=[read])
    edge = Edge(source="dataset:train@1", target=f"run:{CHILD}", relation="read")
    assert edge in world.graph(f"run:{CHILD}").edges
    assert edge in world.graph("dataset:train@1").edges
