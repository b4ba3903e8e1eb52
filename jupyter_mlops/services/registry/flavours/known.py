"""The flavours that there are: this package's own, and those that others add by entry point."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from ....errors import InvalidInput, MissingPackage
from .flavour import Flavour

GROUP = "jupyter_mlops.flavours"
OWN = {
    "mlflow": ("mlflow", "Mlflow"),
    "keras": ("keras", "Keras"),
    "torchscript": ("torch", "TorchScript"),
    "torch": ("torch", "Torch"),
    "safetensors": ("safetensors", "Safetensors"),
    "onnx": ("onnx", "Onnx"),
    "xgboost": ("xgboost", "Xgboost"),
    "lightgbm": ("lightgbm", "Lightgbm"),
    "skops": ("skops", "Skops"),
    "folder": ("paths", "Folder"),
    "file": ("paths", "File"),
    "joblib": ("pickled", "Joblib"),
    "cloudpickle": ("pickled", "Cloudpickle"),
}
"""Name, module of this package, and class; in the order in which they are asked.

Keras before torch, whose modules its models are where torch is its backend; the one for anything last.
"""

logger = logging.getLogger(__name__)


def candidates(model: Any, chosen: str | None = None) -> Iterator[Flavour]:
    """Those that take ``model``, the best first; others' before this package's own.

    Only the ``chosen`` one where there is one. Raises InvalidInput for a name that nobody has.
    """
    if chosen is not None:
        if chosen not in OWN and chosen not in _added():
            raise InvalidInput(f"No flavour {chosen!r}. There are: {', '.join(names())}.")
        yield named(chosen)
        return
    for name in [*_added(), *OWN]:
        flavour = _offered(name)
        if flavour is not None and flavour.accepts(model):
            yield flavour


def named(name: str) -> Flavour:
    """The flavour that a version names. Raises MissingPackage for one that is not here, saying what to do."""
    if name in OWN:
        return _own(name)
    entry = _added().get(name)
    if entry is None:
        raise MissingPackage(
            f"No flavour {name!r} is installed here. Install the package that offers it (an entry point "
            f"{name!r} of the group {GROUP}); there are: {', '.join(names())}."
        )
    try:
        return _made(entry)
    except Exception as error:  # others' code may raise anything
        raise MissingPackage(f"The flavour {name!r} ({entry.value}) cannot be made: {error!r}.") from error


def names() -> list[str]:
    """All names, those of others first."""
    return [*_added(), *OWN]


def _offered(name: str) -> Flavour | None:
    """None for another's flavour that fails: registering a model of mine must not fail with it."""
    try:
        return named(name)
    except MissingPackage as error:
        logger.warning("%s It is left out.", error.message)
        return None


@cache
def _own(name: str) -> Flavour:
    module, attribute = OWN[name]
    flavour: Flavour = getattr(import_module(f".{module}", __package__), attribute)()
    return flavour


@cache
def _added() -> dict[str, EntryPoint]:
    """Those of others; this package's own names are not theirs to give."""
    return {each.name: each for each in entry_points(group=GROUP) if each.name not in OWN}


@cache
def _made(entry: EntryPoint) -> Flavour:
    made = entry.load()()
    if not isinstance(made, Flavour) or made.name != entry.name:
        raise TypeError(f"{made!r} is no flavour called {entry.name!r}")
    return made
