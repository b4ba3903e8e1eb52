"""``reproduce``: make a run again, and tell whether it came out the same."""

from __future__ import annotations

from argparse import Namespace

from ..entities import Reproduction, Resources
from ..errors import InvalidInput
from ..services.quantities import memory_bytes, seconds
from ..services.reproduction.judging import DEFAULT_TOLERANCE, OTHERS, Tolerance
from ..services.reproduction.showing import as_text
from ..workspace import current
from .tables import console, print_json


def reproduce(arguments: Namespace) -> int:
    """``jupyter mlops reproduce``."""
    service = current().reproduction
    report = service.start(
        arguments.id, tolerance=_tolerance(arguments.tolerance), resources=_resources(arguments)
    )
    if not arguments.no_wait:
        if not arguments.json:
            _say_beforehand(report)
        report = service.wait(report.job_id)
    if arguments.json:
        print_json([report])
    else:
        console().print(as_text(report), markup=False, highlight=False)
    return 0 if report.verdict in ("running", "reproduced") else 1


def _say_beforehand(report: Reproduction) -> None:
    out = console(stderr=True)
    for each in report.warnings:
        out.print(f"Note: {each}", markup=False, highlight=False)
    out.print("Waiting for the job; Ctrl-C stops waiting, not the job.", markup=False)


def _resources(arguments: Namespace) -> Resources | None:
    given = (arguments.gpus, arguments.memory, arguments.time)
    if all(each is None for each in given) and arguments.cpus == 1:
        return None
    return Resources(
        gpus=arguments.gpus or 0,
        cpus=arguments.cpus,
        memory_bytes=memory_bytes(arguments.memory),
        time_limit_s=seconds(arguments.time),
    )


def _tolerance(texts: list[str]) -> Tolerance:
    """One number for all metrics, or numbers for some of them. Raises InvalidInput."""
    named: dict[str, float] = {}
    general = DEFAULT_TOLERANCE
    for text in texts:
        name, equals, number = text.rpartition("=")
        try:
            value = float(number)
        except ValueError as error:
            raise InvalidInput(f"--tolerance {text}: write a number such as 1e-6, or loss=1e-3.") from error
        if equals:
            named[name] = value
        else:
            general = value
    return {OTHERS: general, **named} if named else general
