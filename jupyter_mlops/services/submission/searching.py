"""Whether the parameters of a request make one job, a grid of jobs, or a search with trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...entities import Distribution
from ...errors import InvalidInput, ParameterError
from .request import Search

if TYPE_CHECKING:
    from ...notebooks.values import Values

MAX_JOBS = 1000
"""So many jobs are the most for one grid."""


def search_over(search: Search | None, params: Mapping[str, Any]) -> Search | None:
    """The search with all that was left open; None where the jobs of a grid, or one job, are what is wanted.

    Raises ParameterError or InvalidInput for flags and parameters that do not go together.
    """
    varied = {name: value for name, value in params.items() if is_varied(value)}
    if search is None or not _is_search(search):
        _check_grid(search, varied)
        return None
    if not varied:
        raise InvalidInput(
            "There is nothing to search over: give a parameter a distribution, such as "
            "-p 'lr=loguniform(1e-5, 1e-1)', or several values."
        )
    return _completed(search, varied)


def is_varied(value: Any) -> bool:
    """Whether a parameter has more values than one to try."""
    from ...notebooks.values import Values

    return isinstance(value, (Values, Distribution))


def as_distributions(params: Mapping[str, Any]) -> dict[str, Any]:
    """Several values beside distributions are choices. Raises ParameterError for what no search takes."""
    from ...notebooks.distributions import SCALARS
    from ...notebooks.parameters import plain
    from ...notebooks.values import Values

    found = dict(params)
    for name, value in params.items():
        if not isinstance(value, Values):
            continue
        for each in map(plain, value.each):
            if not isinstance(each, SCALARS):
                raise ParameterError(
                    f"{name}: a search chooses among numbers, texts, True, False and None, not {each!r}. "
                    "Choose a name, and look the value up in the cell."
                )
        found[name] = Distribution(kind="choice", choices=list(value.each))
    return found


def as_values(params: Mapping[str, Any]) -> dict[str, Any]:
    """Choices of a grid are several values."""
    from ...notebooks.values import Values

    return {
        name: Values(tuple(value.choices)) if isinstance(value, Distribution) else value
        for name, value in params.items()
    }


def combinations(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The values of each job of a grid. Raises InvalidInput for too many."""
    from ...notebooks.values import Values, expand

    count = math.prod(len(value.each) for value in params.values() if isinstance(value, Values))
    if count > MAX_JOBS:
        raise InvalidInput(f"That sweep would be {count} jobs; the limit is {MAX_JOBS}. Name fewer values.")
    return expand(params)


def _is_search(search: Search) -> bool:
    given = (search.trials, search.pruner, search.parallel)
    return any(each is not None for each in given) or search.sampler not in (None, "grid")


def _check_grid(search: Search | None, varied: Mapping[str, Any]) -> None:
    from ...notebooks.distributions import shown

    for name, value in varied.items():
        if isinstance(value, Distribution) and value.kind != "choice":
            raise ParameterError(
                f"{name}={shown(value)} is searched over: say how many trials, and what they are after, such "
                "as --trials 20 --goal maximize:METRIC."
            )
    if search is not None and not varied:
        raise InvalidInput(
            "One job has no goal, sampler or seed: give a parameter several values, such as -p lr=0.1,0.01."
        )


def _completed(search: Search, varied: Mapping[str, Any]) -> Search:
    size = _grid_size(varied)
    sampler = search.sampler or ("grid" if search.trials is None and size is not None else "tpe")
    if sampler == "grid":
        _check_has_grid(varied)
        trials = min(search.trials or size or 1, size or 1)
    elif search.trials is None:
        raise InvalidInput("Say how many trials the search may make: --trials 20.")
    else:
        trials = search.trials
    if search.goal is None:
        raise InvalidInput(
            "Say what the trials are after: --goal maximize:METRIC or --goal minimize:METRIC, with the name "
            "of a metric that the cell logs."
        )
    return replace(search, sampler=sampler, trials=trials)


def _grid_size(varied: Mapping[str, Values | Distribution]) -> int | None:
    """How many points a grid has; None where a parameter has no end of values."""
    counts = [_count(value) for value in varied.values()]
    known = [each for each in counts if each is not None]
    return math.prod(known) if len(known) == len(counts) else None


def _count(value: Values | Distribution) -> int | None:
    if not isinstance(value, Distribution):
        return len(value.each)
    if value.kind == "choice":
        return len(value.choices)
    if value.kind == "int" or (value.kind == "uniform" and value.step):
        return math.floor(((value.high or 0) - (value.low or 0)) / (value.step or 1) + 1e-9) + 1
    return None


def _check_has_grid(varied: Mapping[str, Values | Distribution]) -> None:
    from ...notebooks.distributions import shown

    for name, value in varied.items():
        if isinstance(value, Distribution) and _count(value) is None:
            raise ParameterError(
                f"{name}={shown(value)} has no end of values, so that it makes no grid: name them, such as "
                f"-p {name}=0.1,0.01, or take another sampler."
            )
