"""What ``%mlops`` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ..api.comparing import Comparison, RunTable
from ..api.replaying import detail_to_show
from ..entities import Job, Run, RunDetail, ScheduleDetail, SweepDetail, short_id
from ..services.lookup import anything, job_or_sweep, run_or_job
from ..services.quantities import counted, duration_text, size_text
from ..services.rows import job_row, run_row, schedule_row, sweep_row
from ..services.runs.data_reads import DATA_COLUMNS, shown_data
from ..services.sharing import gpus_of, users_of
from ..services.showing.gpus import NO_GPUS, gpus_table, users_table
from ..services.showing.jobs import placing_facts
from ..services.showing.outputs_text import outputs_text
from ..services.showing.registered import DATASETS, FEATURE_VIEWS, MODELS, N, Registered, V
from ..services.showing.runs import RUN_COLUMNS, refs_text, run_cells
from ..services.showing.schedules import schedule_text, schedules_table, status_text
from ..services.showing.sweeps import counts_text, sweep_text, sweeps_table
from ..services.showing.tables import facts, pairs, table, when
from ..services.showing.usage import usage_table
from ..services.usage.service import usage_row
from ..wire import to_json
from ..workspace import Workspace
from .refusals import BadArguments

RUN_LIMIT = 20


def overview(workspace: Workspace, *, as_json: bool) -> str:
    """The newest runs, and jobs that go on."""
    text = runs(workspace, as_json=as_json)
    going_on = [job for job in workspace.jobs.search(limit=50) if not job.status.ended]
    if as_json or not going_on:
        return text
    return f"{text}\n\nJobs that are not over:\n{_job_table(going_on)}"


def runs(workspace: Workspace, *words: str, as_json: bool) -> str:
    """Runs that match the filter, newest first."""
    page = workspace.runs.search(" ".join(words), limit=RUN_LIMIT)
    if as_json:
        return _json([run_row(run) for run in page.runs])
    if not page.runs:
        return "No runs match." if words else "No runs yet. Put %%track on the first line of a cell."
    more = f"\n{len(page.runs)} of {page.total} runs." if page.total and page.total > len(page.runs) else ""
    return _run_table(page.runs) + more


def jobs(workspace: Workspace, status: str | None = None, *, as_json: bool) -> str:
    """Batch jobs, newest first."""
    found = workspace.jobs.search(status=status, limit=RUN_LIMIT)
    if as_json:
        return _json([job_row(job) for job in found])
    if not found:
        return f"No job is {status}." if status else "No jobs. Put %%submit on the first line of a cell."
    return _job_table(found)


def sweeps(workspace: Workspace, status: str | None = None, *, as_json: bool) -> str:
    """Sweeps, newest first, each with its best trial."""
    found = workspace.sweeps.search(status=status, limit=RUN_LIMIT)
    if as_json:
        return _json([sweep_row(each) for each in found])
    if not found:
        return "No sweeps. Give a parameter of %%submit several values: %%submit -p lr=0.1,0.01"
    return sweeps_table(found)


def schedules(workspace: Workspace, *words: str, as_json: bool) -> str:
    """Schedules, newest first; or ``pause``, ``resume``, ``run`` or ``delete`` one."""
    if words:
        return _changed(workspace, *words, as_json=as_json)
    found = workspace.schedules.search(limit=RUN_LIMIT)
    if as_json:
        return _json([schedule_row(each) for each in found])
    if not found:
        return "No schedules. Make one: %%submit --cron '0 3 * * *'"
    return schedules_table(found)


def _changed(workspace: Workspace, action: str, short: str = "", *, as_json: bool) -> str:
    """Do something to a schedule."""
    service = workspace.schedules
    actions = {"pause": service.pause, "resume": service.resume, "delete": service.delete}
    if not short or action not in {*actions, "run"}:
        raise BadArguments("Write %mlops schedules, or %mlops schedules pause|resume|run|delete ID.")
    if action == "run":
        job = service.run_now(short)
        return _json(job_row(job)) if as_json else f"Job {short_id(job.id)} ({job.spec.name}) was queued."
    schedule = actions[action](short)
    if as_json:
        return _json(schedule_row(schedule))
    done = "was deleted; its runs stay." if action == "delete" else f"is {status_text(schedule)}."
    return f"Schedule {short_id(schedule.id)} ({schedule.spec.name}) {done}"


def usage(workspace: Workspace, by: str = "user", *, as_json: bool) -> str:
    """What jobs have held and used in the last week."""
    report = workspace.usage.report(by, since="7d")
    if as_json:
        return _json([usage_row(each, report.by) for each in report.usage])
    return usage_table(report) if report.usage else "No job has run in the last week."


def gpus(workspace: Workspace, what: str = "", *, as_json: bool) -> str:
    """Who has which GPU of this machine; or what each of its ``users`` has had, and may have."""
    if what not in ("", "users"):
        raise BadArguments("Write %mlops gpus, or %mlops gpus users.")
    rows = users_of(workspace.machine) if what else gpus_of(workspace.machine)
    if as_json:
        return _json(rows)
    if what:
        return users_table(rows)
    return gpus_table(rows) if rows else NO_GPUS


def datasets(workspace: Workspace, name: str = "", *, as_json: bool) -> str:
    """Registered datasets: their newest versions; or all versions of one."""
    registry = workspace.registry
    found = [registry.dataset(name)] if name else registry.datasets()
    return _registered(DATASETS, found, as_json=as_json, by_version=bool(name))


def models(workspace: Workspace, name: str = "", *, as_json: bool) -> str:
    """Registered models and where their aliases point; or all versions of one."""
    registry = workspace.registry
    found = [registry.model(name)] if name else registry.models()
    return _registered(MODELS, found, as_json=as_json, by_version=bool(name))


def features(workspace: Workspace, name: str = "", *, as_json: bool) -> str:
    """Feature views, each version with what it gave last."""
    service = workspace.features
    found = [service.named(name)] if name else service.all()
    return _registered(FEATURE_VIEWS, found, as_json=as_json)


def show(workspace: Workspace, short: str, *, as_json: bool) -> str:
    """All of a run, a job, a sweep or a schedule."""
    found = anything(workspace.runs, workspace.jobs, workspace.sweeps, workspace.schedules, short)
    if as_json:
        return _json(found)
    if isinstance(found, SweepDetail):
        return sweep_text(found, now=workspace.clock())
    if isinstance(found, ScheduleDetail):
        return schedule_text(found)
    return _job_text(found) if isinstance(found, Job) else _run_text(found)


def compare(workspace: Workspace, *runs: str, as_json: bool) -> str | Comparison | RunTable:
    """What differs among runs: of two with their code, of more as a table."""
    if len(runs) > 2:
        table = workspace.runs.table(runs)
        return _json(table) if as_json else RunTable(table)
    comparison = workspace.runs.compare(*runs)
    return _json(comparison) if as_json else Comparison(comparison)


def logs(workspace: Workspace, short: str, *, as_json: bool) -> str:
    """What a job has printed so far, or what a run has displayed, as text."""
    found = run_or_job(workspace.runs, workspace.jobs, short)
    if isinstance(found, Job):
        text = "".join(workspace.jobs.log_texts(found.id))
        return text or f"Job {short_id(found.id)} has printed nothing yet: it is {found.status.value}."
    detail = detail_to_show(found.run.id)
    text = outputs_text(detail.outputs, detail.widgets, colours=True)
    return text or f"Run {short_id(found.run.id)} has displayed nothing: it is {found.run.status.value}."


def replay(workspace: Workspace, short: str, *, as_json: bool) -> str:
    """Show all that a run displayed, as it was."""
    from ..api.replaying import replay

    replay(workspace.runs.get(short).id)
    return ""


def cancel(workspace: Workspace, short: str, *, as_json: bool) -> str:
    """Ask a job or a sweep to end."""
    kind, whole = job_or_sweep(workspace.jobs, workspace.sweeps, short)
    if kind == "sweep":
        sweep = workspace.sweeps.cancel(whole)
        told = f"Sweep {short_id(sweep.id)} ({sweep.spec.name}) was asked to end"
        return f"{told}: {counts_text(sweep)}."
    job = workspace.jobs.cancel(whole)
    if job.status.ended:
        return f"Job {short_id(job.id)} ({job.spec.name}) is {job.status.value}."
    return f"Job {short_id(job.id)} ({job.spec.name}) was asked to end; it is still {job.status.value}."


def _registered(
    kind: Registered[N, V], found: Sequence[N], *, as_json: bool, by_version: bool = False
) -> str:
    if as_json:
        return _json(kind.rows(found))
    by_name = bool(kind.of_names) and not by_version
    cells = kind.names(found) if by_name else kind.versions(found)
    columns = tuple(kind.of_names if by_name else kind.of_versions)
    return table(columns, cells) if cells else kind.none_yet("mlops")


def _run_table(found: Iterable[Run]) -> str:
    return table(RUN_COLUMNS, map(run_cells, found))


def _job_table(found: Iterable[Job]) -> str:
    rows = [
        (
            short_id(job.id),
            job.spec.name,
            job.status.value,
            f"{job.progress.done}/{job.progress.total}" if job.progress else "",
            when(job.spec.submitted_at),
            pairs(job.spec.params),
            job.reason,
        )
        for job in found
    ]
    return table(("id", "name", "status", "cells", "submitted", "params", "reason"), rows)


def _run_text(detail: RunDetail) -> str:
    run, git = detail.run, detail.context.get("git") or {}
    reason = f" ({run.status_reason})" if run.status_reason else ""
    commit = f"{git['commit'][:10]}{' with changes' if git.get('dirty') else ''}" if git.get("commit") else ""
    parts = [
        facts(
            {
                "run": run.id,
                "name": run.name,
                "experiment": run.experiment,
                "status": run.status.value + reason,
                "started": when(run.started_at),
                "took": duration_text(run.duration_s),
                "notebook": run.notebook,
                "parent": run.parent_id,
                "job": run.job_id,
                "host": run.host,
                "python": detail.context.get("python"),
                "git": commit,
                "tags": pairs(run.tags, limit=20, width=1000),
                "note": run.note,
                "read": refs_text(detail.inputs),
                "registered": refs_text(detail.registered),
                "children": ", ".join(map(short_id, detail.children)),
            }
        )
    ]
    if run.params:
        rows = [(name, value, detail.params_from.get(name)) for name, value in sorted(run.params.items())]
        parts.append(table(("param", "value", "from"), rows))
    if run.metrics:
        metrics = [(name, m.last, m.min, m.max, m.count) for name, m in sorted(run.metrics.items())]
        parts.append(table(("metric", "last", "min", "max", "points"), metrics))
    if detail.data:
        parts.append(table(DATA_COLUMNS, shown_data(detail.data)))
    if detail.artifacts:
        artifacts = [(each.name, size_text(each.size_bytes)) for each in detail.artifacts]
        parts.append(table(("artifact", "size"), artifacts))
    if detail.source:
        parts.append(detail.source.rstrip())
    if detail.outputs:
        parts.append(
            f"It displayed {counted(len(detail.outputs), 'output')}: %mlops replay {short_id(run.id)}"
        )
    if detail.error:
        parts.append(detail.error.traceback or f"{detail.error.name}: {detail.error.message}")
    return "\n\n".join(parts)


def _job_text(job: Job) -> str:
    spec = job.spec
    took = job.ended_at - job.started_at if job.ended_at and job.started_at else None
    return facts(
        {
            "job": job.id,
            "name": spec.name,
            "status": job.status.value + (f" ({job.reason})" if job.reason else ""),
            "submitted": when(spec.submitted_at),
            "took": duration_text(took),
            "progress": f"cell {job.progress.done} of {job.progress.total}" if job.progress else "",
            "params": pairs(spec.params, limit=20, width=1000),
            "gpus": ", ".join(job.gpus) or f"{spec.resources.gpus:g}",
            **placing_facts(job),
            "run": job.run_id,
            "sweep": spec.sweep_id,
            "schedule": spec.schedule_id,
            "notebook": spec.notebook,
            "log": f"%mlops logs {short_id(job.id)}",
        }
    )


def _json(value: Any) -> str:
    return json.dumps(to_json(value), indent=2, ensure_ascii=False)
