"""Jobs as people see them: what is refused, what is read, what is waited for. No process runs here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.config import Settings
from jupyter_mlops.entities import (
    Exit,
    Job,
    JobStatus,
    Process,
    Progress,
    Resources,
    Run,
    RunKind,
    RunStatus,
    Started,
)
from jupyter_mlops.errors import Conflict, InvalidInput, NotFound, Unsupported, WaitTimeout
from jupyter_mlops.services.jobs.folder import JobFolder
from jupyter_mlops.services.jobs.service import JobService
from jupyter_mlops.store.database import Database, sqlite_url
from jupyter_mlops.store.jobs import SqlJobStore
from jupyter_mlops.store.registry_tables import metadata
from jupyter_mlops.testing.clocks import FakeClock
from jupyter_mlops.testing.executors import FakeExecutor
from jupyter_mlops.testing.jobs import FakeAgent, FakeRuns, job_spec

WORKER = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
NOTEBOOK = b'{"cells": []}'


class Desk:
    """A service with everything around it in reach."""

    def __init__(self, home: Path, database: Database) -> None:
        self.home = home
        self.store = SqlJobStore(database)
        self.runs, self.agent, self.clock = FakeRuns(), FakeAgent(), FakeClock()
        self.monotonic = FakeClock(0.0)
        settings = Settings(home=home, runtime_dir=home, leases_dir=home, user="ada")
        self.service = JobService(
            self.store,
            settings,
            executors={"local": FakeExecutor(gpus=2, cpus=4)},
            runs=self.runs,
            agent=self.agent,
            clock=self.clock,
            monotonic=self.monotonic,
            sleep=self.monotonic.sleep,
        )

    def submit(self, **wanted) -> Job:
        self.clock.now += 1
        return self.service.submit(job_spec(submitted_at=self.clock(), **wanted), NOTEBOOK, {"A": "b"})

    def attempt(self, job: Job, number: int = 1):
        attempt = JobFolder.of(self.home, job.id).attempt(number)
        attempt.path.mkdir(parents=True, exist_ok=True)
        return attempt

    def start(self, job: Job, run_id: str = "r", **wrote) -> None:
        """As an agent and a worker do."""
        self.store.update(self.store.get(job.id), status=JobStatus.STARTING)
        self.attempt(job).begin(Started(process=WORKER, run_id=run_id, started_at=3.0, **wrote))

    def end(self, job: Job, status: JobStatus = JobStatus.SUCCEEDED) -> None:
        if self.store.get(job.id).status is JobStatus.QUEUED:
            self.start(job)
        self.attempt(job).finish(Exit(status=status, ended_at=self.clock()))
        self.service.refresh()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    database = Database(sqlite_url(tmp_path / "registry.sqlite"))
    metadata.create_all(database.engine)
    yield Desk(tmp_path, database)
    database.close()


def test_submitted_job_is_a_folder_and_a_row_and_asks_for_an_agent(desk):
    job = desk.submit(gpus=2, user="")
    folder = JobFolder.of(desk.home, job.id)
    assert folder.spec() == job.spec
    assert (job.spec.user, job.status, job.attempt) == ("ada", JobStatus.QUEUED, 1)
    assert folder.input.read_bytes() == NOTEBOOK
    assert folder.environment() == {"A": "b"}
    assert desk.agent.asked == [2]
    assert desk.service.get(job.id) == job


def test_folder_that_gets_no_row_is_taken_away(desk):
    job = desk.submit()
    other = JobFolder.of(desk.home, "x").path.parent
    with pytest.raises(FileExistsError):
        desk.service.submit(job.spec, NOTEBOOK, {})
    (other / job.id).rename(other / "aside")
    with pytest.raises(Conflict):
        desk.service.submit(job.spec, NOTEBOOK, {})
    assert not (other / job.id).exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gpus": 3}, "wants 3 GPUs, and there are 2 here"),
        ({"cpus": 5}, "wants 5 CPU cores, and there are 4 here"),
        ({"cpus": 0}, "1 or more CPU cores"),
        ({"gpus": -1}, "0 or more GPUs"),
        ({"resources": Resources(memory_bytes=9 * 1024**3)}, "wants 9.0 GiB of memory, and there are 8.0"),
        ({"time_limit_s": 0.0}, "time limit must be more than 0"),
        ({"retries": -1}, "retries must be 0 or more, not -1"),
        ({"executor": "moon"}, "No executor 'moon'. There are: local"),
        ({"cwd": "/no/such/folder"}, "/no/such/folder does not exist"),
        ({"interpreter": "/no/such/python"}, "/no/such/python cannot be run"),
    ],
)
def test_what_can_never_run_is_refused_before_anything_is_written(desk, changes, message):
    with pytest.raises(InvalidInput, match=message):
        desk.service.submit(job_spec(**changes), NOTEBOOK, {})
    assert desk.service.search() == []
    assert not (desk.home / "jobs").exists()


def test_job_cannot_follow_an_unknown_one(desk):
    with pytest.raises(NotFound, match="nothing"):
        desk.submit(after=["nothing"])


def test_windows_is_refused_with_a_way_out(desk, monkeypatch):
    monkeypatch.setattr("sys.platform", "win32")
    with pytest.raises(Unsupported, match="WSL"):
        desk.submit()


def test_agent_that_cannot_be_started_does_not_lose_the_job(desk, caplog):
    def refuse(**wanted) -> None:
        raise OSError("no more processes")

    desk.agent.ensure = refuse
    assert desk.submit().status is JobStatus.QUEUED
    assert "no more processes" in caplog.text


def test_job_brings_the_virtual_slots_it_was_submitted_with_to_any_agent(desk):
    desk.submit(gpus=2, gpu_slots=5)
    desk.service.refresh()
    assert (desk.agent.asked[-1], desk.agent.gpu_slots[-1]) == (2, 5)


def test_readers_follow_folders_and_ask_for_an_agent_as_long_as_a_job_is_open(desk):
    job = desk.submit()
    desk.start(job, gpus=["GPU-1"])
    desk.service.refresh()
    running = desk.store.get(job.id)
    assert (running.status, running.run_id, running.gpus) == (JobStatus.RUNNING, "r", ["GPU-1"])
    asked = len(desk.agent.asked)
    desk.end(job)
    desk.service.refresh()
    assert desk.store.get(job.id).status is JobStatus.SUCCEEDED
    assert len(desk.agent.asked) == asked


def test_damaged_folder_does_not_hide_other_jobs(desk):
    damaged, sound = desk.submit(), desk.submit()
    (desk.attempt(damaged).path / "started.json").write_text("{")
    desk.end(sound)
    assert [job.status for job in desk.service.search()] == ["succeeded", "queued"]


def test_progress_comes_from_the_jobs_run(desk):
    job = desk.submit()
    desk.start(job)
    desk.service.refresh()
    desk.runs.runs[job.id] = Run(
        id="r",
        name="train",
        experiment="digits",
        kind=RunKind.JOB,
        status=RunStatus.RUNNING,
        started_at=3.0,
        progress=Progress(done=2, total=5),
    )
    assert desk.service.get(job.id).progress == Progress(done=2, total=5)


def test_cancelling_twice_is_a_conflict(desk):
    job = desk.submit()
    assert desk.service.cancel(job.id[-6:]).reason == "cancelled by ada"
    with pytest.raises(Conflict, match="has ended already; its status is cancelled"):
        desk.service.cancel(job.id)


def test_cancelling_a_job_that_starts_meanwhile_reaches_it(desk, monkeypatch):
    job = desk.submit()
    read = desk.store.get

    def read_then_start(job_id: str) -> Job:
        found = read(job_id)
        monkeypatch.undo()
        desk.store.update(found, status=JobStatus.STARTING)
        return found

    monkeypatch.setattr(desk.store, "get", read_then_start)
    cancelled = desk.service.cancel(job.id)
    assert (cancelled.status, cancelled.cancel_requested) == (JobStatus.STARTING, True)


def test_waiting_returns_jobs_in_the_order_asked_for(desk):
    first, second = desk.submit(), desk.submit()
    desk.end(first)
    desk.end(second, JobStatus.FAILED)
    assert [job.status for job in desk.service.wait([second.id, first.id])] == ["failed", "succeeded"]
    assert desk.service.wait([]) == []


def test_waiting_ends_when_its_time_is_up_and_names_what_goes_on(desk):
    job = desk.submit()
    with pytest.raises(WaitTimeout, match=rf"After 5 s, 1 of 1 jobs go on: {job.id[-6:]} \(queued\)"):
        desk.service.wait([job.id], timeout_s=5)


def test_clock_that_is_set_back_does_not_prolong_the_waiting(desk):
    job = desk.submit()

    def sleep(seconds: float) -> None:
        desk.monotonic.sleep(seconds)
        desk.clock.now -= 3600
        assert desk.monotonic() < 6

    desk.service._sleep = sleep
    with pytest.raises(WaitTimeout):
        desk.service.wait([job.id], timeout_s=5)


def test_waiting_for_an_unknown_job_says_so(desk):
    with pytest.raises(NotFound, match="nothing"):
        desk.service.wait(["nothing"])


def test_unknown_status_is_refused_with_the_known_ones(desk):
    with pytest.raises(InvalidInput, match=r"'done'\. There are: queued, starting, running"):
        desk.service.search(status="done")


def test_log_goes_on_where_it_was_left_across_attempts(desk):
    job = desk.submit(retries=1)
    desk.attempt(job).log.write_text("one\n")
    first = desk.service.log(job.id)
    assert (first.text, first.ended) == ("one\n", False)
    desk.start(job)
    desk.end(job, JobStatus.FAILED)
    desk.attempt(job, 2).log.write_text("two\n")
    second = desk.service.log(job.id, offset=first.next_offset)
    assert (second.text, second.next_offset) == ("two\n", 8)
    assert desk.service.log(job.id, offset=2, limit=4).text == "e\ntw"


def test_log_never_cuts_a_character_and_ends_with_the_job(desk):
    job = desk.submit()
    text = "grüße €🙂"
    data = text.encode()
    read, offset = "", 0
    for end in range(1, len(data) + 1):
        desk.attempt(job).log.write_bytes(data[:end])
        chunk = desk.service.log(job.id, offset=offset)
        read, offset = read + chunk.text, chunk.next_offset
        assert not chunk.ended
    assert (read, offset) == (text, len(data))
    desk.end(job)
    assert desk.service.log(job.id, offset=offset).ended


def test_log_in_small_pieces_is_the_whole_log(desk):
    job = desk.submit()
    text = "€" * 50 + "\udcff" * 2
    desk.attempt(job).log.write_bytes(text.encode(errors="surrogateescape"))
    desk.end(job)
    read, offset, ended = "", 0, False
    while not ended:
        chunk = desk.service.log(job.id, offset=offset, limit=1)
        read, offset, ended = read + chunk.text, chunk.next_offset, chunk.ended
    assert read == "€" * 50 + "\N{REPLACEMENT CHARACTER}" * 2


def test_job_without_log_has_an_empty_one(desk):
    job = desk.submit()
    chunk = desk.service.log(job.id)
    assert (chunk.text, chunk.next_offset, chunk.ended) == ("", 0, False)


def test_changes_name_jobs_that_changed(desk):
    seq, _ = desk.service.changes(0)
    job = desk.submit()
    later, ids = desk.service.changes(seq)
    assert (later > seq, ids) == (True, [job.id])
