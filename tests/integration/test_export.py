"""A run leaves one workspace as a folder or a zip and comes into another, with nothing lost and nothing trusted."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.entities import RunDetail
from jupyter_mlops.errors import Conflict, Corrupt, Forbidden, InvalidInput, NotFound, Untrusted
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Close, Displayed, Join, Register
from jupyter_mlops.workspace import Workspace, open_workspace
from tests.waiting import wait_until_closed


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder with the workspace of a run that has something of everything, and its id."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "RUNTIME", "LEASES"):
            patch.setenv(f"JUPYTER_MLOPS_{name}", str(folder / name.lower()))
        patch.chdir(folder)
        workspace.use(None)
        yield folder, everything(workspace.current(), folder)
        workspace.use(None)


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Workspace]:
    """The workspace that a run leaves."""
    for name in ("HOME", "RUNTIME", "LEASES"):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{name}", str(tmp_path / "here" / name.lower()))
    monkeypatch.chdir(tmp_path)
    if "run_id" in request.fixturenames:
        shutil.copytree(request.getfixturevalue("made")[0] / "home", tmp_path / "here" / "home")
    workspace.use(None)
    yield workspace.current()
    workspace.use(None)


@pytest.fixture
def there(tmp_path: Path) -> Workspace:
    """The workspace that it comes into."""
    return open_workspace(tmp_path / "there")


PICTURE = "iVBORw0KGgo" + "A" * 100_000


@pytest.fixture
def run_id(made: tuple[Path, str], here: Workspace) -> str:
    return made[1]


def everything(here: Workspace, folder: Path) -> str:
    """A run with something of everything."""
    (folder / "weights.bin").write_bytes(bytes(range(256)) * 10_000)
    with mlops.track("digits", experiment="e", params={"lr": 0.1}, tags={"team": "a"}) as run:
        for step in range(100):
            mlops.log(loss=1 / (step + 1), step=step)
        mlops.log_artifact(folder / "weights.bin")
        run.log_bytes("odd: name?/ü.txt", b"text", media_type="text/plain")
        history = json.dumps([{"number": 1, "source": "import math", "ok": True, "needed": True}]).encode()
        digest = here.blobs.put(history).digest
        patch = here.blobs.put(b"--- a\n+++ b\n").digest
        run.context(
            {"history": {"digest": digest, "cells": 1}, "git": {"commit": "c", "patch_digest": patch}}
        )
        run.source("lr = 0.1\nfit()")
        run.displayed(Displayed(message="stream", name="stdout", data={"text/plain": "fitting\n"}))
        blob = here.blobs.put(PICTURE.encode())
        run.displayed(
            Displayed(
                message="display_data", data={"text/plain": "<Figure>"}, blobs={"image/png": blob.digest}
            )
        )
        run_id: str = run.id
    wait_until_closed(here.settings.home, run_id)  # the surroundings may come in after the end
    here.runs.edit(run_id, note="the good one", tags={"stage": "x"})
    return run_id


def without_origin(detail: RunDetail) -> RunDetail:
    """What an import must not change: all but where the run came from and this index's own counter."""
    context = {key: value for key, value in detail.context.items() if key != "imported"}
    return replace(detail, context=context, run=replace(detail.run, seq=0))


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_nothing_is_lost_on_the_way(
    here: Workspace, there: Workspace, run_id: str, tmp_path: Path, name: str
):
    path = mlops.export_run(run_id[-6:], tmp_path / name)
    imported = there.imports.read(path)
    assert imported.new
    assert without_origin(there.runs.detail(run_id)) == without_origin(here.runs.detail(run_id))
    assert there.runs.history(run_id, "loss") == here.runs.history(run_id, "loss")
    for artifact in here.runs.detail(run_id).artifacts:
        assert there.runs.artifact(run_id, artifact.name) == here.runs.artifact(run_id, artifact.name)
    origin = there.runs.detail(run_id).context["imported"]
    assert (origin["from"], origin["missing"]) == (f"{here.settings.user}@{here.settings.host}", [])
    assert not (there.settings.home / "incoming").exists()


