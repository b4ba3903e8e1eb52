"""Of a log that grows beyond its cap, the beginning and the end are kept."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlops.services.jobs.capped_log import CappedLog

Log = Callable[[int], CappedLog]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


@pytest.fixture
def log(path: Path) -> Iterator[Log]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    yield lambda cap_bytes: CappedLog(path, cap_bytes=cap_bytes, fd=fd)
    os.close(fd)


def write_lines(log: CappedLog, first: int, last: int) -> None:
    for number in range(first, last):
        log.write(f"line {number:06}\n".encode())


def test_short_log_is_kept_whole(log: Log, path: Path) -> None:
    write_lines(log(10_000), 0, 100)
    assert path.read_text() == "".join(f"line {n:06}\n" for n in range(100))


def test_long_log_keeps_its_first_lines_and_its_last_ones_and_says_how_much_is_gone(
    log: Log, path: Path
) -> None:
    write_lines(log(6_000), 0, 10_000)
    assert path.stat().st_size <= 6_000
    lines = path.read_text().splitlines()
    marker = next(n for n, line in enumerate(lines) if line.startswith("["))
    assert lines[:marker] == [f"line {n:06}" for n in range(marker)]
    assert marker * 12 >= 3_000
    rest = lines[marker + 1 :]
    assert rest == [f"line {n:06}" for n in range(10_000 - len(rest), 10_000)]
    assert len(rest) * 12 >= 1_500 - 12
    cut = (10_000 - len(rest) - marker) * 12
    assert lines[marker] == f"[... {cut / 1024:.1f} KiB of the log are cut out here ...]"


def test_what_a_full_disk_has_no_room_for_is_left_out_and_told_as_soon_as_there_is_room(
    log: Log, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, real = 10, os.write

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = real(fd, data[:room])
        room -= written
        return written

    monkeypatch.setattr(os, "write", write)
    capped = log(0)
    capped.write(b"12345678\n")
    capped.write(b"abc\n")
    capped.write(b"lost\n")
    room = 1_000
    capped.write(b"again\n")
    capped.write(b"and on\n")
    assert path.read_text() == "12345678\na[... 8 B of the log could not be written ...]\nagain\nand on\n"


def test_log_without_a_cap_is_never_cut(log: Log, path: Path) -> None:
    write_lines(log(0), 0, 10_000)
    assert path.stat().st_size == 120_000


def test_one_very_long_line_is_cut_as_well(log: Log, path: Path) -> None:
    capped = log(6_000)
    for _ in range(100):
        capped.write(b"x" * 1_000)
    assert path.stat().st_size <= 6_000


def test_what_goes_elsewhere_is_not_cut(path: Path) -> None:
    path.write_text("another file")
    read, write = os.pipe()
    log = CappedLog(path, cap_bytes=10, fd=write)
    log.write(b"x" * 100)
    assert os.read(read, 1_000) == b"x" * 100
    assert path.read_text() == "another file"
    os.close(read)
    os.close(write)


def test_log_that_is_not_opened_for_appending_goes_on_at_its_end(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    write_lines(CappedLog(path, cap_bytes=6_000, fd=fd), 0, 10_000)
    os.close(fd)
    assert b"\0" not in path.read_bytes()
    assert path.read_text().endswith("line 009999\n")


def test_full_disk_leaves_the_log_as_it_is(
    log: Log, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    capped = log(1_000)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(capped, "_cut", fail)
    write_lines(capped, 0, 200)
    assert path.stat().st_size == 2_400
    assert len(caplog.messages) == 1
