"""Models: versions, cards, reviews, approvals, gates and aliases."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..entities import Gate, Gates, Model, Review
from .base import MlopsHandler
from .datasets import describe, number, promote
from .shown import bounded_figures

if TYPE_CHECKING:
    from ..workspace import Workspace

CHAMPION = "champion"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardText:
    """A version's card, as Markdown."""

    card: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalVerdict:
    """What a user says of a version; None takes back what he said."""

    approved: bool | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatesEdit:
    """The gates that an alias shall have, and why.

    ``new`` takes an alias that is nearly the same as another, and ``new_metrics`` those that no version has
    yet: both are else refused as misspelt.
    """

    gates: list[Gate] = field(default_factory=list)
    reason: str = ""
    new: bool = False
    new_metrics: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why something is done."""

    reason: str = ""


class ModelsHandler(MlopsHandler):
    """``models``: all of them."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"models": workspace.registry.models()})


class ModelHandler(MlopsHandler):
    """``models/NAME``: one, with its versions and aliases; what is said of it."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: workspace.registry.model(name))

    @web.authenticated
    @authorized
    async def patch(self, name: str) -> None:
        await describe(self, "model", name, None)


class ModelVersionHandler(MlopsHandler):
    """``models/NAME/versions/N``: what is said of a version."""

    @web.authenticated
    @authorized
    async def patch(self, name: str, version: str) -> None:
        await describe(self, "model", name, number(version))


class CardHandler(MlopsHandler):
    """``models/NAME/versions/N/card``: its Markdown, as edited or as its lineage tells it."""

    @web.authenticated
    @authorized
    async def get(self, name: str, version: str) -> None:
        ref = f"{name}@{number(version)}"
        await self.answer(lambda workspace: {"card": workspace.cards.card(ref)})

    @web.authenticated
    @authorized
    async def put(self, name: str, version: str) -> None:
        ref, text = f"{name}@{number(version)}", self.body_as(CardText).card
        await self.change(lambda workspace: {"card": workspace.cards.edit(ref, text)})


class ReviewHandler(MlopsHandler):
    """``models/NAME/versions/N/review?alias=``: what would change if the alias moved to it."""

    @web.authenticated
    @authorized
    async def get(self, name: str, version: str) -> None:
        which, alias = number(version), self.text("alias", CHAMPION)
        await self.answer(lambda workspace: _shown(workspace.promotion.review(name, which, alias)))


class ApprovalHandler(MlopsHandler):
    """``models/NAME/versions/N/approvals/ALIAS``: say that it may become the alias's, or may not."""

    @web.authenticated
    @authorized
    async def put(self, name: str, version: str, alias: str) -> None:
        which, verdict = number(version), self.body_as(ApprovalVerdict)
        await self.change(
            lambda workspace: {
                "approval": workspace.promotion.approve(
                    name, which, alias, approved=verdict.approved, reason=verdict.reason
                )
            }
        )


class GatesHandler(MlopsHandler):
    """``models/NAME/gates``: those of all aliases that have some."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: {"gates": workspace.promotion.gates(name)})


class AliasGatesHandler(MlopsHandler):
    """``models/NAME/gates/ALIAS``: replace what must hold before the alias moves."""

    @web.authenticated
    @authorized
    async def put(self, name: str, alias: str) -> None:
        edit = self.body_as(GatesEdit)

        def set_them(workspace: Workspace) -> Gates:
            return workspace.promotion.declare_gates(
                name, alias, edit.gates, new_metrics=edit.new_metrics, new=edit.new, reason=edit.reason
            )

        await self.change(set_them)


class AliasHandler(MlopsHandler):
    """``models/NAME/aliases/ALIAS``: point an alias at a version, or take it away."""

    @web.authenticated
    @authorized
    async def put(self, name: str, alias: str) -> None:
        await promote(self, "model", name, alias)

    @web.authenticated
    @authorized
    async def delete(self, name: str, alias: str) -> None:
        reason = self.text("reason")
        await self.change(lambda workspace: workspace.registry.delete_alias(name, alias, reason=reason))


class MovesHandler(MlopsHandler):
    """``models/NAME/aliases/ALIAS/moves``: where an alias has been."""

    @web.authenticated
    @authorized
    async def get(self, name: str, alias: str) -> None:
        await self.answer(lambda workspace: {"moves": workspace.registry.moves(name, alias)})


class RollbackHandler(MlopsHandler):
    """``models/NAME/aliases/ALIAS/rollback``: put an alias back where it was."""

    @web.authenticated
    @authorized
    async def post(self, name: str, alias: str) -> None:
        reason = self.body_as(Reason).reason

        def back(workspace: Workspace) -> Model:
            workspace.promotion.rollback("model", name, alias, reason)
            return workspace.registry.model(name)

        await self.change(back)


def _shown(review: Review) -> Review:
    """The review with figures of bounded size."""
    return review if review.figures is None else replace(review, figures=bounded_figures(review.figures))
