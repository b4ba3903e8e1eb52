"""The space of a sweep: what is refused, and a grid's points."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.util import find_spec
from itertools import islice, product
from typing import Any

from ...entities import Distribution, SweepSpec
from ...errors import InvalidInput, MissingPackage

SAMPLERS = ("tpe", "random", "cmaes", "grid")
PRUNERS = ("median", "hyperband")
DIRECTIONS = ("maximize", "minimize")
KINDS = ("uniform", "loguniform", "int", "logint", "choice")
MOST_TRIALS = 10_000
SCALARS = (str, int, float, bool, type(None))


def checked(spec: SweepSpec) -> SweepSpec:
    """The spec of a search, with no more trials than its grid has points.

    Raises InvalidInput for what cannot be searched, and MissingPackage.
    """
    _check_words(spec)
    if not spec.space:
        raise InvalidInput("A search needs a parameter to search over: -p 'lr=loguniform(1e-5,1e-1)'.")
    for name, distribution in spec.space.items():
        _check(name, distribution)
    if spec.sampler == "cmaes":
        _check_cmaes(spec.space)
    if spec.sampler != "grid":
        return spec
    return replace(spec, trials=min(spec.trials, size_of_grid(spec.space)))


def _check_words(spec: SweepSpec) -> None:
    if spec.goal is None or not spec.goal.metric:
        raise InvalidInput("A search needs a goal, such as --goal maximize:val_acc.")
    _one_of("goal", spec.goal.direction, DIRECTIONS)
    _one_of("sampler", spec.sampler, SAMPLERS)
    if spec.pruner is not None:
        _one_of("pruner", spec.pruner, PRUNERS)
    if not 1 <= spec.trials <= MOST_TRIALS:
        raise InvalidInput(f"trials must be 1 to {MOST_TRIALS}, not {spec.trials}.")
    if spec.parallel is not None and spec.parallel < 1:
        raise InvalidInput(f"parallel must be at least 1, not {spec.parallel}.")
    if spec.seed is not None and not 0 <= spec.seed < 2**32:
        raise InvalidInput(f"seed must be 0 to {2**32 - 1}, not {spec.seed}.")


def _one_of(what: str, value: str, known: Iterable[str]) -> None:
    if value not in known:
        raise InvalidInput(f"No {what} {value!r}. There are: {', '.join(known)}.")


def _check(name: str, space: Distribution) -> None:
    _one_of(f"distribution for {name}", space.kind, KINDS)
    if space.kind == "choice":
        _check_choices(name, space.choices)
        return
    low, high = space.low, space.high
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        raise InvalidInput(f"{name}: {space.kind} needs two finite ends, not {low} and {high}.")
    if low > high:
        raise InvalidInput(f"{name}: {space.kind}({low:g},{high:g}) begins above its end.")
    if space.kind in ("loguniform", "logint") and low <= 0:
        raise InvalidInput(f"{name}: {space.kind} needs ends above 0, not {low:g}.")
    if space.kind in ("int", "logint") and (low % 1 or high % 1 or (space.step or 1) % 1):
        raise InvalidInput(f"{name}: {space.kind} goes from whole number to whole number.")
    if space.step is not None and (space.step <= 0 or space.kind not in ("int", "uniform")):
        raise InvalidInput(f"{name}: a step must be above 0, and only int and uniform have one.")


def _check_choices(name: str, choices: list[Any]) -> None:
    if not choices:
        raise InvalidInput(f"{name}: choice() needs something to choose from.")
    for each in choices:
        if not isinstance(each, SCALARS) or (isinstance(each, float) and not math.isfinite(each)):
            raise InvalidInput(f"{name}: a choice is a text, a finite number, a bool or None, not {each!r}.")
    if len({(type(each), each) for each in choices}) < len(choices):
        raise InvalidInput(f"{name}: a choice is named twice.")


def _check_cmaes(space: Mapping[str, Distribution]) -> None:
    if find_spec("cmaes") is None:
        raise MissingPackage("The sampler cmaes needs a package: pip install 'jupyter-mlops[cmaes]'")
    if sum(each.kind != "choice" for each in space.values()) < 2:
        raise InvalidInput(
            "The sampler cmaes needs at least two parameters that are numbers; take --sampler tpe."
        )


def size_of_grid(space: Mapping[str, Distribution]) -> int:
    """How many points the grid has. Raises InvalidInput for a parameter that has no points."""
    return math.prod(len(_points(name, each)) for name, each in space.items())


def point_of_grid(space: Mapping[str, Distribution], number: int) -> dict[str, Any]:
    """One point; the last parameter varies fastest, as in a plain grid."""
    points = product(*(_points(name, each) for name, each in space.items()))
    return dict(zip(space, next(_from(points, number)), strict=True))


def _from(points: Iterator[tuple[Any, ...]], number: int) -> Iterator[tuple[Any, ...]]:
    return islice(points, number, None)


def _points(name: str, space: Distribution) -> list[Any]:
    if space.kind == "choice":
        return list(space.choices)
    low, high = space.low or 0, space.high or 0
    if space.kind in ("int", "logint"):
        return list(range(int(low), int(high) + 1, int(space.step or 1)))
    if space.step is None:
        raise InvalidInput(
            f"{name}: {space.kind} has no points to make a grid of. Name the values: -p {name}=0.1,0.01"
        )
    count = math.floor((high - low) / space.step + 1e-9) + 1
    return [low + number * space.step for number in range(count)]
