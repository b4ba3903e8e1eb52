"""The command line's grammar. Argparse only: what a command does is imported when it runs."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from . import (
    data_grammar,
    datasets_grammar,
    features_grammar,
    lineage_grammar,
    models_grammar,
    promotion_grammar,
    upkeep_grammar,
)
from .commands import PROGRAM, Commands, add_global
from .numbers import gpus, positive
from .submit_flags import add_submit_flags

PARTS = (
    datasets_grammar,
    data_grammar,
    features_grammar,
    lineage_grammar,
    models_grammar,
    promotion_grammar,
    upkeep_grammar,
)
"""Modules that add commands of their own."""


def build_parser() -> ArgumentParser:
    """The parser of the whole command line; ``handler`` names the function to run."""
    return _built()[0]


def flags_of(command: str) -> list[str]:
    """The long flags of a command, such as ``--alias``."""
    return _built()[1].parsers[command].flags


def _built() -> tuple[ArgumentParser, Commands]:
    from .._version import __version__

    parser = ArgumentParser(
        prog=PROGRAM,
        formatter_class=RawDescriptionHelpFormatter,
        description="Experiments, batch jobs, datasets and models of this workspace.",
        epilog=f"Each command explains itself with an example: {PROGRAM} runs --help",
    )
    parser.add_argument("--version", action="version", version=f"jupyter-mlops {__version__}")
    add_global(parser, default=None)
    commands = Commands(parser)
    _add_runs(commands)
    _add_jobs(commands)
    for part in PARTS:
        part.add(commands)
    _add_reproduce(commands)
    _add_usage(commands)
    _add_gpus(commands)
    _add_system(commands)
    return parser, commands


def _add_runs(commands: Commands) -> None:
    runs = commands.add(
        "runs",
        "runs.list_runs",
        "list runs",
        example=f"""
            {PROGRAM} runs -f "metrics.accuracy > 0.9 and params.lr < 0.1" --order-by "metrics.accuracy desc"
            """,
        more="""\
            Columns: id name experiment status started duration_s notebook, params.*, metrics.*, tags.*.
            A filter compares params.NAME, metrics.NAME (also .min and .max), tags.NAME, status, name,
            experiment, kind, notebook, started or duration, and joins with and, or, not.""",
    )
    runs.add_argument("-f", "--filter", default="", metavar="FILTER", help="only runs that match")
    runs.add_argument("--order-by", default="started desc", metavar="KEY", help="default: started desc")
    runs.add_argument(
        "--limit", type=positive, metavar="N", help="how many (default: 100; all of them to a file)"
    )
    runs.add_argument("--archived", action="store_true", help="archived ones as well")
    runs.add_argument("--csv", metavar="FILE", help="write them to FILE as CSV; - is the standard output")
    runs.add_argument("--parquet", metavar="FILE", help="write them to FILE as Parquet")
    show = commands.add(
        "show",
        "runs.show",
        "show one run, job, sweep or schedule",
        example=f"{PROGRAM} show 7xk2qp",
    )
    show.add_argument(
        "id", metavar="ID", help="the id of a run, job, sweep or schedule, or a unique end of it"
    )
    compare = commands.add(
        "compare",
        "runs.compare",
        "show what differs among runs",
        example=f"{PROGRAM} compare 7xk2qp m4t9ab",
        more="Of two: also data columns, packages, and the code as a diff. Of more: a table of what differs.",
    )
    compare.add_argument("ids", metavar="ID", nargs="+", help="a run's id, or a unique end of it")
    export = commands.add(
        "export",
        "exchange.export",
        "write a run out as one portable folder or zip file, or a model version as one file",
        example=f"{PROGRAM} export 7xk2qp digits.zip",
        more="""\
            Of a run it holds the executed notebook, params, tags, metrics (CSV and Parquet), packages and
            artifacts, and all that another workspace needs to take the run in. Of a model version
            (digits@7, digits@champion, model:digits) the model, its card, its training run and what is
            known of its datasets.""",
    )
    export.add_argument("id", metavar="WHAT", help="a run's id or a unique end of it, or a model: digits@7")
    export.add_argument(
        "path", metavar="PATH", help="a new file whose name ends in .zip; of a run also a new folder"
    )
    export.add_argument("--with-data", action="store_true", help="of a model: its datasets' contents as well")
    imports = commands.add(
        "import",
        "exchange.import_",
        "take in runs and model versions that were exported elsewhere",
        example=f"{PROGRAM} import digits.zip",
        more="""\
            Every file is verified first. What is here already is left alone; a run that is here with
            other content is refused. Models that came so are loaded only with trust=True.""",
    )
    imports.add_argument("--name", metavar="NAME", help="of a model: under this name instead of its own")
    imports.add_argument("paths", metavar="PATH", nargs="+", help="the folder or zip file of an export")
    commands.add(
        "rebuild",
        "runs.rebuild",
        "make the index anew from the journals",
        example=f"{PROGRAM} rebuild",
        more="The index holds only what the journals say; jobs, datasets and models are not touched.",
    )


def _add_jobs(commands: Commands) -> None:
    _add_submit(commands)
    _add_schedules(commands)
    jobs = commands.add(
        "jobs",
        "jobs.list_jobs",
        "list batch jobs",
        example=f"{PROGRAM} jobs --status running",
        more="""\
            Columns: id name status submitted started duration_s progress gpus attempt priority executor
            run_id sweep_id schedule_id notebook cause reason, params.*.""",
    )
    jobs.add_argument(
        "--status",
        choices=["queued", "starting", "running", "succeeded", "failed", "cancelled", "lost"],
        help="only jobs with this status",
    )
    jobs.add_argument("--sweep", metavar="ID", help="only jobs of this sweep")
    jobs.add_argument("--schedule", metavar="ID", help="only runs of this schedule")
    jobs.add_argument("--limit", type=positive, default=100, metavar="N", help="how many (default: 100)")
    sweeps = commands.add(
        "sweeps",
        "sweeps.list_sweeps",
        "list sweeps",
        example=f"{PROGRAM} sweeps --status running",
        more="""\
            Columns: id name experiment status submitted ended sampler pruner goal trials queued running
            finished pruned failed cancelled best best_value reason, best_params.*.""",
    )
    sweeps.add_argument(
        "--status",
        choices=["running", "finished", "failed", "cancelled"],
        help="only sweeps with this status",
    )
    sweeps.add_argument("--limit", type=positive, default=100, metavar="N", help="how many (default: 100)")
    logs = commands.add(
        "logs",
        "jobs.logs",
        "print a job's log, or all that a run displayed as text",
        example=f"{PROGRAM} logs -f 7xk2qp",
    )
    logs.add_argument("id", metavar="ID", help="a job's or run's id, or a unique end of it")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until it has ended")
    cancel = commands.add(
        "cancel", "jobs.cancel", "cancel jobs and sweeps", example=f"{PROGRAM} cancel 7xk2qp"
    )
    cancel.add_argument("ids", metavar="ID", nargs="+", help="a job's or sweep's id, or a unique end of it")


def _add_submit(commands: Commands) -> None:
    submit = commands.add(
        "submit",
        "jobs.submit",
        "run a notebook as a batch job, as a sweep of jobs, or again and again",
        example=f"{PROGRAM} submit train.ipynb -p lr=0.1,0.01 -p epochs=5 --gpus 1 --wait",
        more="""\
            A value is a Python literal, else text; commas at its top level make a sweep of one job
            each; quotes or brackets keep one value: -p name='a,b' -p layers=[64,32].
            A search: -p 'lr=loguniform(1e-5,1e-1)' -p 'n=int(1,8)' --trials 20 --goal maximize:accuracy;
            there are uniform, loguniform, int, logint and choice(a,b).
            A schedule: --cron "0 3 * * *" --timezone Europe/Berlin; nothing runs now. Cron is read as
            Debian's: a time that the clock leaps over in spring comes at once after the leap, one that it
            shows twice in autumn comes once.
            An executor's own words: --slurm-partition gpu, --slurm-exclusive, --ray-NAME VALUE.""",
    )
    submit.takes_options = True
    submit.add_argument("notebook", metavar="NOTEBOOK", help="the .ipynb file")
    add_submit_flags(submit)


