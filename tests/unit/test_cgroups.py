"""Control groups for the memory of jobs.

Version 1 is real where it may be written. The memory of version 2 is in no tree that a test could have
beside it, so its files are made here as cgroup-v2.rst has them; only the processes of its groups are real.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.executors import cgroups
from jupyter_mlops.executors.cgroups import PREFIX, MemoryGroup, memory_group, oom_kills
from tests.waiting import wait_until

MIB = 1024**2
FILES = {
    "cgroup.procs": "",
    "cgroup.subtree_control": "",
    "memory.max": "max",
    "memory.swap.max": "max",
    "memory.oom.group": "0",
    "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n",
}


class Tree:
    """A tree of version 2 in plain files; a new folder gets a group's files as the kernel makes them."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.own = root, root.parent / "own"
        self._make = Path.mkdir
        monkeypatch.setattr(Path, "mkdir", lambda path, **more: self.group(path, **more))
        self.group(root)

    def group(self, path: Path, *, hands_on: str = "", **more: bool) -> Path:
        self._make(path, **more)
        for name, text in FILES.items():
            (path / name).write_text(text)
        (path / "cgroup.subtree_control").write_text(hands_on)
        return path

    def worker_is_in(self, name: str) -> None:
        self.own.write_text(f"0::/{name}\n")

    def limited(self, limit: int = 100 * MIB) -> MemoryGroup | None:
        return memory_group("job", limit, root=self.root, own=self.own)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    return Tree(tmp_path / "cgroup", monkeypatch)


@pytest.fixture
def real() -> MemoryGroup:
    """A group of this kernel, of 100 MiB."""
    group = memory_group(f"test-{os.getpid()}", 100 * MIB)
    if group is None:
        pytest.skip("no control group with a memory limit can be made here")
    yield group
    assert group.remove()


def waiting_child(program: str = "") -> subprocess.Popen[str]:
    """A process that runs the program once it is written to."""
    command = [sys.executable, "-c", f"import sys; sys.stdin.readline(); {program}"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, text=True)


def go_on(child: subprocess.Popen[str]) -> int:
    child.communicate("\n", timeout=60)
    return child.returncode


def test_a_process_that_wants_more_is_killed_and_counted(real):
    child = waiting_child("x = bytearray(400 * 1024**2)")
    assert real.take_in(child.pid)
    assert child.pid in real.members()
    assert real.kills() == 0
    assert go_on(child) == -9
    assert real.kills() == 1


def test_a_process_that_keeps_to_it_is_left_alone(real):
    child = waiting_child("x = bytearray(10 * 1024**2)")
    assert real.take_in(child.pid)
    assert go_on(child) == 0
    assert real.kills() == 0


def test_a_process_can_be_put_out_again(real):
    child = waiting_child("x = bytearray(400 * 1024**2)")
    real.take_in(child.pid)
    assert real.put_out(child.pid)
    assert child.pid not in real.members()
    assert go_on(child) == 0


def test_a_process_that_is_gone_is_not_taken_in(real):
    child = waiting_child()
    go_on(child)
    assert not real.take_in(child.pid)


def test_a_group_with_processes_is_not_removed(real, monkeypatch, caplog):
    monkeypatch.setattr(cgroups, "REMOVE_WAIT_S", 0.05)
    child = waiting_child()
    real.take_in(child.pid)
    assert not real.remove()
    assert "stays" in caplog.text
    go_on(child)
    wait_until(lambda: not real.members())


