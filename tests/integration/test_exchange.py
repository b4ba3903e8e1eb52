"""A model version leaves one workspace as a file and comes into another, with its lineage and without trust."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from blake3 import blake3

import jupyter_mlops as mlops
from jupyter_mlops import workspace
from jupyter_mlops.entities import ModelVersion, Storage
from jupyter_mlops.errors import Conflict, Corrupt, InvalidInput, NotFound, Unavailable, Untrusted
from jupyter_mlops.services.exchange.reading import is_model
from jupyter_mlops.services.registry.trust import IMPORTED
from jupyter_mlops.services.runs.export.manifest import FileEntry
from jupyter_mlops.services.runs.export.places import source_of, verified
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.workspace import Workspace, open_workspace
from tests.waiting import wait_until_closed

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0], "y": [0, 1, 1]})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a workspace in which a model was trained on a registered dataset, and its exports."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "RUNTIME", "LEASES"):
            patch.setenv(f"JUPYTER_MLOPS_{name}", str(folder / name.lower()))
        patch.chdir(folder)
        workspace.use(None)
        mlops.register_dataset(FRAME, name="train")
        with mlops.track("fit", experiment="e", params={"lr": 0.1}) as run:
            frame = mlops.load_dataset("train")
            mlops.log(acc=0.9)
            run.log_bytes("notes.txt", b"fine", media_type="text/plain")
            mlops.register_model(
                {"weights": list(frame.x)}, name="digits", alias="champion", description="Ten digits"
            )
        wait_until_closed(workspace.current().settings.home, run.id)
        mlops.edit_model(
            "digits@1", tags={"team": "a"}, owner="ada", card="# Digits\n\nFor reading digits.\n"
        )
        mlops.export_model("digits@champion", folder / "digits.zip")
        mlops.export_model("digits@1", folder / "with-data.zip", with_data=True)
        yield folder
        workspace.use(None)


@pytest.fixture
def file(made: Path, tmp_path: Path) -> Path:
    """The export, to be damaged."""
    return Path(shutil.copy(made / "digits.zip", tmp_path / "digits.zip"))


@pytest.fixture
def there(tmp_path: Path) -> Workspace:
    """The workspace that it comes into."""
    return open_workspace(tmp_path / "there")


@pytest.fixture
def here(made: Path) -> Workspace:
    return open_workspace(made / "home")


def rewritten(file: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The zip with other contents."""
    with zipfile.ZipFile(file) as source:
        contents = {name: source.read(name) for name in source.namelist()}
    change(contents)
    with zipfile.ZipFile(file, "w") as target:
        for name, data in contents.items():
            target.writestr(name, data)
    return file


def with_manifest(file: Path, **changes: Any) -> Path:
    def change(contents: dict[str, bytes]) -> None:
        manifest = json.loads(contents["manifest.json"])
        contents["manifest.json"] = json.dumps({**manifest, **changes}).encode()

    return rewritten(file, change)


def is_empty(there: Workspace) -> bool:
    return (there.registry.models(), there.registry.datasets(), there.runs.search().runs) == ([], [], [])


def test_version_comes_with_its_lineage(here: Workspace, there: Workspace, made: Path) -> None:
    original = here.registry.model_version("digits@1")
    imported = there.model_imports.read(made / "digits.zip")
    assert imported.new
    version = imported.version
    expected = replace(
        original, aliases=[], origin=IMPORTED, created_by=there.settings.user, datasets=version.datasets
    )
    assert version == expected
    assert there.registry.models()[0].versions == [version]
    assert [(each.name, each.version) for each in version.datasets] == [("train", None)]
    assert there.registry.details("model", "digits", 1) == here.registry.details("model", "digits", 1)
    assert there.runs.get(str(original.run_id)).metrics["acc"].last == 0.9
    assert there.runs.artifact(str(original.run_id), "notes.txt") == b"fine"
    assert version.datasets[0].digest == here.registry.dataset_version("train@1").digest
    assert there.registry.datasets() == []
    assert not (there.settings.home / "incoming").exists()
    assert there.registry.verify_audit() == []


def test_lineage_leads_from_the_dataset_to_the_imported_model(there: Workspace, made: Path) -> None:
    there.model_imports.read(made / "with-data.zip")
    nodes = {node.id for node in there.lineage.graph("model:digits@1").nodes}
    run_id = there.registry.model_version("digits@1").run_id
    assert {"model:digits@1", f"run:{run_id}", "dataset:train@1"} <= nodes


def test_pickle_that_came_so_is_nobodys_own(there: Workspace, made: Path) -> None:
    there.model_imports.read(made / "digits.zip")
    with pytest.raises(Untrusted):
        there.registry.load_model("digits@1")
    assert there.registry.load_model("digits@1", trust=True) == {"weights": [1.0, 2.0, 3.0]}


