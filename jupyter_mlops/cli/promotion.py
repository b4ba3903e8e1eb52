"""``promote``, ``rollback``, ``review``, ``approve``, ``reject``, ``gates`` and ``card``."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from rich.syntax import Syntax

from ..entities import Gates, Review
from ..errors import InvalidInput, NotFound
from ..services.promotion.declaring import gates_of, in_words
from ..services.registry.names import CHAMPION, alias_reference
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
    kind, name, alias, version = _kind(arguments), arguments.name, arguments.alias, arguments.version
    workspace = current()
    if arguments.delete:
        if version is not None:
            raise InvalidInput("--delete takes the alias away: leave the VERSION out.")
        name, alias = alias_reference(name, alias)
        named = workspace.promotion.take_away(kind, name, alias, reason=arguments.reason)
    else:
        alias = alias or CHAMPION
        named = workspace.promotion.promote(
            kind, name, alias, version, new=arguments.new, reason=arguments.reason
        )
    moves = workspace.registry.moves(named.name, alias, kind=kind)
    if arguments.json:
        print_json(moves[:1])
    elif moves:
        console().print(move_text(moves[0]))
        if len(moves) == 1:
            others = ", ".join(each for each in named.aliases if each != alias)
            console().print(
                f"{alias!r} is a new alias of {named.name}{f', which also has {others}' if others else ''}."
            )
    return 0


def rollback(arguments: Namespace) -> int:
    """``jupyter mlops rollback``."""
    move = current().promotion.rollback(_kind(arguments), arguments.name, arguments.alias, arguments.reason)
    print_json([move]) if arguments.json else console().print(move_text(move))
    return 0


def review(arguments: Namespace) -> int:
    """``jupyter mlops review``."""
    found = current().promotion.review(arguments.name, arguments.version, arguments.alias)
    print_json(found) if arguments.json else _print_review(found)
    return 0 if found.allowed else REFUSED


def _print_review(review: Review) -> None:
    out = console()
    out.print(headline(review), style="bold green" if review.allowed else "bold red")
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
        out.print(diff_text(diff))
    if review.source_diff:
        out.print(Syntax(review.source_diff, "diff", theme="ansi_dark", background_color="default"))
    for note in review.notes:
        out.print(note, style="dim")


def approve(arguments: Namespace) -> int:
    """``jupyter mlops approve``."""
    return _say(arguments, approved=None if arguments.withdraw else True)


def reject(arguments: Namespace) -> int:
    """``jupyter mlops reject``."""
    return _say(arguments, approved=False)


def _say(arguments: Namespace, *, approved: bool | None) -> int:
    promotion, alias = current().promotion, arguments.alias
    found = promotion.version(arguments.name, arguments.version)
    name, version = found.name, found.version
    promotion.approve(name, version, alias, approved=approved, reason=arguments.reason)
    said = promotion.approvals(name, version, alias)
    if arguments.json:
        print_json(said)
    elif said:
        print_table(f"{name}@{version} as {alias}", ("user", "says", "when", "why"), approval_rows(said))
    else:
        console().print(f"Nobody has said anything of {name}@{version} as {alias}.")
    return 0


def gates(arguments: Namespace) -> int:
    """``jupyter mlops gates``."""
    found = declared_or_shown(arguments)
    print_json(found) if arguments.json else _print_gates(arguments.name.partition("@")[0], found)
    return 0


def declared_or_shown(arguments: Namespace) -> list[Gates]:
    """The gates that the flags declare; without any those that there are."""
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
    promotion, name, alias = current().promotion, arguments.name, arguments.alias
    if declared or arguments.clear:
        return [
            promotion.declare_gates(
                name,
                alias,
                declared,
                new_metrics=arguments.new_metric,
                new=arguments.new,
                reason=arguments.reason,
            )
        ]
    return promotion.gates(name, alias)


def _print_gates(name: str, found: Iterable[Gates]) -> None:
    rows = [(each.alias, in_words(gate)) for each in found for gate in each.gates]
    if rows:
        print_table(f"Gates of {name}", ("alias", "gate"), rows)
    else:
        console().print(f"No gates: whoever may move an alias of {name} may move it.")


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
        console().print(f"The card of {arguments.ref} was edited.")
    return 0


def _text_of(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(
            f"{file} cannot be read: {error.strerror}. --edit takes the file with the card's text."
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file} is no text in UTF-8: {error.reason} at byte {error.start}.") from error


def _kind(arguments: Namespace) -> str:
    return "dataset" if arguments.dataset else "model"
