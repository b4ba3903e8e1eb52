"""NVML and forks: a child never inherits the library in the midst of a call."""

from __future__ import annotations

import os
import threading
import time

import pytest

from jupyter_mlops.capture import nvml
from jupyter_mlops.capture.gpu_load import GpuMeter
from tests.unit.test_sampler import FakeNvml

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def in_child(check) -> bool:
    """Whether a forked child finds it true."""
    pid = os.fork()
    if pid == 0:
        os._exit(0 if check() else 1)
    return os.waitpid(pid, 0)[1] == 0


def calling(release: threading.Event) -> threading.Thread:
    """A thread in the midst of a call."""
    inside = threading.Event()

    def call() -> None:
        with nvml.calls():
            inside.set()
            release.wait(10)

    thread = threading.Thread(target=call)
    thread.start()
    assert inside.wait(10)
    return thread


def test_a_fork_waits_for_the_end_of_a_call():
    release = threading.Event()
    thread = calling(release)
    threading.Timer(0.1, release.set).start()
    assert in_child(lambda: release.is_set() and not nvml._lock.locked())
    thread.join()
    with nvml.calls():
        pass


def test_a_call_that_hangs_delays_a_fork_only_a_little():
    release = threading.Event()
    thread = calling(release)
    began = time.monotonic()
    assert in_child(lambda: not nvml._lock.locked())
    assert time.monotonic() - began < nvml.FORK_WAIT_S + 1.0
    release.set()
    thread.join()
    with nvml.calls():
        pass


def test_a_forked_child_leaves_the_library_alone(monkeypatch):
    fake = FakeNvml()
    monkeypatch.setattr(nvml, "library", lambda: fake)
    meter = GpuMeter({}, nvml=lambda: fake)
    assert meter.read()
    assert in_child(lambda: meter.read() == {})


def test_where_no_driver_is_the_library_is_not_imported(monkeypatch):
    monkeypatch.setattr(nvml, "_TRACES", ("/nowhere/nvidia",))
    assert (nvml.library() is None) == os.path.isdir("/proc")
    assert nvml.devices() == [] or not os.path.isdir("/proc")
