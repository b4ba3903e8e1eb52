"""What all commands have in common: the global options, and an example each."""

from __future__ import annotations

import textwrap
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from .command_parser import CommandParser

PROGRAM = "jupyter mlops"


def add_global(parser: ArgumentParser, *, default: Any) -> None:
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


class Commands:
    """Adds commands that all have an example and the global options."""

    def __init__(self, parser: ArgumentParser) -> None:
        self._sub = parser.add_subparsers(
            title="commands", metavar="COMMAND", dest="command", required=True, parser_class=CommandParser
        )
        self.parsers: dict[str, CommandParser] = self._sub.choices
        """By the names of the commands."""

    def add(self, name: str, handler: str, help: str, *, example: str, more: str = "") -> CommandParser:
        parser: CommandParser = self._sub.add_parser(
            name,
            help=help,
            description="\n\n".join(filter(None, [help[0].upper() + help[1:] + ".", textwrap.dedent(more)])),
            epilog="example:\n" + textwrap.indent(textwrap.dedent(example).strip(), "  "),
            formatter_class=RawDescriptionHelpFormatter,
        )
        parser.set_defaults(handler=handler)
        add_global(parser, default=SUPPRESS)
        return parser
