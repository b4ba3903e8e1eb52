"""Runs: search, detail, edits, metric histories, artifacts, comparison."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_server.auth.decorator import authorized
from tornado import web
from tornado.iostream import StreamClosedError

from ..entities import Artifact
from ..errors import InvalidInput
from .base import MlopsHandler

if TYPE_CHECKING:
    from ..workspace import Workspace

MOST_RUNS = 1_000
MOST_POINTS = 100_000
CHUNK_BYTES = 1 << 20

SHOWN_AS_THEY_ARE = frozenset(
    {
        "application/json",
        "application/pdf",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/svg+xml",
        "image/webp",
        "text/csv",
        "text/plain",
    }
)
"""Media types that cannot act on a page that shows them; all others are sent as mere bytes."""


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
        await self.answer(lambda workspace: workspace.runs.detail(run_id))

    @web.authenticated
    @authorized
    async def patch(self, run_id: str) -> None:
        edit = self.body_as(RunEdit)
        if edit == RunEdit():
            raise InvalidInput("Nothing to change: give name, note, tags or archived.")
        await self.change(
            lambda workspace: workspace.runs.edit(
                run_id, name=edit.name, note=edit.note, tags=edit.tags, archived=edit.archived
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


class RunLineageHandler(MlopsHandler):
    """``runs/ID/lineage``: what led to a run and what it led to."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        await self.answer(
            lambda workspace: workspace.lineage.graph(f"run:{workspace.runs.get(run_id).id}"),
        )


class ArtifactHandler(MlopsHandler):
    """``runs/ID/artifacts/NAME``: the bytes, to be saved or embedded, never opened as a page of ours."""

    @property
    def content_security_policy(self) -> str:
        return f"{super().content_security_policy}; sandbox"

    @web.authenticated
    @authorized
    async def get(self, run_id: str, name: str) -> None:
        artifact, path = await self.work(lambda workspace: _find_artifact(workspace, run_id, name))
        self.set_header("Etag", f'"{artifact.digest}"')
        if self.check_etag_header():
            self.set_status(304)
            await self.finish()
        else:
            await self._send(artifact, path)

    async def _send(self, artifact: Artifact, path: Path) -> None:
        shown = artifact.media_type in SHOWN_AS_THEY_ARE
        media_type = artifact.media_type if shown else "application/octet-stream"
        self.set_header("Content-Type", media_type)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_attachment_header(PurePosixPath(artifact.name).name)
        try:
            with await asyncio.to_thread(path.open, "rb") as file:
                self.set_header("Content-Length", str(os.fstat(file.fileno()).st_size))
                while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                    self.write(chunk)
                    await self.flush()
            await self.finish(set_content_type=media_type)
        except StreamClosedError:
            return  # the reader went away


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


def _find_artifact(workspace: Workspace, run_id: str, name: str) -> tuple[Artifact, Path]:
    artifact = workspace.runs.artifact_entry(run_id, name)
    return artifact, workspace.blobs.path(artifact.digest)
