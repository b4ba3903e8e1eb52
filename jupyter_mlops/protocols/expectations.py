"""Expectations of datasets, and what came of checking contents against them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..entities import CheckReport, Expectation


class ExpectationStore(Protocol):
    """Expectations by dataset and name; each change has its row in the audit trail.

    The dataset need not be there yet: what it must be like may be said first. Every method raises Unavailable
    when the registry cannot be reached.
    """

    def all(self, dataset: str) -> list[Expectation]:
        """In the order in which they were first set."""
        ...

    def set(self, expectations: Sequence[Expectation], *, user: str) -> list[Expectation]:
        """Add expectations of one dataset, or replace those of the same names; gives all that it has now.

        What came of checks before is forgotten when something changes, and what changes nothing leaves no
        row in the audit trail.
        """
        ...

    def remove(self, dataset: str, name: str, *, user: str) -> list[Expectation]:
        """Take one away; gives those that stay. Raises NotFound, naming those that there are."""
        ...

    def report(self, dataset: str, digest: str) -> CheckReport | None:
        """What came of checking a content against the present expectations; None when nobody has."""
        ...

    def keep(self, report: CheckReport, *, of: Sequence[Expectation]) -> None:
        """Keep what came of a check, unless the expectations are no longer those that were looked at."""
        ...
