"""How somebody wants a cell or a notebook to be run: all that can stand on a ``%%submit`` line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...entities import Cause, Goal, Resources, Timing
from ...errors import InvalidInput
from ..hints import did_you_mean
from ..quantities import memory_bytes, seconds
from ..schedules.timing import timing_of
from .words import causes_of, checked_options, gpus_of, names_of, whole

SAMPLERS = ("tpe", "random", "cmaes", "grid")
PRUNERS = ("median", "hyperband")
DIRECTIONS = ("maximize", "minimize")
FLAGS = (
    "gpus",
    "gpu_memory",
    "cpus",
    "memory",
    "time",
    "on",
    "priority",
    "retries",
    "retry_on",
    "retry_delay",
    "after",
    "after_any",
    "trials",
    "goal",
    "sampler",
    "pruner",
    "seed",
    "parallel",
    "cron",
    "timezone",
    "catch_up",
    "overlap",
)
"""What ``request_of`` takes as people wrote it, whatever the surface."""
LEARNABLE = ("cpus", "gpu_memory_bytes", "memory_bytes")
"""What past runs tell, of a job's resources."""


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

    ``executor`` is where it runs, and the first of ``executors`` where it may run at several places;
    ``options`` are an executor's own words. ``learn`` names the
    fields of ``resources`` that nobody asked for: they are taken from past runs, where there are any. With
    a ``timing`` nothing runs now: it is a schedule.
    """

    name: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    learn: tuple[str, ...] = LEARNABLE
    executor: str = "local"
    executors: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    priority: int = 0
    retries: int = 0
    retry_on: tuple[Cause, ...] = ()
    retry_delay_s: float = 0.0
    after: tuple[str, ...] = ()
    after_any: tuple[str, ...] = ()
    whole: bool = False
    carry: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    search: Search | None = None
    write_parameters: bool = False
    timing: Timing | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Every executor that it may go to, the preferred one first."""
        return self.executors or (self.executor,)


def flags_of(given: Any) -> dict[str, Any]:
    """The attributes of ``given`` that are named as flags are."""
    return {name: getattr(given, name) for name in FLAGS}


def request_of(
    *,
    gpus: Any = 0,
    gpu_memory: str | int | None = None,
    cpus: Any = None,
    memory: str | int | None = None,
    time: str | float | None = None,
    on: str | Iterable[str] = "local",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    priority: Any = 0,
    retries: Any = 0,
    retry_on: str | Iterable[str] = (),
    retry_delay: str | float | None = None,
    after: Iterable[str] = (),
    after_any: Iterable[str] = (),
    trials: int | None = None,
    goal: str | Goal | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    seed: int | None = None,
    parallel: int | None = None,
    cron: str | None = None,
    timezone: str | None = None,
    catch_up: str | None = None,
    overlap: str | None = None,
    **more: Any,
) -> Request:
    """A request of what the flags say, as people write them; ``more`` are other fields of ``Request``.

    Raises InvalidInput for what cannot be meant, whatever the surface.
    """
    places = names_of(on, "on")
    causes, delay = causes_of(retry_on), seconds(retry_delay or None)
    tries = whole("retries", retries, least=0)
    if not tries and (causes or delay):
        which = "retry-on" if causes else "retry-delay"
        raise InvalidInput(
            f"--{which} says how failures are tried again: add how often, such as --retries 2."
        )
    asked = dict(zip(LEARNABLE, (cpus, gpu_memory, memory), strict=True))
    return Request(
        resources=_resources(gpus, gpu_memory, 1 if cpus is None else cpus, memory, time),
        learn=tuple(name for name, value in asked.items() if value is None),
        executor=places[0],
        executors=places if len(places) > 1 else (),
        options=checked_options(options or {}, places),
        priority=priority,
        retries=tries,
        retry_on=causes,
        retry_delay_s=delay or 0.0,
        after=tuple(after),
        after_any=tuple(after_any),
        search=search_of(
            trials=trials, goal=goal, sampler=sampler, pruner=pruner, seed=seed, parallel=parallel
        ),
        timing=timing_of(cron=cron, timezone=timezone, catch_up=catch_up, overlap=overlap),
        **more,
    )


def _resources(gpus: Any, gpu_memory: Any, cpus: Any, memory: Any, time: Any) -> Resources:
    wanted = Resources(
        gpus=gpus_of(gpus),
        gpu_memory_bytes=memory_bytes(gpu_memory),
        cpus=whole("cpus", cpus, least=1),
        memory_bytes=memory_bytes(memory),
        time_limit_s=seconds(time),
    )
    if wanted.gpu_memory_bytes and not wanted.gpus:
        raise InvalidInput(
            "--gpu-memory is what a job needs of its GPU's memory: add a GPU or a share of one, such as "
            "--gpus 0.5."
        )
    return wanted


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
    raise InvalidInput(
        f"There is no {what} {given!r}.{did_you_mean(given, known)} There are: {', '.join(known)}."
    )
