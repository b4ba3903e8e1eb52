"""Datasets: versions, what people say of them, profiles, differences and expectations."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..errors import InvalidInput
from ..services.registry.names import MOST_DIGITS
from .base import MlopsHandler

MOST_KEYS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsEdit:
    """What a person may say of a name or a version; None leaves it, and a tag of None goes."""

    description: str | None = None
    tags: dict[str, str | None] | None = None
    owner: str | None = None
    licence: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasTarget:
    """The version that an alias shall point at, and why.

    ``new`` takes an alias that is nearly the same as another, which is else refused as misspelt.
    """

    version: int
    reason: str = ""
    new: bool = False


class DatasetsHandler(MlopsHandler):
    """``datasets``: all of them."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"datasets": workspace.registry.datasets()})


class DatasetHandler(MlopsHandler):
    """``datasets/NAME``: one, with its versions; what is said of it."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: workspace.registry.dataset(name))

    @web.authenticated
    @authorized
    async def patch(self, name: str) -> None:
        await describe(self, "dataset", name, None)


class DatasetVersionHandler(MlopsHandler):
    """``datasets/NAME/versions/N``: what is said of a version."""

    @web.authenticated
    @authorized
    async def patch(self, name: str, version: str) -> None:
        await describe(self, "dataset", name, number(version))


class DatasetAliasHandler(MlopsHandler):
    """``datasets/NAME/aliases/ALIAS``: point an alias at a version, or take it away."""

    @web.authenticated
    @authorized
    async def put(self, name: str, alias: str) -> None:
        await promote(self, "dataset", name, alias)

    @web.authenticated
    @authorized
    async def delete(self, name: str, alias: str) -> None:
        reason = self.text("reason")
        await self.change(
            lambda workspace: workspace.registry.delete_alias(name, alias, reason=reason, kind="dataset")
        )


class DatasetMovesHandler(MlopsHandler):
    """``datasets/NAME/aliases/ALIAS/moves``: where an alias has been."""

    @web.authenticated
    @authorized
    async def get(self, name: str, alias: str) -> None:
        await self.answer(lambda workspace: {"moves": workspace.registry.moves(name, alias, kind="dataset")})


class ProfileHandler(MlopsHandler):
    """``datasets/NAME/versions/N/profile``: what the content was found to be, pending while it is looked
    into."""

    @web.authenticated
    @authorized
    async def get(self, name: str, version: str) -> None:
        ref = f"{name}@{number(version)}"
        await self.answer(lambda workspace: workspace.profiles.of(ref, wait=False))


class DiffHandler(MlopsHandler):
    """``datasets/NAME/diff?before=&after=&keys=``: what differs between two versions."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        before, after = (f"{name}@{self.needed(side)}" for side in ("before", "after"))
        keys = self.several("keys", most=MOST_KEYS) if self.text("keys") else []
        await self.answer(lambda workspace: workspace.diffs.diff(before, after, keys))


class ExpectationsHandler(MlopsHandler):
    """``datasets/NAME/expectations``: what its contents must be like."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: {"expectations": workspace.expectations.all(name)})


class CheckHandler(MlopsHandler):
    """``datasets/NAME/versions/N/check``: what came of the last look, and looking now."""

    @web.authenticated
    @authorized
    async def get(self, name: str, version: str) -> None:
        ref = f"{name}@{number(version)}"
        await self.answer(
            lambda workspace: {
                "report": workspace.expectations.report(name, workspace.registry.dataset_version(ref).digest)
            }
        )

    @web.authenticated
    @authorized
    async def post(self, name: str, version: str) -> None:
        ref = f"{name}@{number(version)}"
        await self.change(lambda workspace: workspace.expectations.check(ref))


def number(text: str) -> int:
    """A version's number in an address."""
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise InvalidInput(f"A version is a number, such as 3, not {text[:200]!r}.")
    return int(text)


async def promote(handler: MlopsHandler, kind: str, name: str, alias: str) -> None:
    """Point an alias as the request's body has it; answers with the whole."""
    target = handler.body_as(AliasTarget)
    await handler.change(
        lambda workspace: workspace.promotion.promote(
            kind, name, alias, target.version, new=target.new, reason=target.reason
        )
    )


async def describe(handler: MlopsHandler, kind: str, name: str, version: int | None) -> None:
    """Change what is said of a name or a version as the request's body has it; answers with the whole."""
    edit = handler.body_as(DetailsEdit)
    if edit == DetailsEdit():
        raise InvalidInput("Nothing to change: give description, tags, owner or licence.")
    await handler.change(
        lambda workspace: workspace.registry.describe(
            kind,
            name,
            version,
            description=edit.description,
            tags=edit.tags,
            owner=edit.owner,
            licence=edit.licence,
        )
    )