def test_the_nearest_group_above_that_hands_memory_on_gets_the_new_one(tree):
    tree.group(tree.root / "user", hands_on="cpu memory pids")
    tree.group(tree.root / "user" / "app", hands_on="memory")
    tree.group(tree.root / "user" / "app" / "jupyter.service")
    tree.worker_is_in("user/app/jupyter.service")
    group = tree.limited()
    assert group.path == tree.root / "user" / "app" / f"{PREFIX}job"
    assert group.home == tree.root / "user" / "app" / "jupyter.service"
    assert int((group.path / "memory.max").read_text()[:9]) == 100 * MIB
    assert (group.path / "memory.swap.max").read_text().startswith("0")
    assert (group.path / "memory.oom.group").read_text() == "1"
    assert group.take_in(123)
    assert (group.path / "cgroup.procs").read_text() == "123"
    assert group.members() == {123}
    (group.path / "memory.events").write_text("low 0\noom 3\noom_kill 2\noom_group_kill 1\n")
    assert group.kills() == 2
    assert group.put_out(123)
    assert (group.home / "cgroup.procs").read_text() == "123"


def test_nothing_is_made_where_no_group_above_hands_memory_on(tree):
    """As in most containers: their first group has processes, and can have none with limits below it."""
    tree.group(tree.root / "app")
    tree.worker_is_in("app")
    assert tree.limited() is None
    assert not list(tree.root.rglob(f"{PREFIX}*"))


def test_in_a_container_the_path_of_the_host_leads_to_the_containers_first_group(tree):
    (tree.root / "cgroup.subtree_control").write_text("memory")
    tree.worker_is_in("kubepods/pod7/container")
    group = tree.limited()
    assert (group.path, group.home) == (tree.root / f"{PREFIX}job", tree.root)


def test_beside_version_1_the_tree_of_version_2_lies_aside(tree):
    aside = tree.group(tree.root / "unified", hands_on="memory")
    tree.own.write_text("4:cpu,cpuacct:/\n0::/\n")
    assert tree.limited().path == aside / f"{PREFIX}job"


def test_a_limit_that_cannot_be_set_leaves_no_group(tree, monkeypatch):
    (tree.root / "cgroup.subtree_control").write_text("memory")
    tree.worker_is_in("")
    made: list[Path] = []
    monkeypatch.setattr(cgroups, "_write", lambda file, value: bool(made.append(file)))
    monkeypatch.setattr(Path, "rmdir", lambda path: made.append(path))
    assert tree.limited() is None
    assert made == [tree.root / f"{PREFIX}job" / "memory.max", tree.root / f"{PREFIX}job"]


@pytest.mark.parametrize("own", ["", "0::/\n", "4:memory:/nowhere\n"])
def test_where_there_are_no_groups_none_is_made(tmp_path, own):
    (tmp_path / "own").write_text(own)
    assert memory_group("job", MIB, root=tmp_path / "cgroup", own=tmp_path / "own") is None
    assert memory_group("job", MIB, root=tmp_path / "cgroup", own=tmp_path / "nothing") is None


def test_groups_that_killed_workers_left_are_cleared_up_and_new_ones_not(tree, monkeypatch):
    (tree.root / "cgroup.subtree_control").write_text("memory")
    tree.worker_is_in("")
    removed: list[Path] = []
    monkeypatch.setattr(Path, "rmdir", lambda path: removed.append(path))
    old, new = (tree.group(tree.root / f"{PREFIX}{name}") for name in ("old", "new"))
    os.utime(old, (0, 0))
    assert tree.limited() is not None
    assert removed == [old]
    assert new.exists()


def test_a_file_that_counts_nothing_counts_none(tmp_path):
    assert oom_kills(tmp_path / "nowhere") == 0
    (tmp_path / "vmstat").write_text("nr_free_pages 5\noom_kill 7\noom_killer 9\n")
    assert oom_kills(tmp_path / "vmstat") == 7


def test_whether_memory_can_be_limited_is_seen_by_doing_it(tree, monkeypatch):
    removed: list[Path] = []
    monkeypatch.setattr(Path, "rmdir", lambda path: removed.append(path))
    monkeypatch.setattr(cgroups.memory_group, "__kwdefaults__", {"root": tree.root, "own": tree.own})
    tree.worker_is_in("")
    assert not cgroups.can_limit_memory()
    (tree.root / "cgroup.subtree_control").write_text("memory")
    assert cgroups.can_limit_memory()
    assert [each.name.startswith(f"{PREFIX}probe-") for each in removed] == [True]
