"""Predicting with what has ``predict``, or can be called, or takes tensors."""

from __future__ import annotations

import sys
from typing import Any

from ....errors import InvalidInput


def plain(model: Any, data: Any) -> Any:
    """What ``model.predict`` makes of ``data``, else the model called. Raises InvalidInput for neither."""
    predict = getattr(model, "predict", None)
    if callable(predict):
        return predict(data)
    if callable(model):
        return model(data)
    kind = type(model)
    raise InvalidInput(
        f"A {kind.__module__}.{kind.__qualname__} has no predict method and cannot be called: load it with "
        "load_model(...) and use it as what it is."
    )


def nothing(what: str) -> InvalidInput:
    """Of flavours whose models are no programs."""
    return InvalidInput(f"{what} does not predict by itself: load it with load_model(...) and use it there.")


def loaded_module(name: str) -> Any:
    """A module that somebody has imported; None otherwise."""
    return sys.modules.get(name)


def is_a(model: Any, module: str, *names: str) -> bool:
    """Whether ``model`` is of one of these classes of a module, as far as it has been imported."""
    home = loaded_module(module)
    kinds = tuple(kind for name in names if isinstance(kind := getattr(home, name, None), type))
    return bool(kinds) and isinstance(model, kinds)


def as_array(data: Any) -> Any:
    """A NumPy array of a table, an array, a tensor or a list. Raises InvalidInput for texts and the like."""
    import numpy as np

    if hasattr(data, "detach"):
        data = data.detach().cpu()
    if hasattr(data, "to_numpy"):
        data = data.to_numpy()
    array = np.asarray(data)
    if array.dtype.kind in "OUS":
        try:
            return array.astype(float)
        except (TypeError, ValueError):
            raise InvalidInput(
                f"Numbers are expected, and {str(array.ravel()[:1])[:60]} is among the data."
            ) from None
    return array
