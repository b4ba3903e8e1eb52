"""torch modules: weights as safetensors, and what is left of the module without them as a pickle."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

from ....entities import Signature
from ....errors import Corrupt
from .. import pickles
from . import predicting, safetensors
from .flavour import Saved
from .storing import class_name, installed, needed

EXTRA = "torch"
WEIGHTS = "weights.safetensors"
MODULE = "module.pkl"
STORABLE = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
"""The dtypes that safetensors has; tensors of others go into the pickle."""


class Torch:
    """An ``nn.Module``. The weights can be read without trust: they lie in the folder as a file of their own.

    They are loaded into main memory, wherever they were. A compiled module is stored as what it compiled.
    """

    name = "torch"
    runs_code = True
    deterministic = False
    packages = ("torch", "safetensors", "cloudpickle")

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "torch.nn", "Module")

    def save(self, model: Any, folder: Path) -> Saved:
        model = getattr(model, "_orig_mod", model)
        tensors, module = _parted(model)
        path = folder / "model"
        path.mkdir()
        safetensors.write(tensors, path / WEIGHTS)
        (path / MODULE).write_bytes(module)
        found = pickles.packages_of(module)
        return Saved(path=path, class_name=class_name(model), packages=found | installed(*self.packages))

    def load(self, path: Path, *, trusted: bool) -> Any:
        needed("torch", extra=EXTRA)
        return _joined(safetensors.read(path / WEIGHTS), (path / MODULE).read_bytes())

    def predict(self, model: Any, data: Any) -> Any:
        return predicted(model, data)

    def signature(self, model: Any) -> Signature | None:
        return None


class TorchScript:
    """A scripted or traced module, as torch itself stores it.

    torch's own advice is to run only those that one trusts (its SECURITY.md).
    """

    name = "torchscript"
    runs_code = True
    deterministic = False
    packages = ("torch",)

    def accepts(self, model: Any) -> bool:
        return predicting.is_a(model, "torch.jit", "ScriptModule")

    def save(self, model: Any, folder: Path) -> Saved:
        path = folder / "model.pt"
        with path.open("wb") as file:
            needed("torch", extra=EXTRA).jit.save(model, file)
        return Saved(path=path, class_name=class_name(model), packages=installed(*self.packages))

    def load(self, path: Path, *, trusted: bool) -> Any:
        torch = needed("torch", extra=EXTRA)
        with path.open("rb") as file:
            return torch.jit.load(file, map_location="cpu")

    def predict(self, model: Any, data: Any) -> Any:
        return predicted(model, data)

    def signature(self, model: Any) -> Signature | None:
        return None


def predicted(model: Any, data: Any) -> Any:
    """In evaluation mode and without gradients: tensors for tensors, else NumPy arrays.

    Floating-point numbers take the dtype of the module's own parameters.
    """
    torch = needed("torch", extra=EXTRA)
    training = bool(getattr(model, "training", False))
    if training:
        model.eval()
    try:
        with torch.no_grad():
            output = model(_tensors(torch, model, data))
    finally:
        if training:
            model.train()
    return output if isinstance(data, torch.Tensor) else _arrays(torch, output)


def _tensors(torch: Any, model: Any, data: Any) -> Any:
    first = next(iter(model.parameters()), None)
    if isinstance(data, dict):
        return {name: _tensors(torch, model, each) for name, each in data.items()}
    if not isinstance(data, torch.Tensor):
        array = predicting.as_array(data)
        data = torch.as_tensor(array if array.flags.writeable else array.copy())
    if first is None:
        return data
    wanted = first.dtype if data.is_floating_point() and first.is_floating_point() else data.dtype
    return data.to(device=first.device, dtype=wanted)


def _arrays(torch: Any, output: Any) -> Any:
    if isinstance(output, torch.Tensor):
        output = output.detach().cpu()
        return (output.float() if output.dtype is torch.bfloat16 else output).numpy()
    if isinstance(output, dict):
        return {name: _arrays(torch, each) for name, each in output.items()}
    if isinstance(output, (list, tuple)) and not hasattr(output, "_fields"):
        return type(output)(_arrays(torch, each) for each in output)
    return output


def _parted(model: Any) -> tuple[dict[str, Any], bytes]:
    """The tensors by name, and the pickle of the module, which refers to them by these names."""
    import cloudpickle
    import torch

    state = model.state_dict(keep_vars=True)
    named = {id(each): name for name, each in reversed(state.items())}  # of tied ones the first name
    tensors: dict[str, Any] = {}
    known: dict[int, str] = {}

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, each: Any) -> Any:
            if type(each) not in (torch.Tensor, torch.nn.Parameter) or not _storable(torch, each):
                return None
            if id(each) not in known:
                name = named.get(id(each), f"tensor.{len(tensors)}")
                known[id(each)] = name if name not in tensors else f"{name}.{len(tensors)}"
                tensors[known[id(each)]] = each
            return (known[id(each)], type(each) is torch.nn.Parameter, bool(each.requires_grad))

    with io.BytesIO() as file:
        pickles.dump_by(Pickler(file), model)
        return tensors, file.getvalue()


def _storable(torch: Any, tensor: Any) -> bool:
    return (
        tensor.layout is torch.strided
        and str(tensor.dtype).removeprefix("torch.") in STORABLE
        and tensor.device.type != "meta"
    )


def _joined(tensors: dict[str, Any], module: bytes) -> Any:
    import torch

    made: dict[str, Any] = {}

    class Unpickler(pickle.Unpickler):
        def persistent_load(self, reference: Any) -> Any:
            name, is_parameter, learns = reference
            if name not in tensors:
                raise Corrupt(f"The weights have no {name!r}, which the module needs.")
            if name not in made:
                tensor = tensors[name]
                made[name] = (
                    torch.nn.Parameter(tensor, requires_grad=learns)
                    if is_parameter
                    else tensor.requires_grad_(learns)
                )
            return made[name]

    return Unpickler(io.BytesIO(module)).load()
