"""How somebody wants a cell or a notebook to be run: all that can stand on a ``%%submit`` line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...entities import Goal, Resources
from ...errors import InvalidInput

SAMPLERS = ("tpe", "random", "cmaes", "grid")
PRUNERS = ("median", "hyperband")
DIRECTIONS = ("maximize", "minimize")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search over the parameters that were given distributions or several values.

    ``trials`` may be None for a grid, whose size says it. ``parallel`` is how many trials may be open at
    once; None for as many as fit the machine.
    """

    trials: int | None = None
    goal: Goal | None = None
    sampler: str | None = None
    pruner: str | None = None
    seed: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Values in ``params`` are Given, Values or Distribution (see ``notebooks.values``), or plain Python
    values, of which a list is a sweep.

    ``whole`` replays all executed cells; ``carry`` names objects that go along as they are; ``returns``
    names variables to keep when the job has ended; ``include`` and ``exclude`` are globs of files to send
    along, or not to, where the executor does not share this file system. ``write_parameters``: a notebook
    without a parameters cell gets one, in its file, of the literals that could be parameters.
    """

    name: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    executor: str = "local"
    priority: int = 0
    retries: int = 0
    after: tuple[str, ...] = ()
    whole: bool = False
    carry: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    search: Search | None = None
    write_parameters: bool = False


def search_of(
    *,
    trials: int | None = None,
    goal: str | Goal | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    seed: int | None = None,
    parallel: int | None = None,
) -> Search | None:
    """What the flags of a search say; None when there are none. Raises InvalidInput."""
    if all(each is None for each in (trials, goal, sampler, pruner, seed, parallel)):
        return None
    for what, number in (("trials", trials), ("parallel", parallel)):
        if number is not None and number < 1:
            raise InvalidInput(f"{what} must be at least 1, not {number}.")
    return Search(
        trials=trials,
        goal=goal_of(goal) if isinstance(goal, str) else goal,
        sampler=_one_of("sampler", sampler, SAMPLERS),
        pruner=_one_of("pruner", pruner, PRUNERS),
        seed=seed,
        parallel=parallel,
    )


def goal_of(text: str) -> Goal:
    """``maximize:accuracy``. Raises InvalidInput."""
    direction, colon, metric = (part.strip() for part in text.partition(":"))
    if direction not in DIRECTIONS or not colon or not metric:
        raise InvalidInput(
            f"goal: {text!r} is none. Write maximize:METRIC or minimize:METRIC, with the name of a metric "
            "that the cell logs, such as maximize:accuracy."
        )
    return Goal(metric=metric, direction=direction)


def checked_names(names: Mapping[str, Any] | tuple[str, ...], what: str) -> tuple[str, ...]:
    """The names of variables, commas between them allowed. Raises InvalidInput."""
    parts = tuple(part.strip() for name in names for part in str(name).split(","))
    for each in parts:
        if not each.isidentifier():
            raise InvalidInput(f"{what}: {each!r} is not the name of a variable.")
    return tuple(dict.fromkeys(parts))


def _one_of(what: str, given: str | None, known: tuple[str, ...]) -> str | None:
    if given is None or given in known:
        return given
    near = difflib.get_close_matches(given, known, 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise InvalidInput(f"There is no {what} {given!r}.{hint} There are: {', '.join(known)}.")
