"""What a job takes along of the registry to where it cannot be reached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlops.entities import VersionStatus
from jupyter_mlops.errors import NotFound, Unavailable, Untrusted
from jupyter_mlops.protocols.registry import RegistryStore
from jupyter_mlops.services.registry.travelling import FILE, Travelling, TravellingStore, plan
from jupyter_mlops.wire import decode
from tests.registries import RecordedRun, Registry, open_registry

FRAME = pd.DataFrame({"x": [1, 2]})


def _proof(store: TravellingStore) -> RegistryStore:
    return store


@pytest.fixture
def home(tmp_path: Path) -> Registry:
    home = open_registry(tmp_path / "home")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    for frame in (FRAME, FRAME * 2):
        home.service.register_dataset(frame, name="train")
    home.service.register_dataset(tmp_path / "data", name="folder")
    home.service.register_model({"w": 1}, name="digits", alias="champion")
    home.service.register_model({"w": 2}, name="digits")
    return home


def taken(home: Registry, *sources: str) -> tuple[Travelling, list[str]]:
    return plan(sources, home.service, home.blobs)


def at_the_node(home: Registry, tmp_path: Path, *sources: str) -> Registry:
    """A registry that holds only what went along with this code."""
    travelling, _ = taken(home, *sources)
    travelling.write(tmp_path / "files")
    return open_registry(tmp_path / "home", wrap=lambda store: TravellingStore(tmp_path / "files" / FILE))


def test_versions_that_the_code_names_by_texts_go_along_with_their_blobs(home: Registry) -> None:
    travelling, notes = taken(
        home,
        "which = 'train@1'",
        "import jupyter_mlops as mlops\nmlops.load_dataset(which)\nload_model('digits@champion')",
        "mlops.load_dataset(reference='folder')",
    )
    assert [(each.name, each.version) for each in travelling.datasets] == [("train", 1), ("folder", 1)]
    assert [(each.name, each.version) for each in travelling.models] == [("digits", 1)]
    assert len(travelling.blobs) == 4  # the table, the folder's list and its one file, the model
    assert all(home.blobs.exists(digest) for digest in travelling.blobs)
    assert notes == []


def test_model_of_many_files_goes_along_whole_with_code_that_predicts(home: Registry, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "weights").write_text("w")
    home.service.register_model(tmp_path / "net", name="net")
    travelling, notes = taken(
        home, "mlops.predict('net', rows)", "text = 'why'\nmodel.predict(text); model.predict(rows)"
    )
    assert ([each.name for each in travelling.models], len(travelling.blobs), notes) == (["net"], 2, [])
    node = at_the_node(home, tmp_path, "mlops.predict('net', rows)")
    assert (node.service.load_model("net") / "weights").read_text() == "w"


def test_a_name_that_is_computed_is_said(home: Registry) -> None:
    travelling, notes = taken(home, "mlops.load_dataset('tr' + 'ain')")
    assert travelling == Travelling()
    assert notes == [
        "The code loads a dataset whose name it computes. Only those that it names by a text go along."
    ]


def test_a_name_that_nothing_has_is_left_to_the_job(home: Registry) -> None:
    assert taken(home, "mlops.load_dataset('to-be-made')") == (Travelling(), [])


def test_what_went_along_is_loaded_as_at_home(home: Registry, tmp_path: Path) -> None:
    node = at_the_node(
        home, tmp_path, "load_dataset('train'); load_dataset('train@1'); load_model('digits@champion')"
    )
    pd.testing.assert_frame_equal(node.service.load_dataset("train"), FRAME * 2)
    pd.testing.assert_frame_equal(node.service.load_dataset("train@1"), FRAME)
    assert node.service.load_model("digits@champion") == {"w": 1}
    assert [each.name for each in node.service.datasets()] == ["train"]
    assert node.service.model("digits").aliases == {"champion": 1}
    assert node.service.dataset("train").versions[0].version == 2


def test_what_the_home_cannot_prove_to_be_its_own_is_not_so_where_it_travels(
    home: Registry, tmp_path: Path
) -> None:
    own = home.service.model_version("digits@2")
    home.store.register_model(replace(own, version=None, name="forged"))
    node = at_the_node(home, tmp_path, "load_model('forged'); load_model('digits')")
    assert node.service.load_model("digits") == {"w": 2}
    with pytest.raises(Untrusted, match="forged@1"):
        node.service.load_model("forged")


@pytest.mark.parametrize("reference", ["train@2", "folder", "train"])
def test_what_did_not_go_along_says_how_it_would(home: Registry, tmp_path: Path, reference: str) -> None:
    node = at_the_node(home, tmp_path, "load_dataset('train@1')")
    with pytest.raises(NotFound, match=f"load_dataset\\('{reference}'\\)"):
        node.service.load_dataset(reference)
    with pytest.raises(NotFound, match="did not go along"):
        node.service.model("digits")


def test_what_is_registered_there_is_pending_and_nothing_else_can_be_decided(
    home: Registry, tmp_path: Path
) -> None:
    node = at_the_node(home, tmp_path, "load_dataset('train@1')")
    node.run = run = RecordedRun()
    made = node.service.register_dataset(FRAME * 3, name="made")
    assert (made.version, made.status) == (None, VersionStatus.PENDING)
    assert node.service.register_dataset(FRAME, name="train").version == 1  # it is there
    assert node.service.register_model({"w": 3}, name="digits").status is VersionStatus.PENDING
    with pytest.raises(Unavailable, match="cannot be reached"):
        node.service.set_alias("digits", "best", 1)
    for key, record in run.registered:
        home.service.apply(key, record, run.id, "ada")
    assert home.service.dataset_version("made").version == 1
    assert home.service.model_version("digits").version == 3


def test_the_file_reads_back_as_it_was_written(home: Registry, tmp_path: Path) -> None:
    travelling, _ = taken(home, "load_dataset('folder')")
    travelling.write(tmp_path / "files")
    assert decode((tmp_path / "files" / FILE).read_bytes(), Travelling) == travelling
    assert decode(b"{}", Travelling) == Travelling()
