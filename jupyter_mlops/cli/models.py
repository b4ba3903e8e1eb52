"""``models`` and ``predict``."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ..services.registry.prediction_files import read_rows, write_predictions
from ..services.showing.registered import MODELS
from ..workspace import current
from .registered import print_registered
from .tables import console, print_json


def models(arguments: Namespace) -> int:
    """``jupyter mlops models``."""
    registry = current().registry
    found = [registry.model(arguments.name)] if arguments.name else registry.models()
    print_registered(MODELS, found, as_json=arguments.json)
    return 0


def predict(arguments: Namespace) -> int:
    """``jupyter mlops predict``."""
    rows = read_rows(Path(arguments.file))
    predicted = current().registry.predict(arguments.ref, rows, trust=arguments.trust)
    if arguments.output:
        count = write_predictions(predicted, Path(arguments.output))
        if arguments.json:
            print_json({"file": arguments.output, "rows": count})
        else:
            console().print(f"Wrote {count} predictions to {arguments.output}")
    else:
        write_predictions(predicted, sys.stdout, as_json=arguments.json)
    return 0
