"""Amounts as people type them."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.quantities import counted, duration_text, memory_bytes, seconds, size_text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("8G", 8 << 30),
        ("1.5GiB", 3 << 29),
        ("2 kb", 2048),
        (4096, 4096),
        (None, None),
    ],
)
def test_memory_is_understood(text: str | int | None, size: int | None) -> None:
    assert memory_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("1:30:00", 5400),
        ("2:30", 9000),
        ("1d", 86400),
        (5, 5),
    ],
)
def test_durations_are_understood(text: str | float, duration: float) -> None:
    assert seconds(text) == duration


@pytest.mark.parametrize("text", ["8X", "G", "-1", "0", "lots", ""])
def test_other_amounts_of_memory_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="512M or 8G"):
        memory_bytes(text)


@pytest.mark.parametrize("text", ["soon", "-3", "0", "5 weeks", "1:99:00", "", "1h30", "5 5"])
def test_other_durations_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="1h30m"):
        seconds(text)


@pytest.mark.parametrize(
    ("taken", "text"),
    [
        (None, ""),
        (-1.0, "0 ms"),
        (0.04, "40 ms"),
        (0.0996, "0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (119.7, "2 min 00 s"),
        (185.0, "3 min 05 s"),
        (3599.9, "1 h 00 min"),
        (7800.0, "2 h 10 min"),
    ],
)
def test_how_long_something_took_never_says_60_seconds(taken: float | None, text: str) -> None:
    assert duration_text(taken) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 * 1024**2, "5.0 MiB"), (3 * 1024**5, "3072.0 TiB")],
)
def test_sizes_are_in_binary_units(size: int, text: str) -> None:
    assert size_text(size) == text


def test_counts_have_their_plural() -> None:
    assert [counted(1, "run"), counted(0, "run"), counted(2, "query", "queries")] == [
        "1 run",
        "0 runs",
        "2 queries",
    ]
