"""The executed notebook of a job, opened where a person sits."""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..services.jobs.opening import (
    FailedCell,
    Server,
    copy_for,
    failed_cell,
    folder_of_kernel,
    server_of,
    servers,
)

if TYPE_CHECKING:
    from ..entities import Job


class OpenedNotebook(os.PathLike[str]):
    """An executed notebook: a link in a notebook's output, a path everywhere else.

    ``cell_index`` (from 0) and ``cell_id`` are those of the failing cell, None where none failed; ``url``
    is the address in the running JupyterLab, None where no server shows the file.
    """

    def __init__(
        self, path: Path, *, failed: FailedCell | None, url: str | None = None, href: str | None = None
    ) -> None:
        self.path = path
        self.cell_index = None if failed is None else failed.index
        self.cell_id = None if failed is None else failed.id
        self.url = None if url is None else url + self._fragment
        self._failed, self._href = failed, href

    def __fspath__(self) -> str:
        return str(self.path)

    def __repr__(self) -> str:
        place = self.url or str(self.path)
        return f"{place} ({self._where()})" if self._failed else place

    def _repr_html_(self) -> str:
        href = self._href or self.url
        shown = escape(self.path.name if href else str(self.path))
        opened = f'<a href="{escape(self._linked(href), quote=True)}">{shown}</a>' if href else shown
        return f"Open {opened}" + (f" at {escape(self._where())}" if self._failed else "")

    def _where(self) -> str:
        return f"cell {self.cell_index}, {self._failed.title}, which failed" if self._failed else ""

    def _linked(self, href: str) -> str:
        return href if href == self.url else href + self._fragment

    @property
    def _fragment(self) -> str:
        """JupyterLab scrolls to the cell that a link names so (``#cell-id=``)."""
        return f"#cell-id={quote(self.cell_id)}" if self.cell_id else ""


def opened(job: Job, source: Path, *, copy: bool = True) -> OpenedNotebook:
    """``source``, or a copy of it beside the notebook of this kernel where the server cannot show it."""
    from jupyter_core.paths import jupyter_runtime_dir

    runtime, environ = Path(jupyter_runtime_dir()), os.environ
    server, failed = server_of(runtime, environ), failed_cell(source)
    folder, path = folder_of_kernel(server, environ), source
    if copy and folder is not None and not (server is not None and server.shows(source)):
        path = copy_for(job, source, folder)
    showing: Server | None = next(
        (each for each in ([server] if server else servers(runtime)) if each.shows(path)), None
    )
    url = showing.link(path) if showing else None
    href = quote(Path(os.path.relpath(path, folder)).as_posix()) if folder and (showing or copy) else None
    return OpenedNotebook(path, failed=failed, url=url, href=href)
