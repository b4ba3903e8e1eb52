"""Datasets that imported runs registered: they are here, and take no name away from what this home has."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.errors import NotFound, Unavailable
from jupyter_mlops.journal.layout import IMPORTED
from jupyter_mlops.services.runs.export.origin import origin_in
from jupyter_mlops.store.database import sqlite_url
from jupyter_mlops.workspace import Workspace
from tests.registries import settings_in
from tests.waiting import wait_until_closed

FRAME = pd.DataFrame({"x": [1, 2, 3]})
OTHER = pd.DataFrame({"x": [4]})


@pytest.fixture
def run_id(tmp_path: Path) -> Iterator[str]:
    """A run of another home that registered two datasets and two models; that home is in use."""
    author = Workspace(settings_in(tmp_path / "author", user="eve"))
    workspaces.use(author)
    with mlops.track("fit") as run:
        mlops.register_dataset(FRAME, name="train", alias="golden", tags={"from": "eve"})
        mlops.register_model({"w": 1}, name="digits")
        mlops.register_model({"w": 2}, name="other")
    wait_until_closed(author.settings.home, run.id)
    mlops.export_run(run.id, tmp_path / "run.zip")
    mlops.export_model("digits@1", tmp_path / "model.zip")
    yield run.id
    workspaces.use(None)


def member(folder: Path, home: str, *, user: str = "ada", database: str = "team") -> Workspace:
    """One of a team, which shares a database and blobs."""
    shared = {"database": sqlite_url(folder / f"{database}.sqlite"), "blobs": f"file://{folder}/team-blobs"}
    return Workspace(replace(settings_in(folder / home, user=user), profile_when_registered=0, **shared))


def seal(workspace: Workspace) -> None:
    workspace.ingestor.ingest()
    assert workspace.sealing is not None
    workspace.sealing.seal_now()


def without_home(workspace: Workspace) -> None:
    """The home is gone, and the index has to be made anew of what was sealed."""
    workspace.index.clear()
    shutil.rmtree(workspace.settings.home)


def test_imported_run_leaves_latest_of_a_dataset_where_it_is(run_id: str, tmp_path: Path) -> None:
    there = Workspace(settings_in(tmp_path / "there", user="ada"))
    there.registry.register_dataset(OTHER, name="train")
    there.imports.read(tmp_path / "run.zip")
    there.ingestor.ingest()
    dataset = there.registry.dataset("train")
    assert [(each.version, each.imported, each.created_by) for each in dataset.versions] == [
        (2, True, "ada"),
        (1, False, "ada"),
    ]
    assert (dataset.aliases, dataset.versions[0].tags) == ({}, {"from": "eve"})
    pd.testing.assert_frame_equal(there.registry.load_dataset("train"), OTHER)
    pd.testing.assert_frame_equal(there.registry.load_dataset("train@2"), FRAME)


def test_imported_run_brings_a_name_that_is_unknown_here(run_id: str, tmp_path: Path) -> None:
    there = Workspace(settings_in(tmp_path / "there", user="ada"))
    there.imports.read(tmp_path / "run.zip")
    there.ingestor.ingest()
    pd.testing.assert_frame_equal(there.registry.load_dataset("train"), FRAME)


def test_mark_of_an_imported_run_is_sealed_with_it(run_id: str, tmp_path: Path) -> None:
    ada = member(tmp_path, "ada")
    ada.model_imports.read(tmp_path / "model.zip")
    seal(ada)
    without_home(ada)
    bob = member(tmp_path, "bob", user="bob")
    assert [each.id for each in bob.runs.search().runs] == [run_id]
    assert [each.name for each in bob.registry.models()] == ["digits"], "the model that came, and no other"
    assert bob.registry.datasets() == []
    folder = bob.elsewhere.folder_with("run", run_id, IMPORTED)
    assert folder is not None
    assert origin_in(folder)["by"] == "ada"


def test_what_a_sealed_import_registers_is_whoevers_who_took_it_in(run_id: str, tmp_path: Path) -> None:
    ada = member(tmp_path, "ada")
    ada.imports.read(tmp_path / "run.zip")
    seal(ada)
    bob = member(tmp_path, "bob", user="bob", database="new")  # in which nothing has been applied yet
    assert bob._seals is not None
    assert ada._seals is not None
    bob._seals.add(ada._seals.of("run", run_id))
    bob.ingestor.ingest()
    found = bob.registry.dataset_version("train")
    assert (found.created_by, found.imported, found.aliases) == ("ada", True, [])


def test_registration_waits_while_the_mark_cannot_be_had(run_id: str, tmp_path: Path) -> None:
    ada = member(tmp_path, "ada")
    ada.model_imports.read(tmp_path / "model.zip")
    seal(ada)
    without_home(ada)
    bob = member(tmp_path, "bob", user="bob")
    assert bob._seals is not None
    (seal_of_mark,) = (each for each in bob._seals.of("run", run_id) if each.path == IMPORTED)
    (blob,) = (tmp_path / "team-blobs").rglob(seal_of_mark.digest)
    blob.unlink()
    with pytest.raises(Unavailable, match=r"imported\.json of run .* cannot be fetched"):
        bob.elsewhere.folder_with("run", run_id, IMPORTED)
    bob.runs.search()
    assert bob.registry.datasets() == []
    with pytest.raises(NotFound):
        bob.registry.model("other")


def test_folder_of_what_was_not_sealed_is_none(tmp_path: Path) -> None:
    assert (
        member(tmp_path, "ada").elsewhere.folder_with("run", "01hzzzzzzzzzzzzzzzzzzzzzz1", IMPORTED) is None
    )
    alone = Workspace(settings_in(tmp_path / "alone", user="ada"))
    assert alone.elsewhere.folder_with("run", "01hzzzzzzzzzzzzzzzzzzzzzz1", IMPORTED) is None
