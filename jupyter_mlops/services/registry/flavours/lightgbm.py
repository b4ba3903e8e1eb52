"""LightGBM's boosters and its models for scikit-learn, in its own format (text)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ....entities import Signature
from ....errors import InvalidInput
from . import predicting, telling
from .flavour import Declined, Saved
from .storing import class_name, installed, needed

EXTRA = "lightgbm"
BOOSTER = "model.txt"
ESTIMATOR = "estimator.json"
ESTIMATORS = ("LGBMClassifier", "LGBMRegressor", "LGBMRanker")


class Lightgbm:
    """A ``Booster``, or a model for scikit-learn: then its class, parameters and classes lie beside the text.

    A subclass of those models, or one whose classes are neither texts nor numbers, goes to another flavour.
    """

    name = "lightgbm"
    runs_code = False
    deterministic = True
    packages = ("lightgbm",)

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "lightgbm", "Booster", "LGBMModel")

    def save(self, model: Any, folder: Path) -> Saved:
        found = installed(*self.packages)
        path = folder / "model"
        path.mkdir()
        booster = model
        if not predicting.is_a(model, "lightgbm", "Booster"):
            if type(model).__name__ not in ESTIMATORS or type(model).__module__ != "lightgbm.sklearn":
                raise Declined(f"A {class_name(model)} is more than LightGBM's text says of it.")
            booster = model.booster_
            (path / ESTIMATOR).write_text(json.dumps(_said(model), sort_keys=True), encoding="utf-8")
        (path / BOOSTER).write_text(booster.model_to_string(), encoding="utf-8")
        return Saved(path=path, class_name=class_name(model), packages=found)

    def load(self, path: Path, *, trusted: bool) -> Any:
        lightgbm = needed("lightgbm", extra=EXTRA)
        text = (path / BOOSTER).read_bytes()
        _require_whole(text)
        booster = lightgbm.Booster(model_str=text.decode("utf-8"))
        if not (path / ESTIMATOR).exists():
            return booster
        said = json.loads((path / ESTIMATOR).read_text(encoding="utf-8"))
        if said["class"] not in ESTIMATORS:
            raise InvalidInput(f"{said['class']!r} is none of LightGBM's models: {', '.join(ESTIMATORS)}.")
        return _fitted(getattr(lightgbm, said["class"])(**said["params"]), booster, said)

    def predict(self, model: Any, data: Any) -> Any:
        return model.predict(data)

    def signature(self, model: Any) -> Signature | None:
        if not predicting.is_a(model, "lightgbm", "Booster"):
            return telling.of_estimator(model)
        names = model.feature_name()
        if all(name == f"Column_{at}" for at, name in enumerate(names)):  # its names where it was given none
            return telling.matrix(len(names))
        return telling.columns(names)


def _require_whole(text: bytes) -> None:
    """Raises InvalidInput for what was cut off: LightGBM reads beyond its end, and the process ends."""
    head, _, trees = text.partition(b"\n\n")
    sizes = next((line[11:].split() for line in head.split(b"\n") if line.startswith(b"tree_sizes=")), [])
    end = sum(map(int, sizes))
    if not trees[end:].startswith(b"end of trees") or b"end of parameters" not in trees[end:]:
        raise InvalidInput(f"The text is not whole: {len(sizes)} trees of {end} bytes are announced.")


def _said(model: Any) -> dict[str, Any]:
    """What the text does not tell of a fitted model. Raises Declined."""
    params = {key: value for key, value in model.get_params().items() if _is_plain(value)}
    classes = getattr(model, "_classes", None)
    labels = None if classes is None else classes.tolist()
    if not _is_plain(labels):
        raise Declined(f"The classes of this {class_name(model)} are neither texts nor numbers.")
    return {
        "class": type(model).__name__,
        "params": params,
        "classes": labels,
        "dtype": None if classes is None else classes.dtype.str,
        "features": int(model.n_features_),
        "names": bool(getattr(model, "_fitted_with_feature_names", True)),
        "objective": model._objective if isinstance(model._objective, str) else None,
        "best_iteration": int(model._best_iteration or 0),
    }


def _fitted(model: Any, booster: Any, said: dict[str, Any]) -> Any:
    """``model`` as ``fit`` leaves it: LightGBM has no public way to give it a booster."""
    import numpy as np

    model._Booster = booster
    model._n_features = model._n_features_in = said["features"]
    model._fitted_with_feature_names = said["names"]
    model._best_iteration = said["best_iteration"]
    model._objective = said["objective"]
    model.fitted_ = True
    if said["classes"] is not None:
        from sklearn.preprocessing import LabelEncoder

        dtype = np.dtype(said["dtype"])
        if dtype.kind not in "OUbiuf":
            raise InvalidInput(f"Classes of the type {dtype} are none of LightGBM's.")
        classes = np.array(said["classes"], dtype=dtype)
        model._le = LabelEncoder().fit(classes)
        model._classes = model._le.classes_
        model._n_classes = len(classes)
        model._class_map = {label: at for at, label in enumerate(model._le.transform(classes))}
    return model


def _is_plain(value: Any) -> bool:
    try:
        return bool(json.loads(json.dumps(value)) == value)
    except (TypeError, ValueError):
        return False
