"""What a dataset's contents must be like, and what came of looking."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Severity(str, Enum):
    """What happens when it does not hold: a warning, or the registration or loading is refused."""

    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One check of a dataset, by its name among the dataset's.

    ``check`` is columns, type, not_null, unique, between, one_of, matches, rows, files or pandera;
    ``arguments`` are its own.
    """

    dataset: str
    name: str
    check: str
    columns: list[str] = field(default_factory=list)
    arguments: dict[str, Any] = field(default_factory=dict)
    severity: Severity = Severity.REFUSE
    created_at: float = 0.0
    created_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationResult:
    """Whether an expectation held. ``failing`` counts the rows that broke it; ``examples``: some values."""

    name: str
    check: str
    severity: Severity
    passed: bool
    message: str
    columns: list[str] = field(default_factory=list)
    failing: int | None = None
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """A dataset's expectations against one content. ``version`` is None where that is not registered."""

    dataset: str
    version: int | None
    digest: str
    passed: bool
    results: list[ExpectationResult]
    checked_at: float
    duration_s: float = 0.0
