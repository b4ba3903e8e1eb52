"""Processes are known so well that none is taken for a later one with the same pid."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from jupyter_mlops.capture import processes
from jupyter_mlops.capture.processes import current_process, is_alive, process_of, same_view

from ..waiting import wait_until

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_this_process_is_alive_and_known_by_its_pid() -> None:
    me = current_process()
    assert me.pid == os.getpid()
    assert me == process_of(os.getpid())
    assert is_alive(me) is True
    assert current_process() is me


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child_is_another_process() -> None:
    me = current_process()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        known = current_process()
        os.write(sending, b"%d" % (known.pid == os.getpid() and known != me))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(receiving, 1) == b"1"
    os.close(receiving)
    os.close(sending)


def test_killed_process_is_dead_and_so_is_its_zombie() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    known = process_of(child.pid)
    assert known is not None
    assert is_alive(known) is True
    child.kill()
    # nobody has waited for it: it keeps its pid as a zombie
    wait_until(lambda: is_alive(known) is False, message="the zombie still counts as alive")
    assert process_of(child.pid) is None
    child.communicate()
    assert is_alive(known) is False


def test_later_process_with_the_same_pid_is_not_the_same() -> None:
    me = current_process()
    assert is_alive(replace(me, start_ticks=me.start_ticks - 1)) is False


def test_no_process_has_a_pid_that_was_never_given() -> None:
    assert process_of(2**22 + 1) is None


@pytest.mark.parametrize("change", [{"boot_id": "another boot"}, {"pid_namespace": 1}])
def test_process_of_another_view_cannot_be_seen(change: dict[str, object]) -> None:
    other = replace(current_process(), **change)  # type: ignore[arg-type]
    assert not same_view(other)
    assert is_alive(other) is None


@linux
def test_host_that_was_renamed_is_still_the_same() -> None:
    assert is_alive(replace(current_process(), host="renamed")) is True


def test_host_without_a_boot_id_is_known_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_boot_id", lambda: "")
    mine = replace(current_process(), boot_id="")
    assert same_view(mine)
    assert not same_view(replace(mine, host="another"))


@linux
def test_names_with_spaces_and_parentheses_do_not_confuse() -> None:
    program = "import ctypes; ctypes.CDLL(None).prctl(15, b'a) Z (b 1'); print(flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    known = process_of(child.pid)
    assert known is not None
    assert is_alive(known) is True
    child.communicate("\n")
    assert is_alive(known) is False


@linux
def test_importing_it_loads_nothing_heavy() -> None:
    program = (
        "import sys, jupyter_mlops.capture.processes as p; p.is_alive(p.current_process());"
        "print([name for name in ('psutil', 'sqlalchemy', 'pandas') if name in sys.modules])"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "[]"
