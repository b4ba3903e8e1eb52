"""The flags of ``jupyter mlops submit``."""

from __future__ import annotations

from argparse import ArgumentParser

from .numbers import count, gpus, positive


def add_submit_flags(submit: ArgumentParser) -> None:
    """All but the notebook."""
    submit.add_argument("--name", help="the jobs' name (default: the notebook's)")
    submit.add_argument(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter, repeatable",
    )
    _add_resources(submit)
    _add_queueing(submit)
    _add_schedule(submit)
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


def _add_resources(submit: ArgumentParser) -> None:
    submit.add_argument(
        "--gpus",
        type=gpus,
        default=0,
        metavar="N",
        help="whole GPUs, or a share of one such as 0.5 (default: 0)",
    )
    submit.add_argument("--gpu-memory", metavar="SIZE", help="what it needs of each GPU's memory, such as 6G")
    submit.add_argument(
        "--cpus", type=positive, metavar="N", help="CPU cores (default: what past runs used, else 1)"
    )
    submit.add_argument("--memory", metavar="SIZE", help="such as 8G; more than that ends the job")
    submit.add_argument("--time", metavar="TIME", help="the time limit, such as 2h or 30m")


def _add_queueing(submit: ArgumentParser) -> None:
    submit.add_argument(
        "--on",
        default="local",
        metavar="EXECUTOR,...",
        help="where it runs (default: local); of several, the first that can start it now",
    )
    submit.add_argument("--priority", type=int, default=0, metavar="N", help="higher goes first (default: 0)")
    submit.add_argument("--retries", type=count, default=0, metavar="N", help="new attempts after a failure")
    submit.add_argument(
        "--retry-on",
        action="append",
        default=[],
        metavar="FAILURE,...",
        help="only after these: error, memory, gpu-memory, time, idle, killed, node, start",
    )
    submit.add_argument(
        "--retry-delay", metavar="TIME", help="before the first new attempt, doubled for each further one"
    )
    submit.add_argument(
        "--after", action="append", default=[], metavar="JOB", help="start once JOB has succeeded"
    )
    submit.add_argument(
        "--after-any", action="append", default=[], metavar="JOB", help="start once JOB has ended, however"
    )


def _add_schedule(submit: ArgumentParser) -> None:
    submit.add_argument("--cron", metavar="'0 3 * * *'", help="run it again and again, at these times")
    submit.add_argument(
        "--timezone", metavar="NAME", help="of --cron, such as Europe/Berlin (default: this machine's)"
    )
    submit.add_argument(
        "--catch-up",
        metavar="RULE",
        help="what becomes of runs that were missed: latest (the default: one for the last), skip or all",
    )
    submit.add_argument(
        "--overlap",
        metavar="RULE",
        help="a run that is due while the one before goes on: skip (the default: it is left out) or allow",
    )


def _add_search(submit: ArgumentParser) -> None:
    submit.add_argument("--trials", type=positive, metavar="N", help="search with so many trials")
    submit.add_argument("--goal", metavar="maximize:METRIC", help="or minimize:METRIC; what trials are after")
    submit.add_argument("--sampler", metavar="NAME", help="tpe (default), random, cmaes or grid")
    submit.add_argument("--pruner", metavar="NAME", help="median or hyperband: end hopeless trials early")
    submit.add_argument("--seed", type=count, metavar="N", help="the sampler's seed")
    submit.add_argument("--parallel", type=positive, metavar="N", help="trials that may be open at once")
