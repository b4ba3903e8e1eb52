"""Whose pickles are loaded: loading one runs what its author put in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from ...config import TRUSTED_USERS, Settings
from ...entities import ModelVersion
from ...errors import Untrusted

FILE_NAME = "workspace-id"
IMPORTED = "imported"
"""The origin of versions that came with an imported run: what it says of their author proves nothing."""
GIVEN = "file"
"""The origin of versions that were registered by a path: who registers a file need not have made it."""


def workspace_id(home: Path) -> str:
    """The home's random identity, made on first use; any number of processes agree on it."""
    path = home / FILE_NAME
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = home / f".{FILE_NAME}-{uuid4().hex}"
    temporary.write_text(uuid4().hex, encoding="ascii")
    try:
        os.link(temporary, path)  # the first wins; a link never shows half a file
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.read_text(encoding="ascii").strip()


def is_vouched_for(version: ModelVersion, settings: Settings) -> bool:
    """Whether this user wrote the version in this workspace, or its author is trusted."""
    if version.created_by in settings.trusted_users and version.origin not in (IMPORTED, GIVEN):
        return True
    return version.created_by == settings.user and version.origin == workspace_id(settings.home)


def untrusted(version: ModelVersion, settings: Settings, why: str = "") -> Untrusted:
    """What is raised for a version that nobody vouches for, whose loading would run its author's code."""
    why = why or _runs(version.format)
    place = "in another workspace" if version.created_by == settings.user else "not by you"
    reference = f"{version.name}@{version.version}"
    if version.origin == GIVEN:
        return Untrusted(
            f"Model {reference} was registered as a file or folder, whose author may be anybody. {why} "
            "Loading it runs code that its author chose. If you trust where it is from: "
            f"load_model({reference!r}, trust=True)."
        )
    return Untrusted(
        f"Model {reference} was registered by {version.created_by!r}, {place}. {why} "
        "Loading it runs code that its author chose. If you trust it: "
        f"load_model({reference!r}, trust=True), or name {version.created_by!r} "
        f"in {TRUSTED_USERS} (trusted_users of the settings)."
    )


def _runs(flavour: str) -> str:
    return "It is a pickle." if flavour in ("cloudpickle", "joblib") else f"Its flavour is {flavour}."


def require_trust_in_result(job: str, user: str, settings: Settings) -> None:
    """Raises Untrusted unless this user submitted ``job``, or whoever did is trusted."""
    if user == settings.user or user in settings.trusted_users:
        return
    raise Untrusted(
        f"Job {job} was submitted by {user!r}, not by you. Its result is a pickle, and loading it runs code "
        f"that its author chose. If you trust it, name {user!r} in {TRUSTED_USERS}."
    )


def require_trust_in_carried(what: str, users: Iterable[str], settings: Settings) -> None:
    """Raises Untrusted unless a job of this user's, or of one who is trusted, carries ``what``.

    ``users`` are those who submitted a job that does; they are asked for until one is found.
    """
    others: dict[str, None] = {}
    for user in users:
        if user == settings.user or user in settings.trusted_users:
            return
        others[user] = None
    names = ", ".join(map(repr, others))
    whose = f"it goes with a job of {names}, not of yours" if others else "no job here carries it"
    trusted = f", or name {names} in {TRUSTED_USERS}" if others else ""
    raise Untrusted(
        f"{what} is a pickle, and {whose}. Loading it runs code that its author chose. "
        f"If you trust it, add trust=True to carried(...){trusted}."
    )
