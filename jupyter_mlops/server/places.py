"""Where a client's notebook lies on the server's disk, and what a job of it starts from."""

from __future__ import annotations

import os
import sys
from pathlib import Path, PurePosixPath

from ..errors import InvalidInput, NotFound
from ..services.jobs.origin import Origin

SERVER_SECRETS = frozenset(
    {
        "CONFIGPROXY_AUTH_TOKEN",
        "JPY_API_TOKEN",
        "JPY_COOKIE_SECRET",
        "JUPYTERHUB_API_TOKEN",
        "JUPYTERHUB_COOKIE_SECRET",
        "JUPYTERHUB_CRYPT_KEY",
        "JUPYTER_TOKEN",
    }
)
"""What opens the Jupyter server or its hub: no business of a job's."""


def notebook_below(root: Path, path: str) -> Path:
    """The notebook that a client names by its path relative to the server's root folder.

    Raises InvalidInput for a path that leads out of the root (also through a symbolic link) or is no
    notebook, NotFound when there is no such file.
    """
    if not path or "\0" in path:
        raise InvalidInput("The path of a notebook is missing: give it relative to the server's root folder.")
    if PurePosixPath(path).suffix != ".ipynb":
        raise InvalidInput(f"{path!r} is not a notebook: its name must end in .ipynb.")
    top = root.resolve()
    place = (top / path.lstrip("/")).resolve()
    if not place.is_relative_to(top):
        raise InvalidInput(f"{path!r} leads out of the server's root folder.")
    if not place.is_file():
        raise NotFound(f"No notebook {path!r} in the server's root folder. Save it first.")
    return place


def origin_of(path: Path) -> Origin:
    """Where a job of a saved notebook starts: in its folder, with the server's environment."""
    environment = {name: value for name, value in os.environ.items() if name not in SERVER_SECRETS}
    return Origin(
        interpreter=sys.executable, cwd=str(path.parent), environment=environment, notebook=str(path)
    )