def _add_schedules(commands: Commands) -> None:
    schedules = commands.add(
        "schedules",
        "schedules.schedules",
        "list schedules, or pause, resume, run or delete some",
        example=f"{PROGRAM} schedules pause 7xk2qp",
        more="""\
            Columns: id name status cron timezone catch_up overlap next last last_job_id notebook user
            reason, params.*.
            A schedule is made by submit --cron. The agent queues its runs, and is there as long as there
            are schedules; after a restart of the machine it comes back with the next use of Jupyter or of
            this command, or by jupyter mlops agent start. resume goes on from now. run queues one more run
            at once. delete leaves the runs that there were.""",
    )
    schedules.add_argument(
        "action", nargs="?", choices=["list", "show", "pause", "resume", "run", "delete"], default="list"
    )
    schedules.add_argument("ids", metavar="ID", nargs="*", help="a schedule's id, or a unique end of it")
    schedules.add_argument("--limit", type=positive, default=100, metavar="N", help="how many (default: 100)")


def _add_reproduce(commands: Commands) -> None:
    reproduce = commands.add(
        "reproduce",
        "reproduction.reproduce",
        "make a run again as a job, and compare its metrics",
        example=f"{PROGRAM} reproduce 7xk2qp --tolerance 1e-6 --tolerance loss=1e-3",
        more="""\
            The job runs the cells that the run depended on, in the order in which they ran, on the
            versions of datasets that it read. Exit status 1 when a metric differs or the job fails.""",
    )
    reproduce.add_argument("id", metavar="RUN", help="a run's id, or a unique end of it")
    reproduce.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="[METRIC=]NUMBER",
        help="absolute and relative, repeatable (default: 1e-06)",
    )
    reproduce.add_argument(
        "--gpus", type=gpus, metavar="N", help="GPUs, or a share of one (default: as the run's job had)"
    )
    reproduce.add_argument("--cpus", type=positive, default=1, metavar="N", help="CPU cores (default: 1)")
    reproduce.add_argument("--memory", metavar="SIZE", help="such as 8G")
    reproduce.add_argument("--time", metavar="TIME", help="the time limit, such as 2h or 30m")
    reproduce.add_argument("--no-wait", action="store_true", help="only queue the job")


