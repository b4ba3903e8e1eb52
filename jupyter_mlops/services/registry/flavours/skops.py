"""scikit-learn models as skops writes them: a zip of JSON and arrays, that is loaded without unpickling."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ....entities import Signature
from ....errors import Untrusted
from . import predicting, telling
from .flavour import Declined, Saved
from .storing import class_name, installed, needed


class Skops:
    """For models all of whose types skops knows; a forest, for one, goes to the next flavour."""

    name = "skops"
    runs_code = False
    deterministic = False  # names of its members are addresses in memory
    packages = ("skops", "scikit-learn", "numpy", "scipy")

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "sklearn.base", "BaseEstimator") and find_spec("skops") is not None

    def save(self, model: Any, folder: Path) -> Saved:
        io = needed("skops.io", extra="skops")
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
        io = needed("skops.io", extra="skops")
        unknown = io.get_untrusted_types(file=path)
        if unknown and not trusted:
            raise Untrusted(f"It has parts of types that skops does not know: {', '.join(unknown)}.")
        return io.load(path, trusted=unknown)

    def predict(self, model: Any, data: Any) -> Any:
        return predicting.plain(model, data)

    def signature(self, model: Any) -> Signature | None:
        return telling.of_estimator(model)
