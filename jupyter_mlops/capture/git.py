"""The state of the user's repository: commit, branch, and what is not committed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .redact import redact_diff

PATCH_CAP_BYTES = 1024 * 1024
TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class GitState:
    """``patch`` is the diff of tracked files against ``commit``: its first bytes, without secrets."""

    commit: str | None
    branch: str | None
    dirty: bool
    root: str
    untracked: int = 0
    patch: bytes = b""
    patch_cut: bool = False


def git_state(folder: Path) -> GitState | None:
    """The state of the repository around ``folder``; None outside of one, or without git."""
    root = _git(folder, "rev-parse", "--show-toplevel")
    status = _git(folder, "status", "--porcelain=v2", "--branch") if root else None
    if root is None or status is None:
        return None
    head: dict[str, str] = {}
    changes: list[str] = []
    for line in status.decode(errors="replace").splitlines():
        if line.startswith("# "):
            key, _, value = line[2:].partition(" ")
            head[key] = value
        elif line:
            changes.append(line)
    commit = head.get("branch.oid")
    commit = None if commit in (None, "(initial)") else commit
    untracked = sum(line.startswith("? ") for line in changes)
    patch = _patch(folder, commit) if len(changes) > untracked else b""
    return GitState(
        commit=commit,
        branch=head.get("branch.head"),
        dirty=len(changes) > untracked,
        root=root.decode(errors="replace").strip(),
        untracked=untracked,
        patch=_without_secrets(patch[:PATCH_CAP_BYTES]),
        patch_cut=len(patch) > PATCH_CAP_BYTES,
    )


def _patch(folder: Path, commit: str | None) -> bytes:
    base = [commit] if commit else ["--cached"]
    # configured diff programs may be slow, print colours or ask for a terminal
    options = ["--no-color", "--no-ext-diff", "--no-textconv", "--binary"]
    return _git(folder, "diff", *options, *base) or b""


def _without_secrets(patch: bytes) -> bytes:
    return redact_diff(patch.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints; None when it is missing, refuses or takes too long."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments],
            capture_output=True,
            check=True,
            timeout=TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout
