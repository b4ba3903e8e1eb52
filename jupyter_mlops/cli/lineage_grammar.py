"""The commands of lineage and of the audit trail, and their flags."""

from __future__ import annotations

from .commands import PROGRAM, Commands
from .numbers import positive


def add(commands: Commands) -> None:
    _add_lineage(commands)
    _add_audit(commands)


def _add_lineage(commands: Commands) -> None:
    lineage = commands.add(
        "lineage",
        "lineage.lineage",
        "show where something comes from and what it led to",
        example=f"{PROGRAM} lineage digits@champion --up",
        more="""\
            NODE is train@2, digits@champion, the end of a run's or a job's id, or the path of a notebook;
            with its kind where that alone says too little: dataset:train@2, model:digits@1, view:spend@1,
            alias:digits@champion, run:7xk2qp, job:m4t9ab, notebook:train.ipynb.""",
    )
    lineage.add_argument("node", metavar="NODE", help="where to begin")
    direction = lineage.add_mutually_exclusive_group()
    direction.add_argument(
        "--up", dest="direction", action="store_const", const="up", help="only what led to it"
    )
    direction.add_argument(
        "--down", dest="direction", action="store_const", const="down", help="only what it led to"
    )
    impact = commands.add(
        "impact",
        "lineage.impact",
        "list all that would have to be looked at again if something were bad",
        example=f"{PROGRAM} impact train@2",
        more="""\
            Datasets, feature views, runs, jobs and models made from it, and the aliases that stand for such
            a version now. The list is whole, however long.""",
    )
    impact.add_argument("node", metavar="NODE", help="as for lineage")


def _add_audit(commands: Commands) -> None:
    audit = commands.add(
        "audit",
        "audit.audit",
        "list who decided what and when, or verify that nobody has changed it since",
        example=f"{PROGRAM} audit --verify --against audit.jsonl",
        more="""\
            Columns: seq time user action subject detail hash.
            Each row has the hash of the one before it. --verify names rows that were changed, removed or
            reordered, and ends with status 1. Who may write the database could make all hashes anew: keep an
            export (--jsonl), or the last hash, where nobody else can write, and verify --against it.""",
    )
    audit.add_argument("--verify", action="store_true", help="look at every row and its hash")
    audit.add_argument(
        "--against",
        metavar="FILE|HASH",
        help="verify as well that the trail still begins as this earlier export, or has the row of this hash",
    )
    audit.add_argument("--subject", default="", metavar="NODE", help="only on this: model:digits@champion")
    audit.add_argument("--user", default="", metavar="NAME", help="only decisions of this user")
    audit.add_argument(
        "--action", default="", metavar="ACTION", help="only this (alias.set), or all of a kind (alias)"
    )
    audit.add_argument("--since", metavar="TIME", help="only of the last 12h, 7d, ...")
    audit.add_argument("--limit", type=positive, default=100, metavar="N", help="how many (default: 100)")
    audit.add_argument(
        "--jsonl", metavar="FILE", help="write all that match as JSON lines, oldest first; - is the output"
    )
