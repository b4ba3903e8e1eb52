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
class ColumnChange:
    """A column that differs: ``added``, ``removed``, ``type`` (``a`` and ``b`` are dtypes) or ``content``."""

    column: str
    change: str
    a: str = ""
    b: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDifference:
    """Data that one run read and the other did not, or not with the same content.

    ``a`` and ``b`` say what each side read (``train@2 (9f86d081)``); None for a side that did not.
    ``columns`` are those known to differ; ``columns_known`` is False where the contents' columns could
    not be compared, and ``note`` then says why.
    """

    name: str
    a: str | None = None
    b: str | None = None
    rows_a: int | None = None
    rows_b: int | None = None
    columns: list[ColumnChange] = field(default_factory=list)
    columns_known: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side: only what differs, and the code as a unified diff.

    ``environment`` is what differs of the context but packages: Python, platform, git commit, GPU, driver.
    """

    a: Run
    b: Run
    params: list[Difference] = field(default_factory=list)
    metrics: list[Difference] = field(default_factory=list)
    tags: list[Difference] = field(default_factory=list)
    inputs: list[Difference] = field(default_factory=list)
    data: list[DataDifference] = field(default_factory=list)
    packages: list[Difference] = field(default_factory=list)
    environment: list[Difference] = field(default_factory=list)
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
