"""What ``%mlops review``, ``%mlops gates`` and ``%mlops card`` show."""

from __future__ import annotations

import json

from ..api.cards import ModelCard
from ..api.promotion import CHAMPION, GateTable, Review
from ..workspace import Workspace
from .refusals import BadArguments


def review(
    workspace: Workspace, name: str, version: str, alias: str = CHAMPION, *, as_json: bool
) -> str | Review:
    """What would change if an alias moved to a version, and whether it may."""
    if not version.isdecimal():
        raise BadArguments(
            f"%mlops review takes the number of a version, not {version!r}: %mlops review digits 7"
        )
    found = Review(workspace.promotion.review(name, int(version), alias))
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else found


def gates(workspace: Workspace, name: str, *, as_json: bool) -> str | GateTable:
    """What must hold before the aliases of a model may move."""
    found = GateTable(workspace.promotion.gates(name))
    return json.dumps(found.to_dict(), indent=2, ensure_ascii=False) if as_json else found


def card(workspace: Workspace, ref: str, *, as_json: bool) -> str | ModelCard:
    """A version's card."""
    text = workspace.cards.card(ref)
    return json.dumps({"ref": ref, "card": text}, ensure_ascii=False) if as_json else ModelCard(text)
