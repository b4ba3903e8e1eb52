"""Submitting a notebook, and the handle of what was submitted."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput
from ..workspace import current
from .jobs import Job, used
from .schedules import Schedule
from .sweeps import Sweep

if TYPE_CHECKING:
    from ..services.submission.plan import DryRun, Told
    from ..services.submission.service import Submitted


def submit(
    notebook: str | os.PathLike[str],
    *,
    params: Mapping[str, Any] | None = None,
    name: str | None = None,
    gpus: float = 0,
    gpu_memory: str | int | None = None,
    cpus: int | None = None,
    memory: str | int | None = None,
    time_limit: str | float | None = None,
    on: str | Sequence[str] = "local",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    priority: int = 0,
    retries: int = 0,
    retry_on: str | Sequence[str] = (),
    retry_delay: str | float | None = None,
    after: str | Job | Sequence[str | Job] = (),
    after_any: str | Job | Sequence[str | Job] = (),
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
    cron: str | None = None,
    timezone: str | None = None,
    catch_up: str | None = None,
    overlap: str | None = None,
    write_parameters: bool = False,
    dry_run: bool = False,
) -> Job | Sweep | Schedule | DryRun:
    """Run a notebook as a batch job; a list as a parameter's value makes a sweep, one job each.

    With ``trials`` and ``goal`` (``"maximize:accuracy"``) it is a search: a parameter may be a text such as
    ``"loguniform(1e-5, 1e-1)"``, ``"uniform(0, 1)"``, ``"int(1, 8)"`` or ``"choice(a, b)"``; ``sampler`` is
    tpe, random, cmaes or grid, ``pruner`` median or hyperband, ``parallel`` how many trials may be open.

    ``gpus`` is a whole number, or a share of one GPU such as 0.5, of whose memory it needs ``gpu_memory``.
    ``memory`` is bytes or text such as ``"8G"``, ``time_limit`` seconds or text such as ``"2h"``; what past
    runs used is asked for where nothing is given. ``on`` names an executor, or several as
    ``["local", "slurm"]``: the first that can start the job now, else the one with the shortest wait;
    ``options`` are an executor's own words, such as ``{"slurm": {"partition": "gpu"}}``.

    It starts when the jobs of ``after`` have succeeded and those of ``after_any`` have ended. ``retries`` new
    attempts follow failures, or those of ``retry_on`` (error, memory, gpu-memory, time, idle, killed, node,
    start), ``retry_delay`` after the first one and twice as long after each further one.

    With ``cron`` (``"0 3 * * *"``) nothing runs now: the value is a Schedule, by the clocks of ``timezone``.
    ``catch_up`` says what becomes of runs that were missed while no agent was there: latest (one run for
    the last of them), skip or all; ``overlap`` whether a run is left out while the one before goes on
    (skip), or not (allow).

    ``carry`` are objects that the notebook finds under these names; ``returns`` names variables to keep for
    ``job.namespace(name)``; ``include`` and ``exclude`` are globs of files to send along, or not to, where
    the executor does not share this file system. With ``write_parameters`` a notebook without a cell tagged
    ``parameters`` gets one, of the literals that its cells assign. ``dry_run`` queues nothing:
    the value's ``text`` shows what would run, and its ``notebook`` is that.

    Unknown parameters, values of the wrong type and missing notebooks are refused before anything is
    queued (ParameterError, NotFound).
    """
    from ..services.submission.request import checked_names, request_of

    used()
    request = request_of(
        name=name,
        params=_mapping(params, "params", "{'lr': 0.1}"),
        gpus=gpus,
        gpu_memory=gpu_memory,
        cpus=cpus,
        memory=memory,
        time=time_limit,
        on=on,
        options=_mapping(options, "options", "{'slurm': {'partition': 'gpu'}}"),
        priority=priority,
        retries=retries,
        retry_on=retry_on,
        retry_delay=retry_delay,
        after=_ids(after),
        after_any=_ids(after_any),
        trials=trials,
        goal=goal,
        sampler=sampler,
        pruner=pruner,
        seed=seed,
        parallel=parallel,
        cron=cron,
        timezone=timezone,
        catch_up=catch_up,
        overlap=overlap,
        carry=checked_names(tuple(_mapping(carry, "carry", "{'df': df}")), "carry"),
        returns=checked_names(_several(returns), "returns"),
        include=_several(include),
        exclude=_several(exclude),
        write_parameters=write_parameters,
    )
    submission, path = current().submission, Path(notebook)
    if dry_run:
        return submission.dry_run_notebook(path, request=request, namespace=carry)
    return job_handle(submission.submit_notebook(path, request=request, namespace=carry, tell=_print_notes))


def _mapping(given: Mapping[str, Any] | None, what: str, example: str) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise InvalidInput(f"{what} takes a dict, such as {what}={example}, not a {type(given).__name__}.")
    return given or {}


def _ids(given: str | Job | Sequence[str | Job]) -> tuple[str, ...]:
    return tuple(each.id if isinstance(each, Job) else each for each in _several(given))


def _several(given: Any) -> tuple[Any, ...]:
    """One alone is meant as one: a text is no list of letters."""
    return tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)


def _print_notes(told: Told) -> None:
    for line in told.lines():
        print(line)


def job_handle(submitted: Submitted) -> Job | Sweep | Schedule:
    """The handle of what was submitted: a Job, or a Sweep or a Schedule when it is one."""
    used()
    if submitted.schedule is not None:
        return Schedule(submitted.schedule)
    return Job(submitted.jobs[0]) if submitted.sweep is None else Sweep(submitted.sweep)
