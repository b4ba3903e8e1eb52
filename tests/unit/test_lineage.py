"""The graph around a node: what led to it, and what it led to."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from jupyter_mlops.entities import (
    DataRead,
    Edge,
    FeatureViewVersion,
    Job,
    JobStatus,
    Lineage,
    Materialization,
    Node,
    Run,
    RunDetail,
    RunKind,
    RunStatus,
    VersionRef,
)
from jupyter_mlops.errors import Ambiguous, InvalidInput, NotFound
from jupyter_mlops.protocols.lineage import Made, Read, RunLinks, RunPlace
from jupyter_mlops.services.lineage import LineageService, service
from jupyter_mlops.services.lineage.labels import LabelledJobs, LabelledRuns
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.lineage_registry import SqlRegistryLinks
from jupyter_mlops.store.registry_rows import VIEWS
from jupyter_mlops.store.registry_tables import materializations
from jupyter_mlops.testing.jobs import queued_job
from jupyter_mlops.testing.registry import dataset_version, model_version
from jupyter_mlops.wire import to_json

from ..registries import Registry, open_registry

CELL, JOB_RUN, CHILD, OTHER = (f"01hzzzzzzzzzzzzzzzzzzzzzz{digit}" for digit in "1234")
JOB = "01hzzzzzzzzzzzzzzzzzzzzzz9"
TRAIN = VersionRef(kind="dataset", name="train", version=1, digest="a" * 64)
DIGITS = VersionRef(kind="model", name="digits", version=1, digest="b" * 64)


@dataclass
class Runs:
    """What an index would know, in memory."""

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

    def get(self, run_id: str) -> Run:
        found = [each.run for each in self.details.values() if each.run.id.endswith(run_id)]
        if not found:
            raise NotFound(f"No run {run_id!r}.")
        return found[0]

    def known(self, run_ids: Collection[str]) -> dict[str, Run]:
        return {each: self.details[each].run for each in run_ids if each in self.details}

    def places(self, run_ids: Collection[str]) -> list[RunPlace]:
        return [
            RunPlace(each.id, each.parent_id, each.job_id, each.notebook)
            for each in self.known(run_ids).values()
        ]

    def children(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        return [(run.parent_id, run.id) for run in self._all() if run.parent_id in run_ids]  # type: ignore[misc]

    def of_jobs(self, job_ids: Collection[str]) -> list[tuple[str, str]]:
        return [
            (run.job_id, run.id)  # type: ignore[misc]
            for run in self._all()
            if run.job_id in job_ids and not run.parent_id
        ]

    def of_notebooks(self, paths: Collection[str]) -> list[tuple[str, str]]:
        return [
            (run.notebook, run.id)  # type: ignore[misc]
            for run in self._all()
            if run.notebook in paths and not (run.job_id or run.parent_id)
        ]

    def read_by(self, run_ids: Collection[str]) -> list[Read]:
        return [Read(each, version) for each in self.known(run_ids) for version in self.details[each].inputs]

    def contents_read_by(self, run_ids: Collection[str]) -> list[tuple[str, str]]:
        return [(each, read.digest) for each in self.known(run_ids) for read in self.details[each].data]

    def readers(self, versions: Collection[VersionRef]) -> list[Read]:
        wanted = {(each.kind, each.name, each.version): each for each in versions}
        found = [
            Read(run.id, wanted[key])
            for run in self._all()
            for each in self.details[run.id].inputs
            if (key := (each.kind, each.name, each.version)) in wanted
        ]
        for run in self._all():
            digests = {each.digest for each in self.details[run.id].data}
            found += [Read(run.id, each) for each in versions if each.digest and each.digest in digests]
        return list(dict.fromkeys(found))

    def pending(self, run_ids: Collection[str]) -> list[Made]:
        return [
            Made(each, version)
            for each in self.known(run_ids)
            for version in self.details[each].registered
            if version.version is None
        ]

    def _all(self) -> list[Run]:
        return [each.run for each in self.details.values()]


class Jobs:
    """The queue's rows."""

    def __init__(self, database: Database) -> None:
        self.store = SqlJobStore(database)

    def get(self, job_id: str) -> Job:
        return self.store.get(job_id)

    def search(self, *, ids: Collection[str] | None = None, limit: int = 100) -> list[Job]:
        return self.store.search(ids=ids, limit=limit)

    def add(self, job_id: str, **changes: object) -> None:
        job = self.store.add(queued_job(id=job_id, **changes))
        self.store.update(job, status=JobStatus.SUCCEEDED)


def _proof(runs: Runs, jobs: Jobs) -> tuple[RunLinks, LabelledRuns, LabelledJobs]:
    return runs, runs, jobs


