"""What terminals show of other programs' texts."""

from __future__ import annotations

import pytest

from jupyter_mlops.capture.ansi import harmless, without_colours


def test_colours_are_taken_out():
    assert without_colours("\x1b[1;31mred\x1b[0m and \x1b[38;5;28mgreen\x1b[39m") == "red and green"


def test_text_without_escapes_is_left_as_it_is():
    assert without_colours("a [31m b") == "a [31m b"


@pytest.mark.parametrize(
    "sequence",
    [
        "\x1b]0;a new title\x07",
        "\x1b]52;c;c2VjcmV0\x1b\\",
        "\x1b[2J\x1b[H",
        "\x1b[1A\x1b[2K",
        "\x1bP+q544e\x1b\\",
        "\x1bc",
        "\x07\x08",
        "\x9b31m"[:1],
        "\x1b]0;never ended",
    ],
)
def test_what_steers_the_terminal_is_taken_out_and_colours_stay(sequence):
    assert harmless(f"\x1b[31mred\x1b[0m{sequence}", colours=True) == "\x1b[31mred\x1b[0m"


def test_lines_and_tabs_stay():
    assert harmless("a\tb\r\nc\x1b[31m", colours=False) == "a\tb\r\nc"
