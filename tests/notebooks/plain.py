"""Any value as plain data: equal for equal values of two processes, and good to read in a failing test."""

from __future__ import annotations

import types
from typing import Any

OF_CODE = (types.FunctionType, types.MethodType)
SINGLE = (type(None), bool, int, str, bytes, complex, range, slice, type(...))


def plain(value: Any) -> Any:
    """Tables and arrays with their types, objects by their attributes; never an address."""
    return _plain(value, ())


def _plain(value: Any, above: tuple[int, ...]) -> Any:
    if isinstance(value, SINGLE) and type(value).__module__ == "builtins":
        return value
    if isinstance(value, float):  # NumPy's too; NaN equals itself here
        return f"{type(value).__name__} {value!r}"
    if id(value) in above:
        return "..."
    above = (*above, id(value))
    known = _table(value)
    if known is not None:
        return _named(value, _plain(known, above))
    if isinstance(value, dict):
        return _named(value, [(_plain(key, above), _plain(each, above)) for key, each in value.items()])
    if isinstance(value, (list, tuple)):
        return _named(value, [_plain(each, above) for each in value])
    if isinstance(value, (set, frozenset)):
        return _named(value, sorted((_plain(each, above) for each in value), key=repr))
    if isinstance(value, types.ModuleType):
        return _named(value, value.__name__)
    if isinstance(value, OF_CODE):
        code = value.__code__
        return _named(
            value, [value.__qualname__, code.co_code, code.co_names, _plain(value.__defaults__, above)]
        )
    if isinstance(value, type):
        members = {key: each for key, each in vars(value).items() if not key.startswith("__")}
        return _named(value, [value.__qualname__, _plain(members, above)])
    return _named(value, _plain(_state(value), above))


def _named(value: Any, content: Any) -> tuple[str, Any]:
    return type(value).__qualname__, content


def _table(value: Any) -> Any:
    """What a table, a column, an array or a tensor holds, or None."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "numpy" and hasattr(value, "dtype"):
        return [str(value.dtype), list(value.shape), value.tolist()]
    if library == "pandas" and kind == "DataFrame":
        return [list(value.columns), value.index, [value.iloc[:, at] for at in range(value.shape[1])]]
    if library == "pandas" and kind == "Series":
        return [str(value.dtype), value.name, value.index.tolist(), value.tolist()]
    if library == "pandas" and hasattr(value, "names") and hasattr(value, "tolist"):
        return [str(value.dtype), list(value.names), value.tolist()]
    if library == "polars" and kind == "DataFrame":
        return [str(value.schema), value.to_dict(as_series=False)]
    if library == "polars" and kind == "Series":
        return [str(value.dtype), value.name, value.to_list()]
    if library == "torch" and hasattr(value, "detach"):
        return [str(value.dtype), value.requires_grad, value.detach().tolist()]
    return None


def _state(value: Any) -> Any:
    """An object's attributes, or its text where it has none."""
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    state = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    state.update(getattr(value, "__dict__", {}))
    return state or repr(value).partition(" at 0x")[0]
