"""What can be saved of a run, and of the table of runs: artifacts, captured files, outputs, exports."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec
from jupyter_server.auth.decorator import authorized
from tornado import web

from ..entities import Artifact
from ..errors import InvalidInput, NotFound, Unsupported
from ..services.runs.captured import CapturedFile
from .downloads import DownloadHandler
from .shown import content_of
from .tables import csv_of

if TYPE_CHECKING:
    from ..workspace import Workspace

MOST_ROWS = 20_000
MOST_HISTORY_BYTES = 32 * 1024 * 1024
EXTENSION_OF_TYPE = {
    "text/plain": ".txt",
    "text/html": ".html",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/svg+xml": ".svg",
    "application/json": ".json",
}


class ArtifactHandler(DownloadHandler):
    """``runs/ID/artifacts/NAME``: an artifact."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, name: str) -> None:
        artifact, path = await self.work(lambda workspace: _find_artifact(workspace, run_id, name))
        await self.send_stored(
            path,
            name=PurePosixPath(artifact.name).name,
            media_type=artifact.media_type,
            digest=artifact.digest,
        )


class CapturedHandler(DownloadHandler):
    """``runs/ID/captured/DIGEST``: a file that was captured with the run; no other blob is served."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, digest: str) -> None:
        found, path = await self.work(lambda workspace: _find_captured(workspace, run_id, digest))
        await self.send_stored(path, name=found.name, media_type=found.media_type, digest=digest)


class CellsHandler(DownloadHandler):
    """``runs/ID/cells``: the cells that were executed before, in order, and which of them the run needed."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        await self.answer(lambda workspace: {"cells": _cells(workspace, run_id)})


class OutputHandler(DownloadHandler):
    """``runs/ID/outputs/POSITION``: the whole of one output."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, position: str) -> None:
        if not position.isdecimal():
            raise InvalidInput(f"The position of an output is a whole number, not {position!r}.")
        content, media_type = await self.work(lambda workspace: _output(workspace, run_id, int(position)))
        extension = EXTENSION_OF_TYPE.get(media_type, ".bin")
        await self.send_bytes(content, name=f"output-{position}{extension}", media_type=media_type)


class ExportHandler(DownloadHandler):
    """``runs/ID/export``: a run as one portable zip file."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        run = await self.work(lambda workspace: workspace.runs.get(run_id))
        with await asyncio.to_thread(tempfile.TemporaryFile) as file:
            await self.work(lambda workspace: workspace.exports.write_zip(run.id, file))
            await asyncio.to_thread(file.seek, 0)
            await self.send_file(file, name=f"run-{run.id}.zip", media_type="application/zip")


class TableHandler(DownloadHandler):
    """``table?filter=``: the runs that match, as CSV with the columns of ``mlops.runs()``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        condition = self.text("filter")
        order_by = self.text("order_by") or "started desc"
        archived = self.flag("archived")
        limit = self.number("limit", MOST_ROWS, least=1, most=MOST_ROWS)
        content = await self.work(
            lambda workspace: csv_of(
                workspace.runs.search(condition, order_by=order_by, limit=limit, archived=archived).runs
            )
        )
        await self.send_bytes(content, name="runs.csv", media_type="text/csv")


def _find_artifact(workspace: Workspace, run_id: str, name: str) -> tuple[Artifact, Path]:
    artifact = workspace.runs.artifact_entry(run_id, name)
    return artifact, workspace.blobs.path(artifact.digest)


def _find_captured(workspace: Workspace, run_id: str, digest: str) -> tuple[CapturedFile, Path]:
    found = workspace.runs.captured(run_id, digest)
    return found, workspace.blobs.path(found.digest)


def _cells(workspace: Workspace, run_id: str) -> list[Any]:
    context = workspace.runs.context(run_id)
    history = context.get("history")
    digest = history.get("digest") if isinstance(history, dict) else None
    if not digest:
        raise NotFound(f"Run {run_id} has no record of the cells that were executed before it.")
    path = workspace.blobs.path(workspace.runs.captured(run_id, digest).digest)
    if path.stat().st_size > MOST_HISTORY_BYTES:
        raise Unsupported("This history is too long to be shown. Download it as a file.")
    cells = msgspec.json.decode(path.read_bytes())
    return cells if isinstance(cells, list) else []


def _output(workspace: Workspace, run_id: str, position: int) -> tuple[bytes, str]:
    for output in workspace.runs.detail(run_id).outputs:
        if output.position == position:
            return content_of(output)
    raise NotFound(f"Run {run_id} has no output {position}.")
