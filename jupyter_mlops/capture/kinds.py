"""The types of a namespace's values, noted before code runs that may change them."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any, NamedTuple


class OfType(NamedTuple):
    """Stands for a value of which only the type was kept."""

    type: type


def types_of(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """For each name the type of its value, and for modules the module. Nothing else is kept alive by it."""
    return {
        name: value if isinstance(value, ModuleType) else OfType(type(value))
        for name, value in dict(namespace).items()
    }
