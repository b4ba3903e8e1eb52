"""``jupyter mlops``: everything that the sidebar shows and does, from a terminal.

Importing this loads nothing heavy, so that ``--help`` answers at once: a command's module is imported
when that command runs.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from .commands import PROGRAM
from .parser import build_parser

FAILED = 1
USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status: 0, 1 (refused or failed) or 2 (usage)."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as leave:  # argparse has printed help or the usage error
        return leave.code if isinstance(leave.code, int) else USAGE
    if arguments.home:
        _use_home(arguments.home)
    return _run(arguments)


def _use_home(folder: str) -> None:
    """Exported, so that the agent, jobs and kernels that this command starts use it as well."""
    from ..config import HOME
    from ..workspace import use

    os.environ[HOME] = os.path.abspath(os.path.expanduser(folder))
    use(None)


def _run(arguments: Namespace) -> int:
    from ..errors import MlopsError

    try:
        status = _handler(arguments.handler)(arguments)
        _leave()
        return status
    except MlopsError as error:
        return _report(error.code, error.message, arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output (`head`) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _report("unavailable", f"{type(error).__name__}: {error}", arguments)


def _leave() -> None:
    if (workspace := sys.modules.get("jupyter_mlops.workspace")) is not None:
        workspace.leave()


def _handler(name: str) -> Callable[[Namespace], int]:
    module, function = name.split(".")
    handler: Callable[[Namespace], int] = getattr(import_module(f".{module}", __name__), function)
    return handler


def _report(code: str, message: str, arguments: Namespace) -> int:
    """Say on stderr what went wrong: as text, or as ``{code, message}`` with ``--json``.

    Messages of the core name the magic as what to do next; here that is the command.
    """
    message = message.replace("%mlops ", f"{PROGRAM} ")
    text: Any = message
    if arguments.json:
        import json

        text = json.dumps({"code": code, "message": message})
    print(text, file=sys.stderr)
    return FAILED
