"""What ``%mlops lineage``, ``impact`` and ``audit`` show."""

from __future__ import annotations

import json
from typing import Any

from ..api.lineage import Impact, Lineage
from ..services.audit import audit_row
from ..services.showing.audit import audit_table
from ..wire import to_json
from ..workspace import Workspace
from .refusals import BadArguments

AUDIT_LIMIT = 20


def lineage(workspace: Workspace, node: str, *words: str, as_json: bool) -> str | Lineage:
    """Where something comes from and what it led to; with ``--up`` or ``--down`` one of both."""
    directions = {"--up": "up", "--down": "down"}
    if words and words[0] not in directions:
        raise BadArguments("Write %mlops lineage REF, and --up or --down for one direction.")
    found = workspace.lineage.graph(node, directions[words[0]] if words else "both")
    return _json(found) if as_json else Lineage(found)


def impact(workspace: Workspace, node: str, *, as_json: bool) -> str | Impact:
    """All that would have to be looked at again if something were bad."""
    found = workspace.lineage.impact(node)
    return _json(found) if as_json else Impact(found)


def audit(workspace: Workspace, subject: str = "", *, as_json: bool) -> str:
    """The newest decisions, or those on one subject."""
    found = workspace.audit_trail.entries(subject=subject, limit=AUDIT_LIMIT)
    if as_json:
        return _json([audit_row(each) for each in found])
    return audit_table(found) if found else "No decisions yet." if not subject else f"None on {subject}."


def _json(value: Any) -> str:
    return json.dumps(to_json(value), indent=2, ensure_ascii=False)
