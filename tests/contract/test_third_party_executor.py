"""The example of a third party's executor keeps the contract of clusters."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Cause
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.jobs import Cluster, Presence
from jupyter_mlops.testing.clusters import ClusterContract, Eventually, Hand, see
from jupyter_mlops.testing.jobs import job_spec
from tests.third_party import EXAMPLE, configure, ssh_in
from tests.waiting import wait_until

if TYPE_CHECKING:
    from mlops_ssh import SshExecutor


@pytest.fixture
def eventually() -> Eventually:
    def wait(predicate: Callable[[], object]) -> object:
        return wait_until(predicate, message=f"never: {predicate}")

    return wait


class TestSshExecutor(ClusterContract):
    @pytest.fixture
    def another(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], SshExecutor]:
        monkeypatch.syspath_prepend(str(EXAMPLE))
        monkeypatch.setenv("PATH", f"{ssh_in(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}")
        home = tmp_path / "home"
        configure(home, python=sys.executable)
        from mlops_ssh import SshExecutor

        return lambda: SshExecutor(load_settings({"home": home}, environ={}))

    @pytest.fixture
    def cluster(self, another: Callable[[], SshExecutor]) -> SshExecutor:
        return another()

    def test_machine_that_does_not_answer_makes_no_job_absent(
        self, cluster: Cluster, hand: Hand, eventually: Eventually, tmp_path: Path
    ) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        begun = job.begun(job.process)
        (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho 'No route to host' >&2; exit 255\n")
        sighting = see(cluster, begun)
        expected = (Presence.UNKNOWN, "gpu2 does not answer: No route to host")
        assert (sighting.presence, sighting.reason) == expected
        with pytest.raises(Unavailable, match="No route to host"):
            cluster.outlook(job.launch.spec)
        shutil.rmtree(tmp_path / "bin")
        ssh_in(tmp_path / "bin")
        assert see(cluster, begun).presence is Presence.ALIVE

    def test_machine_that_was_restarted_has_lost_its_jobs(
        self, cluster: Cluster, hand: Hand, eventually: Eventually
    ) -> None:
        job = hand()
        assert cluster.start(job.launch)
        eventually(lambda: job.ran)
        begun = job.begun(job.process)
        (job.attempt / "ssh.json").write_text('{"supervisor": [1, "0"], "worker": [1, "0"]}')
        sighting = see(cluster, begun)
        assert (sighting.presence, sighting.cause) == (Presence.GONE, Cause.KILLED)
        assert "the machine was restarted" in sighting.reason

    def test_shares_of_gpus_are_refused(self, cluster: Cluster) -> None:
        assert cluster.refusal(job_spec(gpus=0.5)) == "gpu2 has whole GPUs only, and the job wants 0.5."
