"""Numbers on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError


def count(text: str) -> int:
    """A number of things, 0 allowed."""
    return _at_least(0, text)


def positive(text: str) -> int:
    """A number of things, at least 1."""
    return _at_least(1, text)


def gpus(text: str) -> float:
    """Whole GPUs, or a share of one."""
    from ..errors import InvalidInput
    from ..services.submission.words import gpus_of

    try:
        return gpus_of(text)
    except InvalidInput as error:
        raise ArgumentTypeError(error.message) from error


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ArgumentTypeError(f"{text!r} is no whole number of {least} or more")
    return value
