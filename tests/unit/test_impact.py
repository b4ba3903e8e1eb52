"""What breaks if something is bad: complete, in few questions, and shown to people."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from jupyter_mlops.api import lineage as api
from jupyter_mlops.entities import Edge, Impact, Lineage, Node, VersionRef, new_id
from jupyter_mlops.errors import NotFound
from jupyter_mlops.services.lineage import service
from jupyter_mlops.services.showing.lineage_html import impact_html, lineage_html
from jupyter_mlops.services.showing.lineage_text import impact_text, lineage_text
from jupyter_mlops.store import index_tables as tables
from jupyter_mlops.store.index_rows import put
from jupyter_mlops.store.registry_rows import MODELS
from jupyter_mlops.testing.registry import dataset_version, model_version
from jupyter_mlops.workspace import Workspace

from ..registries import settings_in

MANY = 1_200


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(settings_in(tmp_path))


def runs_that_read_train(workspace: Workspace, count: int) -> list[str]:
    """So many runs that read train@1, each of which registered a version of digits."""
    workspace.runs.search(limit=0)  # the index has its tables
    ids = [new_id(1_700_000_000.0 + number) for number in range(count)]
    run = (*("run", "e", "cell", "finished"), 1.0, 2.0, False, 1.0, 0, "ada", "here")
    nothing = (None, None, None, None, "", None)
    with workspace._index_database.write() as connection:
        put(connection, tables.runs, [(key, each, *run, *nothing) for key, each in enumerate(ids, start=1)])
        put(connection, tables.marks, [(key, 1, False, False, "") for key in range(1, count + 1)])
        put(
            connection,
            tables.inputs,
            [(key, "w", 1, 1.0, "dataset", "train", 1, "a" * 64) for key in range(1, count + 1)],
        )
    with workspace._registry_database.write() as connection:
        for each in ids:
            MODELS.register(connection, model_version(run_id=each), 1)
    return ids


@pytest.fixture
def statements(workspace: Workspace) -> Iterator[list[str]]:
    """What the databases are asked."""
    asked: list[str] = []
    engines = (workspace._index_database.engine, workspace._registry_database.engine)

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        asked.append(statement)

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    yield asked
    for engine in engines:
        event.remove(engine, "before_cursor_execute", note)


def test_impact_is_whole_where_a_picture_is_cut(workspace: Workspace, statements: list[str]) -> None:
    workspace._registry_store.register_dataset(dataset_version(run_id=None))
    ids = runs_that_read_train(workspace, MANY)
    workspace.registry.set_alias("digits", "champion", MANY)
    statements.clear()
    impact = workspace.lineage.impact("train@1")
    assert sorted(impact.runs) == sorted(ids)
    assert [each.version for each in impact.models] == list(range(1, MANY + 1))
    assert impact.models[0] == VersionRef(kind="model", name="digits", version=1, digest="b" * 64)
    assert (impact.aliases, impact.datasets, impact.views, impact.jobs) == (["digits@champion"], [], [], [])
    assert impact.lineage is not None
    assert (len(impact.lineage.nodes), impact.lineage.truncated) == (service.LIMIT, True)
    assert len(statements) < MANY / 5  # asked in batches
    assert f"{MANY} models and {MANY} runs" in impact_text(impact)


def test_impact_of_a_model_names_the_alias_that_stands_for_it(workspace: Workspace) -> None:
    workspace._registry_store.register_model(model_version(run_id=None))
    workspace.registry.set_alias("digits", "champion", 1)
    impact = workspace.lineage.impact("digits@champion")
    assert (impact.focus, impact.aliases, impact.models) == ("model:digits@1", ["digits@champion"], [])
    assert impact_text(impact) == ("If model:digits@1 is bad, so may be 1 alias:\naliases  digits@champion")


def test_impact_of_what_led_to_nothing_says_so(workspace: Workspace) -> None:
    workspace._registry_store.register_dataset(dataset_version(run_id=None))
    assert impact_text(workspace.lineage.impact("train")) == "Nothing was made from dataset:train@1."
    with pytest.raises(NotFound, match="Nothing here is called 'tarin'"):
        workspace.lineage.impact("tarin")


def test_impact_counts_a_version_that_has_no_number_yet() -> None:
    impact = Impact(
        focus="dataset:train@1",
        models=[VersionRef(kind="model", name="next", version=None, digest="")],
        views=[VersionRef(kind="view", name="spend", version=1, digest="")],
        runs=["01hzzzzzzzzzzzzzzzzzzzabcd"],
    )
    assert impact_text(impact).splitlines() == [
        "If dataset:train@1 is bad, so may be 1 model, 1 feature view and 1 run:",
        "models  next@pending",
        "views   spend@1",
        "runs    zzabcd",
    ]


RUN = "run:01hzzzzzzzzzzzzzzzzzzzabcd"
PICTURE = Lineage(
    focus=RUN,
    nodes=[
        Node(id=RUN, kind="run", label="train <b>", status="finished"),
        Node(id="dataset:a&b@1", kind="dataset", label="a&b@1", status="ready"),
        Node(id="model:digits@1", kind="model", label="digits@1", status="ready"),
        Node(id="alias:digits@champion", kind="alias", label="digits@champion"),
    ],
    edges=[
        Edge(source="dataset:a&b@1", target=RUN, relation="read"),
        Edge(source=RUN, target="model:digits@1", relation="registered"),
        Edge(source="dataset:a&b@1", target="model:digits@1", relation="computed"),
        Edge(source="model:digits@1", target="alias:digits@champion", relation="named"),
    ],
)


def test_lineage_is_a_tree_of_text() -> None:
    assert lineage_text(PICTURE).splitlines() == [
        "comes from:",
        "run train <b> · zzabcd (finished)",
        "└─ read dataset a&b@1",
        "",
        "led to:",
        "run train <b> · zzabcd (finished)",
        "└─ registered model digits@1",
        "   └─ named alias digits@champion",
    ]


def test_a_node_that_comes_again_is_not_followed_again_and_long_lists_are_counted() -> None:
    nodes = [Node(id=f"run:{number:026}", kind="run", label="r") for number in range(32)]
    first, second = nodes[0].id, nodes[1].id
    edges = [Edge(source=first, target=each.id, relation="contains") for each in nodes[1:]]
    edges.append(Edge(source=second, target=first, relation="contains"))
    text = lineage_text(Lineage(focus=first, nodes=nodes, edges=edges, truncated=True))
    down = text.split("led to:")[1].splitlines()
    assert down[2:4] == ["├─ contains run r · 000001", "│  └─ contains run r · 000000 …"]
    assert "└─ … and 12 more" in down
    assert "Only the nearest 32 are shown" in text


def test_a_chain_longer_than_pythons_stack_is_shown() -> None:
    nodes = [Node(id=f"run:{number:026}", kind="run", label="r") for number in range(3000)]
    edges = [Edge(source=a.id, target=b.id, relation="contains") for a, b in itertools.pairwise(nodes)]
    assert len(lineage_text(Lineage(focus=nodes[0].id, nodes=nodes, edges=edges)).splitlines()) == 3001


def test_a_picture_is_well_formed_escaped_and_runs_nothing() -> None:
    html = lineage_html(PICTURE)
    svg = ET.fromstring(html).find("{http://www.w3.org/2000/svg}svg")
    assert svg is not None
    texts = [each.text for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "train <b>" in texts
    assert "a&b@1" in texts
    assert len([*svg.iter("{http://www.w3.org/2000/svg}path")]) == 4
    columns = {float(rect.attrib["x"]) for rect in svg.iter("{http://www.w3.org/2000/svg}rect")}
    assert len(columns) == 4  # the dataset on the left, the alias on the right
    assert "<script" not in html


def test_a_picture_counts_what_a_column_has_no_room_for() -> None:
    nodes = [Node(id=f"run:{number:026}", kind="run", label="r") for number in range(60)]
    edges = [Edge(source=nodes[0].id, target=each.id, relation="contains") for each in nodes[1:]]
    html = lineage_html(Lineage(focus=nodes[0].id, nodes=nodes, edges=edges))
    assert "and 34 more" in html


def test_lineage_of_a_version_that_has_no_number_names_it_as_pending(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "current", lambda: workspace)
    workspace._registry_store.register_dataset(dataset_version())
    with pytest.raises(NotFound, match="No alias 'pending' of dataset 'train'"):
        api.lineage(dataset_version())


def test_impact_shows_its_list_and_its_picture() -> None:
    impact = Impact(focus=RUN, models=[], aliases=["<i>@champion"], lineage=PICTURE)
    html = impact_html(impact)
    assert "&lt;i&gt;@champion" in html
    assert "<svg" in html
