"""Answers that are put together for a reader: comparisons, parameters of a notebook, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key and its two values; None where a side has no such key."""

    key: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side: only what differs, and the code as a unified diff."""

    a: Run
    b: Run
    params: list[Difference] = field(default_factory=list)
    metrics: list[Difference] = field(default_factory=list)
    tags: list[Difference] = field(default_factory=list)
    inputs: list[Difference] = field(default_factory=list)
    packages: list[Difference] = field(default_factory=list)
    source_diff: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that a notebook takes. ``type`` is the name of the default's Python type."""

    name: str
    default: Any
    type: str
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of ``jupyter mlops doctor``; ``fix`` says what to do when it is not ok."""

    name: str
    ok: bool
    message: str
    fix: str = ""
