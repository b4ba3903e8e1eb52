"""MLflow's model folders: those with a file ``MLmodel``."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....entities import Field, Signature
from . import predicting
from .flavour import Declined, Saved
from .storing import installed, needed

EXTRA = "mlflow"
DESCRIPTION = "MLmodel"
DTYPES = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "object",
    "binary": "object",
    "datetime": "datetime64[ns]",
}


class Mlflow:
    """The folder of a model that MLflow wrote; loads through ``mlflow.pyfunc``, whatever made it."""

    name = "mlflow"
    runs_code = True
    deterministic = True
    packages = ("mlflow",)

    def accepts(self, model: Any) -> bool:
        return isinstance(model, os.PathLike) and (Path(model) / DESCRIPTION).is_file()

    def save(self, model: Any, folder: Path) -> Saved:
        path = Path(model)
        if not (path / DESCRIPTION).is_file():
            raise Declined(f"{str(path)!r} has no file {DESCRIPTION}, so MLflow did not write it.")
        return Saved(path=path, class_name="mlflow.pyfunc.PyFuncModel", packages=installed(*self.packages))

    def load(self, path: Path, *, trusted: bool) -> Any:
        return needed("mlflow.pyfunc", extra=EXTRA).load_model(str(path))

    def predict(self, model: Any, data: Any) -> Any:
        return predicting.plain(model, data)

    def signature(self, model: Any) -> Signature | None:
        """What the description in the folder says, or that of a loaded model."""
        if isinstance(model, os.PathLike):
            import yaml

            told = yaml.safe_load((Path(model) / DESCRIPTION).read_bytes()).get("signature")
        else:
            said = getattr(getattr(model, "metadata", None), "signature", None)
            told = said and said.to_dict()
        if not told:
            return None
        inputs, outputs = (json.loads(told.get(each) or "[]") for each in ("inputs", "outputs"))
        return Signature(
            inputs=[_field(each) for each in inputs],
            outputs=[_field(each) for each in outputs],
            input_kind=_kind(inputs),
            output_kind=_kind(outputs),
        )


def _field(said: Mapping[str, Any]) -> Field:
    name = str(said.get("name") or "")
    if said.get("type") == "tensor":
        tensor = said["tensor-spec"]
        return Field(name=name, dtype=tensor["dtype"], shape=[n if n >= 0 else None for n in tensor["shape"]])
    return Field(name=name, dtype=DTYPES.get(str(said.get("type")), "object"))


def _kind(fields: list[Any]) -> str:
    if fields and all(each.get("type") != "tensor" and each.get("name") for each in fields):
        return "table"
    return "array" if len(fields) == 1 and fields[0].get("type") == "tensor" else "object"
