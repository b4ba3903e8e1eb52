"""The state of the user's repository: commit, branch, and what is not committed.

Git is started and read in two steps, so that it works while the caller does something else. The
repository's folder is found without it, and the patch is made of the paths that the status names: together
that takes little more than one ``git status``.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .redact import redact_diff, redact_text

PATCH_CAP_BYTES = 1024 * 1024
STATUS_CAP_BYTES = 64 * 1024 * 1024
TIMEOUT_S = 10.0
NAMED_PATHS = 500
"""With more changed paths than these the whole tree is compared."""
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What a repository without commits is compared with: git knows this tree in every SHA-1 repository."""

_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Set in hooks, and about another repository than the one around the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """``patch`` is the diff of tracked files against ``commit``: its first bytes, without secrets.

    With a ``problem`` git did not answer, and nothing else is known.
    """

    root: str
    commit: str | None = None
    branch: str | None = None
    dirty: bool = False
    untracked: int = 0
    patch: bytes = b""
    patch_cut: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """A working tree; ``git_folder`` is its own also in worktrees and submodules."""

    root: Path
    git_folder: Path

    def index_mark(self) -> tuple[int, int, int]:
        """Changes whenever files are added or removed."""
        try:
            status = (self.git_folder / "index").stat()
        except OSError:
            return 0, 0, 0
        return status.st_ino, status.st_size, status.st_mtime_ns


def repository_of(folder: Path) -> Repository | None:
    """The working tree that holds ``folder``; None outside of one. ``.git`` may be a file (gitfiles)."""
    for root in (folder, *folder.parents):
        entry = root / ".git"
        try:
            if entry.is_dir():
                return Repository(root, entry) if (entry / "HEAD").exists() else None
            if entry.is_file():
                text = entry.read_text(errors="replace").strip()
                return Repository(root, root / text.removeprefix("gitdir:").strip())
        except OSError:
            return None
    return None


class GitLook:
    """One look at a repository: git works from here until :meth:`state`, which waits for it."""

    def __init__(self, repository: Repository) -> None:
        self._root = repository.root
        self._status = Program(self._root, "status", "--porcelain=v2", "--branch", "-z")

    def state(self) -> GitState:
        output = self._status.output(STATUS_CAP_BYTES)
        if output is None:
            return GitState(root=str(self._root), problem=self._status.problem)
        head, changed, untracked = _parsed(output)
        commit = head.get("branch.oid")
        commit = None if commit in (None, "(initial)") else commit
        patch = self._patch(commit or EMPTY_TREE, changed) if changed else b""
        return GitState(
            root=str(self._root),
            commit=commit,
            branch=head.get("branch.head"),
            dirty=bool(changed),
            untracked=untracked,
            patch=_without_secrets(patch[:PATCH_CAP_BYTES]),
            patch_cut=len(patch) > PATCH_CAP_BYTES,
        )

    def _patch(self, base: str, changed: list[str]) -> bytes:
        # configured diff programs may be slow, print colours or ask for a terminal
        options = ["--no-color", "--no-ext-diff", "--no-textconv", "--binary"]
        paths = changed if len(changed) <= NAMED_PATHS else []  # named, the others need no second look
        return Program(self._root, "diff", *options, base, "--", *paths).output(PATCH_CAP_BYTES + 1) or b""


def tracked_among(repository: Repository, paths: Sequence[str]) -> set[str] | None:
    """Those of the paths, which are relative to the root, that git tracks; None when git does not answer."""
    asked = Program(repository.root, "ls-files", "-z", "--", *paths)
    output = asked.output(STATUS_CAP_BYTES)
    return None if output is None else set(output.decode(errors="surrogateescape").split("\0")[:-1])


def _parsed(output: bytes) -> tuple[dict[str, str], list[str], int]:
    """Headers, changed paths and the number of untracked entries of a status (git-status(1), version 2)."""
    head: dict[str, str] = {}
    changed: list[str] = []
    untracked = 0
    entries = iter(output.decode(errors="surrogateescape").split("\0"))
    for entry in entries:
        kind = entry[:2]
        if kind == "# ":
            key, _, value = entry[2:].partition(" ")
            head[key] = value
        elif kind == "? ":
            untracked += 1
        elif kind == "1 ":
            changed.append(entry.split(" ", 8)[8])
        elif kind == "2 ":
            changed += [entry.split(" ", 9)[9], next(entries)]  # a rename: where to, and from where
        elif kind == "u ":
            changed.append(entry.split(" ", 10)[10])
    return head, changed, untracked


def _without_secrets(patch: bytes) -> bytes:
    return redact_diff(patch.decode(errors="surrogateescape")).encode(errors="surrogateescape")


class Program:
    """A git that runs. It, and what it started, is killed when it takes too long or says too much."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.problem = ""
        self._late = False
        self._process: subprocess.Popen[bytes] | None = None
        environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
        options = ["--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "core.safecrlf=false"]
        try:
            self._process = subprocess.Popen(
                ["git", "-C", str(root), *options, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # an interrupt of the kernel is not meant for it
            )
        except (OSError, ValueError) as error:
            self.problem = f"git cannot be started: {error}"

    def output(self, cap_bytes: int) -> bytes | None:
        """What it prints, at most so much; None, and the ``problem``, when it fails or takes too long."""
        process = self._process
        if process is None or process.stdout is None or process.stderr is None:
            return None
        timer = threading.Timer(TIMEOUT_S, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            output = process.stdout.read(cap_bytes)
            if len(output) == cap_bytes:
                return output  # what more it has to say is not wanted
            said = process.stderr.read(4096)
            process.wait()
        finally:
            timer.cancel()
            self.stop()
        if process.returncode == 0:
            return output
        first_line = said.decode(errors="replace").strip().partition("\n")[0]
        failed = redact_text(first_line) or f"git ended with status {process.returncode}"
        self.problem = f"git did not answer within {TIMEOUT_S:g} s" if self._late else failed
        return None

    def stop(self) -> None:
        """Make sure that it has ended; may be called again."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            self._kill(process)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def _give_up(self) -> None:
        self._late = True
        if self._process is not None:
            self._kill(self._process)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """With the programs that it started: they would hold its pipes open."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
