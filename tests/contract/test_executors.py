"""Executors keep the contract."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.config import JOB, Settings
from jupyter_mlops.entities import GpuSlot, Resources
from jupyter_mlops.executors.local import LocalExecutor
from jupyter_mlops.executors.process import kill_all, processes_of
from jupyter_mlops.executors.shared_folder import make_shared
from jupyter_mlops.protocols.jobs import ANOTHER_WORKER, Begun, Launch, Presence
from jupyter_mlops.testing.executors import (
    SLEEP,
    Eventually,
    ExecutorContract,
    MakeLaunch,
    Program,
    whole_slots,
)
from tests.waiting import wait_until


@pytest.fixture
def program(tmp_path: Path) -> Program:
    def make(text: str) -> str:
        path = tmp_path / "interpreter"
        if not path.exists():  # a program that runs cannot be written (ETXTBSY)
            path.write_text(f"#!{sys.executable}\n{text}")
            path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def eventually() -> Eventually:
    def wait(predicate: Callable[[], object]) -> object:
        return wait_until(predicate, message=f"never: {predicate}")

    return wait


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def executor(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalExecutor]:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield LocalExecutor(
            Settings(
                home=tmp_path, runtime_dir=tmp_path, leases_dir=tmp_path / "leases", user="ada", gpu_slots=2
            )
        )
        for job_id in ("job-a", "job-b", "job-c"):
            assert kill_all(lambda job_id=job_id: processes_of(job_id))

    def test_gpu_whose_lease_is_damaged_is_left_out_and_said_once(
        self, executor: LocalExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, second = whole_slots(executor)
        _damage(tmp_path, first)
        assert [whole_slots(executor), whole_slots(executor)] == [[second], [second]]
        assert len(caplog.messages) == 1
        assert "its lease is damaged" in executor.room()[0].holders
        assert f"GPU {first.uuid} cannot be leased" in caplog.text

    def test_lease_of_one_gpu_is_given_back_when_the_next_is_damaged(
        self, executor: LocalExecutor, launch: MakeLaunch, tmp_path: Path
    ) -> None:
        first, second = whole_slots(executor)
        _damage(tmp_path, second)
        with pytest.raises(OSError, match=second.uuid):
            executor.start(launch(slots=[first, second]))
        assert whole_slots(executor) == [first]
        assert _lease_file(tmp_path, first).read_bytes() == b""

    def test_halves_share_a_gpu_and_who_has_them_is_said(
        self, executor: LocalExecutor, launch: MakeLaunch
    ) -> None:
        first, second = whole_slots(executor)
        halves = [half(launch(name, slots=[first])) for name in ("job-a", "job-b")]
        assert [executor.start(each) for each in halves] == [True, True]
        assert not executor.start(half(launch("job-c", slots=[first])))
        taken = executor.room()[0]
        assert (taken.share, whole_slots(executor)) == (0.0, [second])
        assert taken.holders == "0.5 of it taken by job job-a of ada; 0.5 of it taken by job job-b of ada"

    def test_libraries_of_a_job_that_shares_a_gpu_are_told_how_much_of_it_is_theirs(
        self, executor: LocalExecutor, launch: MakeLaunch, tmp_path: Path, program: Program
    ) -> None:
        names = ("CUDA_VISIBLE_DEVICES", "XLA_PYTHON_CLIENT_MEM_FRACTION", "TF_FORCE_GPU_ALLOW_GROWTH")
        program(f"import os\nfor name in {names}: print(os.environ.get(name), flush=True)\n{SLEEP}")
        gpu = GpuSlot(uuid="GPU-a", index=0, name="GPU", memory_bytes=100)
        shares = half(launch(slots=[gpu]))
        declared = replace(
            shares, spec=replace(shares.spec, resources=Resources(gpus=0.5, gpu_memory_bytes=20))
        )
        own = half(launch("job-b", slots=[gpu]))
        own = replace(own, environment={**own.environment, "XLA_PYTHON_CLIENT_MEM_FRACTION": ".33"})
        alone = replace(half(launch("job-c", slots=[replace(gpu, uuid="GPU-b")])), exclusive=True)
        for each in (declared, own, alone):
            assert executor.start(each)
        told = [["GPU-a", "0.180", "true"], ["GPU-a", ".33", "true"], ["GPU-b", "None", "None"]]
        for each, lines in zip((declared, own, alone), told, strict=True):
            wait_until(lambda each=each, lines=lines: each.log.read_text().split() == lines)

    def test_worker_that_gave_way_to_another_does_not_speak_for_that(
        self, executor: LocalExecutor, launch: MakeLaunch, program: Program
    ) -> None:
        program(f"raise SystemExit({ANOTHER_WORKER})")
        attempt = launch()
        assert executor.start(attempt)
        begun = Begun(job_id=attempt.job_id, attempt=1, folder=attempt.folder)
        seen = wait_until(
            lambda: (sighting := executor.sight(begun)).presence is not Presence.ALIVE and sighting
        )
        assert seen.presence is Presence.UNKNOWN, "the other one is not to be killed"
        other = subprocess.Popen(
            [sys.executable, "-c", SLEEP], env={**os.environ, JOB: attempt.job_id}, stdout=subprocess.DEVNULL
        )
        wait_until(lambda: processes_of(attempt.job_id))
        assert executor.sight(begun).presence is Presence.ALIVE
        other.kill()
        other.wait()
        assert executor.sight(begun).presence is Presence.ABSENT

    def test_exclusive_job_has_its_gpu_alone(self, executor: LocalExecutor, launch: MakeLaunch) -> None:
        first, second = whole_slots(executor)
        assert executor.start(replace(half(launch(slots=[first])), exclusive=True))
        assert not executor.start(half(launch("job-b", slots=[first])))
        assert whole_slots(executor) == [second]


def half(launch: Launch) -> Launch:
    """The same, wanting a half of its GPU."""
    return replace(launch, spec=replace(launch.spec, resources=Resources(gpus=0.5)))


def _lease_file(home: Path, slot: GpuSlot) -> Path:
    return home / "leases" / f"{slot.uuid}.lock"


def _damage(home: Path, slot: GpuSlot) -> None:
    make_shared(home / "leases")
    _lease_file(home, slot).unlink(missing_ok=True)
    _lease_file(home, slot).symlink_to("nowhere")
