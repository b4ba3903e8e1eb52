"""Keras models in Keras's own format (``.keras``)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ....entities import Field, Signature
from ....errors import Untrusted
from . import predicting
from .flavour import Saved
from .paths import is_file
from .storing import class_name, installed, needed

EXTRA = "keras"
FILE = "model.keras"
SAFE = (((3, 12, 4), (3, 13, 0)), ((3, 15, 1), (1000,)))
"""From which versions, up to which, safe mode is known to be safe: others can be got round (CVE-2025-1550,
CVE-2025-8747, CVE-2025-9905, CVE-2025-9906, CVE-2026-1462, CVE-2026-1669)."""


class Keras:
    """A model of Keras 3, or the path of a ``.keras`` file.

    Layers with Python code of the author's (``Lambda``) are loaded only where he is trusted; the rest is
    configuration and weights, which Keras's safe mode loads.
    """

    name = "keras"
    runs_code = False
    deterministic = False  # a zip with the time in it
    packages = ("keras",)

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "keras", "Model") or is_file(model, ".keras")

    def save(self, model: Any, folder: Path) -> Saved:
        found = installed(*self.packages, "torch", "jax", "tensorflow")
        if isinstance(model, os.PathLike):
            return Saved(path=Path(model), class_name="keras.Model", packages=found)
        path = folder / FILE
        model.save(path)
        return Saved(path=path, class_name=class_name(model), packages=found)

    def load(self, path: Path, *, trusted: bool) -> Any:
        keras = needed("keras", extra=EXTRA)
        if not trusted and not _is_safe(keras):
            raise Untrusted(
                f"Keras {keras.__version__} cannot load models safely: pip install 'jupyter-mlops[{EXTRA}]'."
            )
        with TemporaryDirectory(prefix="jupyter-mlops-") as folder:
            # by the file's name Keras chooses the format, and the safe mode knows only this one
            file = Path(folder) / FILE
            file.symlink_to(path.absolute())
            try:
                return keras.saving.load_model(file, safe_mode=not trusted)
            except ValueError as error:
                if "safe_mode" in str(error):
                    raise Untrusted(f"It has code of its author's: {error}") from error
                raise

    def predict(self, model: Any, data: Any) -> Any:
        return model.predict(data if isinstance(data, dict) else predicting.as_array(data), verbose=0)

    def signature(self, model: Any) -> Signature | None:
        inputs = _fields(getattr(model, "inputs", None))
        if not inputs:
            return None
        outputs = _fields(getattr(model, "outputs", None))
        return Signature(
            inputs=inputs,
            outputs=outputs,
            input_kind="array" if len(inputs) == 1 else "object",
            output_kind="array" if len(outputs) == 1 else "object",
        )


def _fields(tensors: Any) -> list[Field]:
    return [
        Field(name=str(each.name), dtype=str(each.dtype), shape=list(each.shape)) for each in tensors or ()
    ]


def _is_safe(keras: Any) -> bool:
    version = tuple(int(part) for part in re.findall(r"\d+", keras.__version__)[:3])
    return any(first <= version < end for first, end in SAFE)
