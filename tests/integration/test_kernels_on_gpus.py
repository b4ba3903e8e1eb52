"""A real kernel that holds GPU memory is named by its notebook, and so are the processes that it starts."""

from __future__ import annotations

import os

from jupyter_client.manager import start_new_kernel

from jupyter_mlops.capture.gpu_load import GpuOccupancy
from jupyter_mlops.config import JOB, NOTEBOOK
from jupyter_mlops.executors.occupants import Occupants
from tests.unit.test_occupants import GIB, GPU, FakeNvml

CHILD = (
    "import os, subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, start_new_session=True)\n"
    "open('pids', 'w').write(f'{os.getpid()} {child.pid}')"
)


def test_kernel_and_its_children_are_named_by_the_notebook(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key not in (JOB, NOTEBOOK)}
    environment["JPY_SESSION_NAME"] = "projects/digits.ipynb"
    manager, client = start_new_kernel(kernel_name="python3", env=environment, cwd=str(tmp_path))
    try:
        client.execute_interactive(CHILD, timeout=60)
        kernel, child = map(int, (tmp_path / "pids").read_text().split())
        nvml = FakeNvml()
        nvml.users["GPU-a"] = [(kernel, 3 * GIB), (child, 5 * GIB)]
        occupants = Occupants(GIB, occupancy=GpuOccupancy(nvml=lambda: nvml))
        occupants.look([GPU])
        assert occupants.on(GPU, []).words == (
            f"kernel of digits.ipynb (process {child}) holds 5.0 GiB",
            f"kernel of digits.ipynb (process {kernel}) holds 3.0 GiB",
        )
        client.execute_interactive("child.kill(); child.wait()", timeout=60)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