def test_trail_says_who_took_it_in_and_from_where(there: Workspace, made: Path) -> None:
    there.model_imports.read(made / "digits.zip")
    (entry,) = [entry for entry in there.registry.audit() if entry.action == "model.import"]
    assert (entry.user, entry.subject) == (there.settings.user, "model:digits@1")
    assert entry.detail["was"] == "digits@1"
    assert {"by", "from", "workspace", "exported_at"} <= set(entry.detail)


def test_second_import_gives_the_version_that_is_there(there: Workspace, made: Path) -> None:
    first = there.model_imports.read(made / "digits.zip").version
    trail = there.registry.audit()
    again = there.model_imports.read(made / "digits.zip")
    assert (again.version, again.new) == (first, False)
    assert there.registry.audit() == trail
    again = there.model_imports.read(made / "with-data.zip")
    assert (replace(again.version, datasets=first.datasets), again.new) == (first, False)
    pd.testing.assert_frame_equal(there.registry.load_dataset("train"), FRAME)
    there.runs.rebuild()
    assert [each.version for each in there.registry.model("digits").versions] == [1]


def test_data_that_comes_later_is_what_the_model_was_made_from(there: Workspace, made: Path) -> None:
    there.model_imports.read(made / "digits.zip")
    assert [each.version for each in there.registry.model_version("digits").datasets] == [None]
    again = there.model_imports.read(made / "with-data.zip")
    assert [each.version for each in again.version.datasets] == [1]
    assert again.version == there.registry.model_version("digits")
    graph = there.lineage.graph("dataset:train@1")
    assert "model:digits@1" in {node.id for node in graph.nodes}
    assert "model:digits@1" in {edge.target for edge in graph.edges}


def test_data_that_is_registered_later_is_what_the_model_was_made_from(there: Workspace, made: Path) -> None:
    there.model_imports.read(made / "digits.zip")
    there.registry.register_dataset(FRAME, name="train")
    assert [each.version for each in there.registry.model_version("digits").datasets] == [1]


def test_import_leaves_latest_of_a_dataset_where_it_is(there: Workspace, made: Path) -> None:
    mine = FRAME.assign(x=0)
    there.registry.register_dataset(mine, name="train")
    there.model_imports.read(made / "with-data.zip")
    assert [each.imported for each in there.registry.dataset("train").versions] == [True, False]
    for ref in ("train", "train@latest"):
        pd.testing.assert_frame_equal(there.registry.load_dataset(ref), mine)
    pd.testing.assert_frame_equal(there.registry.load_dataset("train@2"), FRAME)
    assert [each.version for each in there.registry.model_version("digits").datasets] == [2]
    there.registry.register_dataset(FRAME, name="train")  # now it is this home's word
    pd.testing.assert_frame_equal(there.registry.load_dataset("train"), FRAME)


