"""A job that holds a GPU and does nothing with it: a real worker over a library that plays NVML's part."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause, JobStatus, Resources
from tests.integration.jobs.test_usage_measured import WAIT, start_worker
from tests.integration.jobs.test_worker_process import job_folder, run_worker
from tests.waiting import wait_until

PYNVML = '''
"""One GPU whose utilisation stands in the file LOAD."""
from types import SimpleNamespace

NVML_DEVICE_MIG_ENABLE = 1

class NVMLError(Exception):
    pass

def nvmlInit(): pass
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return 1
def nvmlDeviceGetHandleByIndex(index): return "GPU-of-the-test"
def nvmlDeviceGetHandleByUUID(uuid): return uuid
def nvmlDeviceGetUUID(handle): return handle
def nvmlDeviceGetName(handle): return "Test"
def nvmlDeviceGetMemoryInfo(handle): return SimpleNamespace(total=80 * 1024**3, used=0)
def nvmlDeviceGetMigMode(handle): raise NVMLError("not supported")
def nvmlDeviceGetPowerUsage(handle): raise NVMLError("not supported")

def nvmlDeviceGetComputeRunningProcesses(handle):
    import os
    children = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read().split()
    return [SimpleNamespace(pid=int(pid), usedGpuMemory=3 * 1024**3) for pid in children]

def nvmlDeviceGetUtilizationRates(handle):
    return SimpleNamespace(gpu=int(open(LOAD).read()))
'''


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says how busy the GPU is, in percent."""
    file, site = tmp_path / "load", tmp_path / "site"
    file.write_text("0")
    site.mkdir()
    (site / "pynvml.py").write_text(f"LOAD = {str(file)!r}\n" + PYNVML)
    (site / "sitecustomize.py").write_text(
        "import sys\n"
        "if 'jupyter_mlops.worker' in ' '.join(sys.orig_argv):\n"
        "    from jupyter_mlops.capture import nvml\n"
        "    nvml._TRACES = ('/proc',)\n"
        "    from jupyter_mlops.services.usage import meter\n"
        "    meter.GPUS_EVERY_S = 0.2\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-of-the-test")
    monkeypatch.setenv("JUPYTER_MLOPS_HEARTBEAT_S", "0")
    return file


def test_an_idle_gpu_is_flagged_until_it_works(place, load, monkeypatch):
    monkeypatch.setenv("JUPYTER_MLOPS_IDLE_WARN_S", "1")
    folder = job_folder(place, WAIT, resources=Resources(gpus=1))
    worker, attempt = start_worker(place, folder), folder.attempt(1)
    wait_until(attempt.warning)
    assert "its GPU has been idle for" in attempt.warning()
    load.write_text("80")
    wait_until(lambda: not attempt.warning())
    worker.send_signal(signal.SIGTERM)
    worker.wait(60)
    end = attempt.exit()
    assert (end.status, end.cause) == (JobStatus.CANCELLED, Cause.USER)
    assert end.used.gpu_memory_bytes == 3 * 1024**3
    assert 0.0 < end.used.gpu_load < 0.8
    assert end.used.gpu_idle_s > 0.5


def test_an_idle_gpu_ends_the_job_where_that_is_configured(place, load, monkeypatch):
    monkeypatch.setenv("JUPYTER_MLOPS_IDLE_KILL_S", "2")
    folder = job_folder(place, WAIT, resources=Resources(gpus=1))
    run_worker(place, folder)
    end = folder.attempt(1).exit()
    assert (end.status, end.cause) == (JobStatus.FAILED, Cause.IDLE), end
    assert end.reason == "ended: its GPU has been idle for 2 s (utilisation below 5 %)"
    assert end.used.gpu_load == 0.0
