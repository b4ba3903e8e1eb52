"""XGBoost's boosters and its models for scikit-learn, in its own format (UBJSON)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ....entities import Field, Signature
from . import predicting, telling, ubjson
from .flavour import Saved
from .paths import is_file
from .storing import class_name, installed, needed

EXTRA = "xgboost"
DISTRIBUTIONS = ("xgboost", "xgboost-cpu")
ESTIMATORS = {"classifier": "XGBClassifier", "regressor": "XGBRegressor", "ranker": "XGBRanker"}
"""By what a stored model says of itself."""


class Xgboost:
    """A ``Booster``, a model for scikit-learn, or the path of a ``.ubj`` file.

    A model for scikit-learn comes back as the classifier, regressor or ranker that it is, with all that
    predicts, and without the parameters that only fitting needs.
    """

    name = "xgboost"
    runs_code = False
    deterministic = True
    packages = ("xgboost",)

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "xgboost", "Booster", "XGBModel") or is_file(model, ".ubj")

    def save(self, model: Any, folder: Path) -> Saved:
        found = installed(*DISTRIBUTIONS)
        if isinstance(model, os.PathLike):
            return Saved(path=Path(model), class_name="xgboost.core.Booster", packages=found)
        path = folder / "model.ubj"
        model.save_model(path)
        return Saved(path=path, class_name=class_name(model), packages=found)

    def load(self, path: Path, *, trusted: bool) -> Any:
        xgboost = needed("xgboost", extra=EXTRA)
        content = bytearray(path.read_bytes())
        if not content.startswith(b'{"'):  # else it is JSON, which XGBoost reads to its end only
            ubjson.require_whole(content)
        booster = xgboost.Booster(model_file=content)
        told = json.loads(booster.attr("scikit_learn") or "{}")
        kind = ESTIMATORS.get(str(told.get("_estimator_type")))
        if kind is None:
            return booster
        model = getattr(xgboost, kind)()
        model.load_model(content)
        return model

    def predict(self, model: Any, data: Any) -> Any:
        if not predicting.is_a(model, "xgboost", "Booster"):
            return model.predict(data)
        xgboost = needed("xgboost", extra=EXTRA)
        return model.predict(data if isinstance(data, xgboost.DMatrix) else xgboost.DMatrix(data))

    def signature(self, model: Any) -> Signature | None:
        if not predicting.is_a(model, "xgboost", "Booster"):
            return telling.of_estimator(model)
        if not model.feature_names:
            return telling.matrix(int(model.num_features()))
        said = telling.columns(model.feature_names)
        types = model.feature_types or [""] * len(said.inputs)
        fields = [
            Field(name=each.name, dtype=_dtype(kind)) for each, kind in zip(said.inputs, types, strict=True)
        ]
        return Signature(inputs=fields, outputs=[], input_kind=said.input_kind)


def _dtype(kind: str) -> str:
    """NumPy's name of a feature's type; XGBoost tells numbers apart by no more than this."""
    return {"c": "category", "i": "bool"}.get(kind, "")
