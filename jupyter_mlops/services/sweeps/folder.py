"""A sweep's folder: what its trials are made of.

``sweeps/<id>/`` holds for a search ``template.ipynb`` and ``env.json`` (0600, until the sweep has ended);
that there is a folder says that the sweep is of this home.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ...errors import NotFound
from ...wire import decode, encode


class SweepFolder:
    """The folder of one sweep."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._template, self._environment = path / "template.ipynb", path / "env.json"

    @classmethod
    def of(cls, home: Path, sweep_id: str) -> SweepFolder:
        return cls(home / "sweeps" / sweep_id)

    def create(self, notebook: bytes | None = None, environment: Mapping[str, str] | None = None) -> None:
        """Write it; nothing is left where that cannot be done."""
        self.path.mkdir(parents=True, mode=0o700)
        try:
            if notebook is not None:
                self._template.write_bytes(notebook)
            if environment is not None:
                fd = os.open(self._environment, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(fd, "wb") as file:
                    file.write(encode(dict(environment)))
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Take away a folder that came to have no row."""
        shutil.rmtree(self.path, ignore_errors=True)

    def exists(self) -> bool:
        return self.path.is_dir()

    @property
    def is_search(self) -> bool:
        """Whether trials are made of it; the jobs of a plain grid were queued with it."""
        return self._template.exists()

    def template(self) -> bytes:
        """The notebook that each trial gets its values put into. Raises NotFound."""
        try:
            return self._template.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(f"The sweep's notebook {self._template} is gone.") from error

    def environment(self) -> dict[str, str]:
        """The environment that it was submitted from. Raises NotFound once the sweep has ended."""
        try:
            return decode(self._environment.read_bytes(), dict[str, str])
        except FileNotFoundError as error:
            raise NotFound(f"The sweep's environment {self._environment} is gone.") from error

    def forget_environment(self) -> None:
        self._environment.unlink(missing_ok=True)
