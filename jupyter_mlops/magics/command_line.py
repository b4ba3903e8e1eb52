"""Commands of ``%mlops`` that are those of the command line, word for word: one grammar, two doors."""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout

from ..cli import handler_of
from ..cli.commands import PROGRAM
from ..cli.parser import build_parser, flags_of
from .refusals import BadArguments

__all__ = ["COMMANDS", "PARSED", "arguments_of", "flags_of", "run"]

MAGIC = "%mlops"

COMMANDS = (
    "register",
    "edit",
    "expect",
    "materialize",
    "promote",
    "rollback",
    "approve",
    "reject",
)
"""Those that decide something, or that say something of what is there."""

PARSED = (*COMMANDS, "gates", "review")
"""And those that show themselves in a cell; their words are the same."""


def arguments_of(command: str, words: Sequence[str]) -> Namespace | str:
    """The words of a command as its grammar has them; with ``--help`` the text that explains it.

    Raises BadArguments.
    """
    said, refused = io.StringIO(), io.StringIO()
    try:
        with redirect_stdout(said), redirect_stderr(refused):
            arguments = build_parser().parse_args([command, *words])
    except SystemExit as leave:
        if not leave.code:
            return said.getvalue().replace(PROGRAM, MAGIC).rstrip()
        why = refused.getvalue().strip().rpartition("error: ")[2]
        raise BadArguments(f"{MAGIC} {command}: {why}. See {MAGIC} {command} --help") from None
    if arguments.home:
        raise BadArguments(
            f"{MAGIC} {command} works in the workspace of this kernel: leave --home out, or set "
            "JUPYTER_MLOPS_HOME before the kernel starts."
        )
    return arguments


def run(command: str, words: Sequence[str], *, as_json: bool) -> str:
    """Do what the command does in a terminal: it prints itself what came of it."""
    arguments = arguments_of(command, words)
    if isinstance(arguments, str):
        return arguments
    arguments.json = as_json
    handler_of(arguments.handler)(arguments)
    return ""
