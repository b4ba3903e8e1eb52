"""Runs: search, detail, edits, metric histories, comparison."""

from __future__ import annotations

from dataclasses import dataclass

from jupyter_server.auth.decorator import authorized
from tornado import web

from ..errors import InvalidInput
from .base import MlopsHandler
from .shown import bounded_figures, shown

MOST_RUNS = 1_000
MOST_POINTS = 100_000
MOST_COMPARED = 100
MOST_NAMES = 100
MOST_FIGURED = 20
MOST_LINES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEdit:
    """What a person may change of a run; None leaves it, and a tag of None goes."""

    name: str | None = None
    note: str | None = None
    tags: dict[str, str | None] | None = None
    archived: bool | None = None


class RunsHandler(MlopsHandler):
    """``runs``: one page of a search."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        condition = self.text("filter")
        order_by = self.text("order_by") or "started desc"
        limit = self.number("limit", 100, least=1, most=MOST_RUNS)
        offset = self.number("offset", 0)
        archived = self.flag("archived")
        await self.answer(
            lambda workspace: workspace.runs.search(
                condition, order_by=order_by, limit=limit, offset=offset, archived=archived
            )
        )


class RunHandler(MlopsHandler):
    """``runs/ID``: everything about one run; edits."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        await self.answer(lambda workspace: shown(workspace.runs.detail(run_id)))

    @web.authenticated
    @authorized
    async def patch(self, run_id: str) -> None:
        edit = self.body_as(RunEdit)
        if edit == RunEdit():
            raise InvalidInput("Nothing to change: give name, note, tags or archived.")
        await self.change(
            lambda workspace: workspace.runs.edit(
                run_id,
                name=edit.name,
                note=edit.note,
                tags=edit.tags,
                archived=edit.archived,
                user=self.user,
            )
        )


class HistoryHandler(MlopsHandler):
    """``runs/ID/history``: the points of one metric, thinned to ``max_points``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        name = self.needed("name")
        points = self.number("max_points", 2_000, least=2, most=MOST_POINTS)
        await self.answer(lambda workspace: workspace.runs.history(run_id, name, max_points=points))


class HistoriesHandler(MlopsHandler):
    """``histories?run=&run=&name=&name=``: metrics of many runs, thinned; what is not there is left out."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        runs = self.several("run", most=MOST_COMPARED)
        names = self.several("name", most=MOST_NAMES)
        points = self.number("max_points", 500, least=5, most=2_000)
        await self.answer(
            lambda workspace: {"histories": workspace.runs.histories(runs, names, max_points=points)}
        )


class RunLineageHandler(MlopsHandler):
    """``runs/ID/lineage``: what led to a run and what it led to."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        await self.answer(
            lambda workspace: workspace.lineage.graph(f"run:{workspace.runs.get(run_id).id}"),
        )


class ExperimentsHandler(MlopsHandler):
    """``experiments``: the names in use."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        await self.answer(lambda workspace: {"experiments": workspace.runs.experiments()})


class CompareHandler(MlopsHandler):
    """``compare?a=&b=``: what differs between two runs."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        a, b = self.needed("a"), self.needed("b")
        await self.answer(lambda workspace: workspace.runs.compare(a, b))


class CompareTableHandler(MlopsHandler):
    """``compare/table?run=&run=``: what differs between many runs, a column each."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        runs = self.several("run", most=MOST_COMPARED)
        await self.answer(lambda workspace: workspace.runs.table(runs))


class CompareFiguresHandler(MlopsHandler):
    """``compare/figures?run=&run=``: the figures of many runs, side by side."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        runs = self.several("run", most=MOST_FIGURED)
        await self.answer(lambda workspace: bounded_figures(workspace.runs.figures(runs)))


class ParallelHandler(MlopsHandler):
    """``compare/parallel?run=&run=`` or ``?filter=``: parallel coordinates of what varies among runs."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        runs = self.several("run", most=MOST_COMPARED) if self.get_query_arguments("run") else []
        condition = self.text("filter")
        order_by = self.text("order_by") or "started desc"
        limit = self.number("limit", 200, least=1, most=MOST_LINES)
        archived = self.flag("archived")
        await self.answer(
            lambda workspace: workspace.runs.parallel(
                runs, filter=condition, order_by=order_by, limit=limit, archived=archived
            )
        )
