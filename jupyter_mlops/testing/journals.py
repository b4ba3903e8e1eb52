"""What journals must do on any file system; subclass it and give the fixture ``home``, an empty folder."""

from __future__ import annotations

import math
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ..entities import Process, RunKind, RunStatus, new_id
from ..journal import JournalKey, JournalWriter, active_journals, all_journals, read_chunk, retire
from ..journal.records import AnyRecord, Close, End, Heartbeat, Join, Metrics, Start, Tags
from ..wire import number_from_json

RUN = new_id(1_700_000_000.0)
"""A run's id."""


class Scribe:
    """Writes a journal as a run's process does, at times of a fake clock."""

    def __init__(
        self, home: Path, clock: Callable[[], float], *, run_id: str = RUN, writer: str | None = None
    ) -> None:
        self.home = home
        self.journal = JournalWriter(home, run_id, clock=clock, writer=writer)
        self.run_id = run_id
        self.path = self.journal.key.path(home)

    def start(self, name: str = "a run", *, process: Process | None = None, **fields: Any) -> Scribe:
        fields = {"experiment": "digits", "kind": RunKind.CELL, **fields}
        return self.write(Start(name=name, process=process, **fields))

    def join(self, *, process: Process | None = None, role: str = "child") -> Scribe:
        return self.write(Join(process=process, role=role))

    def write(self, *records: AnyRecord) -> Scribe:
        for record in records:
            self.journal.append(record)
        return self

    def log(self, step: int | None = None, **values: float) -> Scribe:
        self.journal.metrics(values, step)
        return self

    def end(self, status: RunStatus = RunStatus.FINISHED, **fields: Any) -> Scribe:
        return self.write(End(status=status, **fields)).close()

    def close(self) -> Scribe:
        self.write(Close())
        self.journal.close()
        return self

    def scribble(self, data: bytes) -> Scribe:
        """Bytes that no writer would write whole."""
        with self.path.open("ab") as file:
            file.write(data)
        return self


LOGGING_PROGRAM = """
import sys, time
from pathlib import Path
from jupyter_mlops.capture.processes import current_process
from jupyter_mlops.entities import RunKind
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Join, Start

home, run_id, role, count, pause_s = sys.argv[1:]
journal = JournalWriter(Path(home), run_id)
process = current_process()
if role == "owner":
    journal.append(Start(name="child", experiment="e", kind=RunKind.SCRIPT, process=process))
else:
    journal.append(Join(process=process, role=role))
step = 0
while int(count) == 0 or step < int(count):
    journal.metrics({"loss": float(step)}, step)
    print(step, flush=True)  # only what the call returned for
    step += 1
    time.sleep(float(pause_s))
sys.stdin.read()  # wait to be killed or let go
"""


