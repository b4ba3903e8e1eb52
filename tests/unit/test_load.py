"""Reading /proc: process trees, the machine, its processor and its limits."""

from __future__ import annotations

import os

import pytest

from jupyter_mlops.capture import load
from jupyter_mlops.capture.hardware import cpu_model, memory_limit_bytes
from jupyter_mlops.capture.load import MachineUse, TreeUse

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def process(proc, pid, *, parent=1, children=(), cpu=(1, 2, 3, 4), pages=10, moved=(5, 6), listed=True):
    """A process as proc(5) has it; its name holds what confuses naive readers."""
    folder = proc / str(pid)
    (folder / "task" / str(pid)).mkdir(parents=True)
    fields = ["S", str(parent), *["0"] * 9, *map(str, cpu), *["0"] * 6, str(pages), *["0"] * 20]
    (folder / "stat").write_text(f"{pid} (a (b) c) {' '.join(fields)}\n")
    if listed:
        (folder / "task" / str(pid) / "children").write_text(" ".join(map(str, children)))
    if moved:
        (folder / "io").write_text(f"rchar: 1\nread_bytes: {moved[0]}\nwrite_bytes: {moved[1]}\n")


@pytest.mark.parametrize("listed", [True, False])
def test_a_process_is_counted_with_all_below_it(tmp_path, listed):
    process(tmp_path, 10, children=[11, 12], listed=listed)
    process(tmp_path, 11, parent=10, children=[13], listed=listed)
    process(tmp_path, 12, parent=10, moved=None, listed=listed)
    process(tmp_path, 13, parent=11, listed=listed)
    process(tmp_path, 14, parent=1, listed=listed)
    assert load._tree_from_proc(10, tmp_path) == TreeUse(
        cpu_s=4 * 10 / TICKS, rss_bytes=4 * 10 * PAGE, read_bytes=15, written_bytes=18
    )


def test_processes_that_end_meanwhile_are_passed_over(tmp_path):
    process(tmp_path, 10, children=[99])
    assert load._tree_from_proc(10, tmp_path).rss_bytes == 10 * PAGE
    assert load._tree_from_proc(98, tmp_path) == TreeUse()


def test_the_loopback_is_no_network(tmp_path):
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "dev").write_text(
        "Inter-| Receive\n face |bytes\n"
        "    lo: 100 0 0 0 0 0 0 0 100 0 0 0 0 0 0 0\n"
        "  eth0:1000 0 0 0 0 0 0 0 2000 0 0 0 0 0 0 0\n"
    )
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 25 kB\n")
    assert load._machine_from_proc(tmp_path) == MachineUse(
        received_bytes=1000, sent_bytes=2000, memory_percent=75.0
    )


def test_a_machine_that_tells_nothing_is_no_error(tmp_path):
    assert load._machine_from_proc(tmp_path) == MachineUse()


def test_psutil_sees_the_same_tree_elsewhere():
    pytest.importorskip("psutil")
    here, there = load.tree_use(os.getpid()), load._tree_from_psutil(os.getpid())
    assert there.rss_bytes == pytest.approx(here.rss_bytes, rel=0.3)
    assert load._machine_from_psutil().memory_percent > 0
    assert load._tree_from_psutil(2**22 + 1) == TreeUse()


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 7B13\nflags\t: a b\n\nprocessor\t: 1\n", "AMD EPYC 7B13"),
        ("processor : 0\nHardware\t: BCM2835\n", "BCM2835"),
    ],
)
def test_the_processor_is_named(tmp_path, text, model):
    (tmp_path / "cpuinfo").write_text(text)
    assert cpu_model(tmp_path / "cpuinfo") == model


def test_a_processor_without_a_name_has_its_architecture(tmp_path):
    assert cpu_model(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("groups", "files", "limit"),
    [
        ("0::/user/me\n", {"user/memory.max": "2000", "user/me/memory.max": "max"}, 2000),
        ("0::/host/path\n", {"memory.max": "3000"}, 3000),
        (
            "4:memory:/docker/1\n0::/\n",
            {"memory/docker/1/memory.limit_in_bytes": "9223372036854771712"},
            None,
        ),
        ("4:cpu,memory:/a\n", {"memory/a/memory.limit_in_bytes": "4000"}, 4000),
        ("", {}, None),
    ],
)
def test_the_lowest_memory_limit_counts(tmp_path, groups, files, limit):
    (tmp_path / "own").write_text(groups)
    for name, text in files.items():
        file = tmp_path / "cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert memory_limit_bytes(tmp_path / "cgroup", tmp_path / "own") == limit
    assert memory_limit_bytes(tmp_path / "cgroup", tmp_path / "nowhere") is None
