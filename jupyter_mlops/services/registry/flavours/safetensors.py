"""Tensors by name, as safetensors writes them: weights alone, that anybody may load."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ....entities import Signature
from . import predicting
from .flavour import Saved
from .paths import is_file
from .storing import installed, needed

EXTRA = "torch"


class Safetensors:
    """A ``state_dict``, or the path of a ``.safetensors`` file; loads to a dict of tensors."""

    name = "safetensors"
    runs_code = False
    deterministic = True
    packages = ("safetensors", "torch")

    def accepts(self, model: Any) -> bool:
        if is_file(model, ".safetensors"):
            return True
        return (
            isinstance(model, Mapping)
            and bool(model)
            and all(isinstance(key, str) for key in model)
            and all(predicting.is_a(each, "torch", "Tensor") for each in model.values())
        )

    def save(self, model: Any, folder: Path) -> Saved:
        if is_file(model, ".safetensors"):
            return Saved(path=Path(model), class_name=self.name, packages=installed(*self.packages))
        path = folder / "model.safetensors"
        write(model, path)
        return Saved(path=path, class_name="state_dict", packages=installed(*self.packages))

    def load(self, path: Path, *, trusted: bool) -> Any:
        return read(path)

    def predict(self, model: Any, data: Any) -> Any:
        raise predicting.nothing("A dict of weights")

    def signature(self, model: Any) -> Signature | None:
        return None


def write(tensors: Mapping[str, Any], path: Path) -> None:
    """Each tensor by itself: those that share memory, and views of others, as copies."""
    own = {
        name: each.detach().cpu().contiguous().clone() if each.numel() else each.detach().cpu()
        for name, each in tensors.items()
    }
    needed("safetensors.torch", extra=EXTRA).save_file(own, path)


def read(path: Path) -> dict[str, Any]:
    """Tensors by name, in main memory."""
    needed("torch", extra=EXTRA)
    tensors: dict[str, Any] = needed("safetensors.torch", extra=EXTRA).load_file(path)
    return tensors