def logging_process(
    home: Path, *, run_id: str = RUN, role: str = "owner", count: int = 0, pause_s: float = 0.0
) -> subprocess.Popen[str]:
    """A real process that logs ``loss`` and prints each step after it was logged; 0 logs without end.

    It lives until it is killed or its input is closed.
    """
    command = [sys.executable, "-c", LOGGING_PROGRAM, str(home), run_id, role, str(count), str(pause_s)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> list[str]:
    """SIGKILL; returns the lines that it had printed and nobody had read."""
    process.send_signal(signal.SIGKILL)
    lines = process.stdout.read().splitlines() if process.stdout else []
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    return lines


SHORT_WRITE_PROGRAM = """
import resource, signal, sys
from pathlib import Path
from jupyter_mlops.journal import JournalWriter
from jupyter_mlops.journal.records import Tags

home, run_id = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = JournalWriter(Path(home), run_id)
journal.append(Tags(g={"a": "1"}))
size = journal.key.path(Path(home)).stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, resource.RLIM_INFINITY))  # the "disk" is full
for number in range(2):
    try:
        journal.append(Tags(g={"b": "2"}))
    except OSError:
        print("refused", flush=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(Tags(g={"c": "3"}))
"""


class JournalContract:
    """Inherit as ``class TestMine(JournalContract)`` with a fixture ``home``."""

    @pytest.fixture
    def scribe(self, home: Path) -> Scribe:
        return Scribe(home, lambda: 1_700_000_000.0, writer="w")

    def test_what_was_appended_is_read_in_order(self, scribe: Scribe) -> None:
        scribe.start("first").log(3, loss=0.5).write(Heartbeat())
        chunk = read_chunk(scribe.path)
        assert [type(record) for record in chunk.records] == [Start, Metrics, Heartbeat]
        assert [record.n for record in chunk.records] == [1, 2, 3]
        assert {(record.v, record.t) for record in chunk.records} == {(1, 1_700_000_000.0)}
        assert (chunk.start, chunk.end, chunk.more) == (0, scribe.path.stat().st_size, False)

    def test_reading_goes_on_where_it_stopped(self, scribe: Scribe) -> None:
        scribe.start()
        first = read_chunk(scribe.path)
        scribe.log(loss=1.0)
        second = read_chunk(scribe.path, first.end)
        assert [type(record) for record in second.records] == [Metrics]
        assert read_chunk(scribe.path, second.end).records == []

    def test_small_chunks_say_that_there_is_more(self, scribe: Scribe) -> None:
        for step in range(50):
            scribe.log(step, loss=float(step))
        read, offset, chunks = [], 0, 0
        while True:
            chunk = read_chunk(scribe.path, offset, limit=100)
            read += chunk.records
            offset, chunks = chunk.end, chunks + 1
            if not chunk.more:
                break
        assert [record.n for record in read] == list(range(1, 51))
        assert chunks > 10

    def test_line_longer_than_the_limit_is_read_whole(self, scribe: Scribe) -> None:
        scribe.write(Tags(g={"long": "x" * 1000}))
        assert len(read_chunk(scribe.path, limit=64).records) == 1

    def test_missing_journal_reads_as_empty(self, home: Path) -> None:
        chunk = read_chunk(JournalKey(RUN, "nobody").path(home))
        assert (chunk.records, chunk.end, chunk.more) == ([], 0, False)

    def test_torn_last_line_waits_for_its_rest(self, scribe: Scribe) -> None:
        scribe.start()
        whole = scribe.path.stat().st_size
        scribe.scribble(b'{"k":"tag","g":{"a"')
        assert read_chunk(scribe.path).end == whole
        scribe.scribble(b':"1"}}\n')
        assert read_chunk(scribe.path, whole).records == [Tags(g={"a": "1"})]

    def test_bad_lines_are_counted_and_skipped(self, scribe: Scribe) -> None:
        scribe.start().scribble(b'{"k":"tag","g":{"a\nnonsense\n[]\n{"k":"metric"}\n').log(loss=1.0)
        chunk = read_chunk(scribe.path)
        assert [type(record) for record in chunk.records] == [Start, Metrics]
        assert (chunk.bad_lines, chunk.unknown) == (4, 0)

    @pytest.mark.parametrize(
        ("lines", "bad"),
        [
            (b'{"k":"beat"}{"k":"beat"}\n', 1),
            (b'{"k":"beat"} {"k":"beat"}\n', 1),
            (b'{"k":"beat",\n"t":1.0}\n', 2),
            (b'{"k":"beat"}{"k":"beat"}\n{"k":"beat",\n"t":1.0}\n', 3),
            (b"\n\n", 0),
            (b"\xff\xfe\n", 1),
        ],
        ids=["glued", "glued by a space", "cut", "glued and cut", "empty", "no UTF-8"],
    )
    def test_line_is_one_record_or_bad_whatever_stands_around_it(
        self, scribe: Scribe, lines: bytes, bad: int
    ) -> None:
        scribe.log(1, loss=0.5).scribble(lines).log(2, loss=0.25)
        alone = read_chunk(scribe.path)
        scribe.scribble(b"nonsense\n")
        among_others = read_chunk(scribe.path)
        assert (
            [record.n for record in alone.records] == [record.n for record in among_others.records] == [1, 2]
        )
        assert (alone.bad_lines, among_others.bad_lines) == (bad, bad + 1)

    def test_line_longer_than_a_chunk_is_read_whole(self, scribe: Scribe) -> None:
        text = "x" * 100_000
        scribe.log(1, loss=0.5).write(Tags(g={"long": text})).log(2, loss=0.25)
        records, offset = [], 0
        while True:
            chunk = read_chunk(scribe.path, offset, limit=64)
            records += chunk.records
            offset = chunk.end
            if not chunk.more:
                break
        assert [record.n for record in records] == [1, 2, 3]
        assert isinstance(records[1], Tags)
        assert records[1].g == {"long": text}
        assert offset == scribe.path.stat().st_size

    def test_torn_line_alone_is_left_for_later(self, scribe: Scribe) -> None:
        scribe.log(1, loss=0.5).scribble(b'{"k":"tag","g":{"a":' + b"1" * 1000)
        first = read_chunk(scribe.path)
        assert ([record.n for record in first.records], first.more) == ([1], False)
        torn = read_chunk(scribe.path, first.end, limit=16)
        assert (torn.end, torn.records, torn.bad_lines, torn.more) == (first.end, [], 0, False)

    def test_clock_that_goes_backwards_does_not_turn_records_around(self, home: Path) -> None:
        times = iter([100.0, 50.0, 60.0, 110.0, 20.0])
        journal = JournalWriter(home, RUN, clock=lambda: next(times), writer="w")
        for step in range(4):
            journal.metrics({"loss": 0.5}, step)
        journal.append(Heartbeat())
        records = read_chunk(journal.key.path(home)).records
        assert [(record.t, record.n) for record in records] == [
            (100.0, 1),
            (100.0, 2),
            (100.0, 3),
            (110.0, 4),
            (110.0, 5),
        ]

    def test_records_of_a_later_version_are_skipped_and_stay_in_the_file(self, scribe: Scribe) -> None:
        line = b'{"k":"hologram","v":9,"t":1.0,"n":7,"x":[1]}\n'
        scribe.start().scribble(line).scribble(b'{"k":"beat","v":9,"later":true}\n')
        chunk = read_chunk(scribe.path)
        assert [type(record) for record in chunk.records] == [Start, Heartbeat]
        assert (chunk.bad_lines, chunk.unknown) == (0, 1)
        assert line in scribe.path.read_bytes()

    def test_hole_of_nuls_waits_while_the_writer_may_fill_it(self, scribe: Scribe) -> None:
        scribe.start()
        before = scribe.path.stat().st_size
        scribe.scribble(b"\0" * 40 + b"\n").log(loss=1.0)
        assert read_chunk(scribe.path).end == before
        ended = read_chunk(scribe.path, before, writer_ended=True)
        assert ([type(record) for record in ended.records], ended.bad_lines) == ([Metrics], 1)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, 1e-320, 1.7976931348623157e308])
    def test_every_float_is_kept(self, scribe: Scribe, value: float) -> None:
        scribe.log(x=value)
        (record,) = read_chunk(scribe.path).records
        assert isinstance(record, Metrics)
        kept = number_from_json(record.m["x"])
        assert kept == value or (math.isnan(kept) and math.isnan(value))

    def test_writer_is_announced_before_its_first_byte(self, scribe: Scribe) -> None:
        assert active_journals(scribe.home) == [JournalKey(RUN, "w")]
        assert scribe.path.stat().st_size == 0

    def test_retired_journal_is_found_only_by_a_full_scan(self, scribe: Scribe) -> None:
        key = scribe.start().journal.key
        retire(scribe.home, key)
        retire(scribe.home, key)
        assert active_journals(scribe.home) == []
        assert list(all_journals(scribe.home)) == [key]

    def test_files_are_for_their_owner_only(self, scribe: Scribe) -> None:
        assert scribe.start().path.stat().st_mode & 0o077 == 0

    @pytest.mark.skipif(not hasattr(signal, "SIGXFSZ"), reason="no limit on the size of files here")
    def test_short_write_loses_only_the_record_that_was_refused(self, home: Path) -> None:
        command = [sys.executable, "-c", SHORT_WRITE_PROGRAM, str(home), RUN]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert printed == "refused\nrefused\n"
        (key,) = active_journals(home)
        chunk = read_chunk(key.path(home))
        assert [record.g for record in chunk.records if isinstance(record, Tags)] == [{"a": "1"}, {"c": "3"}]
        assert chunk.bad_lines == 1

    def test_killed_between_writes_loses_nothing(self, home: Path) -> None:
        process = logging_process(home, count=25)
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(25)]
        kill(process)
        assert [int(line) for line in printed] == list(range(25))
        assert _steps(home) == list(range(25))

    def test_killed_while_writing_loses_nothing_that_log_returned_for(self, home: Path) -> None:
        process = logging_process(home)
        assert process.stdout is not None
        returned = [int(process.stdout.readline()) for _ in range(200)]
        returned += [int(line) for line in kill(process) if line.isdigit()]
        steps = _steps(home)
        assert steps[: len(returned)] == list(range(len(returned)))
        assert len(steps) - len(returned) <= 2

    def test_two_processes_write_one_run_side_by_side(self, home: Path) -> None:
        writers = [logging_process(home, role=role, count=300) for role in ("owner", "child")]
        for process in writers:
            process.communicate("")
            assert process.returncode == 0
        keys = active_journals(home)
        assert [key.run_id for key in keys] == [RUN, RUN]
        for key in keys:
            chunk = read_chunk(key.path(home))
            assert ([record.n for record in chunk.records], chunk.bad_lines) == (list(range(1, 302)), 0)

    def test_threads_share_a_writer(self, scribe: Scribe) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda step: scribe.log(step, loss=1.0), range(2000)))
        chunk = read_chunk(scribe.path)
        assert sorted(record.n for record in chunk.records) == list(range(1, 2001))
        assert chunk.bad_lines == 0


def _steps(home: Path) -> list[int | None]:
    (key,) = active_journals(home)
    records = read_chunk(key.path(home)).records
    return [record.s for record in records if isinstance(record, Metrics)]
