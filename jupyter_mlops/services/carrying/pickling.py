"""Pickles of live objects for another kernel that replays cells of this one.

Functions and classes of ``__main__`` go by value, as cloudpickle does it, but they come home: a function
has the other ``__main__`` as its globals (what it used here is filled in where it is missing there), and a
class that a replayed cell has defined from the same code is that class. So ``isinstance`` holds, and
what a cell sets is what the function reads.

Large buffers (NumPy arrays, torch's storages) are written as they lie in memory, without a copy.
"""

from __future__ import annotations

import builtins
import pickle
import re
import sys
from collections.abc import Callable, Iterable
from datetime import date, time, timedelta, tzinfo
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import IO, Any

import cloudpickle

from .refusals import hindrance_of_type

PROTOCOL = 5
ATOMS: tuple[type, ...] = (
    *(type(None), bool, int, float, complex, str, bytes, tuple, frozenset, range, slice, type(...)),
    *(type, FunctionType, BuiltinFunctionType, ModuleType, CodeType, re.Pattern),
    *(Enum, Decimal, PurePath, date, time, timedelta, tzinfo),
)
"""What never changes, or is never copied: that two objects have it in common says nothing."""

ATOMS_ELSEWHERE = (("numpy", ("dtype", "generic", "ufunc")), ("torch", ("dtype", "device", "layout")))


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # cloudpickle is untyped
    """cloudpickle's, with ``__main__`` bound again where it is loaded, and torch's storages shared."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, protocol=PROTOCOL)
        self.devices: set[str] = set()
        """Where the tensors lie that are not in this host's memory."""
        self._storages: dict[tuple[int, int], Any] = {}
        self._hindering: dict[type, bool] = {}

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, _MainGlobals):
            return main_globals, ()
        kind = type(obj)
        if kind not in self._hindering:
            self._hindering[kind] = kind is not ModuleType and hindrance_of_type(kind) is not None
        if self._hindering[kind]:  # some of it could be pickled, and would be another thing there
            raise pickle.PicklingError(f"a {kind.__qualname__} cannot go along")
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(obj, torch.storage.TypedStorage):
            return self._typed_storage(obj)
        reduced = super().reducer_override(obj)
        if not isinstance(reduced, tuple) or len(reduced) != 6:  # pickled by reference
            return reduced
        if isinstance(obj, FunctionType) and obj.__globals__ is main_globals():
            return _of_main(reduced)
        if isinstance(obj, type) and _main_class(obj.__qualname__) is obj:
            made = (obj.__qualname__, fingerprint(obj), reduced[0], reduced[1])
            return known_class, made, (reduced[5], reduced[2]), None, None, set_class_state
        return reduced

    def _typed_storage(self, storage: Any) -> Any:
        """Tensors on one storage still are when they are loaded; torch alone would copy it for each."""
        untyped = storage._untyped_storage
        if untyped.device.type not in ("cpu", "meta"):
            self.devices.add(str(untyped.device))
        if untyped.device.type != "cpu" or untyped.nbytes() == 0:
            return NotImplemented
        shared = self._storages.setdefault((untyped.data_ptr(), untyped.nbytes()), _Storage(untyped))
        self.met_storage(untyped.data_ptr())
        return typed_storage, (shared, storage.dtype)

    def met_storage(self, address: int) -> None:
        """Called for each of torch's storages, by its address."""


