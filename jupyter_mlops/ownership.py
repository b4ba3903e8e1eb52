"""What a home has of its own: an identity that everybody may know, and a key that never leaves it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from uuid import uuid4

from .errors import Unavailable

ID_FILE = "workspace-id"
KEY_FILE = "workspace-key"
KEY_BYTES = 32


def workspace_id(home: Path) -> str:
    """The home's random identity, made on first use; any number of processes agree on it."""
    return _made_once(home / ID_FILE, uuid4().hex.encode("ascii")).decode("ascii").strip()


def workspace_key(home: Path) -> bytes:
    """The home's secret of 32 random bytes, made on first use as the identity is; its file is the user's
    alone.

    Who has it can register in this user's name: it must be in nothing that is sent, sealed, exported, saved
    or logged. Raises Unavailable when it cannot be read or made, or is damaged.
    """
    path = home / KEY_FILE
    try:
        key = _made_once(path, secrets.token_bytes(KEY_BYTES))
    except OSError as error:
        raise Unavailable(
            f"The key of this workspace cannot be used: {error}. It says which models and feature views are "
            "your own: see to it that you can read the file and write to its folder."
        ) from error
    if len(key) != KEY_BYTES:
        raise Unavailable(
            f"{path} holds {len(key)} bytes, and the key of a workspace has {KEY_BYTES}: it is damaged. "
            "Delete it and a new one is made; what was registered here before asks for trust=True then."
        )
    return key


def _made_once(path: Path, content: bytes) -> bytes:
    """What the file holds: ``content``, unless somebody was quicker."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # the first wins; a link never shows half a file
        except FileExistsError:
            pass
        except OSError:  # a file system without hard links
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.read_bytes()
