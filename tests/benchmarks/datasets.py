"""What registering data costs: a file of 2 GB and a folder of 10,000 small ones, against raw hashing and DVC."""

from __future__ import annotations

import os
import statistics
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from blake3 import blake3

from jupyter_mlops.workspace import Workspace

from .figures import HIGHER, Benchmark, Figure
from .measuring import git, medians_s, seconds_of, temporary_folder, temporary_workspace
from .peers import VARIABLE

LARGE_BYTES = 2 * 1000**3
BLOCK_BYTES = 16 * 1024 * 1024
FILES = 10_000
FILE_BYTES = 4096
A_FOLDER = 500
ROUNDS = 3
DVC = "dvc"


def datasets() -> Iterator[Figure]:
    with temporary_folder() as folder:
        yield from _large(_file(folder / "large.bin"))
        yield from _small(_folder(folder / "images"))


def _large(path: Path) -> Iterator[Figure]:
    with temporary_workspace() as workspace:

        def register(copy: bool | None = None) -> None:
            os.utime(path)  # or it would be known, and not be read
            workspace.registry.register_dataset(path, name="large", copy=copy)

        ours, raw = medians_s(register, lambda: _hash(path))
        copied = statistics.median(_again(lambda: register(copy=True), workspace) for _ in range(ROUNDS))
        unchanged = statistics.median(
            seconds_of(lambda: workspace.registry.register_dataset(path, name="large")) for _ in range(ROUNDS)
        )
    rate, raw_rate = (LARGE_BYTES / seconds / 1e9 for seconds in (ours, raw))
    raw_is = "BLAKE3 of the mapped file on all cores"
    yield Figure(
        what="registering a file of 2 GB, which stays",
        unit="GB/s",
        value=rate,
        goal=0.8 * raw_rate,
        better=HIGHER,
        limit=raw_rate,
        limit_is=raw_is,
    )
    yield Figure(what="the same, copied", unit="s", value=copied, limit=raw, limit_is=raw_is)
    yield Figure(what="the same, unchanged", unit="ms", value=unchanged * 1e3)
    yield from _against_dvc("a file of 2 GB", path, ours, goal=6.0)


def _small(root: Path) -> Iterator[Figure]:
    raw = statistics.median(seconds_of(lambda: _hash_all(root)) for _ in range(ROUNDS))
    for what, copy, goals in (("", None, (0.6, 0.15)), (", which stay", False, (None, None))):
        times = [_first_and_unchanged(root, copy) for _ in range(ROUNDS)]
        first, unchanged = (statistics.median(each) for each in zip(*times, strict=True))
        yield Figure(
            what=f"10,000 files of 4 kB{what}: first time",
            unit="s",
            value=first,
            goal=goals[0],
            limit=raw,
            limit_is="reading and hashing them",
        )
        yield Figure(what=f"10,000 files of 4 kB{what}: unchanged", unit="s", value=unchanged, goal=goals[1])
        if copy is None:
            yield from _against_dvc("10,000 files of 4 kB", root, first)


def _first_and_unchanged(root: Path, copy: bool | None) -> tuple[float, float]:
    with temporary_workspace() as workspace:
        workspace.registry.datasets()  # the database is made

        def register() -> None:
            workspace.registry.register_dataset(root, name="images", copy=copy)

        return seconds_of(register), seconds_of(register)


def _again(register: Callable[[], None], workspace: Workspace) -> float:
    for blob in list(workspace.blobs.stored()):
        workspace.blobs.delete(blob.digest)
    return seconds_of(register)


def _against_dvc(what: str, path: Path, ours: float, goal: float | None = None) -> Iterator[Figure]:
    """``dvc add``, in a repository of its own."""
    program = Path(os.environ.get(VARIABLE) or os.devnull).with_name(DVC)
    if not program.exists():
        note = f"not measured: give --peers PYTHON of an environment that has {DVC}, or set {VARIABLE}"
        yield Figure(what=f"dvc add of {what}", unit="s", value=None, peer=DVC, note=note)
        return
    with temporary_folder() as project:
        git(project, "init", "--quiet")
        _run(program, project, "init", "--quiet")
        inside = project / path.name
        path.rename(inside)
        try:
            first = seconds_of(lambda: _run(program, project, "add", "--quiet", path.name))
            unchanged = seconds_of(lambda: _run(program, project, "add", "--quiet", path.name))
        finally:
            inside.rename(path)
    yield Figure(what=f"dvc add of {what}", unit="s", value=first, peer=DVC)
    yield Figure(what=f"dvc add of {what}, unchanged", unit="s", value=unchanged, peer=DVC)
    yield Figure(what=f"{what}: faster than dvc add", unit="x", value=first / ours, goal=goal, better=HIGHER)


def _run(program: Path, project: Path, *arguments: str) -> None:
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    subprocess.run([program, *arguments], cwd=project, env=environment, check=True, capture_output=True)


def _hash(path: Path) -> str:
    return blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()


def _hash_all(root: Path) -> list[str]:
    return [blake3(path.read_bytes()).hexdigest() for path in root.rglob("*.bin")]


def _file(path: Path) -> Path:
    with path.open("wb") as file:
        for start in range(0, LARGE_BYTES, BLOCK_BYTES):
            file.write(os.urandom(min(BLOCK_BYTES, LARGE_BYTES - start)))
    return path


def _folder(root: Path) -> Path:
    for number in range(FILES):
        path = root / str(number // A_FOLDER) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(FILE_BYTES))
    return root


BENCHMARKS: dict[str, Benchmark] = {"datasets": datasets}
