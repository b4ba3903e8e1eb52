"""``features``, ``materialize`` and ``export-feast``."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..services.features.rows import materialization_row
from ..services.quantities import counted, duration_text
from ..services.showing.registered import FEATURE_VIEWS
from ..workspace import current
from .registered import print_registered
from .tables import console, print_json


def features(arguments: Namespace) -> int:
    """``jupyter mlops features``."""
    service = current().features
    found = [service.named(arguments.name)] if arguments.name else service.all()
    print_registered(FEATURE_VIEWS, found, as_json=arguments.json)
    return 0


def materialize(arguments: Namespace) -> int:
    """``jupyter mlops materialize``."""
    found = current().features.materialize(
        arguments.view,
        source_version=arguments.source_version,
        force=arguments.force,
        online=arguments.online,
        trust=arguments.trust,
    )
    if arguments.json:
        print_json(materialization_row(found))
        return 0
    row = materialization_row(found)
    online = "" if found.online_rows is None else f", {counted(found.online_rows, 'key')} online"
    told = f"{counted(found.rows, 'row')}{online}. It took {duration_text(found.duration_s)}."
    console().print(f"{row['view']} of {row['source']} is dataset {row['dataset']}: {told}")
    return 0


def export_feast(arguments: Namespace) -> int:
    """``jupyter mlops export-feast``."""
    path = current().features.export_feast(
        Path(arguments.path), arguments.views or None, project=arguments.project
    )
    if arguments.json:
        print_json({"path": str(path)})
    else:
        console().print(f"Wrote {path}. In that folder: feast apply")
    return 0
