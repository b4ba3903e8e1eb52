"""Who decides that a version becomes the champion: gates, reviews, approvals, moves and the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import InvalidInput
from ..services.promotion.declaring import Better, gates_of
from ..services.promotion.service import Version
from ..services.registry.names import CHAMPION
from ..services.showing.review_html import gates_html, review_html
from ..services.showing.review_text import gates_text, move_text, review_text
from ..wire import to_json
from ..workspace import current

if TYPE_CHECKING:
    from .. import entities


def set_alias(
    name: str,
    alias: str,
    version: Version = None,
    *,
    new: bool = False,
    reason: str = "",
    kind: str = "model",
) -> entities.Model | entities.Dataset:
    """Point an alias of a model, or with ``kind="dataset"`` of a dataset, at a version.

    ``set_alias("digits@2", "champion")`` and ``set_alias("digits", "champion", 2)`` are the same. An alias
    that is nearly the same as another, as if misspelt, is made only with ``new=True``.

    The move is in the audit trail with its reason. Raises InvalidInput, NotFound, GatesRefused when a gate of
    the alias does not let the version pass, and Forbidden when your role does not allow it: both are in the
    trail as well.
    """
    return current().promotion.promote(kind, name, alias, version, new=new, reason=reason)


def delete_alias(
    name: str, alias: str | None = None, *, reason: str = "", kind: str = "model"
) -> entities.Model | entities.Dataset:
    """Remove an alias, ``("digits", "champion")`` or ``"digits@champion"``; the version stays."""
    if alias is None and "@" not in str(name):
        raise InvalidInput(f"Which alias of {name!r}? Write '{name}@champion', or {name!r} and 'champion'.")
    return current().promotion.take_away(kind, name, alias, reason=reason)


def rollback(name: str, alias: str | None = None, *, reason: str = "", kind: str = "model") -> Move:
    """Point an alias at the version that it had before the present one.

    The alias of ``"digits@champion"``, or of ``"digits"`` and ``"champion"``, which is the default. Once more
    goes further back. No gate is asked, so that it works in an incident. Raises Forbidden when your role does
    not allow it, and Conflict when there is nothing to go back to.
    """
    return Move(current().promotion.rollback(kind, name, alias, reason))


def gates(
    name: str,
    alias: str | None = None,
    *,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    better: Better | None = None,
    on: str = "",
    expectations: bool | str | Iterable[str] | None = None,
    approvals: int | None = None,
    role: str = "approver",
    reason: str = "",
    clear: bool = False,
    new_metrics: str | Iterable[str] = (),
    new: bool = False,
) -> GateTable:
    """What must hold before an alias of a model may move; with only the names, what is asked for now.

    ``minimum`` and ``maximum`` bound metrics: ``{"accuracy": 0.9}``. ``better`` names metrics that must beat
    those of the version that has the alias, measured on the same dataset versions: ``"accuracy"``,
    ``{"loss": "lower"}``, ``{"accuracy": 0.01}`` (by more than that) or ``{"loss": ("lower", 0.01)}``;
    ``on="test"`` says that only the version of that dataset has to be the same. ``expectations`` have to hold
    of the datasets that it was made from (True), or of those named. ``approvals`` is how many other users,
    each of at least the ``role``, have to approve it.

    What is given replaces the gates that there were; ``clear=True`` takes them away. A metric that no version
    has logged yet is taken as such when it is one of the ``new_metrics``, and an alias that is nearly the
    same as another when it is ``new``. Raises NotFound, InvalidInput, and Forbidden when your role does not
    allow it.
    """
    declared = gates_of(
        minimum=minimum,
        maximum=maximum,
        better=better,
        on=on,
        expectations=expectations,
        approvals=approvals,
        role=role,
    )
    if declared and clear:
        raise InvalidInput("clear=True takes all gates away: leave it out to declare these instead.")
    service = current().promotion
    if declared or clear:
        metrics = [new_metrics] if isinstance(new_metrics, str) else [*new_metrics]
        changed = service.declare_gates(name, alias, declared, new_metrics=metrics, new=new, reason=reason)
        return GateTable([changed])
    return GateTable(service.gates(name, alias))


def review(name: str, version: Version = None, alias: str = CHAMPION) -> Review:
    """What would change if an alias moved to a version, against the one that has it now, and whether it may.

    The version is ``"digits@2"``, or ``"digits"`` and 2; an alias names one too: ``"digits@challenger"``. It
    shows itself in a notebook and as text: gates, metrics, packages, data, figures and code.
    """
    return Review(current().promotion.review(name, version, alias))


def approve(
    name: str, version: Version = None, alias: str = CHAMPION, *, reason: str = "", withdraw: bool = False
) -> entities.Approval | None:
    """Say that a version may become an alias's; with ``withdraw`` take back what you said of it before.

    The version is ``"digits@2"``, or ``"digits"`` and 2, and it holds for this one. Raises NotFound, and
    Forbidden when your role does not allow it or you registered the version yourself.
    """
    approved = None if withdraw else True
    return current().promotion.approve(name, version, alias, approved=approved, reason=reason)


def reject(
    name: str, version: Version = None, alias: str = CHAMPION, *, reason: str = ""
) -> entities.Approval | None:
    """Say that a version may not become an alias's: no approval helps until you withdraw or approve."""
    return current().promotion.approve(name, version, alias, approved=False, reason=reason)


class Review:
    """A version against the one that has the alias: all of ``entity``, shown."""

    def __init__(self, entity: entities.Review) -> None:
        self.entity = entity

    @property
    def allowed(self) -> bool:
        return self.entity.allowed

    @property
    def gates(self) -> list[entities.GateResult]:
        return self.entity.gates

    @property
    def approvals(self) -> list[entities.Approval]:
        return self.entity.approvals

    @property
    def comparison(self) -> entities.Comparison | None:
        return self.entity.comparison

    @property
    def data(self) -> list[entities.DatasetDiff]:
        return self.entity.data

    @property
    def source_diff(self) -> str:
        return self.entity.source_diff

    @property
    def notes(self) -> list[str]:
        return self.entity.notes

    def to_dict(self) -> dict[str, Any]:
        """The whole of it, as the command line's ``--json`` prints it."""
        found: dict[str, Any] = to_json(self.entity)
        return found

    def __repr__(self) -> str:
        return review_text(self.entity)

    def _repr_html_(self) -> str:
        return review_html(self.entity)


class GateTable:
    """The gates of some aliases: ``entities`` has them one by one."""

    def __init__(self, entities: list[entities.Gates]) -> None:
        self.entities = entities

    def __len__(self) -> int:
        return sum(len(each.gates) for each in self.entities)

    def to_dict(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = to_json(self.entities)
        return found

    def __repr__(self) -> str:
        return gates_text(self.entities)

    def _repr_html_(self) -> str:
        return gates_html(self.entities)


class Move:
    """Where an alias went."""

    def __init__(self, entity: entities.Move) -> None:
        self.entity = entity

    @property
    def before(self) -> int | None:
        return self.entity.before

    @property
    def after(self) -> int | None:
        return self.entity.after

    def __repr__(self) -> str:
        return move_text(self.entity)
