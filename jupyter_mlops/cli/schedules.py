"""``schedules``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable

from ..entities import ScheduleDetail
from ..errors import InvalidInput
from ..services.rows import job_row
from ..workspace import current
from .jobs import print_jobs
from .schedule_tables import print_schedule, print_schedules
from .tables import console, print_json

DONE = {"pause": "Paused", "resume": "Resumed", "delete": "Deleted"}


def schedules(arguments: Namespace) -> int:
    """``jupyter mlops schedules [list | show|pause|resume|run|delete ID...]``."""
    if arguments.action == "list":
        return _list(arguments)
    if not arguments.ids:
        raise InvalidInput(
            f"Which schedule? Write: jupyter mlops schedules {arguments.action} ID. List them: "
            "jupyter mlops schedules"
        )
    service = current().schedules
    ids = [service.get(each).id for each in arguments.ids]  # all are right, or nothing is changed
    if arguments.action == "show":
        _show([service.detail(each) for each in ids], arguments)
    elif arguments.action == "run":
        _run(ids, arguments)
    else:
        change = {"pause": service.pause, "resume": service.resume, "delete": service.delete}
        changed = [change[arguments.action](each) for each in ids]
        print_schedules(changed, arguments, title=DONE[arguments.action])
    return 0


def _list(arguments: Namespace) -> int:
    if arguments.ids:
        raise InvalidInput("list takes no ID. Write: jupyter mlops schedules show ID")
    found = current().schedules.search(limit=arguments.limit)
    if not found and not arguments.json:
        console().print('No schedules yet: jupyter mlops submit train.ipynb --cron "0 3 * * *" makes one.')
    else:
        print_schedules(found, arguments)
    return 0


def _show(details: Iterable[ScheduleDetail], arguments: Namespace) -> None:
    if arguments.json:
        print_json(list(details))
        return
    for each in details:
        print_schedule(each)


def _run(ids: Iterable[str], arguments: Namespace) -> None:
    jobs = [current().schedules.run_now(each) for each in ids]
    if arguments.json:
        print_json([job_row(job) for job in jobs])
    else:
        print_jobs(jobs, "Submitted")
