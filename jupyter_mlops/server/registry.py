"""Datasets, models, aliases and lineage."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_server.auth.decorator import authorized
from tornado import web

from .base import MlopsHandler


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasTarget:
    """The version that an alias shall point at."""

    version: int


class DatasetsHandler(MlopsHandler):
    """``datasets``: all of them."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"datasets": workspace.registry.datasets()})


class DatasetHandler(MlopsHandler):
    """``datasets/NAME``: one, with its versions."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: workspace.registry.dataset(name))


class ModelsHandler(MlopsHandler):
    """``models``: all of them."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"models": workspace.registry.models()})


class ModelHandler(MlopsHandler):
    """``models/NAME``: one, with its versions and aliases."""

    @web.authenticated
    @authorized
    async def get(self, name: str) -> None:
        await self.answer(lambda workspace: workspace.registry.model(name))


class AliasHandler(MlopsHandler):
    """``models/NAME/aliases/ALIAS``: point an alias at a version, or take it away."""

    @web.authenticated
    @authorized
    async def put(self, name: str, alias: str) -> None:
        target = self.body_as(AliasTarget)
        await self.change(lambda workspace: workspace.registry.set_alias(name, alias, target.version))

    @web.authenticated
    @authorized
    async def delete(self, name: str, alias: str) -> None:
        await self.change(lambda workspace: workspace.registry.delete_alias(name, alias))


class LineageHandler(MlopsHandler):
    """``lineage?node=``: the graph around a run, job, dataset version or model version."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        node = self.needed("node")
        await self.answer(lambda workspace: workspace.lineage.graph(node))
