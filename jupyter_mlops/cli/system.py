"""``doctor`` and ``agent``."""

from __future__ import annotations

from argparse import Namespace
from typing import Any

from ..entities import JobStatus
from ..services.jobs.agent_control import AgentControl, AgentStatus
from ..services.quantities import counted
from ..services.rows import iso_time
from ..services.showing.tables import when
from ..warm.notes import ready_nurseries
from ..workspace import current
from .tables import console, print_json


def doctor(arguments: Namespace) -> int:
    """``jupyter mlops doctor``; exit status 1 when a check fails."""
    checks = current().doctor.checks()
    if arguments.json:
        print_json(checks)
    else:
        out = console()
        for check in checks:
            mark, style = ("✓", "green") if check.ok else ("✗", "red")
            out.print(mark, style=style, end=" ")
            out.print(check.name, style="bold", end=": ")
            out.print(check.message)
            if not check.ok and check.fix:
                out.print(f"  → {check.fix}", style="yellow")
    return 0 if all(check.ok for check in checks) else 1


def agent(arguments: Namespace) -> int:
    """``jupyter mlops agent start|stop|status``; the status is 0 also when none runs."""
    control = AgentControl(current().settings)
    if arguments.action == "start":
        _tell(control.start(), arguments)
    elif arguments.action == "status":
        _tell(control.status(), arguments)
    else:
        stopped = control.stop()
        if arguments.json:
            print_json([_row(None)])
        else:
            console().print("Stopped; its jobs go on." if stopped else "No agent was running.")
    return 0


def _tell(status: AgentStatus | None, arguments: Namespace) -> None:
    if arguments.json:
        print_json([_row(status)])
    elif status is None:
        waiting = sum(job.status is JobStatus.QUEUED for job in current().jobs.store.open())
        words = f"No agent is running, and {counted(waiting, 'job waits', 'jobs wait')}" if waiting else ""
        hint = "start it: jupyter mlops agent start" if waiting else "one starts by itself with the next job"
        console().print(f"{words or 'No agent is running'}; {hint}.")
    else:
        words = (
            f"The agent of {status.home} is running: pid {status.process.pid} since "
            f"{when(status.started_at)}, {status.slots} GPU slots, log {status.log}"
        )
        console().print(words)
        for note in ready_nurseries(current().settings.runtime_dir):
            console().print(f"Jobs are forked from {note.words()}.")


def _row(status: AgentStatus | None) -> dict[str, Any]:
    return {
        "running": status is not None,
        "pid": status and status.process.pid,
        "started": status and iso_time(status.started_at),
        "gpu_slots": status and status.slots,
        "home": status and status.home,
        "log": status and status.log,
    }
