"""The end of a run, as its owner's journal says it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from jupyter_mlops.entities import Cause, Exit, JobStatus, Process, RunError, RunStatus, Started
from jupyter_mlops.journal.records import Close, End, Metrics
from jupyter_mlops.services.jobs.folder import Attempt
from jupyter_mlops.services.jobs.retries import cause_of
from jupyter_mlops.services.jobs.run_ends import RunEnds
from jupyter_mlops.services.tracking.tails import TAIL_BYTES, last_end

METRIC = msgspec.json.encode(Metrics(m={"loss": 0.5}, t=1.0))
END = msgspec.json.encode(End(status=RunStatus.FAILED, reason="cell 3 raised ValueError", t=7.0))
CLOSE = msgspec.json.encode(Close(t=8.0))


def journal(home: Path, *lines: bytes, writer: str = "1", torn: bytes = b"") -> None:
    path = home / "runs" / "run" / "journal" / f"{writer}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)


def test_end_is_found_behind_much_else(tmp_path):
    journal(tmp_path, *[METRIC] * (2 * TAIL_BYTES // len(METRIC)), END, CLOSE)
    end = last_end(tmp_path, "run")
    assert end is not None
    assert (end.status, end.reason, end.t) == (RunStatus.FAILED, "cell 3 raised ValueError", 7.0)


@pytest.mark.parametrize("lines", [[], [METRIC], [METRIC, CLOSE], [b"\0\0", b"{"]])
def test_run_without_an_end_has_none(tmp_path, lines):
    journal(tmp_path, *lines, torn=END[:-4])
    assert last_end(tmp_path, "run") is None


def test_run_that_is_not_there_has_none(tmp_path):
    assert last_end(tmp_path, "run") is None


def test_end_that_a_third_writer_claims_does_not_count(tmp_path):
    journal(tmp_path, METRIC, writer="1")
    journal(tmp_path, METRIC, writer="2")
    journal(tmp_path, END, writer="3")
    assert last_end(tmp_path, "run") is None


def test_end_of_the_run_is_that_of_its_dead_worker(tmp_path):
    attempt = Attempt(tmp_path / "attempt")
    attempt.path.mkdir()
    ends = RunEnds(tmp_path, lambda *_: None)
    assert ends.said_by(attempt, written_by="agent") is None
    process = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
    attempt.begin(Started(process=process, run_id="run", started_at=1.0))
    assert ends.said_by(attempt, written_by="agent") is None
    journal(tmp_path, METRIC, END)
    said = ends.said_by(attempt, written_by="agent")
    assert said == Exit(
        status=JobStatus.FAILED, ended_at=7.0, reason="cell 3 raised ValueError", written_by="agent"
    )
    assert cause_of(said) is Cause.ERROR


def test_want_of_memory_is_told_from_the_runs_error(tmp_path):
    attempt = Attempt(tmp_path / "attempt")
    attempt.path.mkdir()
    process = Process(host="h", boot_id="b", pid_namespace=1, pid=1, start_ticks=1)
    attempt.begin(Started(process=process, run_id="run", started_at=1.0))
    error = RunError(name="OutOfMemoryError", message="CUDA out of memory", traceback="")
    journal(tmp_path, msgspec.json.encode(End(status=RunStatus.FAILED, error=error)))
    said = RunEnds(tmp_path, lambda *_: None).said_by(attempt, written_by="agent")
    assert said is not None
    assert said.cause is Cause.GPU_MEMORY
