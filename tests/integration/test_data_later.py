"""Digests that readers compute after the run, and registered datasets that are known by them."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import replace

import pandas as pd
import pyarrow.csv  # noqa: F401  columns are told in the run where it is there anyway
import pytest
from blake3 import blake3

from jupyter_mlops.entities import VersionRef
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.journal.records import Data, Input
from jupyter_mlops.services.runs import data_digests
from jupyter_mlops.services.runs.data_digests import LaterDigests
from jupyter_mlops.services.runs.service import RunService
from jupyter_mlops.workspace import Workspace, current, use
from tests.reading_runs import of_long_ago, settings_in
from tests.run_worlds import HERE, World
from tests.waiting import wait_until, wait_until_closed


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path / "home")
    yield world
    world.close()


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "large.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    of_long_ago(path)
    return path


def as_read(path, **more):
    """What a run says of a file that was too large for it."""
    status = os.stat(path)
    sizes = {"size_bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
    return Data(**{"uri": str(path), "reader": "pandas.read_csv", **sizes, **more})


def run_that_read(world, *records, **fields):
    run_id = world.new_run(**fields).write(*records).end().run_id
    world.clock.sleep(1)  # readers come later
    return run_id


def data_of(world, run_id):
    return world.runs.detail(run_id, digests_wait_s=30).data


# later digests


def test_a_reader_computes_the_digest_of_a_large_file_and_its_columns(world, table):
    run_id = run_that_read(world, as_read(table, columns={"a": "int64", "b": "str"}, rows=2))
    (read,) = data_of(world, run_id)
    assert read.digest == blake3(table.read_bytes()).hexdigest()
    assert (read.columns, list(read.column_digests), read.rows) == ({"a": "int64", "b": "str"}, ["a", "b"], 2)
    assert (read.sampled, read.problem) == (False, "")


def test_what_was_computed_is_kept_for_other_readers(world, table):
    run_id = run_that_read(world, as_read(table))
    (read,) = data_of(world, run_id)
    table.unlink()
    assert data_of(world.again(index=world.home / "other.sqlite"), run_id) == [read]


def test_a_file_that_changed_since_has_no_digest_and_says_so(world, table):
    record = as_read(table)
    table.write_text("a,b\n1,x\n2,z\n")
    (read,) = data_of(world, run_that_read(world, record))
    assert (read.digest, read.problem) == ("", "the file changed before its content was hashed")


def test_a_file_that_is_gone_says_so_where_it_was(world, table):
    record = as_read(table)
    table.unlink()
    world.host.here = replace(HERE, host=socket.gethostname())
    (read,) = data_of(world, run_that_read(world, record))
    assert read.problem == "the file was gone before its content was hashed"


def test_a_file_of_another_host_is_left_to_readers_there(world, table):
    record = as_read(table)
    table.unlink()
    (read,) = data_of(world, run_that_read(world, record))
    assert (read.digest, read.problem) == ("", "")


def test_a_very_large_file_is_sampled_and_says_so(tmp_path, world):
    sparse = tmp_path / "huge.bin"
    with sparse.open("wb") as file:
        file.truncate(1 << 42)
    of_long_ago(sparse)
    (read,) = data_of(world, run_that_read(world, as_read(sparse)))
    assert (len(read.digest), read.sampled, read.size_bytes) == (64, True, 1 << 42)


def test_a_file_that_cannot_be_read_says_so(world, table, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(data_digests, "hash_file", refuse)
    (read,) = data_of(world, run_that_read(world, as_read(table)))
    assert read.problem == "could not be read to hash it: Permission denied"


def test_a_folder_gets_the_digest_of_its_manifest(tmp_path, world):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_bytes(name.encode())
    of_long_ago(*folder.iterdir())
    record = Data(uri=f"{folder}/", reader="open", files=2, size_bytes=2, mtime_ns=1_000_000_000 * 10**9)
    (read,) = data_of(world, run_that_read(world, record))
    settings = settings_in(tmp_path)
    workspace = Workspace(settings)
    registered = workspace.registry.register_dataset(str(folder), name="images")
    assert (read.digest, read.files) == (registered.digest, 2)


def test_what_is_new_is_computed_without_anybody_asking_for_the_run(world, table):
    run_id = run_that_read(world, as_read(table))
    world.runs.search()
    journals = world.home / "runs" / run_id / "journal"
    wait_until(lambda: len(list(journals.iterdir())) == 2)
    wait_until(lambda: data_of(world, run_id)[0].digest)


def test_columns_that_the_run_could_not_tell_are_added(world, table):
    digest = blake3(table.read_bytes()).hexdigest()
    run_id = run_that_read(
        world, as_read(table, digest=digest, columns={"a": "int64", "b": "object"}, rows=2)
    )
    world.runs.search()
    read = wait_until(lambda: next((each for each in data_of(world, run_id) if each.column_digests), None))
    assert (read.digest, read.columns, list(read.column_digests)) == (
        digest,
        {"a": "int64", "b": "object"},
        ["a", "b"],
    )


def test_a_table_that_does_not_parse_is_tried_once(world, table):
    table.write_bytes(b"a,b\n1\n2,3,4\n\xff")
    of_long_ago(table)
    digest = blake3(table.read_bytes()).hexdigest()
    run_id = run_that_read(world, as_read(table, digest=digest))
    (read,) = data_of(world, run_id)
    assert (read.digest, read.column_digests, read.problem) == (digest, {}, "")
    assert len(list((world.home / "runs" / run_id / "journal").iterdir())) == 1


def test_nobody_waits_long_for_a_digest(world, table, monkeypatch):
    go_on = threading.Event()
    real = data_digests.hash_file
    monkeypatch.setattr(data_digests, "hash_file", lambda *a, **k: go_on.wait(20) and real(*a, **k))
    run_id = run_that_read(world, as_read(table))
    assert world.runs.detail(run_id, digests_wait_s=0.05).data[0].digest == ""
    go_on.set()
    wait_until(lambda: world.runs.detail(run_id).data[0].digest)


def test_of_two_readers_one_computes(world, table, monkeypatch):
    counted = []
    real = data_digests.hash_file
    monkeypatch.setattr(data_digests, "hash_file", lambda *a, **k: counted.append(a[0]) or real(*a, **k))
    run_id = run_that_read(world, as_read(table))
    other = world.again(index=world.home / "other.sqlite")
    threads = [threading.Thread(target=data_of, args=(each, run_id)) for each in (world, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counted == [str(table)]


def test_a_url_is_never_read_again(world):
    later = LaterDigests(world.settings, lambda run_id: ("", []))
    assert not data_digests.is_pending(Data(uri="https://example.org/a.csv", reader="pandas.read_csv"))
    later.add([])
    assert later.wait("unknown", 0)


# what a page shows


def test_files_of_a_folder_that_has_an_entry_are_not_listed_again(world):
    records = [
        Data(uri="/d/images/1.png", reader="open", size_bytes=1, mtime_ns=1, digest="1" * 64),
        Data(uri="/d/t.csv", reader="pandas.read_csv", size_bytes=1, mtime_ns=1, digest="2" * 64),
        Data(uri="/d/images/", reader="open", size_bytes=50, mtime_ns=1, files=50, problem="50 of 60"),
        Data(uri="/d/images/", reader="open", size_bytes=60, mtime_ns=1, files=60, digest="3" * 64),
    ]
    scribe = world.new_run()
    for record in records:
        world.clock.sleep(1)
        scribe.write(record)
    found = world.runs.detail(scribe.run_id).data
    assert [(each.uri, each.files) for each in found] == [("/d/t.csv", None), ("/d/images/", 60)]


def recognising(world, versions):
    return RunService(
        world.index, world.ingestor, world.blobs, world.settings, recognise=versions, clock=world.clock
    )


def test_a_registered_content_is_recognised(world):
    train = VersionRef(kind="dataset", name="train", version=2, digest="1" * 64)
    run_id = run_that_read(
        world,
        Data(uri="/d/t.csv", reader="pandas.read_csv", size_bytes=1, mtime_ns=1, digest="1" * 64),
        Data(uri="/d/u.csv", reader="pandas.read_csv", size_bytes=1, mtime_ns=1, digest="2" * 64),
    )
    runs = recognising(world, lambda digests: {"1" * 64: [train]} if "1" * 64 in digests else {})
    assert [(each.uri, each.version) for each in runs.detail(run_id).data] == [
        ("/d/t.csv", train),
        ("/d/u.csv", None),
    ]


def test_what_was_loaded_by_its_name_is_not_counted_twice(world):
    digest = "1" * 64
    copies = [VersionRef(kind="dataset", name=name, version=1, digest=digest) for name in ("copy", "train")]
    run_id = run_that_read(
        world,
        Input(kind="dataset", name="train", version=1, digest=digest),
        Data(uri="/home/cache/train.csv", reader="open", size_bytes=1, mtime_ns=1, digest=digest),
    )
    runs = recognising(world, lambda digests: {digest: copies})
    assert runs.detail(run_id).data == []


def test_a_registry_that_is_away_keeps_nobody_from_reading(world):
    def away(digests):
        raise Unavailable("no registry")

    run_id = run_that_read(
        world, Data(uri="/d/t.csv", reader="open", size_bytes=1, mtime_ns=1, digest="1" * 64)
    )
    assert recognising(world, away).detail(run_id).data[0].version is None


# the whole


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace(settings_in(tmp_path))
    use(workspace)
    yield workspace
    use(None)


def read_in_a_run(path, name="training"):
    import jupyter_mlops as mlops

    with mlops.track(name) as run:
        pd.read_csv(path)
    wait_until_closed(current().settings.home, run.id)
    return run.id


def test_reading_a_registered_file_links_the_run_with_the_dataset(workspace, table):
    registered = workspace.registry.register_dataset(str(table), name="train")
    run_id = read_in_a_run(table)
    (read,) = workspace.runs.detail(run_id).data
    assert read.version == VersionRef(kind="dataset", name="train", version=1, digest=registered.digest)
    edges = {
        (edge.source, edge.target, edge.relation) for edge in workspace.lineage.graph(f"run:{run_id}").edges
    }
    assert ("dataset:train@1", f"run:{run_id}", "read") in edges


def test_the_datasets_lineage_shows_the_runs_that_read_its_file(workspace, table):
    workspace.registry.register_dataset(str(table), name="train")
    run_id = read_in_a_run(table)
    edges = {(edge.source, edge.target) for edge in workspace.lineage.graph("dataset:train@1").edges}
    assert ("dataset:train@1", f"run:{run_id}") in edges


def test_loading_a_dataset_is_an_input_and_no_data(workspace, table):
    import jupyter_mlops as mlops

    workspace.registry.register_dataset(str(table), name="train")
    with mlops.track("training") as run:
        mlops.load_dataset("train")
        pd.read_csv(mlops.load_dataset("train", as_path=True))
    detail = workspace.runs.detail(run.id)
    assert ([each.name for each in detail.inputs], detail.data) == (["train"], [])


def test_registering_a_file_is_not_reading_it(workspace, table):
    import jupyter_mlops as mlops

    with mlops.track("preparing") as run:
        mlops.register_dataset(str(table), name="train")
        mlops.log_artifact(str(table))
    assert workspace.runs.detail(run.id).data == []


def test_reading_runs_makes_no_registry(workspace, table):
    workspace.runs.detail(read_in_a_run(table))
    assert not (workspace.settings.home / "registry.sqlite").exists()


def test_comparing_names_the_columns_that_changed(workspace, table):
    first = read_in_a_run(table)
    wait_until(lambda: workspace.runs.detail(first).data[0].column_digests)
    table.write_text("a,b,c\n1,x,0\n2,z,0\n")
    of_long_ago(table)
    second = read_in_a_run(table)
    wait_until(lambda: workspace.runs.detail(second).data[0].column_digests)
    (difference,) = workspace.runs.compare(first, second).data
    assert (difference.name, difference.rows_a, difference.rows_b) == (str(table), 2, 2)
    changes = {change.column: change.change for change in difference.columns}
    assert (changes, difference.columns_known) == ({"b": "content", "c": "added"}, True)
