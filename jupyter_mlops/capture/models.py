"""Fitted estimators and networks in a namespace: which they are, how large, and whether a cell changed them.

Known by their interface, so that nothing is imported; nothing of theirs is called but torch's
``parameters`` and ``buffers``.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable
from itertools import islice
from typing import Any

from ..entities import SeenModel
from .objects import is_estimator

MAX_VALUES = 4_000
"""How many values of an estimator are added up, about 1 us each; what holds more has no size."""
MAX_TENSORS = 20_000

_BOOSTERS = ("lightgbm", "xgboost", "catboost")


def seen_model(name: str, value: Any) -> SeenModel | None:
    """What is said of a fitted model that goes by ``name``; None for anything else."""
    try:
        if _is_module(value):
            return _network(name, value)
        if _is_keras(value):
            count = int(value.count_params())
            return SeenModel(name=name, class_name=_class_name(value), parameters=count, size_bytes=4 * count)
        if not _is_fitted(value):
            return None
        return SeenModel(name=name, class_name=_class_name(value), size_bytes=_size_bytes(value))
    except Exception:  # noqa: BLE001  a foreign object: a lazy module without its parameters, for one
        return None


def state_of(value: Any) -> Hashable:
    """Changes when a model is fitted further; None for what is no model."""
    try:
        if _is_module(value):
            return tuple((id(each), each._version) for each in islice(value.parameters(), MAX_TENSORS))
        own = getattr(value, "__dict__", {})
        if steps := _steps(own):
            return tuple(map(state_of, steps))
        if is_estimator(value) or _is_booster(value):
            return tuple((key, id(each)) for key, each in own.items())
    except Exception:  # noqa: BLE001  a foreign object
        return None
    return None


def _network(name: str, value: Any) -> SeenModel | None:
    parameters = list(islice(value.parameters(), MAX_TENSORS))
    if not parameters:
        return None  # a loss, an activation
    tensors = [*parameters, *islice(value.buffers(), MAX_TENSORS)]
    return SeenModel(
        name=name,
        class_name=_class_name(value),
        size_bytes=sum(each.numel() * each.element_size() for each in tensors),
        parameters=sum(each.numel() for each in parameters),
    )


def _is_module(value: Any) -> bool:
    network: Any = sys.modules.get("torch.nn")
    kind = getattr(network, "Module", None)
    return isinstance(kind, type) and isinstance(value, kind)


def _is_keras(value: Any) -> bool:
    kind = type(value)
    return bool(getattr(value, "built", False)) and all(
        callable(getattr(kind, name, None)) for name in ("count_params", "get_weights", "predict")
    )


def _is_booster(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ == "Booster" and kind.__module__.partition(".")[0] in _BOOSTERS


def _is_fitted(value: Any) -> bool:
    """By scikit-learn's convention: fitting sets attributes that end with an underscore."""
    if isinstance(value, type):
        return False
    if _is_booster(value):
        return True
    own = getattr(value, "__dict__", {})
    if steps := _steps(own):
        return any(map(_is_fitted, steps))
    return is_estimator(value) and (
        any(key.endswith("_") and not key.startswith("_") for key in own) or own.get("_Booster") is not None
    )


def _steps(own: dict[str, Any]) -> list[Any]:
    """The estimators of a pipeline, which has no fitted attributes of its own."""
    steps = own.get("steps")
    pairs = steps if isinstance(steps, list) else []
    return [each[1] for each in pairs if isinstance(each, tuple) and len(each) == 2 and is_estimator(each[1])]


def _class_name(value: Any) -> str:
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"


def _size_bytes(value: Any) -> int | None:
    """What its arrays and texts take, added up without copying anything; None where they are too many."""
    seen: set[int] = set()
    pending, total = [value], 0
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        if len(seen) == MAX_VALUES:
            return None
        seen.add(id(each))
        size, inner = _measured(each)
        if size is None:
            return None
        total += size
        pending += inner
    return total


def _measured(value: Any) -> tuple[int | None, list[Any]]:
    """The bytes of a value itself, and what it holds; None where its memory cannot be seen."""
    if isinstance(value, (bool, int, float, type(None), type)) or callable(value):
        return 0, []
    if _is_booster(value):
        return None, []
    if isinstance(value, (str, bytes, bytearray)):
        return len(value), []
    if isinstance(value, dict):
        return 0, [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return 0, list(value)
    if isinstance(size := getattr(value, "nbytes", None), int):
        held = (
            getattr(value, "flat", ()) if getattr(getattr(value, "dtype", None), "hasobject", False) else ()
        )
        return size, list(held)
    if hasattr(value, "node_count") and hasattr(value, "value"):  # scikit-learn's Tree, made by Cython
        return 64 * int(value.node_count) + int(value.value.nbytes), []
    if all(hasattr(value, name) for name in ("data", "indices", "indptr")):  # a sparse matrix
        return 0, [value.data, value.indices, value.indptr]
    own = getattr(value, "__dict__", None)
    return (0, list(own.values())) if isinstance(own, dict) else (_opaque(value), [])


def _opaque(value: Any) -> int | None:
    """Objects of C code without arrays: their memory is unknown, but for random generators and their like."""
    kind = type(value)
    return sys.getsizeof(value) if kind.__module__.startswith(("numpy", "builtins", "functools")) else None
