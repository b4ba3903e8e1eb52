"""Bytes that are saved or embedded, never opened as a page of ours."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import IO

from tornado.iostream import StreamClosedError

from .base import MlopsHandler

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


class DownloadHandler(MlopsHandler):
    """Sends files, in parts: the server holds none of them whole."""

    @property
    def content_security_policy(self) -> str:
        return f"{super().content_security_policy}; sandbox"

    async def send_stored(self, path: Path, *, name: str, media_type: str, digest: str) -> None:
        """A blob; who has it already is told so."""
        self.set_header("Etag", f'"{digest}"')
        if self.check_etag_header():
            self.set_status(304)
            await self.finish()
            return
        with await asyncio.to_thread(path.open, "rb") as file:
            await self.send_file(file, name=name, media_type=media_type)

    async def send_bytes(self, content: bytes, *, name: str, media_type: str) -> None:
        """What was put together for this answer."""
        await self.finish(content, set_content_type=self._describe(name, media_type))

    async def send_file(self, file: IO[bytes], *, name: str, media_type: str) -> None:
        """An open file, from where it stands."""
        told = self._describe(name, media_type)
        self.set_header("Content-Length", str(os.fstat(file.fileno()).st_size - file.tell()))
        try:
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                self.write(chunk)
                await self.flush()
            await self.finish(set_content_type=told)
        except StreamClosedError:
            return  # the reader went away

    def _describe(self, name: str, media_type: str) -> str:
        told = media_type if media_type in SHOWN_AS_THEY_ARE else "application/octet-stream"
        self.set_header("Content-Type", told)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_attachment_header(name)
        return told
