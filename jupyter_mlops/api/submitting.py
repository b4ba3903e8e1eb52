"""Submitting a notebook, and the handle of what was submitted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput
from ..workspace import current
from .jobs import Job, used
from .sweeps import Sweep

if TYPE_CHECKING:
    from ..services.submission.plan import DryRun, Told
    from ..services.submission.service import Submitted


def submit(
    notebook: str | os.PathLike[str],
    *,
    params: Mapping[str, Any] | None = None,
    name: str | None = None,
    gpus: int = 0,
    cpus: int = 1,
    memory: str | int | None = None,
    time_limit: str | float | None = None,
    on: str = "local",
    priority: int = 0,
    retries: int = 0,
    after: str | Job | Sequence[str | Job] = (),
    trials: int | None = None,
    goal: str | None = None,
    sampler: str | None = None,
    pruner: str | None = None,
    seed: int | None = None,
    parallel: int | None = None,
    carry: Mapping[str, Any] | None = None,
    returns: str | Sequence[str] = (),
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    write_parameters: bool = False,
    dry_run: bool = False,
) -> Job | Sweep | DryRun:
    """Run a notebook as a batch job; a list as a parameter's value makes a sweep, one job each.

    With ``trials`` and ``goal`` (``"maximize:accuracy"``) it is a search: a parameter may be a text such as
    ``"loguniform(1e-5, 1e-1)"``, ``"uniform(0, 1)"``, ``"int(1, 8)"`` or ``"choice(a, b)"``; ``sampler`` is
    tpe, random, cmaes or grid, ``pruner`` median or hyperband, ``parallel`` how many trials may be open.

    ``memory`` is bytes or text such as ``"8G"``, ``time_limit`` seconds or text such as ``"2h"``. ``carry``
    are objects that the notebook finds under these names; ``returns`` names variables to keep for
    ``job.namespace(name)``; ``include`` and ``exclude`` are globs of files to send along, or not to, where
    the executor does not share this file system. With ``write_parameters`` a notebook without a cell tagged
    ``parameters`` gets one, of the literals that its cells assign. ``dry_run`` queues nothing:
    the value's ``text`` shows what would run, and its ``notebook`` is that.

    Unknown parameters, values of the wrong type and missing notebooks are refused before anything is
    queued (ParameterError, NotFound).
    """
    from ..entities import Resources
    from ..services.quantities import memory_bytes, seconds
    from ..services.submission.request import Request, checked_names, search_of

    used()
    resources = Resources(
        gpus=gpus, cpus=cpus, memory_bytes=memory_bytes(memory), time_limit_s=seconds(time_limit)
    )
    search = search_of(trials=trials, goal=goal, sampler=sampler, pruner=pruner, seed=seed, parallel=parallel)
    request = Request(
        name=name,
        params=_mapping(params, "params", "{'lr': 0.1}"),
        resources=resources,
        executor=on,
        priority=priority,
        retries=retries,
        after=tuple(each.id if isinstance(each, Job) else each for each in _several(after)),
        carry=checked_names(tuple(_mapping(carry, "carry", "{'df': df}")), "carry"),
        returns=checked_names(_several(returns), "returns"),
        include=_several(include),
        exclude=_several(exclude),
        write_parameters=write_parameters,
        search=search,
    )
    submission, path = current().submission, Path(notebook)
    if dry_run:
        return submission.dry_run_notebook(path, request=request, namespace=carry)
    return job_handle(submission.submit_notebook(path, request=request, namespace=carry, tell=_print_notes))


def _mapping(given: Mapping[str, Any] | None, what: str, example: str) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(f"{what} takes a dict, such as {what}={example}, not a {type(given).__name__}.")
    return given or {}


def _several(given: Any) -> tuple[Any, ...]:
    """One alone is meant as one: a text is no list of letters."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def _print_notes(told: Told) -> None:
    for line in told.lines():
        print(line)


def job_handle(submitted: Submitted) -> Job | Sweep:
    """The handle of what was submitted: a Job, or a Sweep when it is one."""
    used()
    return Job(submitted.jobs[0]) if submitted.sweep is None else Sweep(submitted.sweep)