@dataclass
class World:
    registry: Registry
    database: Database
    runs: Runs
    jobs: Jobs

    @property
    def service(self) -> LineageService:
        return LineageService(
            self.runs,
            self.jobs,
            run_links=self.runs,
            registry_links=SqlRegistryLinks(lambda: self.database),
        )

    def graph(self, node: str, direction: str = "both") -> Lineage:
        return self.service.graph(node, direction)

    def ids(self, node: str, direction: str = "both") -> set[str]:
        return {each.id for each in self.graph(node, direction).nodes}

    def edges(self, node: str, direction: str = "both") -> set[tuple[str, str, str]]:
        found = self.graph(node, direction).edges
        return {(each.source, each.relation, each.target) for each in found}

    def dataset(self, name: str, digit: str, **fields: Any) -> None:
        version = dataset_version(name, digest=digit * 64, run_id=None)
        self.registry.store.register_dataset(replace(version, **fields))

    def materialized(self, source: int, result: int) -> None:
        """The view spend@1 was computed on a version of train: a version of the dataset spend."""
        value = Materialization(
            view=SPEND,
            source=VersionRef(kind="dataset", name="train", version=source, digest=""),
            dataset=VersionRef(kind="dataset", name="spend", version=result, digest=""),
            rows=1,
            at=1.0,
            user="ada",
        )
        with self.database.write() as connection:
            connection.execute(
                insert(materializations).values(
                    view="spend",
                    view_version=1,
                    source="train",
                    source_version=source,
                    dataset="spend",
                    dataset_version=result,
                    at=1.0,
                    entity=to_json(value),
                )
            )

    def view(self, run_id: str | None = None) -> None:
        """The feature view spend@1 of the dataset train."""
        version = FeatureViewVersion(
            name="spend",
            version=None,
            digest=SPEND.digest,
            source="train",
            keys=["id"],
            timestamp=None,
            features=[],
            function="spend",
            code="",
            created_at=1.0,
            created_by="ada",
            run_id=run_id,
        )
        with self.database.write() as connection:
            VIEWS.register(connection, version, 1, proof="")


SPEND = VersionRef(kind="view", name="spend", version=1, digest="e" * 64)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """dataset train@1 -> cell run -> job -> its run (reads train@1 too) -> model digits@1 -> another run."""
    registry = open_registry(tmp_path)
    registry.store.register_dataset(dataset_version("train", run_id=None))
    registry.store.register_model(model_version("digits", run_id=JOB_RUN))
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    runs, jobs = Runs(), Jobs(database)
    runs.add(CELL, name="explore", inputs=[TRAIN])
    runs.add(JOB_RUN, name="train", inputs=[TRAIN], job_id=JOB)
    runs.add(OTHER, name="evaluate", inputs=[DIGITS])
    jobs.add(JOB, parent_run_id=CELL)
    yield World(registry, database, runs, jobs)
    database.close()


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
    monkeypatch.setattr(service, "LIMIT", 3)
    graph = world.graph("dataset:train@1")
    assert (len(graph.nodes), graph.truncated) == (3, True)
    ids = {node.id for node in graph.nodes}
    assert all({edge.source, edge.target} <= ids for edge in graph.edges)


@pytest.mark.parametrize("node", ["", " ", "dataset:a/b", "model:", "alias:champion"])
def test_lineage_of_what_is_no_node_is_refused(world: World, node: str) -> None:
    with pytest.raises(InvalidInput):
        world.graph(node)


@pytest.mark.parametrize(
    "node",
    [
        "run:nothing",
        "job:nothing",
        "dataset:nothing@1",
        "model:digits@7",
        "view:spend@1",
        "alias:digits@champion",
        "notebook:/d/none.ipynb",
        "nonsense",
        "sweep:1",
    ],
)
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


def test_lineage_leads_from_a_source_over_its_feature_view_to_what_was_computed(world: World) -> None:
    world.view(run_id=OTHER)
    world.dataset("train", "c")
    world.dataset("spend", "d")
    world.dataset("spend", "f")
    world.materialized(1, 1)
    world.materialized(2, 2)
    through = {
        ("dataset:train@1", "computed", "view:spend@1"),
        ("view:spend@1", "materialized", "dataset:spend@1"),
    }
    assert world.edges("dataset:spend@1") == through | {("dataset:train@1", "computed", "view:spend@1")}
    assert through <= world.edges("dataset:train@1", "down")
    # what the view gave of another version is not made from this one
    assert "dataset:spend@2" not in world.ids("dataset:train@1")
    assert world.ids("dataset:train@2") == {"dataset:train@2", "view:spend@1", "dataset:spend@2"}
    assert world.ids("view:spend@1") >= {
        "dataset:train@1",
        "dataset:train@2",
        "dataset:spend@1",
        "dataset:spend@2",
        f"run:{OTHER}",
    }


