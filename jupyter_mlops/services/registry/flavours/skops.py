"""scikit-learn models as skops writes them: a zip of JSON and arrays, that is loaded without unpickling."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from ....entities import Signature
from ....errors import Untrusted
from . import predicting, telling
from .flavour import Declined, Saved
from .storing import class_name, installed, needed

_ADAPTED = ("torch", "cupy", "dask")
"""Libraries that scikit-learn has packages for in ``sklearn.externals.array_api_compat``."""


class Skops:
    """For models all of whose types skops knows; a forest, for one, goes to the next flavour."""

    name = "skops"
    runs_code = False
    deterministic = False  # names of its members are addresses in memory
    packages = ("skops", "scikit-learn", "numpy", "scipy")

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "sklearn.base", "BaseEstimator") and find_spec("skops") is not None

    def save(self, model: Any, folder: Path) -> Saved:
        io = _io()
        path = folder / "model.skops"
        try:
            io.dump(model, path)
            unknown = io.get_untrusted_types(file=path)
        except Exception as error:  # what it says of a lambda or an open file, and it has many words
            raise Declined(f"skops cannot store this {class_name(model)}: {error}") from error
        if unknown:
            raise Declined(f"skops does not know {', '.join(unknown)} of this {class_name(model)}.")
        return Saved(path=path, class_name=class_name(model), packages=installed(*self.packages))

    def load(self, path: Path, *, trusted: bool) -> Any:
        io = _io()
        unknown = io.get_untrusted_types(file=path)
        if unknown and not trusted:
            raise Untrusted(f"It has parts of types that skops does not know: {', '.join(unknown)}.")
        return io.load(path, trusted=unknown)

    def predict(self, model: Any, data: Any) -> Any:
        return predicting.plain(model, data)

    def signature(self, model: Any) -> Signature | None:
        return telling.of_estimator(model)


def _io() -> ModuleType:
    """Raises MissingPackage."""
    with _adapters_hidden():
        return needed("skops.io", extra="skops")


@contextmanager
def _adapters_hidden() -> Iterator[None]:
    """scikit-learn's packages for other libraries, of those that are not imported yet, cannot be imported.

    Importing skops calls ``sklearn.utils.discovery.all_estimators``, which imports every package of
    scikit-learn, these among them: importing torch takes seconds, and there is no estimator in them.
    """
    adapters = [f"sklearn.externals.array_api_compat.{each}" for each in _ADAPTED if each not in sys.modules]
    hidden: dict[str, Any] = {name: None for name in adapters if name not in sys.modules}
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in hidden:
            if sys.modules.get(name) is None:
                sys.modules.pop(name, None)
