"""``audit``."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from ..errors import InvalidInput
from ..protocols.audit import Verification
from ..services.audit import audit_row
from ..services.quantities import counted
from ..services.showing.audit import AUDIT_COLUMNS, audit_cells
from ..workspace import current
from .tables import console, print_json, print_table


def audit(arguments: Namespace) -> int:
    """``jupyter mlops audit``; exit status 1 when the trail is not whole."""
    if arguments.verify or arguments.against:
        return _verify(arguments)
    if arguments.jsonl:
        return _export(arguments)
    trail = current().audit_trail
    entries = trail.entries(**_filter(arguments), limit=arguments.limit)
    if arguments.json:
        print_json([audit_row(each) for each in entries])
    elif entries:
        print_table("Decisions, newest first", AUDIT_COLUMNS, map(audit_cells, entries))
    else:
        console().print("No decision matches." if any(_filter(arguments).values()) else "No decisions yet.")
    return 0


def _filter(arguments: Namespace) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in ("subject", "user", "action", "since")}


def _verify(arguments: Namespace) -> int:
    if arguments.jsonl or any(_filter(arguments).values()):
        raise InvalidInput("--verify looks at every row: leave the filters and --jsonl out.")
    found = current().audit_trail.verify(arguments.against)
    if arguments.json:
        print_json(found)
    else:
        _print(found)
    return 1 if found.problems else 0


def _print(found: Verification) -> None:
    out = console()
    for problem in found.problems:
        out.print("✗", style="red", end=" ")
        out.print(problem)
    if not found.problems:
        out.print("✓", style="green", end=" ")
        out.print(f"{counted(found.rows, 'row')}, whole.")
    if found.rows:
        out.print(f"The hash of the last row: {found.head}")


def _export(arguments: Namespace) -> int:
    trail, wanted = current().audit_trail, _filter(arguments)
    if arguments.jsonl == "-":
        trail.export(sys.stdout.buffer.write, **wanted)
        sys.stdout.buffer.flush()
        return 0
    try:
        with open(arguments.jsonl, "wb") as file:
            number = trail.export(file.write, **wanted)
    except OSError as error:
        raise InvalidInput(f"{arguments.jsonl} cannot be written: {error.strerror}.") from error
    if arguments.json:
        print_json({"path": arguments.jsonl, "rows": number})
    else:
        console().print(f"{counted(number, 'row')} in {arguments.jsonl}")
    return 0
