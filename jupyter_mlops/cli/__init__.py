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
BEGINNERS = frozenset(
    ("agent", "demo", "doctor", "expect", "gates", "gpus", "import", "register", "restore", "submit")
)
"""The commands that make sense in a home that is not there yet. A team's database makes sense of all."""
INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit status: 0, 1 (refused or failed) or 2 (usage)."""
    try:
        arguments = build_parser().parse_args(argv)
    except SystemExit as leave:  # argparse has printed help or the usage error
        return leave.code if isinstance(leave.code, int) else USAGE
    return _run(arguments)


def _use_home(arguments: Namespace) -> None:
    """Exported, so that the agent, jobs and kernels that this command starts use it as well.

    Raises NotFound where a command that only looks at a home, or changes what is in it, would make one.
    """
    from ..config import DATABASE, HOME
    from ..errors import NotFound
    from ..workspace import use

    home = os.path.abspath(os.path.expanduser(arguments.home))
    if arguments.command not in BEGINNERS and not os.path.isdir(home) and not os.environ.get(DATABASE):
        raise NotFound(f"There is no workspace at {home}: no such folder. Look at what --home says.")
    os.environ[HOME] = home
    use(None)


def _run(arguments: Namespace) -> int:
    from ..errors import MlopsError

    try:
        if arguments.home:
            _use_home(arguments)
        status = handler_of(arguments.handler)(arguments)
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


def handler_of(name: str) -> Callable[[Namespace], int]:
    """What a command does, by its parser's ``handler``; its module is imported now."""
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
