"""What people write after the flags of a submit, on every surface: GPUs, executors and their own options,
failures that are tried again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import zip_longest
from numbers import Integral, Real
from typing import Any

from ...entities import Cause
from ...errors import InvalidInput
from ..hints import did_you_mean

RETRIED = (
    Cause.ERROR,
    Cause.MEMORY,
    Cause.GPU_MEMORY,
    Cause.TIME,
    Cause.IDLE,
    Cause.KILLED,
    Cause.NODE,
    Cause.START,
)
"""The causes of failures that another attempt may mend; who cancels a job means it."""

WITH_OPTIONS = ("slurm", "ray")
LOCAL = "local"
"""The executor that has no options of its own."""

OPTION = re.compile(
    r"--(?P<executor>[a-z][a-z0-9_]*)-(?P<name>[a-z0-9][a-z0-9_-]*)(?:=(?P<value>.*))?", re.DOTALL
)


def gpus_of(given: Any) -> float:
    """A whole number of GPUs, or a share of one: ``2``, ``"0.5"``. Raises InvalidInput."""
    number = _number(given)
    if number is None or not math.isfinite(number) or number < 0:
        raise InvalidInput(f"gpus must be a number of GPUs, or a share of one such as 0.5, not {given!r}.")
    if number > 1 and number % 1:
        raise InvalidInput(f"A job takes whole GPUs, or a share of one such as 0.5, not {number:g} of them.")
    return int(number) if number % 1 == 0 else number


def _number(given: Any) -> float | None:
    if not isinstance(given, (str, Real)):
        return None
    try:
        return float(given)
    except ValueError:
        return None


def whole(what: str, given: Any, *, least: int) -> int:
    """A whole number of something. Raises InvalidInput."""
    if not isinstance(given, Integral):
        raise InvalidInput(f"{what} must be a whole number, not {given!r}.")
    if given < least:
        raise InvalidInput(f"{what} must be at least {least}, not {given}.")
    return int(given)


def names_of(given: str | Iterable[str], what: str) -> tuple[str, ...]:
    """``"local,slurm"`` or a list of names, each once, in order. Raises InvalidInput where there is none."""
    words = [given] if isinstance(given, str) else list(given)
    names = [part.strip() for word in words for part in str(word).split(",")]
    if not names or not all(names):
        raise InvalidInput(f"{what}: a name is missing in {given!r}.")
    return tuple(dict.fromkeys(names))


def causes_of(given: str | Iterable[str]) -> tuple[Cause, ...]:
    """``"memory,node"`` or a list of causes. Raises InvalidInput."""
    known = [each.value for each in RETRIED]
    words = [] if given in ("", (), []) else names_of(given, "retry_on")
    return tuple(Cause(_one_of(word.lower().replace("_", "-"), known)) for word in words)


def _one_of(word: str, known: Sequence[str]) -> str:
    if word in known:
        return word
    raise InvalidInput(
        f"retry_on: no failure is called {word!r}.{did_you_mean(word, known)} There are: {', '.join(known)}."
    )


def check_executors(names: Sequence[str], known: Collection[str]) -> None:
    """Raise InvalidInput for a place where no job can be sent."""
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"No executor {name!r}.{did_you_mean(name, known)} There are: {', '.join(sorted(known))}."
            )


def owners_of_options(words: Sequence[str]) -> set[str]:
    """The executors whose own options may stand among the words: ours, and those that ``--on`` names."""
    found = set(WITH_OPTIONS)
    for word, following in zip_longest(words, words[1:], fillvalue=""):
        if word == "--on" or word.startswith("--on="):
            found.update(each.strip() for each in (word.partition("=")[2] or following).split(","))
    return found


def split_options(
    words: Sequence[str], executors: Iterable[str]
) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The words without those such as ``--slurm-partition gpu``, and these by executor.

    A value follows its flag, or stands behind ``=`` where it begins with a ``-``. A flag with no value
    (``--slurm-exclusive``) stands before another flag or last.
    """
    names = {each for each in executors if each != LOCAL}
    rest: list[str] = []
    options: dict[str, dict[str, str]] = {}
    index = 0
    while index < len(words):
        match = OPTION.fullmatch(words[index])
        index += 1
        if match is None or match["executor"] not in names:
            rest.append(words[index - 1])
            continue
        value = match["value"]
        if value is None and index < len(words) and not words[index].startswith("-"):
            value, index = words[index], index + 1
        options.setdefault(match["executor"], {})[match["name"]] = value or ""
    return rest, options


def checked_options(
    options: Mapping[str, Mapping[str, Any]], executors: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The options as texts. Raises InvalidInput for those of an executor that the job does not go to."""
    found: dict[str, dict[str, str]] = {}
    for executor, given in options.items():
        if not isinstance(given, Mapping):
            raise InvalidInput(f"options of {executor} are a mapping of names to values, not {given!r}.")
        if executor not in executors:
            first = next(iter(given), "...")
            raise InvalidInput(
                f"--{executor}-{first} is for jobs on {executor}, and this one goes to "
                f"{' or '.join(executors)}: add --on {executor}."
            )
        found[executor] = {str(name): _text(value) for name, value in given.items()}
    return found


def _text(value: Any) -> str:
    """A flag is on or it is not there: True is a flag without a value."""
    return "" if value is None or value is True else str(value)
