"""Who holds memory of GPUs without having leased them. NVML is played; the processes are real."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlops.capture.gpu_load import GpuOccupancy
from jupyter_mlops.config import JOB, NOTEBOOK, Settings
from jupyter_mlops.entities import GpuSlot
from jupyter_mlops.executors.gpus import GpuPool
from jupyter_mlops.executors.leases import Held, Holder, lease
from jupyter_mlops.executors.occupants import LOOK_EVERY_S, Foreign, Occupants

GIB = 1024**3
GPU = GpuSlot(uuid="GPU-a", index=0, name="H100", memory_bytes=80 * GIB)
INSTANCE = GpuSlot(uuid="MIG-b", index=1, name="H100 MIG", memory_bytes=10 * GIB)
JOB_ID = "01M0000000000000000ABCDEFG"
ARGUMENT_OF_KERNELS = ("-f", "/run/user/1000/jupyter/kernel-3d0b6ff6.json")


class FakeNvml:
    """Answers like pynvml; ``users`` are (pid, bytes) by UUID."""

    class NVMLError(Exception):
        pass

    def __init__(self) -> None:
        self.users: dict[str, list[tuple[int, int | None]]] = {}
        self.drawing: dict[str, list[tuple[int, int | None]]] = {}
        self.used = 7 * GIB
        self.inits = 0
        self.broken = False

    def nvmlInit(self) -> None:
        self.inits += 1
        if self.broken:
            raise self.NVMLError("driver not loaded")

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid not in (GPU.uuid, INSTANCE.uuid):
            raise self.NVMLError("not found")
        return uuid

    def nvmlDeviceGetComputeRunningProcesses(self, handle: str) -> list[Any]:
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.users.get(handle, [])]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: str) -> list[Any]:
        if handle == INSTANCE.uuid:
            raise self.NVMLError("not supported")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in self.drawing.get(handle, [])]

    def nvmlDeviceGetMemoryInfo(self, handle: str) -> Any:
        return SimpleNamespace(total=80 * GIB, used=self.used)


Start = Callable[..., int]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that waits, with these words on its command line and in its environment."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*words: str, program: str = "", uid: int | None = None, **environment: str) -> int:
        become = f"import os; os.setgid({uid}); os.setuid({uid});" if uid else ""
        text = f"{become}print(flush=True); {program or 'input()'}"
        clean = {
            key: value for key, value in os.environ.items() if key not in (JOB, NOTEBOOK, "JPY_SESSION_NAME")
        }
        process = subprocess.Popen(
            [sys.executable, "-c", text, *words],
            env={**clean, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process.pid

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def nvml() -> FakeNvml:
    return FakeNvml()


def foreign(nvml: FakeNvml, *held: Held, slot: GpuSlot = GPU, spare: int = GIB) -> Foreign:
    occupants = Occupants(spare, occupancy=GpuOccupancy(nvml=lambda: nvml))
    occupants.look([slot])
    return occupants.on(slot, held)


def held_by(job_id: str, pid: int = 1) -> Held:
    return Held(Holder(job_id=job_id, user="ada", uid=os.getuid(), pid=pid))


def test_kernel_is_named_by_its_notebook(nvml, start):
    pid = start(*ARGUMENT_OF_KERNELS, JPY_SESSION_NAME="work/train.ipynb")
    nvml.users["GPU-a"] = [(pid, int(3.1 * GIB))]
    assert foreign(nvml) == Foreign(int(3.1 * GIB), (f"kernel of train.ipynb (process {pid}) holds 3.1 GiB",))


def test_process_that_a_kernel_has_started_is_the_kernels(nvml, start):
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'print(flush=True); input()'])"
    kernel = start(*ARGUMENT_OF_KERNELS, program=child, **{NOTEBOOK: "/n/loop.ipynb"})
    pid = _child_of(kernel)
    nvml.users["GPU-a"] = [(pid, 2 * GIB)]
    assert foreign(nvml).words == (f"kernel of loop.ipynb (process {pid}) holds 2.0 GiB",)


def test_kernel_whose_notebook_nobody_knows_is_a_kernel(nvml, start):
    pid = start(*ARGUMENT_OF_KERNELS)
    nvml.users["GPU-a"] = [(pid, 2 * GIB)]
    assert foreign(nvml).words == (f"a kernel (process {pid}) holds 2.0 GiB",)


def test_other_programs_are_named_without_what_was_said_to_them(nvml, start):
    pid = start("--password", "secret")
    nvml.users["GPU-a"] = [(pid, 2 * GIB)]
    (words,) = foreign(nvml).words
    assert words.startswith("python")
    assert "secret" not in words


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be several users")
def test_kernel_of_another_user_is_named_by_the_user(nvml, start):
    pid = start(*ARGUMENT_OF_KERNELS, uid=12345)
    nvml.users["GPU-a"] = [(pid, 2 * GIB)]
    (words,) = foreign(nvml).words
    assert words.startswith("a kernel of 12345")


def test_processes_of_the_jobs_that_hold_the_lease_are_none_of_it(nvml, start):
    by_environment = start(**{JOB: JOB_ID})
    nvml.users["GPU-a"] = [(by_environment, 30 * GIB)]
    assert foreign(nvml, held_by(JOB_ID)) == Foreign()


def test_descendants_of_a_worker_whose_environment_cannot_be_read_are_its_jobs(nvml, start):
    pid = start()
    nvml.users["GPU-a"] = [(pid, 30 * GIB)]
    assert foreign(nvml, held_by(JOB_ID, pid=os.getpid())) == Foreign()
    assert foreign(nvml, held_by(JOB_ID, pid=pid + 1)).memory_bytes == 30 * GIB


def test_job_that_uses_a_gpu_that_it_has_not_leased_is_told_of(nvml, start):
    pid = start(**{JOB: JOB_ID})
    nvml.users["GPU-a"] = [(pid, 30 * GIB)]
    told = (f"job BCDEFG, which has not leased it (process {pid}) holds 30.0 GiB",)
    assert foreign(nvml).words == told
    assert foreign(nvml, held_by("another")).words == told


def test_a_little_memory_counts_as_none(nvml, start):
    nvml.users["GPU-a"] = [(start(), GIB // 2)]
    assert foreign(nvml) == Foreign()
    assert foreign(nvml, spare=0).memory_bytes == GIB // 2


def test_the_screen_counts_once_and_the_largest_comes_first(nvml, start):
    screen, large = start(), start()
    nvml.users["GPU-a"] = [(screen, GIB), (large, 2 * GIB)]
    nvml.drawing["GPU-a"] = [(screen, GIB)]
    found = foreign(nvml)
    assert found.memory_bytes == 3 * GIB
    assert [f"(process {pid})" in words for pid, words in zip((large, screen), found.words, strict=True)] == [
        True,
        True,
    ]


def test_where_no_process_tells_its_memory_the_gpus_is_taken(nvml, start):
    pid = start(*ARGUMENT_OF_KERNELS)
    nvml.users["GPU-a"] = [(pid, None)]
    assert foreign(nvml) == Foreign(7 * GIB, (f"a kernel (process {pid}) holds 7.0 GiB",))


def test_process_of_another_pid_namespace_is_a_jobs_where_there_is_one(nvml):
    nowhere = 2**22 + 1
    nvml.users["GPU-a"] = [(nowhere, 5 * GIB)]
    assert foreign(nvml, held_by(JOB_ID)) == Foreign()
    assert foreign(nvml).words == (
        f"a process that cannot be seen from here (process {nowhere}) holds 5.0 GiB",
    )


def test_mig_instances_are_asked_each_for_itself(nvml, start):
    pid = start(*ARGUMENT_OF_KERNELS)
    nvml.users["MIG-b"] = [(pid, 2 * GIB)]
    assert foreign(nvml, slot=INSTANCE).memory_bytes == 2 * GIB
    assert foreign(nvml, slot=GPU) == Foreign()


def test_gpus_are_looked_at_now_and_then_only(nvml, start):
    now = [0.0]
    occupants = Occupants(GIB, occupancy=GpuOccupancy(nvml=lambda: nvml), clock=lambda: now[0])
    occupants.look([GPU])
    nvml.users["GPU-a"] = [(start(), 5 * GIB)]
    occupants.look([GPU])
    assert occupants.on(GPU, []) == Foreign()
    now[0] = LOOK_EVERY_S
    occupants.look([GPU])
    assert occupants.on(GPU, []).memory_bytes == 5 * GIB
    assert nvml.inits == 1


@pytest.mark.parametrize("trouble", ["no library", "no driver", "lost"])
def test_where_nvml_does_not_answer_nobody_holds_anything(nvml, start, trouble):
    nvml.users["GPU-a"] = [(start(), 5 * GIB)]
    nvml.broken = trouble == "no driver"
    occupancy = GpuOccupancy(nvml=lambda: None if trouble == "no library" else nvml)
    assert occupancy.read(["GPU-lost" if trouble == "lost" else "GPU-a"]) == {}


class TestRoom:
    """What of a GPU can be leased, by leases and by what kernels hold."""

    @pytest.fixture
    def pool(self, tmp_path, nvml, monkeypatch) -> GpuPool:
        settings = Settings(home=tmp_path, runtime_dir=tmp_path, leases_dir=tmp_path / "leases", user="ada")
        pool = GpuPool(settings, Occupants(GIB, occupancy=GpuOccupancy(nvml=lambda: nvml)))
        monkeypatch.setattr(pool, "_slots", [GPU, INSTANCE])
        return pool

    def test_free_gpu_has_all_of_its_memory(self, pool):
        assert [(room.share, room.memory_bytes, room.holders) for room in pool.room()] == [
            (1.0, 80 * GIB, ""),
            (1.0, 10 * GIB, ""),
        ]

    def test_kernel_leaves_the_gpu_and_takes_its_memory(self, pool, nvml, start):
        pid = start(*ARGUMENT_OF_KERNELS, JPY_SESSION_NAME="train.ipynb")
        nvml.users["GPU-a"] = [(pid, 50 * GIB)]
        room = pool.room()[0]
        assert (room.share, room.memory_bytes) == (1.0, 30 * GIB)
        assert room.holders == f"kernel of train.ipynb (process {pid}) holds 50.0 GiB"

    def test_lease_and_kernel_are_both_told(self, pool, nvml, start, tmp_path):
        kernel, worker = start(*ARGUMENT_OF_KERNELS), start(**{JOB: JOB_ID})
        holder = Holder(
            job_id=JOB_ID, user="ada", uid=os.getuid(), pid=worker, share=0.5, memory_bytes=20 * GIB
        )
        taken = lease(tmp_path / "leases", GPU, holder, strays=lambda job_id: [])
        assert taken is not None
        nvml.users["GPU-a"] = [(kernel, 10 * GIB), (worker, 19 * GIB)]
        room = pool.room()[0]
        assert (room.share, room.memory_bytes) == (0.5, 50 * GIB)
        assert room.holders == (
            f"0.5 of it taken by job BCDEFG of ada; a kernel (process {kernel}) holds 10.0 GiB"
        )


def _child_of(pid: int) -> int:
    import psutil

    from tests.waiting import wait_until

    (child,) = wait_until(lambda: psutil.Process(pid).children())
    return int(child.pid)
