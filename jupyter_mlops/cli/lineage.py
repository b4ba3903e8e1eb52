"""``lineage`` and ``impact``."""

from __future__ import annotations

from argparse import Namespace

from ..services.showing.lineage_text import impact_text, lineage_text
from ..workspace import current
from .tables import console, print_json


def lineage(arguments: Namespace) -> int:
    """``jupyter mlops lineage``."""
    found = current().lineage.graph(arguments.node, arguments.direction or "both")
    if arguments.json:
        print_json(found)
    else:
        console().print(lineage_text(found))
    return 0


def impact(arguments: Namespace) -> int:
    """``jupyter mlops impact``."""
    found = current().lineage.impact(arguments.node)
    if arguments.json:
        print_json(found)
    else:
        console().print(impact_text(found))
    return 0
