"""What is shipped is applied in order, whole, as often as it takes, and only where it may be."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from blake3 import blake3

from jupyter_mlops.errors import Corrupt, InvalidInput
from jupyter_mlops.remote.batches import (
    BATCH_BYTES,
    GONE,
    GROWS,
    OBJECT_BYTES,
    ONCE,
    Batch,
    Part,
    apply,
    batched,
    decode,
    encode,
)
from jupyter_mlops.remote.layout import of_job, of_worker
from jupyter_mlops.remote.shipping import BYTES_A_SECOND, Tree
from jupyter_mlops.testing.clocks import FakeClock

ANYWHERE = re.compile(".+")
JOB = "01hjob"


class Far:
    """Another tree, to which everything is shipped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.objects: dict[str, bytes] = {}
        root.mkdir()

    def upload(self, digest: str, path: Path) -> None:
        self.objects[digest] = path.read_bytes()

    def apply(self, *parts: Part) -> None:
        for part in parts:
            apply(part, self.root, ANYWHERE, self._fetch)

    def _fetch(self, digest: str, target: Path) -> bool:
        if digest in self.objects:
            target.write_bytes(self.objects[digest])
        return digest in self.objects

    def files(self) -> dict[str, bytes]:
        found = [path for path in self.root.rglob("*") if path.is_file()]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


@pytest.fixture
def far(tmp_path: Path) -> Far:
    return Far(tmp_path / "far")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def tree(here: Path, far: Far, clock: FakeClock, tmp_path: Path) -> Tree:
    (tmp_path / "scratch").mkdir()
    return Tree(here, tmp_path / "scratch", far.upload, monotonic=clock)


def append(path: Path, data: bytes) -> int:
    with path.open("ab") as file:
        file.write(data)
    return path.stat().st_size


def test_a_growing_file_is_shipped_in_pieces_none_twice(here: Path, far: Far, tree: Tree) -> None:
    log = here / "log.txt"
    first = list(tree.growth("log.txt", append(log, b"one ")))
    second = list(tree.growth("log.txt", append(log, b"two ")))
    assert [(part.offset, part.data) for part in (*first, *second)] == [(0, b"one "), (4, b"two ")]
    assert list(tree.growth("log.txt", log.stat().st_size)) == []
    far.apply(*first, *second)
    assert far.files() == {"log.txt": b"one two "}


def test_only_what_was_there_when_the_size_was_noted_goes(here: Path, far: Far, tree: Tree) -> None:
    size = append(here / "log.txt", b"noted")
    append(here / "log.txt", b" later")
    far.apply(*tree.growth("log.txt", size))
    assert far.files() == {"log.txt": b"noted"}


def test_applying_twice_or_from_earlier_on_changes_nothing(here: Path, far: Far, tree: Tree) -> None:
    log = here / "log.txt"
    parts = [*tree.growth("log.txt", append(log, b"one "))]
    parts += tree.growth("log.txt", append(log, b"two"))
    far.apply(*parts, *parts, parts[0])
    assert far.files() == {"log.txt": b"one two"}


def test_a_prefix_never_changes(far: Far) -> None:
    far.apply(Part(path="j", kind=GROWS, data=b"abc"))
    for part, complaint in (
        (Part(path="j", kind=GROWS, data=b"aXc"), "other contents from 0 on"),
        (Part(path="j", kind=GROWS, offset=9, data=b"!"), "ends at 3, and what arrived begins at 9"),
    ):
        with pytest.raises(Corrupt, match=complaint):
            far.apply(part)
    assert far.files() == {"j": b"abc"}


@pytest.mark.parametrize("rewritten", [b"cut", b"another text, longer than before"])
def test_a_file_that_was_to_grow_and_was_written_anew_is_shipped_whole(
    here: Path, far: Far, tree: Tree, rewritten: bytes
) -> None:
    log = here / "log.txt"
    far.apply(*tree.growth("log.txt", append(log, b"a long beginning")))
    log.write_bytes(rewritten)
    far.apply(*tree.growth("log.txt", log.stat().st_size))
    far.apply(*tree.growth("log.txt", append(log, b" and on")))
    assert far.files() == {"log.txt": rewritten + b" and on"}


def test_a_changed_file_replaces_the_one_before_with_its_mode(here: Path, far: Far, tree: Tree) -> None:
    (here / "note.json").write_bytes(b"1")
    far.apply(*tree.change("note.json"))
    assert list(tree.change("note.json")) == []
    (here / "note.json").write_bytes(b"22")
    (here / "note.json").chmod(0o750)
    far.apply(*tree.change("note.json"))
    assert far.files() == {"note.json": b"22"}
    assert (far.root / "note.json").stat().st_mode & 0o777 == 0o700
    assert list(tree.change("never-there")) == []


def test_large_files_are_objects_and_are_not_shipped_all_the_time(
    here: Path, far: Far, tree: Tree, clock: FakeClock
) -> None:
    large = b"x" * (OBJECT_BYTES + 1)
    (here / "out").write_bytes(large)
    (part,) = tree.change("out")
    assert (part.data, part.digest) == (b"", blake3(large).hexdigest())
    far.apply(part)
    (here / "out").write_bytes(large + b"y")
    assert list(tree.change("out")) == []
    clock.now += len(large) / BYTES_A_SECOND + 1
    far.apply(*tree.change("out"))
    assert far.files() == {"out": large + b"y"}
    (here / "out").write_bytes(b"z" + large)
    far.apply(*tree.change("out", at_once=True))
    assert far.files() == {"out": b"z" + large}


