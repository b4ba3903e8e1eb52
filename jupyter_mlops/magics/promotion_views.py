"""What ``%mlops review``, ``%mlops gates`` and ``%mlops card`` show."""

from __future__ import annotations

import json

from ..api.cards import ModelCard
from ..api.promotion import GateTable, Review
from ..workspace import Workspace
from . import command_line


def review(workspace: Workspace, *words: str, as_json: bool) -> str | Review:
    """What would change if an alias moved to a version, and whether it may."""
    given = command_line.arguments_of("review", words)
    if isinstance(given, str):
        return given
    found = Review(workspace.promotion.review(given.name, given.version, given.alias))
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else found


def gates(workspace: Workspace, *words: str, as_json: bool) -> str | GateTable:
    """What must hold before the aliases of a model may move; with flags it is said."""
    given = command_line.arguments_of("gates", words)
    if isinstance(given, str):
        return given
    from ..cli.promotion import declared_or_shown  # with rich, which looking at runs never needs

    found = GateTable(declared_or_shown(given))
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else found


def card(workspace: Workspace, ref: str, *, as_json: bool) -> str | ModelCard:
    """A version's card."""
    text = workspace.cards.card(ref)
    return json.dumps({"ref": ref, "card": text}, ensure_ascii=False) if as_json else ModelCard(text)
