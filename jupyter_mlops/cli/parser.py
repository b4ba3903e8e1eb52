"""The command line's grammar. Argparse only: what a command does is imported when it runs."""

from __future__ import annotations

import textwrap
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from typing import Any

PROGRAM = "jupyter mlops"


def build_parser() -> ArgumentParser:
    """The parser of the whole command line; ``handler`` names the function to run."""
    from .._version import __version__

    parser = ArgumentParser(
        prog=PROGRAM,
        formatter_class=RawDescriptionHelpFormatter,
        description="Experiments, batch jobs, datasets and models of this workspace.",
        epilog=f"Each command explains itself with an example: {PROGRAM} runs --help",
    )
    parser.add_argument("--version", action="version", version=f"jupyter-mlops {__version__}")
    _add_global(parser, default=None)
    commands = _Commands(parser)
    _add_runs(commands)
    _add_jobs(commands)
    _add_registry(commands)
    _add_reproduce(commands)
    _add_system(commands)
    return parser


def _add_global(parser: ArgumentParser, *, default: Any) -> None:
    """``--home`` and ``--json`` may stand before the command and after it."""
    parser.add_argument(
        "--home",
        metavar="DIR",
        default=default,
        help="the workspace's folder (default: $JUPYTER_MLOPS_HOME, else <jupyter data dir>/mlops)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        default=default or (SUPPRESS if default is SUPPRESS else False),
        help="print JSON; errors are {code, message} on stderr",
    )


class _Commands:
    """Adds commands that all have an example and the global options."""

    def __init__(self, parser: ArgumentParser) -> None:
        self._sub = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)

    def add(self, name: str, handler: str, help: str, *, example: str, more: str = "") -> ArgumentParser:
        parser: ArgumentParser = self._sub.add_parser(
            name,
            help=help,
            description="\n\n".join(filter(None, [help[0].upper() + help[1:] + ".", textwrap.dedent(more)])),
            epilog="example:\n" + textwrap.indent(textwrap.dedent(example).strip(), "  "),
            formatter_class=RawDescriptionHelpFormatter,
        )
        parser.set_defaults(handler=handler)
        _add_global(parser, default=SUPPRESS)
        return parser


def _add_runs(commands: _Commands) -> None:
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
        "--limit", type=_positive, metavar="N", help="how many (default: 100; all of them to a file)"
    )
    runs.add_argument("--archived", action="store_true", help="archived ones as well")
    runs.add_argument("--csv", metavar="FILE", help="write them to FILE as CSV; - is the standard output")
    runs.add_argument("--parquet", metavar="FILE", help="write them to FILE as Parquet")
    show = commands.add(
        "show",
        "runs.show",
        "show one run, job or sweep",
        example=f"{PROGRAM} show 7xk2qp",
    )
    show.add_argument("id", metavar="ID", help="a run's, job's or sweep's id, or a unique end of it")
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
        "runs.export",
        "write a run out as one portable folder or zip file",
        example=f"{PROGRAM} export 7xk2qp digits.zip",
        more="""\
            It holds the executed notebook, params, tags, metrics (CSV and Parquet), packages and
            artifacts, and all that another workspace needs to take the run in.""",
    )
    export.add_argument("id", metavar="RUN", help="a run's id, or a unique end of it")
    export.add_argument("path", metavar="PATH", help="a new folder, or a new file whose name ends in .zip")
    imports = commands.add(
        "import",
        "runs.import_",
        "take in runs that were exported elsewhere",
        example=f"{PROGRAM} import digits.zip",
        more="""\
            Every file is verified first. A run that is here already is left alone; one that is here
            with other content is refused. Models that it registered are loaded only with trust=True.""",
    )
    imports.add_argument("paths", metavar="PATH", nargs="+", help="the folder or zip file of an export")
    commands.add(
        "rebuild",
        "runs.rebuild",
        "make the index anew from the journals",
        example=f"{PROGRAM} rebuild",
        more="The index holds only what the journals say; jobs, datasets and models are not touched.",
    )


def _add_jobs(commands: _Commands) -> None:
    _add_submit(commands)
    jobs = commands.add(
        "jobs",
        "jobs.list_jobs",
        "list batch jobs",
        example=f"{PROGRAM} jobs --status running",
        more="""\
            Columns: id name status submitted started duration_s progress gpus attempt priority executor
            run_id sweep_id notebook reason, params.*.""",
    )
    jobs.add_argument(
        "--status",
        choices=["queued", "starting", "running", "succeeded", "failed", "cancelled", "lost"],
        help="only jobs with this status",
    )
    jobs.add_argument("--sweep", metavar="ID", help="only jobs of this sweep")
    jobs.add_argument("--limit", type=_positive, default=100, metavar="N", help="how many (default: 100)")
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
    sweeps.add_argument("--limit", type=_positive, default=100, metavar="N", help="how many (default: 100)")
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


