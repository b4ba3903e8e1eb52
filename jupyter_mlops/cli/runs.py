"""``runs``, ``show``, ``compare`` and ``rebuild``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from rich.syntax import Syntax

from ..entities import Comparison, Difference, Job, Run, RunDetail, short_id
from ..errors import Ambiguous, NotFound
from ..services.rows import run_row
from ..workspace import Workspace, current
from .tables import clock_time, console, duration, number, pairs, print_json, print_table, size

RUN_COLUMNS = ("id", "name", "experiment", "status", "started", "took", "params", "metrics")


def list_runs(arguments: Namespace) -> int:
    """``jupyter mlops runs``."""
    page = current().runs.search(arguments.filter, order_by=arguments.order_by, limit=arguments.limit)
    if arguments.json:
        print_json([run_row(run) for run in page.runs])
    else:
        print_runs(page.runs)
        if page.total > len(page.runs):
            console().print(f"{len(page.runs)} of {page.total} runs; --limit {page.total} shows all.")
        elif not page.runs:
            console().print(
                "No runs match." if arguments.filter else "No runs yet: put %%track on top of a cell."
            )
    return 0


def print_runs(runs: Iterable[Run], title: str = "Runs") -> None:
    """A table of runs for people."""
    rows = [
        (
            short_id(run.id),
            run.name,
            run.experiment,
            run.status.value,
            clock_time(run.started_at),
            duration(run.duration_s),
            pairs(run.params),
            pairs({name: summary.last for name, summary in run.metrics.items()}),
        )
        for run in runs
    ]
    if rows:
        print_table(title, RUN_COLUMNS, rows)


def show(arguments: Namespace) -> int:
    """``jupyter mlops show``."""
    found = _run_or_job(current(), arguments.id)
    if arguments.json:
        print_json(found)
    elif isinstance(found, Job):
        _print_job(found)
    else:
        _print_run(found)
    return 0


def _run_or_job(workspace: Workspace, short: str) -> RunDetail | Job:
    """What the id names. Raises Ambiguous when it names a run and a job, NotFound when neither."""
    try:
        run = workspace.runs.detail(short)
    except NotFound:
        try:
            return workspace.jobs.get(short)
        except NotFound:
            raise NotFound(
                f"No run or job {short!r}. List them: jupyter mlops runs, jupyter mlops jobs."
            ) from None
    try:
        job = workspace.jobs.get(short)
    except NotFound:
        return run
    raise Ambiguous(f"{short!r} is the end of run {run.run.id} and of job {job.id}: give more of the id.")


def _print_run(detail: RunDetail) -> None:
    run, out = detail.run, console()
    status = run.status.value + (f" ({run.status_reason})" if run.status_reason else "")
    _print_facts(
        f"Run {run.id}",
        {
            "name": run.name,
            "experiment": run.experiment,
            "kind": run.kind.value,
            "status": status,
            "started": clock_time(run.started_at),
            "took": duration(run.duration_s),
            "notebook": run.notebook,
            "parent": run.parent_id,
            "job": run.job_id,
            "sweep": run.sweep_id,
            "user": f"{run.user}@{run.host}",
            "tags": pairs(run.tags, limit=20),
            "note": run.note,
            "read": ", ".join(_reference(each) for each in detail.inputs),
            "registered": ", ".join(_reference(each) for each in detail.registered),
            "children": ", ".join(short_id(child) for child in detail.children),
        },
    )
    if run.params:
        rows = [(name, value, detail.params_from.get(name, "")) for name, value in sorted(run.params.items())]
        print_table("Params", ("name", "value", "from"), rows)
    if run.metrics:
        metrics = [(n, m.last, m.min, m.max, m.count) for n, m in sorted(run.metrics.items())]
        print_table("Metrics", ("name", "last", "min", "max", "points"), metrics)
    if detail.artifacts:
        artifacts = [(each.name, size(each.size_bytes), each.digest[:12]) for each in detail.artifacts]
        print_table("Artifacts", ("name", "size", "digest"), artifacts)
    if detail.source:
        out.print("Code", style="bold")
        out.print(Syntax(detail.source, "python", theme="ansi_dark", background_color="default"))
    if detail.error:
        out.print(f"{detail.error.name}: {detail.error.message}", style="red", markup=False)
        out.print(detail.error.traceback, markup=False)


def _print_job(job: Job) -> None:
    spec = job.spec
    took = job.ended_at - job.started_at if job.ended_at and job.started_at else None
    _print_facts(
        f"Job {job.id}",
        {
            "name": spec.name,
            "status": job.status.value + (f" ({job.reason})" if job.reason else ""),
            "submitted": clock_time(spec.submitted_at),
            "started": clock_time(job.started_at),
            "took": duration(took),
            "progress": f"cell {job.progress.done} of {job.progress.total}" if job.progress else None,
            "attempt": str(job.attempt),
            "params": pairs(spec.params, limit=20),
            "gpus": ", ".join(job.gpus) or str(spec.resources.gpus),
            "cpus": str(spec.resources.cpus),
            "executor": spec.executor,
            "run": job.run_id,
            "sweep": spec.sweep_id,
            "notebook": spec.notebook,
            "directory": spec.cwd,
            "interpreter": spec.interpreter,
        },
    )
    console().print(f"Its log: jupyter mlops logs {short_id(job.id)}")


def _print_facts(title: str, facts: dict[str, str | None]) -> None:
    print_table(title, ("fact", "value"), [each for each in facts.items() if each[1]], header=False)


def _reference(version: Any) -> str:
    return f"{version.kind} {version.name}@{'pending' if version.version is None else version.version}"


def compare(arguments: Namespace) -> int:
    """``jupyter mlops compare``."""
    comparison = current().runs.compare(arguments.a, arguments.b)
    if arguments.json:
        print_json(comparison)
    else:
        _print_comparison(comparison)
    return 0


def _print_comparison(comparison: Comparison) -> None:
    a, b, out = comparison.a, comparison.b, console()
    columns = ("what", f"{a.name} {short_id(a.id)}", f"{b.name} {short_id(b.id)}")
    kinds: dict[str, list[Difference]] = {
        "params": comparison.params,
        "metrics": comparison.metrics,
        "tags": comparison.tags,
        "inputs": comparison.inputs,
        "packages": comparison.packages,
    }
    rows = [
        (f"{kind}.{each.key}", _side(each.a), _side(each.b))
        for kind, found in kinds.items()
        for each in found
    ]
    if rows:
        print_table("Differences", columns, rows)
    if comparison.source_diff:
        out.print(Syntax(comparison.source_diff, "diff", theme="ansi_dark", background_color="default"))
    if not rows and not comparison.source_diff:
        out.print("The two runs have the same params, metrics, tags, inputs, packages and code.")


def _side(value: Any) -> str:
    return "" if value is None else number(value)


def rebuild(arguments: Namespace) -> int:
    """``jupyter mlops rebuild``."""
    count = current().runs.rebuild()
    if arguments.json:
        print_json([{"runs": count}])
    else:
        console().print(f"The index holds {count} runs again.")
    return 0
