"""What the worker's watch does while the notebook runs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Process, Resources, RunStatus, Started
from jupyter_mlops.services.jobs.folder import Attempt
from jupyter_mlops.services.jobs.watch import StopRequest, Watch
from tests.waiting import wait_until

WORKER = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)


def test_job_whose_folder_was_deleted_is_stopped(tmp_path: Path) -> None:
    attempt = Attempt(tmp_path / "attempt")
    attempt.path.mkdir()
    attempt.begin(Started(process=WORKER, run_id="r", started_at=1.0))
    settings = replace(load_settings({"home": tmp_path}, environ={}), heartbeat_s=0.0)
    stop, said = StopRequest(1.0), []
    stop.attach(SimpleNamespace(stop=lambda *verdict, grace_s: said.append(verdict)))  # type: ignore[arg-type]
    watch = Watch(Resources(), settings, attempt, stop, custody=SimpleNamespace())  # type: ignore[arg-type]
    watch.start()
    shutil.rmtree(attempt.path)
    wait_until(lambda: stop.made)
    watch.stop()
    watch.join()
    assert said[0] == (RunStatus.CANCELLED, "the job's folder was deleted")
    assert not attempt.path.exists()