def test_what_is_said_of_a_dataset_comes_with_its_number(
    there: Workspace, here: Workspace, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one transaction: who is killed after it, and imports again, finds a version that is there."""
    here.registry.edit("dataset", "train@1", description="clean", tags={"checked": "yes"})
    here.model_exports.write("digits@1", made / "said.zip", with_data=True)
    here.registry.edit("dataset", "train@1", description="", tags={"checked": None})

    def describe(*arguments: object, **more: object) -> None:
        raise Unavailable("the database went away")

    monkeypatch.setattr(SqlRegistryStore, "describe", describe)
    with pytest.raises(Unavailable):
        there.model_imports.read(made / "said.zip")
    monkeypatch.undo()
    there.model_imports.read(made / "said.zip")
    found = there.registry.dataset_version("train")
    assert (found.description, found.tags) == ("clean", {"checked": "yes"})


def test_import_where_it_came_from_gives_the_original(made: Path) -> None:
    here = open_workspace(made / "home")
    again = here.model_imports.read(made / "digits.zip")
    assert not again.new
    assert again.version == here.registry.model_version("digits@1")
    assert here.registry.load_model("digits@1") == {"weights": [1.0, 2.0, 3.0]}


def test_other_name_and_numbers_that_are_taken(there: Workspace, made: Path) -> None:
    there.registry.register_model({"w": 0}, name="digits")
    there.registry.register_dataset(pd.DataFrame({"other": [1]}), name="train")
    version = there.model_imports.read(made / "digits.zip", name="theirs").version
    assert (version.name, version.version) == ("theirs", 1)
    assert [(each.name, each.version) for each in version.datasets] == [("train", None)]
    assert list(there.registry.load_dataset("train").columns) == ["other"]
    assert len(there.registry.model("digits").versions) == 1
    second = there.model_imports.read(made / "digits.zip").version
    assert (second.name, second.version) == ("digits", 2)
    there.runs.rebuild()
    assert [len(model.versions) for model in there.registry.models()] == [2, 1]


def test_data_come_along_when_they_are_asked_for(there: Workspace, made: Path, here: Workspace) -> None:
    there.model_imports.read(made / "with-data.zip")
    assert there.registry.dataset_version("train@1").storage is Storage.COPY
    pd.testing.assert_frame_equal(there.registry.load_dataset("train@1"), FRAME)
    digest = here.registry.dataset_version("train@1").digest
    with zipfile.ZipFile(made / "digits.zip") as archive:
        run = zipfile.ZipFile(archive.open("run.zip"))
        assert not [name for name in (*archive.namelist(), *run.namelist()) if digest in name]


def test_people_can_read_it(made: Path) -> None:
    with zipfile.ZipFile(made / "digits.zip") as archive:
        readme = archive.read("README.md").decode()
        card = archive.read("card.md").decode()
        model = json.loads(archive.read("model.json"))
    assert readme.startswith("# digits, version 1\n\nTen digits\n\n- **Class:** builtins.dict")
    assert "- **Datasets:** train@1" in readme
    assert "For reading digits." in card
    assert model["version"]["metrics"] == {"acc": 0.9}
    assert model["moves"][0]["alias"] == "champion"
    assert is_model(made / "digits.zip")


def test_model_without_a_run_is_exported_too(tmp_path: Path, there: Workspace) -> None:
    here = open_workspace(tmp_path / "here")
    folder = tmp_path / "weights"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.bin").write_bytes(b"a")
    (folder / "b.bin").write_bytes(b"b")
    here.registry.register_model(str(folder), name="net")
    path = here.model_exports.write("net", tmp_path / "net.zip")
    for _ in range(2):
        version = there.model_imports.read(path).version
    assert (version.version, version.run_id, version.is_folder) == (1, None, True)
    assert [node.id for node in there.lineage.graph("model:net@1").nodes] == ["model:net@1"]
    loaded = there.registry.load_model("net", trust=True)
    assert (loaded / "deep" / "a.bin").read_bytes() == b"a"


# what is damaged or forged


def test_what_is_there_is_not_written_over(here: Workspace, file: Path) -> None:
    with pytest.raises(Conflict, match="is there already"):
        here.model_exports.write("digits@1", file)
    with pytest.raises(NotFound):
        here.model_exports.write("digits@2", file.with_name("new.zip"))
    assert not file.with_name("new.zip").exists()


@pytest.mark.parametrize("name", ["model.json", "run.zip", "blob"])
def test_damaged_file_leaves_nothing(there: Workspace, file: Path, name: str) -> None:
    def damage(contents: dict[str, bytes]) -> None:
        path = next(
            each for each in contents if each == name or (name == "blob" and each.startswith("blobs/"))
        )
        contents[path] = contents[path][:-1] + bytes([contents[path][-1] ^ 1])

    with pytest.raises(Corrupt, match="is damaged"):
        there.model_imports.read(rewritten(file, damage))
    assert is_empty(there)


def test_missing_file_leaves_nothing(there: Workspace, file: Path) -> None:
    def remove(contents: dict[str, bytes]) -> None:
        del contents["run.zip"]

    with pytest.raises(NotFound, match=r"no file 'run\.zip'"):
        there.model_imports.read(rewritten(file, remove))
    assert is_empty(there)


def test_cut_off_file_is_refused(there: Workspace, file: Path) -> None:
    """Also where the run's zip, which lies within, could be taken for the file."""
    whole = file.read_bytes()
    for kept in range(len(whole) - 100, 0, -len(whole) // 20):
        file.write_bytes(whole[:kept])
        with pytest.raises(InvalidInput, match=r"no (whole )?zip file"):
            there.model_imports.read(file)
    with pytest.raises(NotFound):
        there.model_imports.read(file.with_name("nothing.zip"))
    assert is_empty(there)


@pytest.mark.parametrize("path", ["a/../../evil", "/etc/evil"])
def test_path_that_leads_out_is_refused(there: Workspace, file: Path, path: str) -> None:
    with zipfile.ZipFile(file) as archive:
        files = json.loads(archive.read("manifest.json"))["files"]
    files[path] = {"digest": "0" * 64, "size_bytes": 1}
    with pytest.raises(InvalidInput, match="Not a path within an export"):
        there.model_imports.read(with_manifest(file, files=files))
    assert is_empty(there)


def test_file_that_unfolds_into_more_than_it_says_is_refused(there: Workspace, file: Path) -> None:
    def bomb(contents: dict[str, bytes]) -> None:
        contents["README.md"] = b"0" * 50_000_000

    with pytest.raises(Corrupt, match="is damaged"):
        there.model_imports.read(rewritten(file, bomb))


def test_file_that_says_it_is_larger_than_the_disk_is_refused(there: Workspace, file: Path) -> None:
    with zipfile.ZipFile(file) as archive:
        files = json.loads(archive.read("manifest.json"))["files"]
    files["README.md"]["size_bytes"] = 10**18
    with pytest.raises(InvalidInput, match="unfolds into"):
        there.model_imports.read(with_manifest(file, files=files))
    assert is_empty(there)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"format": 99}, "pip install -U jupyter-mlops"),
        ({"kind": "dataset"}, "not a model"),
        ({"files": {}}, "no whole export"),
        ({"name": "../x"}, "must not contain"),
        ({"blobs": {"0" * 64: "model.json"}}, "lists it otherwise"),
    ],
)
def test_manifest_that_cannot_be_is_refused(
    there: Workspace, file: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        there.model_imports.read(with_manifest(file, **changes))
    assert is_empty(there)


def test_export_that_lacks_the_model_itself_is_corrupt(there: Workspace, file: Path) -> None:
    with pytest.raises(Corrupt, match="lacks the content"):
        there.model_imports.read(with_manifest(file, blobs={}))
    assert is_empty(there)


def test_file_cannot_say_what_became_of_a_run_of_ones_own(made: Path, file: Path, tmp_path: Path) -> None:
    """A forged key of a record that this home's own run has yet to be asked for."""
    shutil.copytree(made / "home", tmp_path / "mine")
    mine = open_workspace(tmp_path / "mine")
    run_id = mine.registry.model_version("digits@1").run_id
    forged = f"{run_id}/w/99"

    def forge(contents: dict[str, bytes]) -> None:
        model = json.loads(contents["model.json"])
        model["keys"] = [forged]
        model["version"]["created_at"] += 1
        contents["model.json"] = json.dumps(model).encode()
        manifest = json.loads(contents["manifest.json"])
        manifest["files"]["model.json"] = {
            "digest": blake3(contents["model.json"]).hexdigest(),
            "size_bytes": len(contents["model.json"]),
        }
        contents["manifest.json"] = json.dumps(manifest).encode()

    imported = mine.model_imports.read(rewritten(file, forge))
    assert imported.new
    version: ModelVersion = imported.version
    assert (version.version, version.origin) == (2, IMPORTED)
    record_of_my_own = mine._registry_store.applied(forged)
    assert record_of_my_own is None


def test_run_that_came_with_a_model_registers_nothing_else(tmp_path: Path, there: Workspace) -> None:
    here = open_workspace(tmp_path / "here")
    workspace.use(here)
    try:
        with mlops.track("fit") as run:
            mlops.register_model({"w": 1}, name="digits")
            mlops.register_model({"w": 2}, name="other")
            mlops.register_dataset(FRAME, name="train")
    finally:
        workspace.use(None)
    wait_until_closed(here.settings.home, run.id)
    path = here.model_exports.write("digits@1", tmp_path / "digits.zip")
    there.registry.register_model({"w": 0}, name="other")
    assert there.model_imports.read(path).version.version == 1
    for _ in range(2):
        assert [(model.name, len(model.versions)) for model in there.registry.models()] == [
            ("digits", 1),
            ("other", 1),
        ]
        assert there.registry.datasets() == []
        there.runs.rebuild()


@pytest.mark.parametrize("name", ["model.json", "datasets.json"])
def test_row_too_large_to_be_read_is_refused(there: Workspace, file: Path, name: str) -> None:
    with zipfile.ZipFile(file) as archive:
        files = json.loads(archive.read("manifest.json"))["files"]
    files[name]["size_bytes"] = 64 * 1024 * 1024 + 1
    with pytest.raises(Corrupt, match=f"{name} of the export is larger"):
        there.model_imports.read(with_manifest(file, files=files))
    assert is_empty(there)


def test_deflated_content_that_is_damaged_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"ab" * 50_000)
    data = bytearray(path.read_bytes())
    data[31] = 0xFF  # the first byte of the deflated stream: a block of no known kind
    path.write_bytes(data)
    with source_of(path) as source, pytest.raises(Corrupt, match="a of the export cannot be read"):
        list(verified(source, "a", FileEntry(digest="0" * 64, size_bytes=100_000)))


def test_dataset_that_says_it_consists_of_nothing_is_not_registered(there: Workspace, file: Path) -> None:
    def forge(contents: dict[str, bytes]) -> None:
        datasets = json.loads(contents["datasets.json"])
        datasets["rows"][0]["contents"] = []
        contents["datasets.json"] = json.dumps(datasets).encode()
        manifest = json.loads(contents["manifest.json"])
        manifest["files"]["datasets.json"] = {
            "digest": blake3(contents["datasets.json"]).hexdigest(),
            "size_bytes": len(contents["datasets.json"]),
        }
        contents["manifest.json"] = json.dumps(manifest).encode()

    there.model_imports.read(rewritten(file, forge))
    assert there.registry.datasets() == []
