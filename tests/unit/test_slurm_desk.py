"""What is left for Slurm to be told, and asked: whatever one job brings, the others go on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.executors.slurm import questions
from jupyter_mlops.executors.slurm.desk import Desk
from jupyter_mlops.executors.slurm.executor import SlurmExecutor
from jupyter_mlops.executors.slurm.handing import Handing
from jupyter_mlops.executors.slurm.programs import Programs
from jupyter_mlops.executors.slurm.receipt import Receipt, read, write
from jupyter_mlops.executors.slurm.requests import staged_log, staged_script_of
from jupyter_mlops.executors.staging_files import Upload
from jupyter_mlops.protocols.jobs import Launch, Presence, Sighting
from jupyter_mlops.testing.jobs import job_spec
from tests.waiting import wait_until

from .slurm_programs import Make, begun_of, environ, executor_in, launch_in, maker, queue_line

STARTS = 'echo "sbatch: Job 1 to start at $(date +%s) using 1 processors" >&2'


@pytest.fixture
def programs(tmp_path: Path) -> Make:
    """A Slurm that takes what it is given, as job 12, and has no accounts."""
    make = maker(tmp_path)
    make("sbatch", "echo 12")
    make("squeue", "true")
    make("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    make("scancel", f'echo "$*" >> {tmp_path}/cancelled')
    return make


def sight(executor: SlurmExecutor, launch: Launch, *others: Launch) -> Sighting:
    executor.look([begun_of(each) for each in (launch, *others)])
    return executor.sight(begun_of(launch))


def number_of(launch: Launch) -> str | None:
    receipt = read(launch.log.parent)
    return receipt.id if receipt else None


def test_job_that_slurm_cannot_be_told_of_is_refused_and_the_next_one_goes(
    tmp_path: Path, programs: Make
) -> None:
    executor = executor_in(tmp_path)
    bad = launch_in(tmp_path, "a", options={"slurm": {"comment": "one\0two"}})
    good = launch_in(tmp_path, "b")
    assert executor.start(bad)
    assert executor.start(good)
    wait_until(lambda: number_of(good) == "12")
    sighting = wait_until(lambda: (seen := sight(executor, bad, good)).presence is Presence.GONE and seen)
    assert isinstance(sighting, Sighting)
    assert sighting.cause is Cause.START
    assert "embedded null byte" in sighting.reason


def test_job_with_an_error_that_nobody_foresaw_is_refused_and_the_next_one_goes(
    tmp_path: Path, programs: Make
) -> None:
    executor = executor_in(tmp_path, staging=f"file://{tmp_path}/far")
    bad, good = launch_in(tmp_path, "a"), launch_in(tmp_path, "b")
    (bad.folder / "files").mkdir()
    (bad.folder / "files" / "blobs.json").write_text("{")
    assert executor.start(bad)
    assert executor.start(good)
    wait_until(lambda: number_of(good) == "12")
    wait_until(lambda: sight(executor, bad, good).presence is Presence.GONE)
    assert sight(executor, bad, good).reason.startswith("Slurm does not take it: ValidationError: ")


def test_jobs_are_looked_at_whatever_stands_in_the_way_of_handing_over(
    tmp_path: Path, programs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("not today")

    monkeypatch.setattr(Handing, "batches", fail)
    executor = executor_in(tmp_path)
    running, stuck = launch_in(tmp_path, "a"), launch_in(tmp_path, "b")
    write(running.log.parent, Receipt(name="mlops-a-1", asked_at=1.0, id="7"))
    programs("squeue", f"printf '%s\\n' '{queue_line(state='NODE_FAIL')}'")
    executor.start(stuck)
    wait_until(lambda: sight(executor, running, stuck).cause is Cause.NODE)


def test_upload_holds_up_no_other_job(tmp_path: Path, programs: Make, arrived: threading.Event) -> None:
    executor = executor_in(tmp_path, staging=f"file://{tmp_path}/far")
    running, late = launch_in(tmp_path, "a"), launch_in(tmp_path, "b")
    write(running.log.parent, Receipt(name="mlops-a-1", asked_at=1.0, id="7"))
    programs("squeue", f"printf '%s\\n' '{queue_line()}'")
    assert executor.start(late)
    wait_until(lambda: sight(executor, late, running).reason == "its files are on their way")
    assert sight(executor, late, running).presence is Presence.WAITING
    wait_until(lambda: sight(executor, running, late).presence is Presence.ALIVE)
    assert not executor.kill(begun_of(running))
    wait_until(lambda: (tmp_path / "cancelled").exists())
    arrived.set()
    wait_until(lambda: number_of(late) == "12")


def test_job_that_is_taken_back_while_it_is_uploaded_never_gets_there(
    tmp_path: Path, programs: Make, arrived: threading.Event
) -> None:
    executor = executor_in(tmp_path, staging=f"file://{tmp_path}/far")
    late, other = launch_in(tmp_path, "a"), launch_in(tmp_path, "b")
    assert executor.start(late)
    wait_until(lambda: "on their way" in sight(executor, late).reason)
    wait_until(lambda: executor.kill(begun_of(late)))
    executor.start(other)
    arrived.set()
    wait_until(lambda: number_of(other))
    assert number_of(late) is None


def test_server_that_is_away_is_not_taken_for_slurm(
    tmp_path: Path, programs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    comes_back = threading.Event()
    run = Upload.run

    def refuse(self: Upload) -> None:
        if not comes_back.is_set():
            raise Unavailable("s3://team cannot be reached")
        run(self)

    monkeypatch.setattr(Upload, "run", refuse)
    executor = executor_in(tmp_path, staging=f"file://{tmp_path}/far", staging_s=0.05)
    launch = launch_in(tmp_path, "a")
    assert executor.start(launch)
    reason = "its files cannot be sent: s3://team cannot be reached"
    wait_until(lambda: sight(executor, launch) == Sighting(presence=Presence.WAITING, reason=reason))
    comes_back.set()
    wait_until(lambda: number_of(launch) == "12")


def test_job_of_another_name_that_has_the_number_now_is_not_signalled(tmp_path: Path, programs: Make) -> None:
    executor = executor_in(tmp_path)
    launch, other = launch_in(tmp_path, "a"), launch_in(tmp_path, "b")
    write(launch.log.parent, Receipt(name="mlops-a-1", asked_at=1.0, id="7"))
    write(other.log.parent, Receipt(name="mlops-b-1", asked_at=1.0, id="8"))
    lines = [queue_line(name="mlops-c-1"), queue_line(id="8", name="mlops-b-1")]
    programs("squeue", "\n".join(f"printf '%s\\n' '{line}'" for line in lines))
    executor.interrupt(begun_of(launch))
    executor.kill(begun_of(launch))
    executor.interrupt(begun_of(other))
    wait_until(
        lambda: (tmp_path / "cancelled").exists() and "--batch" in (tmp_path / "cancelled").read_text()
    )
    calls = (tmp_path / "cancelled").read_text().splitlines()
    assert {call.split()[-1] for call in calls} == {"8"}
    assert not [call for call in calls if "7" in call.split()]


def test_cancellations_are_remembered_only_as_long_as_they_are_not_repeated(
    tmp_path: Path, programs: Make
) -> None:
    found = Programs(environ(tmp_path))
    desk = Desk(found, Handing(found, tmp_path / "arrays"), poll_s=0.01)
    for number in range(5):
        desk.cancel(str(number), "mlops-a-1")
    assert len(desk._cancelled_at) == 5
    wait_until(lambda: (desk.watch([]), not desk._cancelled_at)[1])


def test_controller_that_hangs_costs_those_who_ask_little_time(
    tmp_path: Path, programs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "WAIT_S", 0.2)
    programs("sbatch", "exec sleep 4")
    executor = executor_in(tmp_path)
    began = time.monotonic()
    for cpus in range(1, 21):
        with pytest.raises(Unavailable, match="has not answered yet"):
            executor.outlook(job_spec(cpus=cpus))
    assert time.monotonic() - began < 8.0  # and not 80
    programs("sbatch", "true")  # the thread has all of them left to ask
    name = "mlops-slurm-outlook"
    wait_until(lambda: name not in {each.name for each in threading.enumerate()})


def test_answer_that_comes_late_is_used_when_it_is_there(
    tmp_path: Path, programs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "WAIT_S", 0.0)
    programs("sbatch", f"sleep 0.3; {STARTS}")
    executor = executor_in(tmp_path)
    with pytest.raises(Unavailable, match="has not answered yet"):
        executor.outlook(job_spec())

    def starts_now() -> bool:
        try:
            return executor.outlook(job_spec()).starts_now
        except Unavailable:
            return False

    wait_until(starts_now)


def test_controller_that_is_away_is_asked_once_for_all_kinds_of_jobs(tmp_path: Path, programs: Make) -> None:
    complaint = "sbatch: error: Unable to contact slurm controller (connect failure)"
    programs("sbatch", f"echo x >> {tmp_path}/asked; echo '{complaint}' >&2; exit 1")
    executor = executor_in(tmp_path)
    for cpus in range(1, 21):
        with pytest.raises(Unavailable, match="Unable to contact"):
            executor.outlook(job_spec(cpus=cpus))
    assert (tmp_path / "asked").read_text() == "x\n"


def test_room_is_asked_for_anew_when_a_job_was_handed_over(tmp_path: Path, programs: Make) -> None:
    programs(
        "sbatch", f'case "$*" in *--test-only*) echo x >> {tmp_path}/asked; {STARTS};; *) echo 12;; esac'
    )
    executor = executor_in(tmp_path)
    assert executor.outlook(job_spec()).starts_now
    assert executor.outlook(job_spec()).starts_now
    assert (tmp_path / "asked").read_text() == "x\n"
    executor.start(launch_in(tmp_path, "a"))
    assert executor.outlook(job_spec()).starts_now
    assert (tmp_path / "asked").read_text() == "x\nx\n"


def test_outlook_knows_what_the_desk_has_found_out(tmp_path: Path, programs: Make) -> None:
    programs("squeue", "echo 'squeue: error: Unable to contact slurm controller' >&2; exit 1")
    programs("sbatch", f"touch {tmp_path}/asked")
    executor = executor_in(tmp_path, poll_s=300)
    launch = launch_in(tmp_path, "a")
    write(launch.log.parent, Receipt(name="mlops-a-1", asked_at=1.0, id="7"))
    wait_until(lambda: "does not answer" in sight(executor, launch).reason)
    with pytest.raises(Unavailable, match="Unable to contact"):
        executor.outlook(job_spec())
    assert not (tmp_path / "asked").exists()


TAKES_OUTPUT = """
import os, subprocess, sys
from jupyter_mlops.executors.slurm.inside import take_output
take_output(os.environ)
print("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO TIME LIMIT ***", file=sys.stderr)
sys.stderr.flush()
told = "import os, pathlib; from jupyter_mlops.executors.slurm.verdicts import verdict_in; print(verdict_in(pathlib.Path(os.environ['JUPYTER_MLOPS_SLURM_OUTPUT'])).cause.value)"
subprocess.run([sys.executable, "-c", told], check=True, stderr=subprocess.DEVNULL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Slurm's nodes have /proc")
@pytest.mark.parametrize("named", ["output", "of-somebody-else"])
def test_output_on_a_node_is_taken_away_and_read_all_the_same(tmp_path: Path, named: str) -> None:
    output, other = tmp_path / "output", tmp_path / "of-somebody-else"
    other.write_text("theirs")
    environment = {**os.environ, "JUPYTER_MLOPS_SLURM_OUTPUT": str(tmp_path / named)}
    with output.open("ab") as file:
        told = subprocess.run(
            [sys.executable, "-c", TAKES_OUTPUT],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=file,
            check=True,
        )
    assert told.stdout.decode().strip() == "time"
    assert output.exists() == (named != "output")
    assert other.read_text() == "theirs"


def test_output_on_a_node_has_a_name_that_nobody_can_take_beforehand() -> None:
    log = staged_log("0123abcd")
    assert log == "/tmp/jupyter-mlops-slurm-%j-0123abcd.log"
    script = staged_script_of(["python", "-m", "x"], {}, log)
    assert "export JUPYTER_MLOPS_SLURM_OUTPUT=/tmp/jupyter-mlops-slurm-$SLURM_JOB_ID-0123abcd.log\n" in script