def test_a_file_that_is_gone_goes_there_too(here: Path, far: Far, tree: Tree) -> None:
    (here / "a").mkdir()
    (here / "a" / "warning").write_text("idle")
    far.apply(*tree.change("a/warning"))
    (here / "a" / "warning").unlink()
    far.apply(*tree.gone("a"), Part(path="a/never", kind=GONE))
    assert far.files() == {}
    assert list(tree.gone("a")) == []


def test_who_creates_a_file_first_is_right(far: Far, here: Path, tree: Tree) -> None:
    (far.root / "exit.json").write_bytes(b"by the agent")
    (here / "exit.json").write_bytes(b"by the worker")
    parts = list(tree.once("exit.json"))
    far.apply(*parts)
    assert far.files() == {"exit.json": b"by the agent"}
    assert list(tree.once("exit.json")) == []
    assert parts[0].kind == ONCE


def test_a_blob_arrives_with_its_mode_and_is_fetched_once(here: Path, far: Far, tree: Tree) -> None:
    data = b"b" * (OBJECT_BYTES + 1)
    digest = blake3(data).hexdigest()
    (here / digest).write_bytes(data)
    (here / digest).chmod(0o444)
    parts = list(tree.once(digest, digest))
    far.apply(*parts)
    far.objects.clear()
    far.apply(*parts)  # it is there
    assert far.files() == {digest: data}
    assert (far.root / digest).stat().st_mode & 0o777 == 0o444


@pytest.mark.parametrize("large", [False, True])
def test_a_file_that_only_grows_keeps_its_whole_lines(far: Far, large: bool) -> None:
    def replaced(data: bytes) -> Part:
        digest = blake3(data).hexdigest()
        far.objects[digest] = data
        return Part(path="j", digest=digest) if large else Part(path="j", data=data)

    def send(part: Part) -> None:
        apply(part, far.root, ANYWHERE, far._fetch, only_grows=True)

    send(replaced(b"one\ntwo\nto"))
    for other in (b"", b"one\n", b"one\nTWO\nto"):
        with pytest.raises(Corrupt, match="without lines that it has here"):
            send(replaced(other))
    assert far.files() == {"j": b"one\ntwo\nto"}
    send(replaced(b"one\ntwo\nthree\n"))
    assert far.files() == {"j": b"one\ntwo\nthree\n"}


@pytest.mark.parametrize("there", [None, b"damaged"])
def test_contents_that_are_missing_or_damaged_are_not_taken(far: Far, there: bytes | None) -> None:
    digest = blake3(b"right").hexdigest()
    far.objects = {} if there is None else {digest: there}
    with pytest.raises(Corrupt, match=r"are not there|arrived as"):
        far.apply(Part(path="out", digest=digest))
    assert far.files() == {}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../outside",
        "jobs/01hjob/../other/spec.json",
        f"jobs/{JOB}/spec.json",
        f"jobs/{JOB}/attempts/2/exit.json",
        "jobs/other/attempts/1/exit.json",
        "registry.sqlite",
        "runs/r/journal/w.txt",
        "runs/r/journal/../../../x.jsonl",
        "blobs/ab/short",
        "active/r.w",
        "staged/x.json",
    ],
)
def test_a_worker_writes_only_what_is_its_own(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidInput, match="not its to write"):
        apply(Part(path=path, data=b"x"), tmp_path, of_worker(JOB, 1), lambda digest, target: False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (f"jobs/{JOB}/attempts/1/returned/0.pkl", of_worker(JOB, 1)),
        ("runs/r/journal/w.jsonl", of_worker(JOB, 1)),
        ("runs/r/outputs/3.tail", of_worker(JOB, 1)),
        (f"blobs/ab/{'0' * 64}", of_worker(JOB, 1)),
        (f"jobs/{JOB}/files/tree/a b/ü.txt", of_job(JOB)),
    ],
)
def test_what_is_its_own_is_written(tmp_path: Path, path: str, allowed: re.Pattern[str]) -> None:
    apply(Part(path=path, data=b"x"), tmp_path, allowed, lambda digest, target: False)
    assert (tmp_path / path).read_bytes() == b"x"


def test_batches_are_of_a_size_and_read_back_as_they_were() -> None:
    parts = [Part(path=str(number), data=b"x" * (BATCH_BYTES // 2)) for number in range(5)]
    batches = [decode(encode(Batch(parts=each, alive=True))) for each in batched(parts)]
    assert [part for batch in batches for part in batch.parts] == parts
    assert [len(batch.parts) for batch in batches] == [2, 2, 1]
    assert list(batched([])) == []
    with pytest.raises(Corrupt, match="no batch"):
        decode(b"\xc1 torn")


def test_what_could_not_be_uploaded_is_shipped_the_next_time(here: Path, far: Far, tree: Tree) -> None:
    (here / "out").write_bytes(b"x" * (OBJECT_BYTES + 1))
    upload, far.objects = far.upload, {}

    def fail(digest: str, path: Path) -> None:
        raise OSError("away")

    tree._upload = fail
    with pytest.raises(OSError, match="away"):
        list(tree.change("out"))
    tree._upload = upload
    far.apply(*tree.change("out"))
    assert list(far.files()) == ["out"]
    shutil.rmtree(far.root)
