"""All that a function is made of, as the text of one module that stands alone.

What the function uses of its own notebook or module goes along: functions and classes with their sources,
constants by their values, imports as imports. So the text changes when one of them does, it can be read by
who reviews it, and it runs where the notebook does not.
"""

from __future__ import annotations

import builtins
import inspect
import pickle
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from types import FunctionType, ModuleType
from typing import Any

from ...capture.redact import redact_source
from ...errors import InvalidInput
from .constants import NoExpression, expression
from .sources import Source, source_of
from .user_modules import digest_lines

MAIN = "__main__"
IN_CELLS = {"display": "from IPython.display import display"}
"""What IPython adds to the builtins of a notebook."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The module's text, and the distributions that it imports, by their versions here."""

    code: str
    packages: dict[str, str]


class NotThereYet(InvalidInput):
    """The function uses a name that is not defined so far: a later cell, or the rest of a module, may."""


def captured(function: Callable[..., Any]) -> Captured:
    """What ``function`` is made of now. Raises InvalidInput for what no text can stand for, NotThereYet."""
    plain = inspect.unwrap(function)
    if not isinstance(plain, FunctionType):
        raise InvalidInput(f"A feature view is made of a function, not of a {type(function).__qualname__}.")
    closure = _Closure(plain)
    closure.define(plain.__name__, plain)
    code = closure.text()
    if redact_source(code) != code:
        raise InvalidInput(
            f"{plain.__name__!r}, or something that it uses, holds what looks like a secret, and a "
            "definition is stored for all who read the registry. Read the secret from the environment there."
        )
    return Captured(code, _packages(closure.modules))


@dataclass
class _Closure:
    """Collects definitions, each after those that it needs."""

    function: FunctionType
    modules: set[str] = field(default_factory=set)
    _imports: dict[str, None] = field(default_factory=dict)
    _blocks: dict[str, str] = field(default_factory=dict)
    _values: dict[str, Any] = field(default_factory=dict)
    _future: bool = False

    def text(self) -> str:
        parts = [digest_lines(self.modules)]
        if self._future:
            parts.append("from __future__ import annotations\n")
        parts.append("".join(f"{line}\n" for line in sorted(self._imports)))
        return "\n".join(filter(None, [*parts, *self._blocks.values()]))

    def define(self, name: str, value: Any) -> None:
        """Have ``name`` stand for ``value`` in the text."""
        if name in self._values:
            if self._values[name] is not value and not _equal(self._values[name], value):
                raise InvalidInput(
                    f"{self.function.__name__!r} uses two things that are called {name!r}: rename one."
                )
            return
        self._values[name] = value
        if isinstance(value, ModuleType):
            self._import_module(name, value)
        elif self._is_own(value):
            self._write_out(name, value)
        elif not self._import_from(name, value):
            self._assign(name, value)

    def _is_own(self, value: Any) -> bool:
        """Whether it was defined in the function's own notebook or module."""
        plain = inspect.unwrap(value) if callable(value) else value
        if isinstance(plain, FunctionType):
            return plain.__globals__ is self.function.__globals__
        return isinstance(value, type) and value.__module__ == self.function.__module__

    def _write_out(self, name: str, value: Any) -> None:
        plain = inspect.unwrap(value)
        source = source_of(value, name)
        if source.name != name:
            self._values.setdefault(source.name, value)
        self._future |= source.future
        self.modules.update(filter(None, source.imports))
        within = inspect.getclosurevars(plain).nonlocals if isinstance(plain, FunctionType) else {}
        namespace = {**self.function.__globals__, **within}
        for each in (*source.first, *source.names, *sorted(within)):
            self._need(each, namespace, source)
        self._blocks[source.name] = f"\n{source.text}"
        if source.name != name:
            self._blocks[name] = f"{name} = {source.name}\n"

    def _need(self, name: str, namespace: Mapping[str, Any], source: Source) -> None:
        if name == self.function.__name__:
            return  # in a notebook that is the view, or what it was before
        if name in namespace and not name.startswith("__"):
            value = namespace[name]
            self.define(name, value)
            if isinstance(value, ModuleType):
                self._import_parts(name, value, source)
        elif name == "get_ipython":
            raise InvalidInput(f"{source.name!r} uses IPython's magics, which a feature view cannot.")
        elif name in IN_CELLS:
            self._imports[IN_CELLS[name]] = None
        elif name not in vars(builtins) and not name.startswith("__"):
            raise NotThereYet(
                f"{source.name!r} uses {name!r}, which is not defined. Run the cell that defines it first."
            )

    def _import_module(self, name: str, module: ModuleType) -> None:
        self.modules.add(module.__name__)
        whole = module.__name__
        self._imports[f"import {whole}" if whole == name else f"import {whole} as {name}"] = None

    def _import_parts(self, name: str, module: ModuleType, source: Source) -> None:
        """``sklearn.preprocessing`` is there only if somebody has imported it: then it is imported, too."""
        for chain in source.chains:
            parts = chain.split(".")
            for end in range(len(parts), 1, -1):
                part = ".".join([module.__name__, *parts[1:end]])
                if parts[0] == name and isinstance(sys.modules.get(part), ModuleType):
                    self.modules.add(part)
                    self._imports[f"import {part}"] = None
                    break

    def _import_from(self, name: str, value: Any) -> bool:
        """Whether another module has it under its own name."""
        qualname = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if not isinstance(qualname, str) or "<" in qualname or not callable(value):
            return False
        module = getattr(value, "__module__", None) or pickle.whichmodule(value, qualname)  # type: ignore[attr-defined]
        found: Any = sys.modules.get(module)
        if module == MAIN or found is None:
            return False
        for part in qualname.split("."):
            found = getattr(found, part, None)
        if found is not value:
            return False
        self.modules.add(module)
        top, _, inner = qualname.partition(".")
        if inner:
            self._blocks[name] = f"{name} = __import__('importlib').import_module({module!r}).{qualname}\n"
        else:
            self._imports[f"from {module} import {top}" + ("" if top == name else f" as {name}")] = None
        return True

    def _assign(self, name: str, value: Any) -> None:
        try:
            self._blocks[name] = f"{name} = {expression(value)}\n"
        except NoExpression as error:
            raise InvalidInput(
                f"{self.function.__name__!r} uses {name!r}, which holds {error} and cannot be written down. "
                "Make it inside of the function, or register data as a dataset and join it in the source."
            ) from None


def _equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and expression(one) == expression(other)
    except NoExpression:
        return False


def _packages(modules: set[str]) -> dict[str, str]:
    """Python's version, and those of the distributions that are called like a module, or known to have it."""
    found = {"python": ".".join(map(str, sys.version_info[:3]))}
    tops = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    for top in sorted(tops):
        with suppress(metadata.PackageNotFoundError):
            found[top] = metadata.version(top)
    return found