def test_people_can_read_it_without_this_package(run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out")
    assert json.loads((path / "params.json").read_text()) == {"lr": 0.1}
    metrics = pd.read_csv(path / "metrics.csv")
    assert list(metrics.columns) == ["metric", "step", "time", "value"]
    loss = metrics[metrics.metric == "loss"]
    assert (len(loss), loss.value.iloc[-1]) == (100, 0.01)
    columns = pd.read_parquet(path / "metrics.parquet")
    assert columns[columns.metric == "loss"].value.tolist() == loss.value.tolist()
    assert (path / "artifacts" / "weights.bin").read_bytes() == bytes(range(256)) * 10_000
    assert (path / "artifacts" / "odd_ name_" / "ü.txt").read_text() == "text"
    assert "msgspec==" in (path / "requirements.txt").read_text()
    assert "| lr | 0.1 |" in (path / "README.md").read_text()


def test_the_notebook_has_the_cells_before_and_the_runs_own_with_its_outputs(run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out")
    notebook = nbformat.read(path / "notebook.ipynb", as_version=4)
    nbformat.validate(notebook)
    title, before, own = notebook.cells
    assert title.source.startswith("# digits")
    assert (before.source, before.execution_count) == ("import math", 1)
    assert own.source == "lr = 0.1\nfit()"
    assert own.outputs[0].text == "fitting\n"
    assert own.outputs[1].data["image/png"] == PICTURE


def test_importing_it_again_changes_nothing(there: Workspace, run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out.zip")
    there.imports.read(path)
    before = there.runs.detail(run_id)
    there.runs.edit(run_id, note="mine")  # what people say here does not stand in the way
    again = there.imports.read(path)
    assert not again.new
    assert there.runs.detail(run_id).context == before.context


def test_a_run_that_is_here_with_other_content_is_refused(there: Workspace, run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out")
    there.imports.read(path)
    (journal, *_) = sorted((there.settings.home / "runs" / run_id / "journal").iterdir())
    journal.write_bytes(journal.read_bytes().replace(b"0.1", b"0.2"))
    with pytest.raises(Conflict, match="with other content"):
        there.imports.read(path)


def test_an_imported_run_can_be_exported_again(there: Workspace, run_id: str, tmp_path: Path):
    there.imports.read(mlops.export_run(run_id, tmp_path / "out"))
    third = open_workspace(tmp_path / "third")
    third.imports.read(there.exports.write(run_id, tmp_path / "again.zip"))
    assert without_origin(third.runs.detail(run_id)) == without_origin(there.runs.detail(run_id))


@pytest.mark.parametrize("part", ["journal", "artifacts", "blobs"])
def test_a_damaged_file_is_told_and_nothing_of_the_run_is_seen(
    there: Workspace, run_id: str, tmp_path: Path, part: str
):
    path = mlops.export_run(run_id, tmp_path / "out")
    victim = max(
        (each for each in (path / part).rglob("*") if each.is_file()), key=lambda p: p.stat().st_size
    )
    victim.write_bytes(victim.read_bytes()[:-1] + b"?")
    with pytest.raises(Corrupt, match=victim.name):
        there.imports.read(path)
    with pytest.raises(NotFound):
        there.runs.get(run_id)
    assert not (there.settings.home / "runs" / run_id).exists()


def test_a_missing_file_is_told(there: Workspace, run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out")
    shutil.rmtree(path / "journal")
    with pytest.raises(NotFound, match="incomplete"):
        there.imports.read(path)


def test_what_is_no_export_is_told(there: Workspace, tmp_path: Path):
    (tmp_path / "text.zip").write_text("no zip")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match="no zip file"):
        there.imports.read(tmp_path / "text.zip")
    with pytest.raises(NotFound, match=r"manifest\.json"):
        there.imports.read(tmp_path / "empty")
    with pytest.raises(NotFound, match="No export at"):
        there.imports.read(tmp_path / "nothing")


def rewritten(path: Path, **changes: object) -> Path:
    """The export with another manifest."""
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps({**manifest, **changes}))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"run_id": "../../evil"},
        {"format": 99},
        {"journals": {}},
        {"journals": {"../../../evil": "journal/x.jsonl"}},
        {"tails": {"../evil.json": "run.json"}},
        {"blobs": {"../../evil": "run.json"}},
        {"blobs": {"0" * 64: "run.json"}},
    ],
    ids=["run id", "format", "no journal", "journal's name", "tail's name", "no digest", "another digest"],
)
def test_a_forged_manifest_leads_nowhere(
    there: Workspace, run_id: str, tmp_path: Path, changes: dict[str, object]
):
    path = rewritten(mlops.export_run(run_id, tmp_path / "out"), **changes)
    with pytest.raises(InvalidInput):
        there.imports.read(path)
    assert not list(tmp_path.rglob("evil*"))