def test_lineage_knows_what_a_dataset_says_itself_that_it_was_made_from(world: World) -> None:
    world.dataset("clean", "c", inputs=[TRAIN])
    assert ("dataset:train@1", "computed", "dataset:clean@1") in world.edges("dataset:train@1")
    assert world.edges("dataset:clean@1") == {("dataset:train@1", "computed", "dataset:clean@1")}
    world.view()
    world.dataset("spend", "d", inputs=[TRAIN], view=SPEND)
    assert world.edges("dataset:spend@1") == {
        ("dataset:train@1", "computed", "view:spend@1"),
        ("view:spend@1", "materialized", "dataset:spend@1"),
    }
    assert world.ids("view:spend@1", "down") == {"view:spend@1", "dataset:spend@1"}


def test_lineage_of_a_model_whose_run_nobody_knows_leads_to_what_it_remembers(world: World) -> None:
    world.registry.store.register_model(replace(model_version("far", run_id=CHILD), datasets=[TRAIN]))
    path = {("dataset:train@1", "read", f"run:{CHILD}"), (f"run:{CHILD}", "registered", "model:far@1")}
    assert world.edges("model:far@1") == path
    assert path <= world.edges("dataset:train@1")
    world.registry.store.register_model(replace(model_version("bare", run_id=None), datasets=[TRAIN]))
    assert world.edges("model:bare@1") == {("dataset:train@1", "computed", "model:bare@1")}


def test_lineage_ends_at_the_aliases_that_stand_for_a_version_now(world: World) -> None:
    world.registry.service.set_alias("digits", "champion", 1)
    world.registry.service.set_alias("train", "gold", 1, kind="dataset")
    nodes = {each.id: each for each in world.graph("dataset:train@1").nodes}
    assert nodes["alias:digits@champion"] == Node(
        id="alias:digits@champion", kind="alias", label="digits@champion"
    )
    assert nodes["alias:dataset:train@gold"].label == "train@gold"
    assert ("model:digits@1", "named", "alias:digits@champion") in world.edges("alias:digits@champion")
    assert "dataset:train@1" in world.ids("alias:digits@champion", "up")
    assert world.ids("alias:dataset:train@gold") == {"alias:dataset:train@gold", "dataset:train@1"}


def test_lineage_begins_at_notebooks(world: World) -> None:
    world.runs.add(CHILD, name="cell", notebook="/d/explore.ipynb")
    queued = "01hzzzzzzzzzzzzzzzzzzzzzz8"
    world.jobs.add(queued, notebook="/d/explore.ipynb")
    node = "notebook:/d/explore.ipynb"
    assert world.edges(node) == {
        (node, "contains", f"run:{CHILD}"),
        (node, "submitted", f"job:{queued}"),
    }
    assert world.ids(f"run:{CHILD}") == {node, f"run:{CHILD}"}
    assert world.ids(f"job:{queued}", "up") == {node, f"job:{queued}"}
    assert [each.label for each in world.graph(node).nodes if each.id == node] == ["explore.ipynb"]


def test_lineage_of_one_direction_has_nothing_of_the_other(world: World) -> None:
    assert world.ids(f"run:{JOB_RUN}", "up") == {
        f"run:{JOB_RUN}",
        f"job:{JOB}",
        f"run:{CELL}",
        "dataset:train@1",
    }
    assert world.ids(f"run:{JOB_RUN}", "down") == {f"run:{JOB_RUN}", "model:digits@1", f"run:{OTHER}"}
    with pytest.raises(InvalidInput, match="both, up, down"):
        world.graph(f"run:{JOB_RUN}", "sideways")


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("train", "dataset:train@1"),
        ("digits@1", "model:digits@1"),
        ("digits@champion", "model:digits@1"),
        ("spend@latest", "view:spend@1"),
        (CELL, f"run:{CELL}"),
        ("run:zzz2", f"run:{JOB_RUN}"),
        (JOB, f"job:{JOB}"),
        ("/d/explore.ipynb", "notebook:/d/explore.ipynb"),
    ],
)
def test_nodes_may_be_written_as_people_say_them(world: World, text: str, node: str) -> None:
    world.registry.service.set_alias("digits", "champion", 1)
    world.view()
    world.runs.add(CHILD, notebook="/d/explore.ipynb")
    assert world.service.node(text) == node


def test_a_text_that_may_mean_several_nodes_is_ambiguous(world: World) -> None:
    world.dataset("digits", "c")
    with pytest.raises(Ambiguous, match="dataset:digits@1, model:digits@1"):
        world.service.node("digits")


def test_what_was_read_while_it_was_pending_has_its_number_now(world: World) -> None:
    world.runs.add(CHILD, inputs=[replace(TRAIN, version=None)])
    assert world.ids(f"run:{CHILD}") == {f"run:{CHILD}", "dataset:train@1"}
