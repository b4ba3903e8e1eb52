"""The gates of aliases, and who approved what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ..entities import Approval, Gate, Gates


class PromotionStore(Protocol):
    """Decisions about moving models' aliases: each call is one transaction, with its row in the audit trail.

    Saying what is said already changes nothing and leaves no row. A model counts as changed when its gates or
    the approvals of its versions do. Every method raises Unavailable when the registry cannot be reached.
    """

    def gates(self, model: str) -> list[Gates]:
        """Those of all aliases that have some, sorted by alias; none of a model that is not there."""
        ...

    def set_gates(
        self, model: str, alias: str, gates: Sequence[Gate], *, user: str, reason: str = ""
    ) -> Gates:
        """Replace the gates of an alias; with none it may move freely. Raises NotFound for a model."""
        ...

    def approvals(self, model: str, version: int, alias: str) -> list[Approval]:
        """What users said of a version becoming an alias's, the oldest first."""
        ...

    def approve(self, approval: Approval) -> Approval:
        """Keep a verdict in the place of the same user's before. Raises NotFound for a version."""
        ...

    def withdraw(self, model: str, version: int, alias: str, *, user: str, reason: str = "") -> bool:
        """Take a user's verdict back; False when there is none."""
        ...