def test_a_path_out_of_the_export_is_not_followed(there: Workspace, run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out")
    manifest = json.loads((path / "manifest.json").read_text())
    (writer, file), *_ = manifest["journals"].items()
    outside = tmp_path / "outside.jsonl"
    shutil.move(path / file, outside)
    (path / file).symlink_to(outside)
    with pytest.raises(InvalidInput, match="leads out"):
        there.imports.read(path)
    entry = manifest["files"][file]
    forged = {**manifest["files"], "../outside.jsonl": entry}
    rewritten(path, journals={writer: "../outside.jsonl"}, files=forged)
    with pytest.raises(InvalidInput, match="Not a path"):
        there.imports.read(path)


def test_a_zip_that_unpacks_to_more_than_it_says_is_stopped(there: Workspace, run_id: str, tmp_path: Path):
    path = mlops.export_run(run_id, tmp_path / "out.zip")
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, b"0" * 50_000_000 if name.startswith("journal/") else old.read(name))
    with pytest.raises(Corrupt, match="damaged"):
        there.imports.read(bomb)


def test_what_is_there_is_not_overwritten(run_id: str, tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(Conflict, match="name a new folder"):
        mlops.export_run(run_id, tmp_path / "full")
    with pytest.raises(Conflict, match="name another file"):
        mlops.export_run(run_id, tmp_path / "mine.zip")
    assert (tmp_path / "mine.zip").read_text() == "mine"


def test_a_content_that_is_gone_is_named_and_the_rest_comes_through(
    here: Workspace, there: Workspace, run_id: str, tmp_path: Path
):
    (weights,) = (each for each in here.runs.detail(run_id).artifacts if each.name == "weights.bin")
    here.blobs.path(weights.digest).unlink()
    path = mlops.export_run(run_id, tmp_path / "out")
    assert json.loads((path / "manifest.json").read_text())["missing"] == [weights.digest]
    assert weights.digest[:12] in (path / "README.md").read_text()
    there.imports.read(path)
    assert there.runs.detail(run_id).context["imported"]["missing"] == [weights.digest]


def test_a_run_that_goes_on_is_exported_as_far_as_it_has_come(
    here: Workspace, there: Workspace, tmp_path: Path
):
    with mlops.track("going on") as run:
        mlops.log(loss=1.0)
        path = mlops.export_run(run.id, tmp_path / "out.zip")
        mlops.log(loss=0.5)
    there.imports.read(path)
    assert there.runs.get(run.id).metrics["loss"].last == 1.0
    here.imports.read(path)  # here it has gone on since: nothing to do
    with pytest.raises(Conflict):
        there.imports.read(mlops.export_run(run.id, tmp_path / "later.zip"))


def test_a_model_that_came_with_a_run_is_nobodys_own(here: Workspace, there: Workspace, tmp_path: Path):
    with mlops.track("trains") as run:
        mlops.register_model({"w": 1}, name="digits", alias="champion")
    mine = there.registry.register_model({"w": 2}, name="digits", alias="champion")
    there.imports.read(mlops.export_run(run.id, tmp_path / "out.zip"))
    model = there.registry.model("digits")
    assert model.aliases == {"champion": mine.version}
    (imported,) = (each for each in model.versions if each.run_id == run.id)
    with pytest.raises(Untrusted):
        there.registry.load_model(f"digits@{imported.version}")
    assert there.registry.load_model(f"digits@{imported.version}", trust=True) == {"w": 1}


def test_what_an_imported_run_registered_is_whoevers_who_took_it_in(
    here: Workspace, there: Workspace, tmp_path: Path
):
    roles = tmp_path / "roles.json"
    taker = Workspace(replace(there.settings, user="vera", access=str(roles)))
    with mlops.track("trains") as run:
        mlops.register_model({"w": 1}, name="digits")
    path = mlops.export_run(run.id, tmp_path / "out")
    roles.write_text(json.dumps({"default": "viewer", "roles": {here.settings.user: "admin"}}))
    with pytest.raises(Forbidden, match="vera has the role viewer, and to register run"):
        taker.imports.read(path)
    assert not (taker.settings.home / "runs").exists()
    roles.write_text(json.dumps({"default": "viewer", "roles": {"vera": "contributor"}}))
    taker.imports.read(path)
    (version,) = taker.registry.model("digits").versions
    assert version.created_by == "vera"


def test_a_forged_author_is_no_reason_to_trust(here: Workspace, there: Workspace, tmp_path: Path):
    from jupyter_mlops.ownership import workspace_id

    with mlops.track("trains") as run:
        mlops.register_model({"w": 1}, name="digits")
    journals = here.settings.home / "runs" / run.id / "journal"
    forged = JournalWriter(here.settings.home, run.id, writer="forged")
    (record,) = (
        json.loads(line)
        for path in journals.glob("*.jsonl")
        for line in path.read_text().splitlines()
        if '"register"' in line
    )
    version = {
        **record["version"],
        "name": "mine",
        "created_by": there.settings.user,
        "origin": workspace_id(there.settings.home),
    }
    forged.append(Join(role="child"))
    forged.append(Register(kind="model", version=version))
    forged.append(Close())
    forged.close()
    there.imports.read(mlops.export_run(run.id, tmp_path / "out"))
    with pytest.raises(Untrusted):
        there.registry.load_model("mine@1")


def test_a_zip_can_be_written_to_an_open_file(here: Workspace, there: Workspace, run_id: str, tmp_path: Path):
    file = io.BytesIO()
    here.exports.write_zip(run_id, file)
    (tmp_path / "x.zip").write_bytes(file.getvalue())
    assert there.imports.read(tmp_path / "x.zip").new


def test_the_end_of_output_that_a_killed_kernel_left_comes_along(
    here: Workspace, there: Workspace, run_id: str, tmp_path: Path
):
    folder = here.settings.home / "runs" / run_id / "outputs"
    folder.mkdir()
    line = {
        "k": "output",
        "n": 1,
        "at": 5.0,
        "message": "stream",
        "name": "stdout",
        "data": {"text/plain": "end"},
    }
    (folder / "abc.texts.00000001.jsonl").write_text(json.dumps(line) + "\n")
    there.imports.read(mlops.export_run(run_id, tmp_path / "out.zip"))
    assert there.runs.detail(run_id).outputs[-1].data == {"text/plain": "end"}


def test_unknown_runs_are_told(here: Workspace, tmp_path: Path):
    with pytest.raises(NotFound):
        mlops.export_run("zzzzzz", tmp_path / "out")
    assert not (tmp_path / "out").exists()
