"""Amounts as people type them."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.quantities import memory_bytes, seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512", 512),
        ("8G", 8 << 30),
        ("1.5GiB", 3 << 29),
        ("2 kb", 2048),
        (4096, 4096),
        ("", None),
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


@pytest.mark.parametrize("text", ["8X", "G", "-1", "0", "lots"])
def test_other_amounts_of_memory_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="512M or 8G"):
        memory_bytes(text)


@pytest.mark.parametrize("text", ["soon", "-3", "0", "5 weeks", "1:99:00"])
def test_other_durations_are_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInput, match="1h30m"):
        seconds(text)
