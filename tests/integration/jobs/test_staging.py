"""Jobs on a cluster that sees nothing of this file system, through a folder behind a URL."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.capture.processes import process_of
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Carried, Cause, JobStatus, RunStatus
from jupyter_mlops.executors.process import processes_of
from jupyter_mlops.executors.staging import Staging
from jupyter_mlops.executors.staging_state import States
from jupyter_mlops.protocols.jobs import Begun, Presence, Sighting
from jupyter_mlops.remote.folder import RemoteFolder
from jupyter_mlops.services.files.finding import find
from jupyter_mlops.services.files.packing import plan_packing
from jupyter_mlops.services.jobs.staged_home import PREFIX
from jupyter_mlops.services.registry.travelling import plan
from jupyter_mlops.services.tracking import pruning
from jupyter_mlops.temporary import HELD
from jupyter_mlops.workspace import Workspace
from tests import s3
from tests.integration.jobs.far import FarCluster, FarPlace, Node
from tests.waiting import wait_until

STAGING_S = 0.3
GO = "import os, pathlib, time\nwhile not pathlib.Path({path!r}).exists(): time.sleep(0.05)"
LOG = "import jupyter_mlops as mlops\nfor step in range({count}): mlops.log(loss=float(step), step=step)"
SECRET = "a-token-that-nobody-else-may-read"

MakePlace = Callable[[str], FarPlace]


@pytest.fixture
def make_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakePlace]:
    made: list[FarPlace] = []
    here = tmp_path / "here"

    def make(url: str) -> FarPlace:
        s3.forget_servers()
        for name in ("HOME", "RUNTIME", "LEASES"):
            monkeypatch.setenv(f"JUPYTER_MLOPS_{name}", str(here / name.lower()))
        monkeypatch.setenv("JUPYTER_MLOPS_STAGING", url)
        monkeypatch.setenv("JUPYTER_MLOPS_STAGING_S", str(STAGING_S))
        monkeypatch.setenv("JUPYTER_MLOPS_HEARTBEAT_S", "1")
        monkeypatch.delenv("JUPYTER_MLOPS_RUN", raising=False)
        folder = here / "project"
        folder.mkdir(parents=True)
        workspace = Workspace(load_settings())
        node = Node(folder=tmp_path / "node", hidden=here, environment={})
        made.append(FarPlace(folder, workspace, FarCluster(workspace.settings, node)))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3.server(tmp_path_factory.mktemp("s3") / "log") as url:
        s3.make_bucket(url)
        yield url


@pytest.fixture
def bucket(s3_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in s3.credentials(s3_url).items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.BUCKET}/jobs"


@pytest.fixture
def far(make_place: MakePlace, tmp_path: Path) -> FarPlace:
    return make_place(f"file://{tmp_path}/remote")


@pytest.fixture
def far_s3(make_place: MakePlace, bucket: str) -> FarPlace:
    return make_place(bucket)


@pytest.fixture(params=["file", "s3"])
def either(request: pytest.FixtureRequest) -> FarPlace:
    place: FarPlace = request.getfixturevalue("far" if request.param == "file" else "far_s3")
    return place


def waits_for(far: FarPlace, name: str = "go") -> tuple[str, Path]:
    """A cell that goes on once a file is there, and the file."""
    path = far.cluster.node.folder / name
    return GO.format(path=str(path)), path


def left_behind_the_url(far: FarPlace) -> list[str]:
    return RemoteFolder(far.settings.staging or "").names()


def test_a_job_is_seen_live_from_here_and_leaves_nothing_there(either: FarPlace) -> None:
    wait, go = waits_for(either)
    job = either.submit(
        "print('begun')",
        LOG.format(count=3),
        wait,
        "print('home is', os.environ['JUPYTER_MLOPS_HOME'])\nopen('made.txt', 'w').write('by the job')",
        "mlops.log_artifact('made.txt')\nmlops.log(loss=9.0, step=9)",
    )
    either.until(lambda: either.losses(job) == [0.0, 1.0, 2.0] and "begun" in either.log(job))
    running = either.jobs.get(job.id)
    (run,) = either.workspace.runs.search().runs
    assert (running.status, run.status, either.ended(job)) == (JobStatus.RUNNING, RunStatus.RUNNING, None)
    assert either.attempt(job).output.exists()
    go.touch()
    ended = either.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.SUCCEEDED, ""), either.story()
    assert either.losses(job) == [0.0, 1.0, 2.0, 9.0]
    assert f"home is {either.cluster.node.folder}" in either.log(job)
    assert (either.attempt(job).path / "work" / "made.txt").read_text() == "by the job"
    assert either.workspace.runs.artifact(ended.run_id, "made.txt") == b"by the job"
    assert either.workspace.runs.get(ended.run_id).status is RunStatus.FINISHED
    either.until(lambda: not left_behind_the_url(either))
    assert either.cluster.node.left_behind() == []
    assert States(either.settings.home).keys() == []


def test_files_and_carried_objects_go_along(far_s3: FarPlace) -> None:
    far = far_s3
    large = os.urandom(3 * 1024 * 1024)
    small = far.workspace.blobs.put(b"carried")
    big = far.workspace.blobs.put(large)
    (far.folder / "data.bin").write_bytes(large)
    (far.folder / "helper.py").write_text("def double(text):\n    return text * 2")
    cells = (
        "import helper, pathlib\nprint(helper.double('x'), len(pathlib.Path('data.bin').read_bytes()))",
        "from jupyter_mlops.workspace import current\n"
        f"print(current().blobs.get({small.digest!r}), len(current().blobs.get({big.digest!r})))",
        "pathlib.Path('grown.bin').write_bytes(pathlib.Path('data.bin').read_bytes() + b'!')",
    )
    carried = [
        Carried(name="x", digest=blob.digest, format="pickle", size_bytes=blob.size_bytes)
        for blob in (small, big)
    ]
    files = plan_packing(find(cells, cwd=far.folder))
    job = far.submit(*cells, carried=carried, files=files)
    ended = far.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, far.story()
    assert f"xx {len(large)}" in far.log(job)
    assert f"b'carried' {len(large)}" in far.log(job)
    written = [path for path in (far.attempt(job).path / "work").rglob("*") if path.is_file()]
    assert [(path.name, path.read_bytes()) for path in written] == [("grown.bin", large + b"!")]
    far.until(lambda: not left_behind_the_url(far))


def test_blobs_of_a_teams_store_stay_there(
    make_place: MakePlace, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"s3://{s3.BUCKET}/blobs"
    monkeypatch.setenv("JUPYTER_MLOPS_BLOBS", store)
    far = make_place(bucket)
    blob = far.workspace.blobs.put(b"of the team")
    shutil.rmtree(far.settings.home / "blobs")
    carried = [Carried(name="x", digest=blob.digest, format="pickle", size_bytes=blob.size_bytes)]
    job = far.submit(
        f"from jupyter_mlops.workspace import current\nprint(current().blobs.get({blob.digest!r}))",
        "import jupyter_mlops as mlops\nopen('made', 'w').write('there')\nmlops.log_artifact('made')",
        carried=carried,
    )
    ended = far.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, far.story()
    assert "b'of the team'" in far.log(job)
    assert far.workspace.runs.artifact(ended.run_id, "made") == b"there"
    assert f"{blob.digest[:2]}/{blob.digest}" in RemoteFolder(store).names()


def test_datasets_and_models_go_along_and_what_the_job_registers_comes_home(far: FarPlace) -> None:
    import pandas as pd

    registry = far.workspace.registry
    registry.register_dataset(pd.DataFrame({"x": [1, 2, 3]}), name="train")
    registry.register_model({"w": 4}, name="digits", alias="champion")
    cells = (
        "import jupyter_mlops as mlops",
        "total = int(mlops.load_dataset('train').x.sum()) * mlops.load_model('digits@champion')['w']",
        "print('total', total)\nimport pandas as pd",
        "made = mlops.register_dataset(pd.DataFrame({'x': [total]}), name='made')\nprint(made.status.value)",
        "mlops.register_model({'w': total}, name='digits', alias='best')",
        "try:\n    mlops.jobs()\nexcept mlops.MlopsError as error:\n    print('refused:', error)",
    )
    travelling, _ = plan(cells, registry, far.workspace.blobs)
    files = replace(plan_packing(find(cells, cwd=far.folder)), registered=travelling)
    ended = far.wait(far.submit(*cells, files=files))
    assert ended.status is JobStatus.SUCCEEDED, far.story()
    assert "total 24\npending" in far.log(ended)
    assert "it cannot submit, list or cancel jobs" in far.log(ended)
    far.workspace.runs.search()  # ingests the journal, which registers
    assert registry.load_dataset("made").x.tolist() == [24]
    assert registry.load_model("digits@best") == {"w": 24}
    assert registry.dataset_version("made").run_id == ended.run_id


def test_what_a_killed_worker_has_logged_arrives_with_the_reason(far_s3: FarPlace) -> None:
    job = far_s3.submit(LOG.format(count=500), "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)")
    ended = far_s3.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.KILLED), far_s3.story()
    assert "was killed by SIGKILL" in ended.reason
    assert far_s3.losses(job) == [float(step) for step in range(500)]
    assert far_s3.workspace.runs.get(ended.run_id).status is RunStatus.FAILED


def test_a_node_that_dies_with_all_its_processes_ends_the_job_with_what_had_arrived(far: FarPlace) -> None:
    wait, _ = waits_for(far)
    job = far.submit(LOG.format(count=5), wait)
    far.until(lambda: len(far.losses(job)) == 5)
    worker = far.worker_pid(job)
    (supervisor,) = far.cluster.workers.values()
    os.kill(supervisor.pid, signal.SIGKILL)
    ended = far.wait(job)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE), far.story()
    assert far.losses(job) == [0.0, 1.0, 2.0, 3.0, 4.0]
    wait_until(lambda: process_of(worker) is None)  # nothing works on unseen
    wait_until(lambda: not processes_of(job.id))
    far.until(lambda: not left_behind_the_url(far))


def test_a_server_that_goes_away_and_comes_back_costs_nothing(
    make_place: MakePlace, bucket: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.Line(s3_url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        far = make_place(bucket)
        wait, go = waits_for(far)
        last, end = waits_for(far, "end")
        job = far.submit(LOG.format(count=3), wait, "mlops.log(loss=3.0, step=3)\nprint('unseen')", last)
        far.until(lambda: len(far.losses(job)) == 3)
        line.cut()
        go.touch()
        far.until(lambda: "cannot be reached" in far.cluster.node.said())
        assert far.losses(job) == [0.0, 1.0, 2.0]
        assert far.jobs.get(job.id).status is JobStatus.RUNNING
        line.mend()
        far.until(lambda: far.losses(job) == [0.0, 1.0, 2.0, 3.0] and "unseen" in far.log(job))
        line.cut()
        end.touch()
        wait_until(lambda: not processes_of(job.id))  # the worker has ended, and cannot say so
        assert far.ended(job) is None
        line.mend()
        ended = far.wait(job)
        assert ended.status is JobStatus.SUCCEEDED, far.story()
        assert far.losses(job) == [0.0, 1.0, 2.0, 3.0]


def test_an_agent_killed_between_two_steps_of_a_pull_is_replaced_by_any_other(
    far: FarPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has applied what came and not yet noted that, or noted it and not yet deleted what came."""
    write, delete = States.write, RemoteFolder.delete
    moments = iter(["write", "", "delete", "", "", "write", "write", "delete"])

    class Killed(RuntimeError):
        pass

    def write_or_die(self: States, *given: object) -> None:
        if next(moments, "") == "write":
            raise Killed
        write(self, *given)  # type: ignore[arg-type]

    def delete_or_die(self: RemoteFolder, *names: str) -> None:
        if next(moments, "") == "delete":
            raise Killed
        delete(self, *names)

    wait, go = waits_for(far)
    job = far.submit(LOG.format(count=50), wait, "mlops.log(loss=50.0, step=50)")
    far.until(lambda: far.jobs.get(job.id).status is JobStatus.RUNNING)
    monkeypatch.setattr(States, "write", write_or_die)
    monkeypatch.setattr(RemoteFolder, "delete", delete_or_die)
    far.until(lambda: len(far.losses(job)) == 50)
    far.cluster.staging = Staging(far.settings.staging or "", far.settings)
    far.new_agent()
    go.touch()
    assert far.wait(job).status is JobStatus.SUCCEEDED, far.story()
    assert far.losses(job) == [float(step) for step in range(51)]


