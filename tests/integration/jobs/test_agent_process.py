"""The agent's process: one a home, clean, replaceable."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from jupyter_mlops.capture.processes import is_alive
from jupyter_mlops.config import POOL, load_settings
from jupyter_mlops.entities import JobStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.services.jobs.agent_control import MODULE, AgentControl, AgentSeat, clean_environment
from jupyter_mlops.services.jobs.agent_loop import IDLE_S, AgentLoop
from tests.integration.jobs.conftest import Place
from tests.waiting import wait_until


def test_there_is_one_agent_a_home(place):
    status = place.agent.start()
    assert place.agent.start() == status
    environment = clean_environment(os.environ, place.settings)
    second = subprocess.run(
        [sys.executable, "-m", "jupyter_mlops.agent"], env=environment, timeout=30, check=False
    )
    assert second.returncode == 0
    assert place.agent.status() == status
    elsewhere = AgentControl(replace(place.settings, home=place.folder / "other"))
    assert elsewhere.status() is None


def test_stopped_agent_is_gone_and_its_jobs_go_on(place):
    job = place.submit("import time; print('ready', flush=True); time.sleep(1)")
    place.wait_for_log(job, "ready")
    process = place.agent_status().process
    assert place.agent.stop()
    assert is_alive(process) is False
    assert not place.agent.stop()
    assert place.wait(job).status is JobStatus.SUCCEEDED


def test_agent_starts_with_nothing_of_the_kernel(place, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    monkeypatch.setenv("JUPYTER_MLOPS_RUN", "a-run")
    pid = place.agent.start().process.pid
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    names = {entry.split(b"=")[0].decode() for entry in environment if entry}
    assert not names & {"AWS_SECRET_ACCESS_KEY", "JUPYTER_MLOPS_RUN"}
    assert {"PATH", "JUPYTER_MLOPS_HOME", "JUPYTER_MLOPS_AGENT", "CUDA_VISIBLE_DEVICES"} <= names
    assert os.getsid(pid) == pid


def test_agent_that_was_started_where_fewer_gpus_are_seen_is_replaced(place):
    blind = AgentControl(replace(place.settings, gpu_slots=1))
    first = blind.start()
    assert first.slots == 1
    job = place.submit("print('two')", gpus=2)
    assert place.wait(job).status is JobStatus.SUCCEEDED, place.story(job)
    assert place.agent_status().slots == 2
    assert is_alive(first.process) is False


def test_agent_started_inside_a_job_takes_the_pool_of_the_one_before():
    settings = load_settings({"home": "/h"}, environ={})
    inside = {"CUDA_VISIBLE_DEVICES": "GPU-leased", "PATH": "/bin", "SECRET": "x", "LC_ALL": "C"}
    environment = clean_environment({**inside, POOL: "0,1"}, settings)
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["LC_ALL"]) == ("0,1", "C")
    assert "SECRET" not in environment
    assert "CUDA_VISIBLE_DEVICES" not in clean_environment({**inside, POOL: "all"}, settings)


def test_agent_takes_along_how_a_remote_store_is_reached_only_where_one_is_configured():
    environ = {"AWS_PROFILE": "team", "HTTPS_PROXY": "http://proxy:1", "SLURM_CONF": "/etc/s.conf"}
    plain = clean_environment(environ, load_settings({"home": "/h"}, environ={}))
    remote = clean_environment(environ, load_settings({"home": "/h", "blobs": "s3://team/b"}, environ={}))
    assert [name for name in environ if name in plain] == ["SLURM_CONF"]
    assert [name for name in environ if name in remote] == list(environ)


def test_agent_says_how_long_its_turns_take(place):
    seat = AgentSeat(place.agent)
    assert seat.take()
    try:
        seat.announce(started_at=1.0, slots=2)
        assert (place.agent.status().turn_s, place.agent.status().turned_at) == (0.0, 0.0)
        seat.announce(started_at=1.0, slots=2, turn_s=0.25)
        assert place.agent.status().turn_s == 0.25
        assert place.agent.status().turned_at > 0
    finally:
        seat.withdraw()
        seat.leave()


def test_agent_that_only_has_schedules_lives_and_turns_seldom(place):
    """Whatever else is open keeps the agent; only jobs and sweeps make it turn often."""

    class Nightly:
        def tick(self, now: float) -> int:
            return 1

    loop = AgentLoop(
        place.jobs.store,
        place.jobs.executors,
        place.settings,
        settle_run=lambda *_: None,
        schedules=Nightly(),
    )
    assert (loop.tick(0.0), loop.pause_s) == (1, IDLE_S)


def test_agent_that_has_nothing_to_do_ends_and_the_next_job_starts_another(place):
    program = (
        "import sys, dataclasses\n"
        "from jupyter_mlops import agent\n"
        "load = agent.load_settings\n"
        "agent.load_settings = lambda: dataclasses.replace(load(), agent_idle_s=0.1)\n"
        "sys.exit(agent.main())\n"
    )
    environment = clean_environment(os.environ, place.settings)
    idle = subprocess.Popen([sys.executable, "-c", program], env=environment)
    assert wait_until(place.agent.status).process.pid == idle.pid
    assert idle.wait(30) == 0
    assert place.agent.status() is None
    assert place.wait(place.submit("1")).status is JobStatus.SUCCEEDED


def test_agent_that_is_just_leaving_is_followed_by_another(place):
    impatient = AgentControl(replace(place.settings, agent_idle_s=0.5))
    first = impatient.start().process
    wait_until(lambda: impatient.status() is None)
    assert impatient.start().process != first


def test_agent_that_cannot_start_says_why_at_once(place):
    place.agent._lock_path.mkdir(parents=True)
    with pytest.raises(Unavailable, match=r"ended with status 1\. The end of its log, .*agent-.*\.log: \S+"):
        place.agent.start()
    place.agent._lock_path.rmdir()


def test_agent_makes_way_when_its_home_was_deleted_and_made_anew(place):
    first = place.agent.start()
    shutil.rmtree(place.settings.home)
    anew = Place(place.folder)
    job = anew.submit("print('in the new home')")
    assert anew.wait(job).status is JobStatus.SUCCEEDED, anew.story(job)
    assert anew.agent_status().process != first.process


def test_many_jobs_submitted_at_once_start_one_agent(place):
    for _ in range(5):
        place.agent.ensure()
    assert len([each for each in psutil.Process().children() if MODULE in each.cmdline()]) == 1
    assert place.agent.start()


def test_state_of_an_agent_that_is_damaged_is_none(place):
    place.settings.runtime_dir.mkdir(parents=True)
    place.agent._state_path.write_bytes(b'{"home": "\xff"}')
    assert place.agent.status() is None
    assert place.agent.start()


def test_agent_that_was_stopped_goes_on_when_a_job_is_submitted(place):
    agent = place.agent.start().process
    os.kill(agent.pid, signal.SIGSTOP)
    wait_until(lambda: psutil.Process(agent.pid).status() == psutil.STATUS_STOPPED)
    assert place.wait(place.submit("1")).status is JobStatus.SUCCEEDED
    assert place.agent_status().process == agent
