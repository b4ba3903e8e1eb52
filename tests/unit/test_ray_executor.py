"""The Ray executor where Ray is away, forgets, refuses or gives up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.capture.processes import current_process, process_of
from jupyter_mlops.config import Settings
from jupyter_mlops.entities import Cause, Process, Resources
from jupyter_mlops.errors import InvalidInput, Unavailable
from jupyter_mlops.executors.ray import RayExecutor, asking, clusters, executor
from jupyter_mlops.executors.ray.api import RayApi
from jupyter_mlops.executors.ray.options import RayOptions
from jupyter_mlops.executors.ray.submitting import request_of
from jupyter_mlops.executors.staging_files import Upload
from jupyter_mlops.executors.staging_state import States
from jupyter_mlops.protocols.jobs import Begun, Launch, Presence, Sighting
from jupyter_mlops.remote.folder import RemoteFolder
from jupyter_mlops.testing.clusters import see
from jupyter_mlops.testing.jobs import job_spec
from tests.ray_dashboard import Dashboard, ray_dashboard
from tests.waiting import wait_until

SECRET = "hidden-from-everybody"
ELSEWHERE = replace(current_process(), boot_id="another host's", host="elsewhere")


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "RETRY_S", 0.05)
    monkeypatch.setattr(asking, "MODESTY", 0.0)
    monkeypatch.setattr(clusters, "JOBS_KEPT_S", 0.0)
    monkeypatch.setattr(clusters, "ROOM_KEPT_S", 0.0)
    monkeypatch.setattr(executor, "FILES_LATE_S", 0.0)
    monkeypatch.setenv("HOME", "/nowhere")
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ray() -> Iterator[Dashboard]:
    with ray_dashboard() as dashboard:
        yield dashboard


@pytest.fixture
def settings(tmp_path: Path, ray: Dashboard) -> Settings:
    return Settings(
        home=tmp_path, runtime_dir=tmp_path, leases_dir=tmp_path, user="ada", ray_address=ray.address
    )


@pytest.fixture
def cluster(settings: Settings) -> RayExecutor:
    return RayExecutor(settings)


def launch_in(folder: Path, *, exclusive: bool = False, **wanted: Any) -> Launch:
    spec = job_spec(**{"id": "job-a", "cwd": str(folder), **wanted})
    log = folder / "jobs" / spec.id / "attempts" / "1" / "log.txt"
    log.parent.mkdir(parents=True)
    environment = {"TOKEN": SECRET, "PATH": os.environ["PATH"]}
    folder = folder / "jobs" / spec.id
    return Launch(spec=spec, attempt=1, folder=folder, log=log, environment=environment, exclusive=exclusive)


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    return launch_in(tmp_path)


def begun(launch: Launch, process: Process | None = None) -> Begun:
    if process is not None:
        (launch.log.parent / "started.json").touch()
    return Begun(job_id=launch.job_id, attempt=launch.attempt, folder=launch.folder, process=process)


def dead_process() -> Process:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = process_of(child.pid)
    assert process is not None
    child.kill()
    child.communicate()
    return process


def hand_over(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> str:
    """Started, and taken by Ray; the submission id."""
    assert cluster.start(launch)
    wait_until(lambda: sent(launch))
    return str(ray.submitted[-1]["submission_id"])


def sent(launch: Launch) -> bool:
    return bool(json.loads((launch.log.parent / "executor.json").read_bytes())["sent"])


def seen(cluster: RayExecutor, what: Begun, is_so: Callable[[Sighting], object]) -> Sighting:
    """The first sighting of which that is so."""

    def look() -> Sighting | None:
        sighting = see(cluster, what)
        return sighting if is_so(sighting) else None

    return wait_until(look, message=lambda: str(see(cluster, what)))  # type: ignore[return-value]


def is_(presence: Presence) -> Callable[[Sighting], bool]:
    return lambda sighting: sighting.presence is presence


def test_job_is_sent_once_however_often_it_is_started(
    cluster: RayExecutor, settings: Settings, launch: Launch, ray: Dashboard
) -> None:
    hand_over(cluster, launch, ray)
    assert cluster.start(launch)
    assert RayExecutor(settings).start(launch)
    seen(cluster, begun(launch), is_(Presence.WAITING))
    assert [each["submission_id"] for each in ray.submitted] == ["mlops-job-a-1"]


@pytest.fixture
def far(settings: Settings, tmp_path: Path) -> RayExecutor:
    """Its nodes see nothing of this file system."""
    return RayExecutor(replace(settings, staging=f"file://{tmp_path}/far", staging_s=0.05))


def test_uploads_hold_up_nobody_and_jobs_are_sent_when_their_files_are_there(
    far: RayExecutor, tmp_path: Path, ray: Dashboard, arrived: threading.Event
) -> None:
    launches = [launch_in(tmp_path, id=f"job-{number}") for number in range(30)]
    for launch in launches:
        (launch.folder / "spec.json").write_text("{}")
    began = time.monotonic()
    assert all(far.start(launch) for launch in launches)
    all_begun = [begun(launch) for launch in launches]
    on_their_way = Sighting(presence=Presence.WAITING, reason="its files are on their way")
    assert see(far, *all_begun) == on_their_way
    assert time.monotonic() - began < 3.0
    uploads = [each for each in threading.enumerate() if each.name == "mlops-push"]
    assert len(uploads) <= 8
    assert ray.submitted == []
    arrived.set()
    wait_until(lambda: (far.look(all_begun), len(ray.submitted) == 30)[1])


def test_upload_that_fails_late_ends_its_job_also_when_others_are_looked_at(
    far: RayExecutor, tmp_path: Path, ray: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = threading.Event()

    def refuse(self: Upload) -> None:
        fails.wait(30)
        raise InvalidInput("Anybody can read that.")

    monkeypatch.setattr(Upload, "run", refuse)
    launch, other = launch_in(tmp_path), launch_in(tmp_path, id="job-b")
    (launch.folder / "spec.json").write_text("{}")
    assert far.start(launch)
    far.look([begun(other), begun(launch)])
    fails.set()
    sighting = seen(far, begun(launch), is_(Presence.GONE))
    assert (sighting.cause, sighting.reason) == (Cause.START, "Anybody can read that.")
    assert ray.submitted == []


def test_job_is_not_sent_that_was_called_off_while_it_was_uploaded(
    far: RayExecutor, launch: Launch, ray: Dashboard, arrived: threading.Event
) -> None:
    (launch.folder / "spec.json").write_text("{}")
    assert far.start(launch)
    assert far.kill(begun(launch))
    arrived.set()
    assert see(far, begun(launch)).presence is Presence.ABSENT
    assert ray.submitted == []


def test_job_that_ended_while_it_was_uploaded_leaves_nothing_there(
    far: RayExecutor,
    launch: Launch,
    tmp_path: Path,
    arrived: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run, begins = Upload.run, threading.Event()
    monkeypatch.setattr(Upload, "run", lambda self: (begins.set(), run(self)))
    (launch.folder / "spec.json").write_text("{}")
    assert far.start(launch)
    begins.wait(30)
    assert far.kill(begun(launch))
    (launch.log.parent / "exit.json").write_text("{}")
    far.look([])
    arrived.set()
    wait_until(lambda: (tmp_path / "staged").exists() and (tmp_path / "far").exists())
    wait_until(lambda: not States(tmp_path).keys())
    assert RemoteFolder(f"file://{tmp_path}/far").names() == []


def test_cluster_that_hangs_is_waited_for_once_by_all_who_ask(cluster: RayExecutor, ray: Dashboard) -> None:
    ray.may_answer.clear()
    began = time.monotonic()
    for cpus in range(1, 21):
        with pytest.raises(Unavailable, match="has not answered yet"):
            cluster.outlook(job_spec(cpus=cpus))
    assert time.monotonic() - began < 2 * executor.OUTLOOK_WAIT_S


def test_token_goes_to_no_other_address(monkeypatch: pytest.MonkeyPatch, ray: Dashboard) -> None:
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{ray.address}{self.path}")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        api = RayApi(f"http://127.0.0.1:{server.server_port}", token=lambda: SECRET)
        with pytest.raises(
            Unavailable, match=rf"points to {ray.address}/api/jobs/, and no token is sent there"
        ):
            api.jobs()
    finally:
        server.shutdown()
        server.server_close()
    assert ray.tokens == []


def test_memory_that_was_only_learned_is_not_asked_of_ray(tmp_path: Path) -> None:
    wanted, options = Resources(memory_bytes=1024**3), RayOptions()
    assert request_of(job_spec(resources=wanted), options) == {"CPU": 1.0, "memory": 1024.0**3}
    assert request_of(job_spec(resources=wanted, learned=["memory_bytes"]), options) == {"CPU": 1.0}


def test_what_ray_shows_holds_no_secret(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    hand_over(cluster, launch, ray)
    assert SECRET not in json.dumps(ray.submitted)
    assert (launch.log.parent / "worker.env.json").stat().st_mode & 0o777 == 0o600


def test_what_is_asked_for_is_asked_of_ray(cluster: RayExecutor, tmp_path: Path, ray: Dashboard) -> None:
    options = {"ray": {"resources": "TPU=1", "env": "A=1", "num-cpus": "0.5"}}
    launch = launch_in(tmp_path, gpus=0.5, options=options, exclusive=True)
    hand_over(cluster, launch, ray)
    (body,) = ray.submitted
    wanted = {name: body[name] for name in body if name.startswith("entrypoint_")}
    assert wanted == {
        "entrypoint_num_cpus": 0.5,
        "entrypoint_num_gpus": 1.0,
        "entrypoint_memory": 0,
        "entrypoint_resources": {"TPU": 1.0},
    }
    assert body["runtime_env"]["env_vars"]["A"] == "1"


def test_job_is_sent_when_ray_comes_back(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    ray.go()
    assert cluster.start(launch)
    sighting = seen(cluster, begun(launch), lambda each: "does not answer" in each.reason)
    assert sighting.presence is Presence.WAITING
    ray.come()
    wait_until(lambda: ray.submitted)
    seen(cluster, begun(launch), lambda each: each.reason == "waits on Ray for 1 CPU core")


def test_next_agent_sends_what_the_one_before_could_not(
    cluster: RayExecutor, settings: Settings, launch: Launch, ray: Dashboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.go()
    monkeypatch.setattr(clusters.RayCluster, "send", lambda *_, **__: None)  # killed before it could
    assert cluster.start(launch)
    monkeypatch.undo()
    ray.come()
    seen(RayExecutor(settings), begun(launch), lambda _: ray.submitted)


def test_refusal_of_ray_is_said_in_its_words(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    ray.refuses = "ValueError: pip is not a list"
    assert cluster.start(launch)
    sighting = seen(cluster, begun(launch), is_(Presence.GONE))
    assert sighting == Sighting(
        presence=Presence.GONE,
        reason=f"Ray at {ray.address} refuses the job: ValueError: pip is not a list",
        cause=Cause.START,
    )


def test_job_that_ray_took_though_its_answer_was_lost_is_not_refused(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    ray.loses_answers = 1
    hand_over(cluster, launch, ray)
    assert see(cluster, begun(launch)).presence is Presence.WAITING
    assert len(ray.submitted) == 1


def test_job_that_ray_gave_up_waiting_for_is_sent_again(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    job = hand_over(cluster, launch, ray)
    ray.end(job, "FAILED", error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT", message="within 900 seconds")
    sighting = seen(cluster, begun(launch), lambda each: "again" in each.reason)
    assert (sighting.presence, "gave up waiting" in sighting.reason) == (Presence.WAITING, True)
    wait_until(lambda: len(ray.submitted) == 2 and ray.jobs[job]["status"] == "PENDING")


def test_job_that_a_new_head_does_not_know_is_sent_again(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    hand_over(cluster, launch, ray)
    ray.jobs.clear()
    seen(cluster, begun(launch), lambda _: len(ray.submitted) == 2)


def test_job_whose_worker_took_its_environment_is_not_sent_again(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    hand_over(cluster, launch, ray)
    (launch.log.parent / "worker.env.json").unlink()
    ray.jobs.clear()
    sighting = seen(cluster, begun(launch), is_(Presence.GONE))
    assert (sighting.cause, "no longer knows it" in sighting.reason) == (Cause.START, True)
    assert len(ray.submitted) == 1


def test_worker_that_ray_forgot_is_lost_once_it_gives_no_sign_of_life(
    settings: Settings, launch: Launch, ray: Dashboard
) -> None:
    cluster = RayExecutor(replace(settings, heartbeat_s=0.2))
    hand_over(cluster, launch, ray)
    ray.jobs.clear()
    first = seen(cluster, begun(launch, ELSEWHERE), lambda each: "no longer knows" in each.reason)
    assert first.presence is Presence.UNKNOWN
    sighting = seen(cluster, begun(launch, ELSEWHERE), is_(Presence.GONE))
    assert sighting.cause is Cause.NODE


def test_dead_worker_that_ray_forgot_is_lost_at_once(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    hand_over(cluster, launch, ray)
    ray.jobs.clear()
    sighting = seen(cluster, begun(launch, dead_process()), is_(Presence.GONE))
    assert (sighting.cause, "its head was lost" in sighting.reason) == (Cause.NODE, True)


def test_ray_that_is_away_makes_no_worker_dead(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    hand_over(cluster, launch, ray)
    ray.go()
    waiting = seen(cluster, begun(launch), lambda each: "does not answer" in each.reason)
    assert waiting.presence is Presence.WAITING
    assert see(cluster, begun(launch, ELSEWHERE)).presence is Presence.UNKNOWN
    assert see(cluster, begun(launch, current_process())).presence is Presence.ALIVE


def test_worker_of_this_host_that_died_with_its_head_is_gone(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    hand_over(cluster, launch, ray)
    ray.go()
    sighting = seen(cluster, begun(launch, dead_process()), is_(Presence.GONE))
    assert (sighting.cause, "and so is Ray" in sighting.reason) == (Cause.NODE, True)


@pytest.mark.parametrize(
    ("said", "cause", "reason"),
    [
        ({"status": "STOPPED"}, Cause.USER, "it was stopped on Ray"),
        (
            {"status": "FAILED", "driver_exit_code": -9, "message": "x"},
            Cause.KILLED,
            "its worker was killed by SIGKILL, perhaps for want of memory",
        ),
        ({"status": "FAILED", "driver_exit_code": 143}, Cause.KILLED, "its worker was killed by SIGTERM"),
        ({"status": "FAILED", "driver_exit_code": 1}, Cause.KILLED, "its worker ended with status 1"),
        (
            {
                "status": "FAILED",
                "error_type": "JOB_SUPERVISOR_ACTOR_DIED",
                "message": "Job supervisor actor died: The actor died because its node has died.",
            },
            Cause.NODE,
            "the Ray node that it ran on was lost",
        ),
        (
            {
                "status": "FAILED",
                "error_type": "JOB_SUPERVISOR_ACTOR_DIED",
                "message": "Task was killed due to the node running low on memory.",
            },
            Cause.MEMORY,
            "Ray killed it, because its node ran out of memory: "
            "Task was killed due to the node running low on memory.",
        ),
        ({"status": "FAILED", "message": "odd"}, Cause.KILLED, "Ray says that it failed: odd"),
    ],
)
def test_end_that_ray_tells_of_is_read(
    cluster: RayExecutor,
    launch: Launch,
    ray: Dashboard,
    said: dict[str, Any],
    cause: Cause,
    reason: str,
) -> None:
    ray.end(hand_over(cluster, launch, ray), **said)
    sighting = seen(cluster, begun(launch, ELSEWHERE), is_(Presence.GONE))
    assert sighting == Sighting(presence=Presence.GONE, reason=reason, cause=cause)


def test_runtime_environment_that_cannot_be_made_is_said_in_the_log(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    message = "runtime_env setup failed: pip said\nno such package: nix"
    ray.end(
        hand_over(cluster, launch, ray),
        "FAILED",
        error_type="RUNTIME_ENV_SETUP_FAILURE",
        message=message,
    )
    sighting = seen(cluster, begun(launch), is_(Presence.GONE))
    said = "Ray could not set up its runtime environment: no such package: nix"
    assert (sighting.reason, sighting.cause) == (said, Cause.START)
    assert launch.log.read_text() == message + "\n"


def test_job_that_was_killed_while_ray_was_away_is_not_sent_or_stopped_where_it_was_on_its_way(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    ray.go()
    assert cluster.start(launch)
    seen(cluster, begun(launch), lambda each: "does not answer" in each.reason)
    wait_until(lambda: cluster.kill(begun(launch)))
    assert not (launch.log.parent / "worker.env.json").exists()
    ray.come()
    other = launch_in(launch.folder.parent.parent, id="job-b")
    hand_over(cluster, other, ray)
    sent = [each["submission_id"] for each in ray.submitted]
    wait_until(lambda: [each for each in sent if each not in ray.stopped] == ["mlops-job-b-1"])


def test_stop_is_sent_when_ray_comes_back(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    job = hand_over(cluster, launch, ray)
    ray.go()
    seen(cluster, begun(launch), lambda each: "does not answer" in each.reason)
    assert cluster.kill(begun(launch))
    ray.come()
    wait_until(lambda: ray.stopped == [job])


def test_worker_elsewhere_is_not_taken_for_dead_while_ray_is_away(
    settings: Settings, launch: Launch, ray: Dashboard
) -> None:
    cluster = RayExecutor(replace(settings, silent_after_s=0.3))
    hand_over(cluster, launch, ray)
    ray.go()
    worker = begun(launch, ELSEWHERE)
    seen(cluster, worker, is_(Presence.UNKNOWN))
    assert not cluster.kill(worker)
    wait_until(lambda: cluster.kill(worker))  # once it has been silent for long


def test_head_that_hangs_holds_nobody_up(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    hand_over(cluster, launch, ray)
    ray.may_answer.clear()
    began = time.monotonic()
    other = launch_in(launch.folder.parent.parent, id="job-b")
    assert cluster.start(other)
    see(cluster, begun(launch), begun(other))
    assert time.monotonic() - began < 2.0


def test_token_is_asked_for(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    ray.wants_token = "the token"
    with pytest.raises(Unavailable, match=r"set RAY_AUTH_TOKEN, or write it into ~/\.ray/auth_token"):
        cluster.refusal(launch.spec)


def test_token_is_that_of_whoever_submitted(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    ray.wants_token = "the token"
    (launch.folder / "env.json").write_text(json.dumps({"RAY_AUTH_TOKEN": "the token"}))
    hand_over(cluster, launch, ray)
    assert seen(cluster, begun(launch), is_(Presence.WAITING))
    assert set(ray.tokens) == {"Bearer the token"}


def test_token_is_found_where_ray_keeps_it(
    cluster: RayExecutor, launch: Launch, ray: Dashboard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.wants_token = "the token"
    (tmp_path / ".ray").mkdir()
    (tmp_path / ".ray" / "auth_token").write_text("the token\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cluster.refusal(launch.spec) == ""


def test_address_is_the_jobs_own_then_the_submitters_then_the_agents(
    settings: Settings, ray: Dashboard, tmp_path: Path
) -> None:
    nowhere = RayExecutor(replace(settings, ray_address="http://127.0.0.1:9"))
    named = launch_in(tmp_path, options={"ray": {"address": ray.address}})
    hand_over(nowhere, named, ray)
    theirs = launch_in(tmp_path, id="job-b")
    (theirs.folder / "env.json").write_text(json.dumps({"RAY_ADDRESS": ray.address}))
    hand_over(nowhere, theirs, ray)


def test_unknown_option_is_refused_before_anybody_is_asked(
    cluster: RayExecutor, tmp_path: Path, ray: Dashboard
) -> None:
    ray.go()
    launch = launch_in(tmp_path, options={"ray": {"partition": "gpu"}})
    assert cluster.refusal(launch.spec).startswith("Ray has no option --ray-partition.")


def test_cluster_without_a_node_is_asked_again_later(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    ray.nodes = []
    with pytest.raises(Unavailable, match="has no living node"):
        cluster.refusal(launch.spec)


def test_something_else_at_the_address_is_no_ray(
    cluster: RayExecutor, launch: Launch, ray: Dashboard
) -> None:
    ray.answer = lambda *_: (200, "<html>")  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="is no Ray dashboard"):
        cluster.refusal(launch.spec)


def test_token_outlives_the_job_that_brought_it(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    ray.wants_token = "the token"
    other = launch_in(launch.folder.parent.parent, id="job-b")
    for each in (other, launch):
        (each.folder / "env.json").write_text(json.dumps({"RAY_AUTH_TOKEN": "the token"}))
        hand_over(cluster, each, ray)
    (launch.folder / "env.json").unlink()
    assert seen(cluster, begun(launch), is_(Presence.WAITING)).reason.startswith("waits on Ray")


def test_damaged_record_hides_no_other_job(cluster: RayExecutor, launch: Launch, ray: Dashboard) -> None:
    other = launch_in(launch.folder.parent.parent, id="job-b")
    hand_over(cluster, other, ray)
    (launch.log.parent / "executor.json").write_text("{")
    sighting = see(cluster, begun(launch), begun(other))
    assert (sighting.presence, "executor.json is damaged" in sighting.reason) == (Presence.UNKNOWN, True)
    assert cluster.sight(begun(other)).presence is Presence.WAITING
    assert cluster.kill(begun(launch))
