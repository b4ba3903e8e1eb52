"""Executors keep the contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import GpuSlot
from jupyter_mlops.executors.local import LocalExecutor
from jupyter_mlops.executors.process import kill_all, processes_of
from jupyter_mlops.testing.executors import Eventually, ExecutorContract, MakeLaunch, Program
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
        for job_id in ("job-a", "job-b"):
            assert kill_all(lambda job_id=job_id: processes_of(job_id))

    def test_gpu_whose_lease_is_damaged_is_left_out_and_said_once(
        self, executor: LocalExecutor, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        first, second = executor.free_slots()
        _damage(tmp_path, first)
        assert [executor.free_slots(), executor.free_slots()] == [[second], [second]]
        assert len(caplog.messages) == 1
        assert f"GPU {first.uuid} cannot be leased" in caplog.text

    def test_lease_of_one_gpu_is_given_back_when_the_next_is_damaged(
        self, executor: LocalExecutor, launch: MakeLaunch, tmp_path: Path
    ) -> None:
        first, second = executor.free_slots()
        _damage(tmp_path, second)
        with pytest.raises(OSError, match=second.uuid):
            executor.start(launch(slots=[first, second]))
        assert executor.free_slots() == [first]
        assert _lease_file(tmp_path, first).read_bytes() == b""


def _lease_file(home: Path, slot: GpuSlot) -> Path:
    return home / "leases" / f"{slot.uuid}.lock"


def _damage(home: Path, slot: GpuSlot) -> None:
    _lease_file(home, slot).unlink()
    _lease_file(home, slot).symlink_to("nowhere")
