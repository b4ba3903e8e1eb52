"""``PATH`` and ``PATH:NAME`` of ``-p`` and ``-m``: a value to read after the cell, and what it is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_IDENTIFIER = r"[^\W\d]\w*"
_KEY = r"""\[(?:'[^']*'|"[^"]*"|-?\d+)\]"""
_PATH = re.compile(rf"(?P<first>{_IDENTIFIER})(?P<rest>(?:\.{_IDENTIFIER}|{_KEY})*)")
_NAMED = re.compile(rf"(?P<path>{_IDENTIFIER}(?:\.{_IDENTIFIER}|{_KEY})*)(?::(?P<name>[^\s:=]+))?")
_STEP = re.compile(rf"\.(?P<attribute>{_IDENTIFIER})|\[(?P<key>[^\]]*)\]")


@dataclass(frozen=True, slots=True)
class NamedValue:
    """``path`` is an identifier with attributes and constant keys behind it: ``history.best['val']``."""

    path: str
    name: str

    @property
    def variable(self) -> str:
        """The variable that the path begins with."""
        match = _PATH.match(self.path)
        assert match is not None
        return match["first"]

    @property
    def is_plain(self) -> bool:
        """Whether it is a variable, and nothing of it."""
        return self.path == self.variable

    def of(self, namespace: Mapping[str, Any]) -> Any:
        """The value, read without calling anything. Raises LookupError where the path leads nowhere."""
        value = namespace[self.variable]
        for step in _STEP.finditer(self.path, len(self.variable)):
            try:
                if step["attribute"]:
                    value = getattr(value, step["attribute"])
                else:
                    value = value[ast.literal_eval(step["key"])]
            except Exception as problem:
                raise LookupError(f"{self.path}: {problem}") from problem
        return value


def parse_named(text: str) -> NamedValue | None:
    """None for a text of another form. Without a name it is called by its path, keys as attributes."""
    match = _NAMED.fullmatch(text)
    if match is None:
        return None
    path = match["path"]
    return NamedValue(path, match["name"] or _STEP.sub(_dotted, path))


def _dotted(step: re.Match[str]) -> str:
    return f".{step['attribute'] or str(ast.literal_eval(step['key']))}"
