"""An executor that was installed beside the package runs a job."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest

from jupyter_mlops.executors.process import kill_all, processes_of
from tests.integration.jobs.conftest import notebook_of
from tests.optional import optional
from tests.third_party import EXAMPLE, configure, ssh_in

PROGRAM = """
import json, sys
import jupyter_mlops as mlops
from jupyter_mlops.workspace import current

job = mlops.submit(sys.argv[1], on="ssh", gpus=1)
job.wait(timeout=90)
row = current().jobs.get(job.id)
print(json.dumps([row.id, row.executor, row.status.value, row.gpus, job.logs()]))
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter that sees what this one does, and the example installed by pip."""
    optional("hatchling")
    folder = tmp_path / "venv"
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    here = [str(Path(__file__).parents[3]), *(each for each in sys.path if each.endswith("-packages"))]
    (packages / "here.pth").write_text("\n".join([*here, *site.getsitepackages()]))
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target"]
    subprocess.run([*install, str(packages), "--no-build-isolation", str(EXAMPLE)], check=True, timeout=120)
    return folder / "bin" / "python"


def test_job_runs_on_an_executor_that_was_installed_by_pip(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("home", "runtime", "leases"):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{name.upper()}", str(tmp_path / name))
    monkeypatch.setenv("PATH", f"{ssh_in(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}")
    configure(tmp_path / "home", python=str(python))
    notebook = tmp_path / "train.ipynb"
    notebook.write_bytes(notebook_of("import os; print('GPU', os.environ['CUDA_VISIBLE_DEVICES'])"))
    run = [str(python), "-c", textwrap.dedent(PROGRAM), str(notebook)]
    try:
        said = subprocess.run(run, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)
    finally:
        stop = [str(python), "-m", "jupyter_mlops.cli", "agent", "stop"]
        subprocess.run(stop, capture_output=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr + said.stdout
    job_id, executor, status, gpus, log = json.loads(said.stdout.splitlines()[-1])
    assert (executor, status, len(gpus)) == ("ssh", "succeeded", 1), log
    assert f"GPU {gpus[0]}" in log
    assert kill_all(lambda: processes_of(job_id))
