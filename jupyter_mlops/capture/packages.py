"""What is installed, and as a text from which ``pip install -r`` makes the same environment again."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from .redact import redact_text

CONDA = "CONDA_PREFIX"
_METADATA = re.compile(r"\.(dist-info|egg-info)$")


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution, by its name as in PEP 503. ``folder`` holds its metadata."""

    name: str
    version: str
    folder: str


def installed_packages() -> dict[str, str]:
    """Versions by normalised name, of what ``sys.path`` offers now."""
    return {each.name: each.version for each in distributions()}


def distributions() -> tuple[Distribution, ...]:
    """What ``sys.path`` offers now, sorted by name; of two with one name the first is imported.

    Names and versions are read from the names of the metadata folders, which hold both (the binary
    distribution format's specification): that takes a hundredth of the time that reading metadata takes.
    """
    return _distributions(_searched())


def lock_text() -> str:
    """Every distribution pinned, as ``pip freeze`` writes them, below comments on Python and platform.

    What was installed from a repository or an address is named by it (PEP 610); of what came from a file
    that is gone, and of editable installs without a folder, the version is named.
    """
    conda = os.environ.get(CONDA)
    head = [
        f"# Python {platform.python_version()} ({platform.python_implementation()})",
        f"# {platform_name()}",
        *([f"# conda environment {conda}, of which these are the Python packages"] if conda else []),
    ]
    return "\n".join([*head, *_locked(_searched())]) + "\n"


@lru_cache(maxsize=1)
def platform_name() -> str:
    return platform.platform()


@lru_cache(maxsize=4)
def _locked(searched: tuple[tuple[str, int], ...]) -> tuple[str, ...]:
    return tuple(map(_line, _distributions(searched)))


@lru_cache(maxsize=4)
def _distributions(searched: tuple[tuple[str, int], ...]) -> tuple[Distribution, ...]:
    """Remembered until one of the folders changes."""
    found: dict[str, Distribution] = {}
    for folder, changed_at in searched:
        for each in _in_folder(folder, changed_at):
            found.setdefault(each.name, each)
    return tuple(found[name] for name in sorted(found))


def _searched() -> tuple[tuple[str, int], ...]:
    """The folders of ``sys.path``, and when each was changed."""
    # "." of a removed directory is read as empty, getcwd() would raise
    return tuple((entry or os.curdir, _changed_at(entry or os.curdir)) for entry in sys.path)


@lru_cache(maxsize=64)
def _in_folder(folder: str, changed_at: int) -> tuple[Distribution, ...]:
    try:
        names = [name for name in os.listdir(folder) if _METADATA.search(name)]
    except OSError:
        return ()
    found = (_distribution(os.path.join(folder, name), _METADATA.sub("", name)) for name in names)
    return tuple(each for each in found if each is not None)


def _distribution(folder: str, stem: str) -> Distribution | None:
    name, _, rest = stem.partition("-")
    version = rest.partition("-")[0] or _stated_version(folder)
    return Distribution(re.sub(r"[-_.]+", "-", name).lower(), version, folder) if version else None


def _stated_version(folder: str) -> str:
    """Of a development install by setuptools, whose folder's name has none."""
    try:
        with open(os.path.join(folder, "PKG-INFO"), encoding="utf-8", errors="replace") as file:
            return next((line[8:].strip() for line in file if line.startswith("Version:")), "")
    except OSError:
        return ""


def _line(each: Distribution) -> str:
    pinned = f"{each.name}=={each.version}"
    origin = _origin(each.folder)
    url = str(origin.get("url") or "")
    if not url:
        return pinned
    vcs, archive, local = (origin.get(key) for key in ("vcs_info", "archive_info", "dir_info"))
    within = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    if isinstance(vcs, dict):
        return redact_text(f"{each.name} @ {vcs.get('vcs')}+{url}@{vcs.get('commit_id')}{within}")
    path = _local_path(url)
    if path is not None and not path.exists():
        return f"{pinned}  # from {redact_text(url)}"
    if isinstance(local, dict) and local.get("editable") and path is not None:
        return f"-e {path}  # {pinned}"
    return redact_text(f"{each.name} @ {url}{within or _hash_of(archive)}")


def _origin(folder: str) -> dict[str, object]:
    try:
        with open(os.path.join(folder, "direct_url.json"), encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _hash_of(archive: object) -> str:
    """An archive's hash in the form that pip checks: the newer field holds several, the older one."""
    if not isinstance(archive, dict):
        return ""
    hashes = archive.get("hashes")
    if isinstance(hashes, dict) and "sha256" in hashes:
        return f"#sha256={hashes['sha256']}"
    return f"#{archive['hash']}" if isinstance(archive.get("hash"), str) else ""


def _local_path(url: str) -> Path | None:
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _changed_at(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0
