"""What Slurm's programs say, read; by programs on PATH that say what a real Slurm seldom does."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.capture.processes import current_process
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import Cause, Resources, RunStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.executors.slurm.executor import SlurmExecutor
from jupyter_mlops.executors.slurm.inside import terminated
from jupyter_mlops.executors.slurm.outlook import Forecast
from jupyter_mlops.executors.slurm.programs import Programs, Refused, tidy
from jupyter_mlops.executors.slurm.queue import Entry, Queue
from jupyter_mlops.executors.slurm.receipt import Receipt, read, write
from jupyter_mlops.executors.slurm.requests import groups, resource_options
from jupyter_mlops.executors.slurm.states import is_over, sighting_of
from jupyter_mlops.executors.slurm.verdicts import verdict_in
from jupyter_mlops.protocols.jobs import Begun, Launch, Presence, Sighting
from jupyter_mlops.testing.jobs import job_spec
from tests.waiting import wait_until

from .slurm_programs import Make, environ, maker, queue_line


@pytest.fixture
def programs(tmp_path: Path) -> Make:
    return maker(tmp_path)


def see(state: str, *, begun: bool = True, log: Path = Path("/nowhere"), **said: Any) -> Sighting:
    return sighting_of(Entry(id="7", state=state, **said), has_begun=begun, log=log)


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "STAGE_OUT"])
def test_job_that_has_resources_lives(state: str) -> None:
    assert see(state).presence is Presence.ALIVE


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("TIMEOUT", Cause.TIME),
        ("DEADLINE", Cause.TIME),
        ("OUT_OF_MEMORY", Cause.MEMORY),
        ("NODE_FAIL", Cause.NODE),
        ("BOOT_FAIL", Cause.NODE),
        ("PREEMPTED", Cause.NODE),
        ("REVOKED", Cause.NODE),
        ("CANCELLED", Cause.USER),
        ("COMPLETED", Cause.KILLED),
        ("FAILED", Cause.KILLED),
        ("FORGOTTEN", Cause.KILLED),
    ],
)
def test_state_in_which_a_job_ended_says_why(state: str, cause: Cause) -> None:
    sighting = see(state)
    assert (sighting.presence, sighting.cause) == (Presence.GONE, cause)
    assert "7 of Slurm" in sighting.reason or "job 7" in sighting.reason
    assert is_over(Entry(id="7", state=state))


def test_worker_that_died_is_told_by_status_and_signal() -> None:
    assert see("FAILED", status=3).reason == "its worker ended with status 3: job 7 of Slurm"
    assert (
        see("FAILED", signal=9, nodes="n2").reason == "its worker was killed by SIGKILL: job 7 of Slurm (n2)"
    )
    assert see("FAILED", status=1, begun=False).cause is Cause.START


def test_job_that_is_in_the_queue_again_has_been_stopped() -> None:
    sighting = see("PENDING", begun=True)
    assert (sighting.presence, sighting.cause) == (Presence.GONE, Cause.NODE)


def test_reason_for_waiting_is_in_plain_words_with_the_time_that_slurm_expects() -> None:
    soon = time.time() + 3600
    moment = time.localtime(soon)
    form = "%H:%M" if moment[:3] == time.localtime()[:3] else "%d %b %H:%M"
    assert see("PENDING", begun=False, reason="Resources", starts_at=soon).reason == (
        "job 7 of Slurm waits for free resources (Resources); "
        f"Slurm expects to start it at {time.strftime(form, moment)}"
    )
    assert see("PENDING", begun=False, reason="QOSGrpNewLimit").reason == "job 7 of Slurm QOSGrpNewLimit"
    assert see("PENDING", begun=False).reason == "job 7 of Slurm waits"


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO TIME LIMIT ***", Cause.TIME),
        ("slurmstepd-n1: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO PREEMPTION ***", Cause.NODE),
        ("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO NODE FAILURE, SEE LOG ***", Cause.NODE),
        ("slurmstepd: error: *** STEP 7.0 ON n1 CANCELLED AT 2026-01-31T12:00:00 ***", Cause.USER),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=7.batch.", Cause.MEMORY),
        ("slurmstepd: error: Job 7 exceeded memory limit (900 > 600), being killed", Cause.MEMORY),
    ],
)  # fmt: skip
def test_log_tells_why_slurm_ended_a_job_whatever_its_state(tmp_path: Path, line: str, cause: Cause) -> None:
    log = tmp_path / "log.txt"
    log.write_text(f"epoch 1\n{line}\nepoch 2\n")
    assert see("FAILED", log=log).cause is (cause if cause is not Cause.USER else Cause.KILLED)
    verdict = verdict_in(log)
    assert verdict is not None
    assert verdict.cause is cause


def test_log_without_such_a_line_tells_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("my slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT noon ***\n")
    assert verdict_in(log) is None
    assert verdict_in(tmp_path / "none") is None


def test_sigterm_on_a_node_means_what_slurm_wrote(tmp_path: Path) -> None:
    log, here = tmp_path / "log.txt", {"SLURM_JOB_ID": "7", "PATH": ""}
    assert terminated(tmp_path, log, here) is None
    write(tmp_path, Receipt(name="mlops-a-1", asked_at=1.0))
    assert terminated(tmp_path, log, {}) is None
    meaning = terminated(tmp_path, log, here)
    assert meaning is not None
    assert meaning()[::2] == (RunStatus.FAILED, Cause.NODE)
    log.write_text("slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 ***\n")
    assert meaning() == (RunStatus.CANCELLED, "it was cancelled in Slurm", Cause.USER)
    log.write_text(
        "slurmstepd: error: *** JOB 7 ON n1 CANCELLED AT 2026-01-31T12:00:00 DUE TO TIME LIMIT ***\n"
    )
    assert meaning() == (RunStatus.FAILED, "exceeded the time limit that Slurm holds it to", Cause.TIME)


def test_preemption_with_a_grace_time_is_asked_for(tmp_path: Path, programs: Make) -> None:
    write(tmp_path, Receipt(name="mlops-a-1", asked_at=1.0))
    programs("squeue", "echo 1700000000")
    meaning = terminated(tmp_path, tmp_path / "log.txt", {"SLURM_JOB_ID": "7", **environ(tmp_path)})
    assert meaning is not None
    assert "preempted" in meaning()[1]


def test_damaged_receipt_is_none(tmp_path: Path) -> None:
    (tmp_path / "executor.json").write_text("{")
    assert read(tmp_path) is None


@pytest.mark.parametrize(
    ("said", "status", "signal"), [("768", 3, 0), ("9", 0, 9), ("3:0", 3, 0), ("0:15", 0, 15), ("", 0, 0)]
)
def test_wait_status_is_read_as_releases_write_it(
    tmp_path: Path, programs: Make, said: str, status: int, signal: int
) -> None:
    programs("squeue", f"printf '%s\\n' '{queue_line(state='FAILED', ended=said)}'")
    entry = Queue(Programs(environ(tmp_path))).snapshot().entries["7"]
    assert (entry.status, entry.signal, entry.nodes, entry.reason) == (status, signal, "n1", "")


def test_accounts_know_what_the_controller_forgot(tmp_path: Path, programs: Make) -> None:
    programs("squeue", "true")
    programs("sacct", "printf '7\\037mlops-a-1\\037CANCELLED by 0\\0370:0\\037n1\\037None\\n'")
    entry = Queue(Programs(environ(tmp_path))).snapshot(["7", "8"]).entries
    assert (entry["7"].state, entry["7"].reason) == ("CANCELLED", "by root")
    assert entry["8"].state == "FORGOTTEN"


def test_accounts_that_are_away_leave_a_job_unseen_and_are_asked_again(
    tmp_path: Path, programs: Make
) -> None:
    programs("squeue", "true")
    programs("sacct", f"echo asked >> {tmp_path}/asked; echo 'sacct: error: Connection refused' >&2; exit 1")
    queue = Queue(Programs(environ(tmp_path)))
    assert "7" not in queue.snapshot(["7"]).entries
    with pytest.raises(Unavailable, match="accounts"):
        queue.named({"mlops-a-1"}, 1.0)
    assert (tmp_path / "asked").read_text().count("asked") == 2


def test_cluster_without_accounts_is_asked_for_them_once(tmp_path: Path, programs: Make) -> None:
    programs("squeue", "true")
    programs("sacct", f"echo x >> {tmp_path}/asked; echo 'Slurm accounting storage is disabled' >&2; exit 1")
    queue = Queue(Programs(environ(tmp_path)))
    assert [queue.snapshot(["7"]).entries["7"].state for _ in range(3)] == ["FORGOTTEN"] * 3
    assert (tmp_path / "asked").read_text() == "x\n"


def test_complaints_are_told_apart(tmp_path: Path, programs: Make) -> None:
    run = Programs(environ(tmp_path)).run
    programs("sbatch", "echo 'sbatch: error: Batch job submission failed: Invalid account' >&2; exit 1")
    with pytest.raises(Refused, match=r"^Batch job submission failed: Invalid account$"):
        run(["sbatch"])
    programs(
        "sbatch", "echo 'sbatch: error: Unable to contact slurm controller (connect failure)' >&2; exit 1"
    )
    with pytest.raises(Unavailable, match="Unable to contact"):
        run(["sbatch"])
    programs("sbatch", "echo 'sbatch: fatal: Could not establish a configuration source' >&2; exit 1")
    with pytest.raises(Unavailable, match=r"No Slurm cluster is configured here .* set SLURM_CONF"):
        run(["sbatch"])
    with pytest.raises(Refused, match=r"^sbatch cannot be told that: embedded null byte$"):
        run(["sbatch", "--comment=a\0b"])
    with pytest.raises(Unavailable, match="There is no nothing on PATH"):
        run(["nothing"])
    assert tidy('sbatch: error: a\nsbatch: error: a\nTry "sbatch --help"\nb.') == "a; b"


def test_program_that_hangs_is_given_up(
    tmp_path: Path, programs: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.executors.slurm.programs.TIMEOUT_S", 0.2)
    programs("squeue", "exec sleep 60")
    with pytest.raises(Unavailable, match="did not answer"):
        Queue(Programs(environ(tmp_path))).snapshot()


def test_sbatch_gets_a_persons_defaults_and_no_secrets(tmp_path: Path, programs: Make) -> None:
    programs("sbatch", "env")
    given = {**environ(tmp_path), "SLURM_JOB_ID": "1", "TOKEN": "secret", "SLURM_CONF": "/etc/slurm.conf"}
    said = Programs(given).run(["sbatch"], environ={"SBATCH_ACCOUNT": "lab", "TOKEN": "secret"}).splitlines()
    assert {"SBATCH_ACCOUNT=lab", "SLURM_CONF=/etc/slurm.conf"} <= set(said)
    assert not [line for line in said if "secret" in line or line.startswith("SLURM_JOB_ID")]


def test_agent_without_the_programs_finds_them_where_the_submitter_did(
    tmp_path: Path, programs: Make
) -> None:
    programs("sbatch", "true")
    agent = Programs({"PATH": "/nowhere"})
    assert "sbatch is not on PATH" in agent.missing
    agent.learn({"PATH": f"{tmp_path}/bin", "SLURM_CONF": "/etc/slurm.conf"})
    assert agent.missing == ""
    assert agent.where() == {"PATH": f"{tmp_path}/bin", "SLURM_CONF": "/etc/slurm.conf"}


def test_job_waits_while_slurm_takes_no_more_of_them_and_goes_then(tmp_path: Path, programs: Make) -> None:
    full = "Batch job submission failed: Job violates accounting/QOS policy (job submit limit)"
    programs(
        "sbatch", f"[ -e {tmp_path}/room ] && echo 12 || {{ echo 'sbatch: error: {full}' >&2; exit 1; }}"
    )
    programs("squeue", "true")
    programs("sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")
    settings = load_settings({"home": tmp_path}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": "0.05"})
    executor = SlurmExecutor(settings, environ=environ(tmp_path))
    log = tmp_path / "jobs" / "a" / "attempts" / "1" / "log.txt"
    log.parent.mkdir(parents=True)
    begun = Begun(job_id="a", attempt=1, folder=tmp_path / "jobs" / "a")
    launch = Launch(spec=job_spec(id="a"), attempt=1, folder=begun.folder, log=log, environment={})
    assert executor.start(launch)

    def seen() -> Sighting:
        executor.look([begun])
        return executor.sight(begun)

    wait_until(lambda: "takes no more jobs just now" in seen().reason)
    assert seen().presence is Presence.WAITING
    (tmp_path / "room").touch()
    wait_until(lambda: (receipt := read(log.parent)) is not None and receipt.id == "12")


def test_answer_that_is_older_than_a_workers_beginning_does_not_end_it(
    tmp_path: Path, programs: Make
) -> None:
    programs("sbatch", "echo 7")
    programs("squeue", f"printf '%s\\n' '{queue_line(state='PENDING')}'; echo x >> {tmp_path}/asked")
    settings = load_settings({"home": tmp_path}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": "600"})
    executor = SlurmExecutor(settings, environ=environ(tmp_path))
    log = tmp_path / "jobs" / "a" / "attempts" / "1" / "log.txt"
    log.parent.mkdir(parents=True)
    begun = Begun(job_id="a", attempt=1, folder=tmp_path / "jobs" / "a")
    assert executor.start(
        Launch(spec=job_spec(id="a"), attempt=1, folder=begun.folder, log=log, environment={})
    )

    def sight(begun: Begun) -> Sighting:
        executor.look([begun])
        return executor.sight(begun)

    wait_until(lambda: sight(begun).reason == "job 7 of Slurm waits")
    began = replace(begun, process=current_process())
    assert sight(began) == Sighting(presence=Presence.ALIVE)
    assert executor.sight(replace(begun, attempt=2)).presence is Presence.ABSENT
    later = SlurmExecutor(
        load_settings({"home": tmp_path}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": "0.05"}),
        environ=environ(tmp_path),
    )
    wait_until(lambda: (later.look([began]), later.sight(began))[1].cause is Cause.NODE)


def test_cluster_that_takes_no_arrays_gets_the_jobs_one_by_one(tmp_path: Path, programs: Make) -> None:
    refusal = "echo 'sbatch: error: Invalid job array specification' >&2; exit 1"
    programs(
        "sbatch", f'case "$*" in *--array*) {refusal};; esac; echo x >> {tmp_path}/n; wc -l < {tmp_path}/n'
    )
    programs("squeue", "true")
    settings = load_settings({"home": tmp_path}, environ={"JUPYTER_MLOPS_SLURM_POLL_S": "0.05"})
    executor = SlurmExecutor(settings, environ=environ(tmp_path))
    logs = [tmp_path / "jobs" / name / "attempts" / "1" / "log.txt" for name in "ab"]
    for log in logs:
        log.parent.mkdir(parents=True)
        spec = job_spec(id=log.parents[2].name, sweep_id="s")
        executor.start(Launch(spec=spec, attempt=1, folder=log.parents[2], log=log, environment={}))
    receipts = wait_until(
        lambda: all(read(log.parent) for log in logs) and [read(log.parent) for log in logs]
    )
    wait_until(lambda: {each.id for log in logs if (each := read(log.parent))} == {"1", "2"})
    assert len(receipts) == 2


def test_jobs_that_ask_for_the_same_go_together_up_to_a_number() -> None:
    trials = [(str(n), job_spec(sweep_id="s"), False) for n in range(5)]
    other = ("x", job_spec(sweep_id="s", cpus=2), False)
    alone = ("y", job_spec(), False)
    assert groups([*trials, other, alone], 3) == [["0", "1", "2"], ["3", "4"], ["x"], ["y"]]


def test_script_is_passed_on_byte_by_byte(tmp_path: Path, programs: Make) -> None:
    programs("sbatch", f"cat > {tmp_path}/script")
    Programs(environ(tmp_path)).run(["sbatch"], text="cd /home/\udce4da")
    assert (tmp_path / "script").read_bytes() == b"cd /home/\xe4da"


def test_memory_that_was_only_learned_is_no_limit_of_slurms() -> None:
    wanted = Resources(memory_bytes=1024**3)
    assert "--mem=1024M" in resource_options(job_spec(resources=wanted))
    learned = job_spec(resources=wanted, learned=["memory_bytes"])
    assert resource_options(learned) == resource_options(job_spec())


def test_job_whose_like_needed_more_memory_than_a_node_has_is_not_refused_for_that(
    tmp_path: Path, programs: Make
) -> None:
    refusal = "echo 'sbatch: error: Requested node configuration is not available' >&2; exit 1"
    programs("sbatch", f'case "$*" in *--mem*) {refusal};; esac')
    programs("sinfo", "echo 'main|4|8000|gpu:2|idle'")
    forecast = Forecast(Programs(environ(tmp_path)))
    wanted = Resources(memory_bytes=64 * 1024**3)
    assert "64.0 GiB of memory" in forecast.refusal(job_spec(resources=wanted))
    assert forecast.refusal(job_spec(resources=wanted, learned=["memory_bytes"])) == ""


def test_what_a_person_says_to_slurm_replaces_what_the_job_asks_for() -> None:
    wanted = Resources(gpus=2, memory_bytes=1024**3)
    options = {"slurm": {"gres": "gpu:a100:2", "mem-per-cpu": "2G", "exclusive": ""}}
    assert resource_options(job_spec(resources=wanted, options=options)) == [
        "--nodes=1",
        "--ntasks=1",
        "--cpus-per-task=1",
        "--gres=gpu:a100:2",
        "--mem-per-cpu=2G",
        "--exclusive",
    ]