class WatchingPickler(Pickler):
    """Notes what it meets, and keeps it alive, so that two objects never have one id.

    Addresses of storages are noted as negative numbers.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.met: dict[int, Any] = {}
        self._atoms = ATOMS + tuple(
            getattr(sys.modules[module], name)
            for module, names in ATOMS_ELSEWHERE
            if module in sys.modules
            for name in names
        )

    def persistent_id(self, obj: Any) -> None:
        if not isinstance(obj, self._atoms):
            self.met[id(obj)] = obj

    def met_storage(self, address: int) -> None:
        self.met[-address] = None


def load(file: IO[bytes]) -> Any:
    """What a ``Pickler`` wrote."""
    return pickle.load(file)


# ------------------------------------------------------------------ functions of __main__
class _MainGlobals(dict[str, Any]):
    """Stands for the globals of ``__main__``, here and there."""


def main_globals() -> dict[str, Any]:
    """What a cell sees as its globals."""
    return vars(sys.modules["__main__"])


def _of_main(reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    make, (code, _, *rest), state, *empty, setter = reduced
    return make, (code, _MainGlobals(), *rest), (setter, state), *empty, set_function_state


def set_function_state(function: Any, state: tuple[Callable[..., Any], Any]) -> Any:
    """Fill in the globals that the function used and that are not there, and the rest of it."""
    setter, (attributes, slots) = state
    there = function.__globals__
    missing = {name: value for name, value in slots["__globals__"].items() if name not in there}
    setter(function, (attributes, {**slots, "__globals__": missing}))
    there["__builtins__"] = builtins  # cloudpickle puts a dict there, and people look
    return function


# ------------------------------------------------------------------ classes of __main__
_reused: set[int] = set()


def known_class(qualname: str, code: Any, make: Callable[..., Any], arguments: Iterable[Any]) -> Any:
    """The class of this name and code in ``__main__``, else one that is made."""
    present = _main_class(qualname)
    if present is not None and fingerprint(present) == code:
        _reused.add(id(present))
        return present
    return make(*arguments)


def set_class_state(kind: type, state: tuple[Callable[..., Any], Any]) -> type:
    """What is there already stays as it is."""
    if id(kind) in _reused:
        _reused.discard(id(kind))
        return kind
    setter, rest = state
    setter(kind, rest)
    return kind


def _main_class(qualname: str) -> type | None:
    found: Any = sys.modules["__main__"]
    for part in qualname.split("."):
        found = vars(found).get(part) if isinstance(found, (type, ModuleType)) else None
    return found if isinstance(found, type) else None


def fingerprint(kind: type) -> Any:
    """What the code of a class is: bases, members of an enum, the code of methods. Not where it stands."""
    bases = tuple(f"{base.__module__}.{base.__qualname__}" for base in kind.__bases__)
    parts = {
        name: tuple(map(_code, _functions(member)))
        for name, member in vars(kind).items()
        if name not in ("__dict__", "__weakref__")
    }
    members = tuple(getattr(kind, "__members__", ()))
    return bases, members, tuple(sorted((name, codes) for name, codes in parts.items() if codes))


def _functions(member: Any) -> list[FunctionType]:
    if isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    found = [member.fget, member.fset, member.fdel] if isinstance(member, property) else [member]
    return [each for each in found if isinstance(each, FunctionType)]


def _code(function: FunctionType) -> Any:
    return _plain(function.__code__), len(function.__defaults__ or ())


def _plain(code: CodeType) -> Any:
    return code.co_name, code.co_code, code.co_names, code.co_varnames, tuple(map(_constant, code.co_consts))


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _plain(value)
    if isinstance(value, frozenset):  # in the order of hashes, which is another in each process
        return tuple(sorted(map(repr, value)))
    return repr(value)


# ------------------------------------------------------------------ torch
class _Storage:
    """One storage of bytes, however many tensors lie on it."""

    def __init__(self, untyped: Any) -> None:
        self.untyped = untyped

    def __reduce__(self) -> Any:
        import torch

        flat: Any = torch.empty(0, dtype=torch.uint8).set_(self.untyped).numpy()
        return untyped_storage, (pickle.PickleBuffer(flat),)


def untyped_storage(buffer: Any) -> Any:
    """torch's storage over a buffer that nobody else has."""
    import torch

    return torch.frombuffer(buffer, dtype=torch.uint8).untyped_storage()


def typed_storage(untyped: Any, dtype: Any) -> Any:
    """What torch rebuilds its tensors on."""
    import torch

    storage: Any = torch.storage.TypedStorage
    return storage(wrap_storage=untyped, dtype=dtype, _internal=True)