PULLER = """
import sys, threading
from pathlib import Path
from jupyter_mlops.config import load_settings
from jupyter_mlops.executors.staging import Staging
from jupyter_mlops.protocols.jobs import Begun

settings = load_settings()
staging = Staging(settings.staging, settings)
while True:
    staging.pull([Begun(job_id=sys.argv[1], attempt=1, folder=settings.home / "jobs" / sys.argv[1])])
    threading.Event().wait(0.02)
"""


def test_agents_that_are_killed_at_any_moment_of_a_pull_lose_and_double_nothing(
    far: FarPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING_S", "0.02")
    steps = 1500
    job = far.submit(
        "import jupyter_mlops as mlops, os, time",
        f"for step in range({steps}):\n    mlops.log(loss=float(step), step=step)\n    time.sleep(0.003)",
        "open('large', 'wb').write(b'x' * 2_000_000)\nmlops.log_artifact('large')",
    )
    far.until(lambda: far.attempt(job).started())
    far.cluster.staging.pull([])  # from here on only those that are killed fetch anything
    chance = random.Random(11)
    kills = 0
    while not (end := far.attempt(job).path / "exit.json").exists():
        puller = subprocess.Popen([sys.executable, "-c", PULLER, job.id])
        try:
            puller.wait(1.0 + chance.random())
        except subprocess.TimeoutExpired:
            puller.kill()
            puller.wait()
            kills += 1
        assert kills < 60, far.story()
    assert end.exists()
    assert kills >= 3
    ended = far.wait(job)
    assert ended.status is JobStatus.SUCCEEDED, far.story()
    assert far.losses(job) == [float(step) for step in range(steps)]
    assert far.workspace.runs.artifact(ended.run_id, "large") == b"x" * 2_000_000
    far.until(lambda: not left_behind_the_url(far))


def test_what_killed_workers_left_on_a_machine_is_taken_away_by_the_next(far: FarPlace) -> None:
    homes = {name: far.cluster.node.folder / "tmp" / f"{PREFIX}{name}" for name in ("old", "new", "kept")}
    for name, home in homes.items():
        home.mkdir(parents=True)
        (home / "spec.json").touch()
        if name != "kept":
            (home / HELD).touch()
    os.utime(homes["old"] / HELD, (1, 1))
    assert far.wait(far.submit("print('hello')")).status is JobStatus.SUCCEEDED
    wait_until(lambda: len(far.cluster.node.left_behind()) == 2)
    assert sorted(far.cluster.node.left_behind()) == [f"{PREFIX}kept", f"{PREFIX}new"]


def test_what_cannot_be_sent_in_the_end_stays_on_the_machine_and_is_named(
    make_place: MakePlace, bucket: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING_PATIENCE_S", "1")
    with s3.Line(s3_url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        far = make_place(bucket)
        wait, go = waits_for(far)
        job = far.submit(LOG.format(count=2), wait)
        far.until(lambda: len(far.losses(job)) == 2)
        line.cut()
        go.touch()
        (worker,) = far.cluster.workers.values()
        wait_until(lambda: worker.poll() is not None, timeout_s=90)
        (home,) = far.cluster.node.left_behind()
        assert (
            f"could not be sent and lies in {far.cluster.node.folder}/tmp/{home}" in far.cluster.node.said()
        )
        far.turn()
        assert far.ended(job) is None, far.story()  # nobody knows yet
        line.mend()
        ended = far.wait(job)
        assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.NODE)


def test_a_disk_that_is_full_here_only_delays(far: FarPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, go = waits_for(far)
    job = far.submit(LOG.format(count=3), wait)
    far.until(lambda: far.losses(job))
    written = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", full)
    go.touch()
    begun = Begun(job_id=job.id, attempt=1, folder=far.attempt(job).path.parents[1])
    far.until(lambda: "No space left" in far.cluster.staging.trouble(begun))
    monkeypatch.setattr(os, "pwrite", written)
    assert far.wait(job).status is JobStatus.SUCCEEDED, far.story()
    assert far.losses(job) == [0.0, 1.0, 2.0]


def test_a_failed_attempt_is_followed_by_another_with_its_own_folder(far: FarPlace) -> None:
    mark = far.cluster.node.folder / "tried"
    job = far.submit(
        f"import pathlib\nmark = pathlib.Path({str(mark)!r})\nfirst = not mark.exists()\nmark.touch()",
        "print('first:', first)\nassert not first",
        retries=1,
    )
    ended = far.wait(job)
    assert (ended.status, ended.attempt) == (JobStatus.SUCCEEDED, 2), far.story()
    assert "first: False" in far.log(job)
    far.until(lambda: not left_behind_the_url(far))


def test_a_server_that_is_away_at_the_start_only_delays_it(
    make_place: MakePlace, bucket: str, s3_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3.Line(s3_url) as line:
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        far = make_place(bucket)
        line.cut()
        job = far.submit("print('hello')")
        far.until(lambda: "cannot be reached" in far.jobs.get(job.id).reason)
        line.mend()
        assert far.wait(job).status is JobStatus.SUCCEEDED, far.story()


def test_a_job_waits_while_its_files_are_on_their_way(far: FarPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived = threading.Event()
    put = RemoteFolder.put

    def slowly(self: RemoteFolder, name: str, data: bytes) -> None:
        arrived.wait(60)
        put(self, name, data)

    monkeypatch.setattr(RemoteFolder, "put", slowly)
    job = far.submit("print('hello')")
    far.until(lambda: "on their way" in far.jobs.get(job.id).reason)
    arrived.set()
    assert far.wait(job).status is JobStatus.SUCCEEDED, far.story()


def test_what_a_job_taken_back_has_sent_is_taken_away(far: FarPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FarCluster, "sight", lambda self, begun: Sighting(presence=Presence.WAITING))
    monkeypatch.setattr(Node, "start", lambda *_: subprocess.Popen(["sleep", "60"], start_new_session=True))
    job = far.submit("print('never')")
    far.until(lambda: far.cluster.workers)
    assert left_behind_the_url(far)
    far.jobs.cancel(job.id)
    assert far.wait(job).status is JobStatus.CANCELLED
    wait_until(lambda: not left_behind_the_url(far))


def test_a_second_worker_of_an_attempt_gives_way(either: FarPlace) -> None:
    wait, go = waits_for(either)
    job = either.submit("print('once')", wait)
    either.until(lambda: "once" in either.log(job))
    (first,) = either.cluster.workers.values()
    command = list(first.args)
    second = either.cluster.node.start(command[command.index("-m") :], {})
    assert second.wait(60) == 3
    assert "Another worker has begun this attempt already" in either.cluster.node.said()
    go.touch()
    assert either.wait(job).status is JobStatus.SUCCEEDED
    assert either.log(job).count("once") == 1


def test_a_worker_that_comes_after_the_job_was_taken_back_does_nothing(far: FarPlace) -> None:
    job = far.submit("print('never')")
    url = f"{far.settings.staging}/{States(far.settings.home).home_name()}/{job.id}"
    late = far.cluster.node.start(["-m", "jupyter_mlops.worker", "--staged", url, "1"], {})
    assert late.wait(60) == 4
    assert "it has ended, or was taken back" in far.cluster.node.said()


def test_a_cancelled_job_stops_where_it_runs(far_s3: FarPlace) -> None:
    wait, _ = waits_for(far_s3)
    job = far_s3.submit("print('begun')", wait)
    far_s3.until(lambda: "begun" in far_s3.log(job))
    far_s3.jobs.cancel(job.id)
    ended = far_s3.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.CANCELLED, "cancelled")
    end = far_s3.attempt(job).exit()
    assert end is not None
    assert end.written_by == "worker"


def test_a_trial_is_pruned_where_it_runs(far: FarPlace) -> None:
    endless = "import itertools, time\nfor step in itertools.count():\n    mlops.log(loss=1.0, step=step)\n    time.sleep(0.05)"
    job = far.submit("import jupyter_mlops as mlops", endless, trial=0, promoted=True)
    far.until(lambda: far.losses(job))
    pruning.ask(far.attempt(job).path, f"{pruning.PRUNED}3")
    ended = far.wait(job)
    assert (ended.status, ended.reason) == (JobStatus.CANCELLED, "pruned at step 3"), far.story()
    assert ended.cause is Cause.PRUNED


def test_a_worker_whose_job_was_deleted_here_stops(far: FarPlace) -> None:
    wait, _ = waits_for(far)
    job = far.submit("print('begun')", wait)
    far.until(lambda: "begun" in far.log(job))
    (worker,) = far.cluster.workers.values()
    far.attempt(job).path.parents[1].rename(far.folder / "elsewhere")
    far.until(lambda: worker.poll() is not None)
    assert not processes_of(job.id)
    far.until(lambda: not left_behind_the_url(far))
    assert far.cluster.node.left_behind() == []


def test_secrets_go_by_the_folder_and_only_until_they_were_read(far_s3: FarPlace) -> None:
    wait, go = waits_for(far_s3)
    job = far_s3.submit(
        "import os\nprint(os.environ['TOKEN'][:7], os.environ.get('JUPYTERHUB_API_TOKEN'))",
        wait,
        environment={"TOKEN": SECRET, "JUPYTERHUB_API_TOKEN": "of the hub", "HOME": "/home/of/here"},
    )
    far_s3.until(lambda: "a-token None" in far_s3.log(job))
    remote = RemoteFolder(far_s3.settings.staging or "")
    assert [name for name in remote.names() if SECRET.encode() in (remote.get(name) or b"")] == []
    (worker,) = far_s3.cluster.workers.values()
    assert SECRET not in " ".join(map(str, worker.args))
    assert SECRET.encode() not in Path(f"/proc/{worker.pid}/environ").read_bytes()
    go.touch()
    assert far_s3.wait(job).status is JobStatus.SUCCEEDED


def test_variables_that_are_no_unicode_travel(far: FarPlace) -> None:
    job = far.submit(
        "import os; print('NAME', os.environb[b'NAME'])", environment={"NAME": os.fsdecode(b"caf\xe9")}
    )
    assert far.wait(job).status is JobStatus.SUCCEEDED
    assert "NAME b'caf\\xe9'" in far.log(job)


def test_a_folder_that_anybody_can_read_is_refused(far_s3: FarPlace, s3_url: str) -> None:
    import s3fs

    # to read an object's head, S3 wants GetObject; this server has an action of its own for that
    actions = ["s3:GetObject", "s3:HeadObject"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": actions}
    policy = {
        "Version": "2012-10-17",
        "Statement": [{**everybody, "Resource": f"arn:aws:s3:::{s3.BUCKET}/*"}],
    }
    server = s3fs.S3FileSystem(skip_instance_cache=True)
    server.call_s3("put_bucket_policy", Bucket=s3.BUCKET, Policy=json.dumps(policy))
    job = far_s3.submit("print('never')")
    try:
        ended = far_s3.wait(job)
    finally:
        server.call_s3("delete_bucket_policy", Bucket=s3.BUCKET)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.START)
    assert "Anybody can read s3://team/jobs" in ended.reason


def test_variables_that_reach_the_server_go_the_clusters_way_when_they_are_named(
    make_place: MakePlace, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_STAGING_VARIABLES", "AWS_SECRET_ACCESS_KEY, NOT_SET")
    far = make_place(bucket)
    far.cluster.node.environment = {"AWS_SECRET_ACCESS_KEY": ""}
    job = far.submit("print('hello')")
    assert far.wait(job).status is JobStatus.SUCCEEDED, far.story()


def test_a_job_whose_blob_is_gone_says_so(far: FarPlace) -> None:
    gone = far.submit("1", carried=[Carried(name="x", digest="0" * 64, format="pickle", size_bytes=1)])
    ended = far.wait(gone)
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.START)
    assert "needs the blob 000000" in ended.reason


def test_a_worker_that_cannot_unpack_the_job_says_why(far: FarPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    put = RemoteFolder.put

    def damaged(self: RemoteFolder, name: str, data: bytes) -> None:
        put(self, name, b"torn" if name.startswith("given/") else data)

    monkeypatch.setattr(RemoteFolder, "put", damaged)
    ended = far.wait(far.submit("print('never')"))
    assert (ended.status, ended.cause) == (JobStatus.FAILED, Cause.START), far.story()
    assert "the worker could not be started on" in ended.reason
    assert "no batch of files" in ended.reason
    assert far.cluster.node.left_behind() == []
