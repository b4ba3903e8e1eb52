"""NumPy arrays as ``.npy`` files, torch's tensors and dicts of them as safetensors, where that is exact."""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

ABOUT = "jupyter_mlops"
"""The key of what safetensors itself does not keep: the order of names, and which tensors want gradients."""
ALONE = "tensor"


# ------------------------------------------------------------------ NumPy
def is_array(value: Any) -> bool:
    """Whether ``.npy`` keeps it: no subclass, no Python objects in it, and a dtype that survives."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray:
        return False
    dtype = value.dtype
    if dtype.hasobject or dtype.kind == "T" or dtype.metadata:
        return False
    described = numpy.lib.format.dtype_to_descr(dtype)
    return bool(numpy.lib.format.descr_to_dtype(described) == dtype)


def write_array(value: Any, path: Path) -> None:
    """In C order, or Fortran's where it lies so."""
    import numpy

    with path.open("wb") as file:
        numpy.lib.format.write_array(file, value, allow_pickle=False)


def read_array(path: Path) -> Any:
    """The array of a ``.npy`` file; such a file runs no code."""
    import numpy

    return numpy.load(path, allow_pickle=False)


# ------------------------------------------------------------------ torch
def is_state(value: Any) -> bool:
    """Whether it is a tensor, or a dict of names and tensors, of the kind that safetensors keeps."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if type(value) is torch.Tensor:
        return _is_plain(value)
    if type(value) not in (dict, OrderedDict) or not value:
        return False
    if not all(type(name) is str and name for name in value):
        return False
    if not all(type(each) is torch.Tensor and _is_plain(each) for each in value.values()):
        return False
    if set(getattr(value, "__dict__", {})) - {"_metadata"}:
        return False
    places = [each.untyped_storage().data_ptr() for each in value.values() if each.numel()]
    return len(set(places)) == len(places)  # tensors on one storage would be parted


def _is_plain(tensor: Any) -> bool:
    import torch

    return (
        tensor.layout is torch.strided
        and tensor.device.type == "cpu"
        and tensor.is_contiguous()
        and not (tensor.is_quantized or tensor.is_conj() or tensor.is_neg() or tensor.is_inference())
        and tensor.grad_fn is None
        and tensor.grad is None
        and not tensor.__dict__
        and not tensor._backward_hooks
    )


def parts(value: Any) -> dict[int, Any]:
    """The tensors by their ids, and their storages by the negative of their addresses."""
    tensors = list(value.values()) if isinstance(value, dict) else [value]
    return {id(each): each for each in tensors} | {
        -each.untyped_storage().data_ptr(): None for each in tensors if each.numel()
    }


def write_state(value: Any, path: Path) -> bool:
    """Write it; False where the library is missing, or what is read back is not the same."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import save_file
    except ImportError:
        return False
    tensors = value if isinstance(value, dict) else {ALONE: value}
    try:
        about = json.dumps(_about(value, tensors))
        save_file({name: each.detach() for name, each in tensors.items()}, path, metadata={ABOUT: about})
        return _same(value, read_state(path))
    except (SafetensorError, KeyError, ValueError, TypeError, RuntimeError):
        return False  # a dtype that it does not know, metadata that is no JSON


def read_state(path: Path) -> Any:
    """The inverse of ``write_state``; such a file runs no code."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()[ABOUT])
        tensors = {
            name: file.get_tensor(name).requires_grad_(name in about["gradients"]) for name in about["names"]
        }
    if about["kind"] == "tensor":
        return tensors[ALONE]
    if about["kind"] == "dict":
        return tensors
    state = OrderedDict(tensors)
    if about["metadata"] is not None:
        state._metadata = OrderedDict(about["metadata"])  # type: ignore[attr-defined]  # torch's own
    return state


def _about(value: Any, tensors: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": type(value).__name__ if isinstance(value, dict) else "tensor",
        "names": list(tensors),
        "gradients": [name for name, each in tensors.items() if each.requires_grad],
        "metadata": getattr(value, "_metadata", None),
    }


def _same(left: Any, right: Any) -> bool:
    if not isinstance(left, dict):
        return _same_tensor(left, right)
    if list(left) != list(right) or getattr(left, "_metadata", None) != getattr(right, "_metadata", None):
        return False
    return all(_same_tensor(each, right[name]) for name, each in left.items())


def _same_tensor(left: Any, right: Any) -> bool:
    import torch

    if (left.dtype, left.shape, left.requires_grad) != (right.dtype, right.shape, right.requires_grad):
        return False
    a, b = (each.detach().reshape(-1).view(torch.uint8) for each in (left, right))
    return bool(torch.equal(a, b))
