"""``runs``, ``show``, ``compare`` and ``rebuild``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable

from rich.syntax import Syntax

from ..api.reading import runs as api_runs
from ..entities import (
    Comparison,
    Job,
    Run,
    RunDetail,
    RunTable,
    ScheduleDetail,
    SweepDetail,
    short_id,
)
from ..errors import InvalidInput
from ..services.lookup import anything
from ..services.quantities import counted, duration_text, size_text
from ..services.rows import run_row, uniform
from ..services.runs.data_reads import DATA_COLUMNS, shown_data
from ..services.showing.comparison_text import ALL_SAME, SAME, comparison_rows, title
from ..services.showing.jobs import placing_facts
from ..services.showing.outputs_text import outputs_text
from ..services.showing.runs import RUN_COLUMNS, refs_text, run_cells
from ..services.showing.tables import pairs, shown, when
from ..workspace import current
from .schedule_tables import print_schedule
from .sweeps import print_sweep
from .tables import console, print_json, print_table

SHOWN_LINES = 40
LISTED = 100
EVERY_RUN = 2**31 - 1


def list_runs(arguments: Namespace) -> int:
    """``jupyter mlops runs``."""
    if arguments.csv or arguments.parquet:
        return _write_table(arguments)
    page = current().runs.search(
        arguments.filter,
        order_by=arguments.order_by,
        limit=arguments.limit or LISTED,
        archived=arguments.archived,
    )
    if arguments.json:
        print_json([run_row(run) for run in page.runs])
    else:
        print_runs(page.runs)
        if page.total and page.total > len(page.runs):
            console().print(f"{len(page.runs)} of {page.total} runs; --limit {page.total} shows all.")
        elif not page.runs:
            console().print(
                "No runs match." if arguments.filter else "No runs yet: put %%track on top of a cell."
            )
    return 0


def _write_table(arguments: Namespace) -> int:
    """The runs as a file: of all that match, unless ``--limit`` says how many."""
    table = api_runs(
        arguments.filter,
        order_by=arguments.order_by,
        limit=arguments.limit or EVERY_RUN,
        archived=arguments.archived,
    )
    if arguments.csv:
        table.to_csv(sys.stdout if arguments.csv == "-" else arguments.csv, index=False)
    if arguments.parquet:
        uniform(table).to_parquet(arguments.parquet, index=False)
    if arguments.csv != "-":
        files = " and ".join(filter(None, (arguments.csv, arguments.parquet)))
        if arguments.json:
            print_json([{"runs": len(table), "files": [*filter(None, (arguments.csv, arguments.parquet))]}])
        else:
            console().print(f"{counted(len(table), 'run')} written to {files}.")
    return 0


def print_runs(runs: Iterable[Run], title: str = "Runs") -> None:
    """A table of runs for people."""
    rows = [run_cells(run) for run in runs]
    if rows:
        print_table(title, RUN_COLUMNS, rows)


def show(arguments: Namespace) -> int:
    """``jupyter mlops show``."""
    workspace = current()
    found = anything(workspace.runs, workspace.jobs, workspace.sweeps, workspace.schedules, arguments.id)
    if arguments.json:
        print_json(found)
    elif isinstance(found, Job):
        _print_job(found)
    elif isinstance(found, SweepDetail):
        print_sweep(found)
    elif isinstance(found, ScheduleDetail):
        print_schedule(found)
    else:
        _print_run(found)
    return 0


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
            "started": when(run.started_at),
            "took": duration_text(run.duration_s),
            "notebook": run.notebook,
            "parent": run.parent_id,
            "job": run.job_id,
            "sweep": run.sweep_id,
            "user": f"{run.user}@{run.host}",
            "tags": pairs(run.tags, limit=20, width=1000),
            "note": run.note,
            "read": refs_text(detail.inputs),
            "registered": refs_text(detail.registered),
            "children": ", ".join(short_id(child) for child in detail.children),
        },
    )
    if run.params:
        rows = [(name, value, detail.params_from.get(name, "")) for name, value in sorted(run.params.items())]
        print_table("Params", ("name", "value", "from"), rows)
    if run.metrics:
        metrics = [(n, m.last, m.min, m.max, m.count) for n, m in sorted(run.metrics.items())]
        print_table("Metrics", ("name", "last", "min", "max", "points"), metrics)
    if detail.data:
        print_table("Data", DATA_COLUMNS, shown_data(detail.data))
    if detail.artifacts:
        artifacts = [(each.name, size_text(each.size_bytes), each.digest[:12]) for each in detail.artifacts]
        print_table("Artifacts", ("name", "size", "digest"), artifacts)
    if detail.source:
        out.print("Code", style="bold")
        out.print(Syntax(detail.source, "python", theme="ansi_dark", background_color="default"))
    _print_outputs(detail)
    if detail.error and not any(output.kind == "error" for output in detail.outputs):
        message = f"{detail.error.name}: {detail.error.message}"
        if message not in detail.error.traceback:
            out.print(message, style="red")
        out.print(detail.error.traceback)


def _print_outputs(detail: RunDetail) -> None:
    """The last lines of what the run displayed."""
    lines = outputs_text(detail.outputs, detail.widgets).splitlines()
    if not lines:
        return
    out = console()
    out.print("Output", style="bold")
    more = len(lines) - SHOWN_LINES
    if more > 0:
        out.print(
            f"… {counted(more, 'line')} before: jupyter mlops logs {short_id(detail.run.id)}", style="dim"
        )
    out.print("\n".join(lines[-SHOWN_LINES:]))


def _print_job(job: Job) -> None:
    spec = job.spec
    took = job.ended_at - job.started_at if job.ended_at and job.started_at else None
    _print_facts(
        f"Job {job.id}",
        {
            "name": spec.name,
            "status": job.status.value + (f" ({job.reason})" if job.reason else ""),
            "submitted": when(spec.submitted_at),
            "started": when(job.started_at),
            "took": duration_text(took),
            "progress": f"cell {job.progress.done} of {job.progress.total}" if job.progress else None,
            "params": pairs(spec.params, limit=20, width=1000),
            "gpus": ", ".join(job.gpus),
            **{name: str(value) for name, value in placing_facts(job).items()},
            "run": job.run_id,
            "sweep": spec.sweep_id,
            "schedule": spec.schedule_id,
            "notebook": spec.notebook,
            "directory": spec.cwd,
            "interpreter": spec.interpreter,
        },
    )
    console().print(f"Its log: jupyter mlops logs {short_id(job.id)}")


def _print_facts(title: str, facts: dict[str, str | None]) -> None:
    print_table(title, ("fact", "value"), [each for each in facts.items() if each[1]], header=False)


def compare(arguments: Namespace) -> int:
    """``jupyter mlops compare``."""
    runs = current().runs
    if len(arguments.ids) < 2:
        raise InvalidInput("compare takes two ids or more: jupyter mlops compare ID ID [ID...]")
    if len(arguments.ids) == 2:
        comparison = runs.compare(*arguments.ids)
        print_json(comparison) if arguments.json else _print_comparison(comparison)
    else:
        table = runs.table(arguments.ids)
        print_json(table) if arguments.json else _print_run_table(table)
    return 0


def _print_comparison(comparison: Comparison) -> None:
    out, rows = console(), comparison_rows(comparison)
    columns = ("what", title(comparison.a), title(comparison.b))
    if rows:
        print_table("Differences", columns, [(what, shown(a), shown(b)) for what, a, b in rows])
    if comparison.source_diff:
        out.print(Syntax(comparison.source_diff, "diff", theme="ansi_dark", background_color="default"))
    if not rows and not comparison.source_diff:
        out.print(SAME)


def _print_run_table(table: RunTable) -> None:
    if not table.rows:
        console().print(ALL_SAME)
        return
    rows = [(f"{row.kind}.{row.key}", *map(shown, row.values)) for row in table.rows]
    print_table("Differences", ("what", *map(title, table.runs)), rows)


def rebuild(arguments: Namespace) -> int:
    """``jupyter mlops rebuild``."""
    count = current().runs.rebuild()
    if arguments.json:
        print_json([{"runs": count}])
    else:
        console().print(f"The index holds {count} runs again.")
    return 0
