"""How somebody wants a cell or a notebook to be run: all that can stand on a ``%%submit`` line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...entities import Goal, Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A search over the parameters that were given distributions: so many trials, towards a goal.

    ``parallel`` is how many trials may be open at once; None for as many as fit the machine.
    """

    trials: int
    goal: Goal
    sampler: str = "tpe"
    pruner: str | None = None
    seed: int | None = None
    parallel: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Values in ``params`` are Given, Values or Distribution (see ``notebooks.values``), or plain Python
    values, of which a list is a sweep.

    ``whole`` replays all executed cells; ``carry`` names objects that go along as they are; ``returns``
    names variables to keep when the job has ended; ``include`` and ``exclude`` are globs of files to send
    along, or not to, where the executor does not share this file system.
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
