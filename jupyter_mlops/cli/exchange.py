"""``export`` and ``import``: of runs, and of model versions."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

from ..entities import short_id
from ..errors import InvalidInput
from ..services.exchange.reading import is_model
from ..workspace import current
from .tables import console, print_json

MODEL = "model:"


def export(arguments: Namespace) -> int:
    """``jupyter mlops export``."""
    path = Path(arguments.path).expanduser()
    if arguments.id.startswith(MODEL) or "@" in arguments.id:
        ref = arguments.id.removeprefix(MODEL)
        written = current().model_exports.write(ref, path, with_data=arguments.with_data)
        return _told(arguments, {"model": ref, "path": str(written)}, f"Model {ref} is in {written}.")
    if arguments.with_data:
        raise InvalidInput("--with-data is for models: jupyter mlops export digits@7 FILE --with-data")
    run = current().runs.get(arguments.id)
    written = current().exports.write(run.id, path)
    text = f"Run {short_id(run.id)} ({run.name}) is in {written}."
    return _told(arguments, {"run": run.id, "path": str(written)}, text)


def import_(arguments: Namespace) -> int:
    """``jupyter mlops import``."""
    taken_in = [_import(Path(path).expanduser(), arguments.name) for path in arguments.paths]
    if arguments.json:
        print_json([row for row, _ in taken_in])
        return 0
    for row, what in taken_in:
        console().print(f"{what} {'is here now' if row['new'] else 'was here already'}.", markup=False)
    return 0


def _import(path: Path, name: str | None) -> tuple[dict[str, Any], str]:
    """One export: its row as JSON, and in words."""
    if is_model(path):
        model = current().model_imports.read(path, name=name)
        ref = f"{model.version.name}@{model.version.version}"
        return {"model": ref, "run": model.version.run_id, "new": model.new}, f"Model {ref}"
    if name is not None:
        raise InvalidInput(f"{path} holds a run, which keeps its name: --name is for models.")
    run = current().imports.read(path)
    row = {"run": run.run.id, "name": run.run.name, "new": run.new}
    return row, f"Run {run.run.id} ({run.run.name})"


def _told(arguments: Namespace, row: dict[str, str], text: str) -> int:
    print_json([row]) if arguments.json else console().print(text, markup=False)
    return 0
