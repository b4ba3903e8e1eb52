"""Distributions: ``loguniform(1e-5, 1e-1)``, ``uniform(0, 1)``, ``int(1, 8)``, ``choice(a, b)``.

An int and a uniform may have a step as their third number; ``logint`` is an int on a logarithmic scale.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import entities
from ..errors import ParameterError

if TYPE_CHECKING:
    from ..entities import Distribution

CALL = re.compile(r"\s*([A-Za-z_]\w*)\s*\((.*)\)\s*", re.DOTALL)
NUMBERS = {"uniform": (2, 3), "loguniform": (2, 2), "int": (2, 3), "logint": (2, 2)}
"""How many numbers each may have, least and most."""
WHOLE = frozenset({"int", "logint"})
ELSEWHERE = {
    "randint": "int",
    "randrange": "int",
    "suggest_int": "int",
    "quniform": "uniform",
    "suggest_float": "uniform",
    "log_uniform": "loguniform",
    "lograndint": "logint",
    "qloguniform": "loguniform",
    "normal": "uniform",
    "lognormal": "loguniform",
    "sample": "choice",
    "choices": "choice",
    "grid": "choice",
    "categorical": "choice",
    "suggest_categorical": "choice",
}
"""What other libraries call them."""
KNOWN = "uniform(0, 1), loguniform(1e-5, 1e-1), int(1, 8), logint(1, 512) and choice(a, b)"
SCALARS = (bool, int, float, str, type(None))


def distribution_name(text: str) -> str | None:
    """The word before the bracket where a text is a distribution, or means to be one."""
    match = CALL.fullmatch(text)
    if match is None:
        return None
    word = match[1]
    known = word in NUMBERS or word == "choice" or word in ELSEWHERE
    return word if known or difflib.get_close_matches(word, [*NUMBERS, "choice"], 1, 0.8) else None


def parsed(word: str, text: str, parts: Sequence[Any]) -> Distribution:
    """The distribution that ``word`` names, of the values between its brackets.

    Raises ParameterError; ``text`` is what somebody wrote.
    """
    if word == "choice":
        return _choice(text, parts)
    if word not in NUMBERS:
        near = ELSEWHERE.get(word) or difflib.get_close_matches(word, [*NUMBERS, "choice"], 1, 0.8)[0]
        raise ParameterError(
            f"{text}: there is no {word}(); did you mean {near}()? There are {KNOWN}. "
            "Put quotes around a text that looks like one."
        )
    return _of_numbers(word, text, parts)


def _choice(text: str, parts: Sequence[Any]) -> Distribution:
    values = [getattr(each, "value", each) for each in parts]
    if not values:
        raise ParameterError(f"{text} has nothing to choose from: write choice(a, b).")
    for each in values:
        if not isinstance(each, SCALARS):
            raise ParameterError(
                f"{text}: a search chooses among numbers, texts, True, False and None, not {each!r}. "
                "Choose a name, and look the value up in the cell."
            )
    return entities.Distribution(kind="choice", choices=list(parts))


def _of_numbers(word: str, text: str, parts: Sequence[Any]) -> Distribution:
    numbers = [getattr(each, "value", each) for each in parts]
    least, most = NUMBERS[word]
    if not least <= len(numbers) <= most:
        more = ", and a step if you like" if most > least else ""
        raise ParameterError(f"{text}: {word} takes the lowest and the highest value{more}.")
    for each in numbers:
        if isinstance(each, bool) or not isinstance(each, (int, float)) or not math.isfinite(each):
            raise ParameterError(f"{text}: {word} takes numbers, and {each!r} is none.")
        if word in WHOLE and int(each) != each:
            raise ParameterError(f"{text}: {word} takes whole numbers, and {each!r} is none.")
    low, high, *step = numbers
    if low >= high:
        raise ParameterError(f"{text}: the lowest value comes first, and {low!r} is not below {high!r}.")
    if word.startswith("log") and low <= 0:
        raise ParameterError(f"{text}: a logarithmic scale begins above 0, not at {low!r}.")
    if step and step[0] <= 0:
        raise ParameterError(f"{text}: the step must be above 0, not {step[0]!r}.")
    return entities.Distribution(kind=word, low=low, high=high, step=step[0] if step else None)


def shown(given: Distribution) -> str:
    """The distribution as it is written."""
    if given.kind == "choice":
        return f"choice({', '.join(_text(each) for each in given.choices)})"
    numbers = [each for each in (given.low, given.high, given.step) if each is not None]
    return f"{given.kind}({', '.join(f'{each:g}' for each in numbers)})"


def _text(value: Any) -> str:
    return str(value.text) if hasattr(value, "text") else repr(value)


def example_of(given: Distribution) -> Any:
    """One value of it: what a template holds before a trial puts in its own."""
    if given.kind == "choice":
        return given.choices[0]
    low = given.low or 0
    return int(low) if given.kind in WHOLE else float(low)