def _add_usage(commands: Commands) -> None:
    usage = commands.add(
        "usage",
        "usage.show_usage",
        "show what jobs have held and used: GPU-hours, CPU-hours, waste and queue wait",
        example=f"{PROGRAM} usage --by notebook --since 30d",
        more="""\
            Columns: the group, attempts running succeeded failed cancelled lost measured gpu_hours
            gpu_idle_hours gpu_load cpu_hours cpu_asked_hours memory_asked_gib_hours
            memory_used_gib_hours wait_mean_s wait_longest_s. Running jobs count as far as they have come.""",
    )
    usage.add_argument(
        "--by",
        choices=["user", "notebook", "executor", "day"],
        default="user",
        help="one row for each (default: user)",
    )
    usage.add_argument(
        "--since", default="7d", metavar="TIME", help="such as 12h or 30d, or all (default: 7d)"
    )
    usage.add_argument("--user", metavar="NAME", help="only this user's jobs")


def _add_gpus(commands: Commands) -> None:
    shown = commands.add(
        "gpus",
        "gpus.show_gpus",
        "show who has which GPU of this machine: jobs of all users, and kernels that hold memory",
        example=f"{PROGRAM} gpus",
        more="""\
            Columns: index name memory_bytes free_bytes free_share holders uuid. With --users: user
            recent_gpu_hours used_gpu_hours max_gpus max_gpu_hours window_hours max_priority; turns are
            taken by the first, quotas are set in $JUPYTER_MLOPS_QUOTAS (default:
            /etc/jupyter-mlops/quotas.json).""",
    )
    shown.add_argument("--users", action="store_true", help="what each user has had and may have")


def _add_system(commands: Commands) -> None:
    commands.add(
        "doctor",
        "system.doctor",
        "check the installation and say what to do about each problem",
        example=f"{PROGRAM} doctor",
    )
    demo = commands.add(
        "demo",
        "demo.demo",
        "run the quickstart notebook on real data and show what came of it",
        example=f"{PROGRAM} demo --home /tmp/mlops-demo",
        more="Needs the example packages: pip install 'jupyter-mlops[examples]'",
    )
    demo.add_argument("--keep-output", metavar="FILE", help="keep the executed notebook as FILE")
    agent = commands.add(
        "agent",
        "system.agent",
        "start, stop or look at the background process that runs the queue",
        example=f"{PROGRAM} agent status",
        more="It is started on demand, and running jobs outlive it: the next agent adopts them.",
    )
    agent.add_argument("action", choices=["start", "stop", "status"])