def _add_submit(commands: _Commands) -> None:
    submit = commands.add(
        "submit",
        "jobs.submit",
        "run a notebook as a batch job, or as a sweep of jobs",
        example=f"{PROGRAM} submit train.ipynb -p lr=0.1,0.01 -p epochs=5 --gpus 1 --wait",
        more="""\
            A value is a Python literal, else text; commas at its top level make a sweep of one job
            each; quotes or brackets keep one value: -p name='a,b' -p layers=[64,32].
            A search: -p 'lr=loguniform(1e-5,1e-1)' -p 'n=int(1,8)' --trials 20 --goal maximize:accuracy;
            there are uniform, loguniform, int, logint and choice(a,b).""",
    )
    submit.add_argument("notebook", metavar="NOTEBOOK", help="the .ipynb file")
    submit.add_argument("--name", help="the jobs' name (default: the notebook's)")
    submit.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, repeatable",
    )
    submit.add_argument("--gpus", type=_count, default=0, metavar="N", help="whole GPUs (default: 0)")
    submit.add_argument("--cpus", type=_positive, default=1, metavar="N", help="CPU cores (default: 1)")
    submit.add_argument("--memory", metavar="SIZE", help="such as 8G")
    submit.add_argument("--time", metavar="TIME", help="the time limit, such as 2h or 30m")
    submit.add_argument("--on", default="local", metavar="EXECUTOR", help="where it runs (default: local)")
    submit.add_argument("--priority", type=int, default=0, metavar="N", help="higher goes first (default: 0)")
    submit.add_argument("--retries", type=_count, default=0, metavar="N", help="new attempts after a failure")
    submit.add_argument("--after", action="append", default=[], metavar="JOB", help="start after JOB")
    _add_search(submit)
    submit.add_argument(
        "--return",
        action="append",
        default=[],
        metavar="NAME",
        dest="returns",
        help="keep this variable for job.namespace(NAME), repeatable",
    )
    submit.add_argument(
        "--include",
        action="append",
        default=[],
        metavar="GLOB",
        help="files to send along where the executor does not share this file system",
    )
    submit.add_argument(
        "--exclude", action="append", default=[], metavar="GLOB", help="files not to send along"
    )
    submit.add_argument(
        "--write-parameters",
        action="store_true",
        help="write a parameters cell into a notebook that has none, of the literals that its cells assign",
    )
    submit.add_argument("--dry-run", action="store_true", help="print the notebook that would run (JSON)")
    submit.add_argument("--wait", action="store_true", help="wait for the end; exit status 1 if a job failed")


def _add_search(submit: ArgumentParser) -> None:
    submit.add_argument("--trials", type=_positive, metavar="N", help="search with so many trials")
    submit.add_argument("--goal", metavar="maximize:METRIC", help="or minimize:METRIC; what trials are after")
    submit.add_argument("--sampler", metavar="NAME", help="tpe (default), random, cmaes or grid")
    submit.add_argument("--pruner", metavar="NAME", help="median or hyperband: end hopeless trials early")
    submit.add_argument("--seed", type=_count, metavar="N", help="the sampler's seed")
    submit.add_argument("--parallel", type=_positive, metavar="N", help="trials that may be open at once")


def _add_reproduce(commands: _Commands) -> None:
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
        "--gpus", type=_count, metavar="N", help="whole GPUs (default: as the run's job had)"
    )
    reproduce.add_argument("--cpus", type=_positive, default=1, metavar="N", help="CPU cores (default: 1)")
    reproduce.add_argument("--memory", metavar="SIZE", help="such as 8G")
    reproduce.add_argument("--time", metavar="TIME", help="the time limit, such as 2h or 30m")
    reproduce.add_argument("--no-wait", action="store_true", help="only queue the job")


def _add_registry(commands: _Commands) -> None:
    datasets = commands.add(
        "datasets",
        "registry.datasets",
        "list datasets, or the versions of one",
        example=f"{PROGRAM} datasets train",
        more="""\
            Columns: name version kind rows size_bytes digest created created_by run_id status
            description.""",
    )
    datasets.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this dataset")
    models = commands.add(
        "models",
        "registry.models",
        "list models, or the versions of one",
        example=f"{PROGRAM} models digits",
        more="""\
            Columns: name version aliases class_name size_bytes digest created created_by run_id status
            description, metrics.*.""",
    )
    models.add_argument("name", nargs="?", metavar="NAME", help="show all versions of this model")


def _add_system(commands: _Commands) -> None:
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


def _count(text: str) -> int:
    """A number of things, 0 allowed."""
    return _at_least(0, text)


def _positive(text: str) -> int:
    """A number of things, at least 1."""
    return _at_least(1, text)


def _at_least(least: int, text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if value < least:
        raise ArgumentTypeError(f"{text!r} is no whole number of {least} or more")
    return value
