"""Arguments of estimators, optimizers and configs, as params named by a path: ``model.C``.

Known by what their objects are made of, so that nothing is imported. No code of the user's runs but an
estimator's ``get_params``; whatever an object raises, it just has no params then.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from .literals import is_short
from .values import shown_scalar

MAX_DEPTH = 4
MAX_FIELDS = 40
"""Of a config with more fields, those are taken that differ from their defaults."""

_MAPPING_CONFIGS = frozenset(("DictConfig", "ConfigDict", "FrozenConfigDict", "EasyDict", "Munch"))
"""OmegaConf's and ml_collections' types, and their like, by their names."""
_RESULT = re.compile(r"result|output|metric|score|report|history", re.IGNORECASE)
_MISSING = object()

Given = Mapping[str, frozenset[str]]
"""The keywords that the cell gives to each class: they are params also where they are the default."""


def object_params(name: str, value: Any, given: Given | None = None) -> dict[str, Any]:
    """The params of an object that goes by ``name``; none for one that is no estimator and no config."""
    try:
        return dict(_estimator(name, value, given or {}, 0) or _config_of(name, value))
    except Exception:  # noqa: BLE001  a foreign object: its get_params, its fields' __eq__
        return {}


def config_params(name: str, value: Any) -> dict[str, Any]:
    """A literal, a plain dict or a config, flat: ``{"lr": 0.1}`` is ``name.lr``. Only what is short."""
    return dict(_flat(name, value, 0))


def is_estimator(value: Any) -> bool:
    """Whether it is an object with scikit-learn's interface."""
    kind = type(value)
    return (
        not isinstance(value, type)
        and callable(getattr(kind, "get_params", None))
        and callable(getattr(kind, "fit", None) or getattr(kind, "transform", None))
    )


def _estimator(name: str, value: Any, given: Given, depth: int) -> dict[str, Any]:
    """Its class, and the arguments that were given or differ from their defaults."""
    if depth > MAX_DEPTH:
        return {}
    optimizer = _is_optimizer(value)
    if not optimizer and not is_estimator(value):
        return {}
    arguments = value.defaults if optimizer else value.get_params(deep=False)
    kind: type = type(value)
    defaults, explicit = _defaults(kind), given.get(kind.__name__, frozenset())
    found: dict[str, Any] = {name: kind.__name__}
    for key, argument in arguments.items():
        if parts := dict(_parts(f"{name}.{key}", argument)):
            for part, inner in parts.items():
                found |= _estimator(part, inner, given, depth + 1)
        elif key in explicit or _differs(argument, defaults.get(key, argument if optimizer else None)):
            found.update(_flat(f"{name}.{key}", argument, depth + 1))
    return found


def _parts(name: str, argument: Any) -> Iterator[tuple[str, Any]]:
    """The estimators in an argument: ``GridSearchCV(estimator=...)``, the steps of a pipeline."""
    if is_estimator(argument):
        yield name, argument
    elif isinstance(argument, (list, tuple)) and len(argument) <= MAX_FIELDS:
        owner = name.rpartition(".")[0]
        for each in argument:
            if isinstance(each, tuple) and len(each) in (2, 3) and isinstance(each[0], str):
                yield f"{owner}.{each[0]}", each[1]


def _is_optimizer(value: Any) -> bool:
    """Whether it is a torch optimizer, or one made like it."""
    own = getattr(value, "__dict__", {})
    return isinstance(own.get("param_groups"), list) and isinstance(own.get("defaults"), dict)


@lru_cache(maxsize=256)
def _defaults(kind: type) -> dict[str, Any]:
    """The defaults of a class's arguments, also of those that it hands to its bases."""
    found: dict[str, Any] = {}
    for base in reversed(kind.__mro__[:-1]):
        try:
            signature = inspect.signature(base.__init__)  # type: ignore[misc]
        except (TypeError, ValueError):
            continue
        found.update({name: each.default for name, each in signature.parameters.items()})
    return found


def _differs(value: Any, default: Any) -> bool:
    if value is default or value is None:
        return value is not default and default is not inspect.Parameter.empty
    try:
        return not bool(value == default or (value != value and default != default))
    except Exception:  # noqa: BLE001  an array's
        return True


def _config_of(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a config object. A dataclass called a result is none."""
    if isinstance(value, type) or (fields := _fields(value)) is None:
        return
    if type(value).__module__.startswith("jupyter_mlops."):
        return  # what this package returns: a version, a run
    if _RESULT.search(name) or _RESULT.search(type(value).__name__):
        return
    for key, field in fields.items():
        if not str(key).startswith("_"):
            yield from _flat(f"{name}.{key}", field, 1)


def _fields(value: Any) -> dict[str, Any] | None:
    """What a config object holds, read from its ``__dict__`` where there is one; None for other things."""
    kind = type(value)
    own = getattr(value, "__dict__", {})
    if kind.__name__ in _MAPPING_CONFIGS:
        return _of_mapping(value)
    if dataclasses.is_dataclass(kind):
        return _own_choices(value, {each.name: each.default for each in dataclasses.fields(kind)})
    if hasattr(kind, "__attrs_attrs__"):
        return _own_choices(value, {each.name: each.default for each in kind.__attrs_attrs__})
    declared = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__fields__", None)
    if isinstance(declared, Mapping) and hasattr(kind, "construct"):  # pydantic 2, 1
        return {key: own[key] for key in declared if key in own}
    if isinstance(value, SimpleNamespace) or kind.__name__ == "Namespace":
        return dict(own)
    return None


def _own_choices(value: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    fields = {key: getattr(value, key, _MISSING) for key in defaults}
    few = len(fields) <= MAX_FIELDS
    return {
        key: field
        for key, field in fields.items()
        if field is not _MISSING and (few or _differs(field, defaults[key]))
    }


def _of_mapping(value: Any) -> dict[str, Any]:
    omegaconf: Any = sys.modules.get("omegaconf")
    if type(value).__module__.startswith("omegaconf") and omegaconf is not None:
        try:
            return dict(omegaconf.OmegaConf.to_container(value, resolve=True))
        except Exception:  # noqa: BLE001  an interpolation that cannot be resolved yet
            return dict(omegaconf.OmegaConf.to_container(value, resolve=False))
    return dict(value.items())


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Scalars and short lists by their path; other things are left out."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        for key, item in value.items():
            yield from _flat(f"{name}.{key}", item, depth + 1)
    elif is_short(value) or isinstance(value, str):
        yield from [(name, value)] if is_short(value) else []
    elif (scalar := shown_scalar(value)) is not None:
        yield name, scalar
    elif not isinstance(value, (dict, list, tuple)) and (fields := _fields(value)) is not None:
        for key, field in fields.items():
            if not str(key).startswith("_"):
                yield from _flat(f"{name}.{key}", field, depth + 1)
