"""Who may decide what, as the registry asks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ...entities import GateResult, ModelVersion, Role
from ...protocols.registry import Place


class Access(Protocol):
    """The roles of users."""

    def role_of(self, user: str) -> Role: ...

    def require(self, user: str, action: str, subject: str) -> None:
        """Raises Forbidden unless the user's role allows it.

        Actions: read, register, describe, move, approve, gate, submit, cancel, delete, and interfere, which
        is to end or change what another user has begun. A subject is a node such as
        ``model:digits@champion``, ``dataset:train`` or ``job:<id>``.
        """
        ...


class EverythingAllowed:
    """Access where nobody has said otherwise."""

    def role_of(self, user: str) -> Role:
        return Role.ADMIN

    def require(self, user: str, action: str, subject: str) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gates of an alias say of a version; it holds as long as ``holder`` has the alias.

    Where there are no gates it holds whoever has it. Nor does it outlast the model's ``seq``, which other
    gates, approvals and rejections change; 0 of a model that is not there yet, None where nothing was asked.
    """

    holder: Place
    seq: int | None = None
    results: list[GateResult] = field(default_factory=list)

    @property
    def allowed(self) -> bool:
        return all(result.passed for result in self.results)


class Gatekeeper(Protocol):
    """The gates of aliases."""

    def guards(self, model: str, alias: str) -> bool:
        """Whether ``alias`` of ``model`` has gates."""
        ...

    def judge(self, model: str, alias: str, version: int) -> Verdict:
        """Whether ``alias`` of ``model`` may move to ``version``."""
        ...

    def judge_new(self, version: ModelVersion, alias: str) -> Verdict:
        """Whether ``alias`` may point at a version that is about to be registered."""
        ...
