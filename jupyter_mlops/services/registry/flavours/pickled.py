"""Any object, as a pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ....entities import Signature
from .. import pickles
from . import predicting, telling
from .flavour import Declined, Saved
from .storing import installed, needed


class Cloudpickle:
    """What is defined in a notebook goes along; takes anything but a path."""

    name = pickles.FORMAT
    runs_code = True
    deterministic = False
    packages = ("cloudpickle",)

    def accepts(self, model: Any) -> bool:
        return not isinstance(model, os.PathLike)

    def save(self, model: Any, folder: Path) -> Saved:
        import cloudpickle

        _require_object(model)
        path = folder / "model.pkl"
        with path.open("w+b") as file:
            pickles.dump_by(cloudpickle.Pickler(file), model)
            file.seek(0)
            packages = pickles.packages_of(file)
        return Saved(path=path, class_name=pickles.class_name(model), packages=packages)

    def load(self, path: Path, *, trusted: bool) -> Any:
        import cloudpickle

        with path.open("rb") as file:
            return cloudpickle.load(file)

    def predict(self, model: Any, data: Any) -> Any:
        return predicting.plain(model, data)

    def signature(self, model: Any) -> Signature | None:
        return telling.of_estimator(model)


class Joblib:
    """As scikit-learn's own documentation stores models, without a copy of large arrays in memory.

    Only who asks for it gets it: what is defined in a notebook does not go along.
    """

    name = "joblib"
    runs_code = True
    deterministic = False
    packages = ("joblib",)

    def accepts(self, model: Any) -> bool:
        return False

    def save(self, model: Any, folder: Path) -> Saved:
        _require_object(model)
        path = folder / "model.joblib"
        needed("joblib", extra="examples").dump(model, path)
        own = type(model).__module__.partition(".")[0]
        return Saved(
            path=path,
            class_name=pickles.class_name(model),
            packages=installed("joblib", *pickles.distributions_of(own)),
        )

    def load(self, path: Path, *, trusted: bool) -> Any:
        return needed("joblib", extra="examples").load(path)

    def predict(self, model: Any, data: Any) -> Any:
        return predicting.plain(model, data)

    def signature(self, model: Any) -> Signature | None:
        return telling.of_estimator(model)


def _require_object(model: Any) -> None:
    """Raises Declined for a path: the pickle would hold the path, and not what lies there."""
    if isinstance(model, os.PathLike):
        raise Declined(
            f"{os.fspath(model)!r} is a path, and a pickle is made of a model itself. Load the file and "
            "register what it holds, or leave the flavour out to keep the file as it is."
        )
