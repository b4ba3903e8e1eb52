"""``promote``, ``rollback``, ``review``, ``approve``, ``reject``, ``gates`` and ``card``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from rich.syntax import Syntax

from ..entities import Gates, Review
from ..errors import InvalidInput
from ..services.promotion.declaring import gates_of, in_words
from ..services.showing.review_text import (
    approval_rows,
    diff_text,
    difference_rows,
    headline,
    move_text,
    sides,
)
from ..services.showing.tables import shown
from ..workspace import current
from .tables import console, print_json, print_table

REFUSED = 1


def promote(arguments: Namespace) -> int:
    """``jupyter mlops promote``."""
    if arguments.delete is (arguments.version is not None):
        raise InvalidInput("Give the VERSION that the alias shall point at, or --delete to take it away.")
    kind, name, alias = _kind(arguments), arguments.name, arguments.alias
    registry = current().registry
    if arguments.delete:
        registry.delete_alias(name, alias, reason=arguments.reason, kind=kind)
    else:
        registry.set_alias(name, alias, arguments.version, reason=arguments.reason, kind=kind)
    moves = registry.moves(name, alias, kind=kind)
    if arguments.json:
        print_json(moves[:1])
    elif moves:
        console().print(move_text(moves[0]), markup=False)
    return 0


def rollback(arguments: Namespace) -> int:
    """``jupyter mlops rollback``."""
    move = current().promotion.rollback(_kind(arguments), arguments.name, arguments.alias, arguments.reason)
    print_json([move]) if arguments.json else console().print(move_text(move), markup=False)
    return 0


def review(arguments: Namespace) -> int:
    """``jupyter mlops review``."""
    found = current().promotion.review(arguments.name, arguments.version, arguments.alias)
    print_json(found) if arguments.json else _print_review(found)
    return 0 if found.allowed else REFUSED


def _print_review(review: Review) -> None:
    out = console()
    out.print(headline(review), style="bold green" if review.allowed else "bold red", markup=False)
    if review.gates:
        rows = [
            ("passed" if each.passed else "refused", in_words(each.gate), each.message)
            for each in review.gates
        ]
        print_table("Gates", ("", "gate", "what was found"), rows)
    if review.approvals:
        print_table("Approvals", ("user", "says", "when", "why"), approval_rows(review.approvals))
    if differences := difference_rows(review):
        print_table(
            "Differences", ("what", *sides(review)), [(row[0], *map(shown, row[1:])) for row in differences]
        )
    for diff in review.data:
        out.print(diff_text(diff), markup=False)
    if review.source_diff:
        out.print(Syntax(review.source_diff, "diff", theme="ansi_dark", background_color="default"))
    for note in review.notes:
        out.print(note, style="dim", markup=False)


def approve(arguments: Namespace) -> int:
    """``jupyter mlops approve``."""
    return _say(arguments, approved=None if arguments.withdraw else True)


def reject(arguments: Namespace) -> int:
    """``jupyter mlops reject``."""
    return _say(arguments, approved=False)


def _say(arguments: Namespace, *, approved: bool | None) -> int:
    name, version, alias = arguments.name, arguments.version, arguments.alias
    promotion = current().promotion
    promotion.approve(name, version, alias, approved=approved, reason=arguments.reason)
    said = promotion.approvals(name, version, alias)
    if arguments.json:
        print_json(said)
    elif said:
        print_table(f"{name}@{version} as {alias}", ("user", "says", "when", "why"), approval_rows(said))
    else:
        console().print(f"Nobody has said anything of {name}@{version} as {alias}.", markup=False)
    return 0


def gates(arguments: Namespace) -> int:
    """``jupyter mlops gates``."""
    expected = arguments.expectations
    declared = gates_of(
        minimum=dict(arguments.minimum),
        maximum=dict(arguments.maximum),
        better=dict(arguments.better),
        on=arguments.on,
        expectations=True if expected and "" in expected else expected,
        approvals=arguments.approvals,
        role=arguments.role,
    )
    if declared and arguments.clear:
        raise InvalidInput("--clear takes all gates away: leave it out to set these instead.")
    promotion = current().promotion
    if declared or arguments.clear:
        alias = arguments.alias or "champion"
        found = [promotion.set_gates(arguments.name, alias, declared, reason=arguments.reason)]
    else:
        found = [each for each in promotion.gates(arguments.name) if arguments.alias in (None, each.alias)]
    print_json(found) if arguments.json else _print_gates(arguments.name, found)
    return 0


def _print_gates(name: str, found: Iterable[Gates]) -> None:
    rows = [(each.alias, in_words(gate)) for each in found for gate in each.gates]
    if rows:
        print_table(f"Gates of {name}", ("alias", "gate"), rows)
    else:
        console().print(f"No gates: whoever may move an alias of {name} may move it.", markup=False)


def card(arguments: Namespace) -> int:
    """``jupyter mlops card``."""
    cards = current().cards
    if arguments.edit is None:
        text = cards.card(arguments.ref)
    else:
        text = cards.edit(arguments.ref, _text_of(arguments.edit))
    if arguments.json:
        print_json([{"ref": arguments.ref, "card": text}])
    elif arguments.edit is None:
        print(text)
    else:
        console().print(f"The card of {arguments.ref} was edited.", markup=False)
    return 0


def _text_of(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is no text in UTF-8: {error.reason} at byte {error.start}.") from error


def _kind(arguments: Namespace) -> str:
    return "dataset" if arguments.dataset else "model"
