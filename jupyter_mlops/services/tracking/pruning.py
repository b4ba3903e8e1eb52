"""The wish that a trial stops: it comes in a file of the attempt, and ``log()`` finds it in memory.

The worker of a trial makes ``attempts/<n>/prune``, empty. Whoever wants the trial to stop writes why into
it; a thread in the kernel, and in each process of the job that logs, opens it twice a second. The file is
there from the beginning because an NFS client may go on for half a minute believing that a file is missing,
whereas opening one that is there asks the server (nfs(5), close-to-open consistency). A process that obeys
says so in ``attempts/<n>/pruned``, so that the job counts as pruned whatever becomes of the exception.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

from ...config import ATTEMPT, JOB, RUN
from ...errors import TrialPruned

PRUNED = "pruned at step "
"""How the reason of a job that was pruned begins."""
ASKED, OBEYED = "prune", "pruned"
LOOK_EVERY_S = 0.5


class Flag:
    """What ``log()`` looks at: None, or why this process's trial is to stop."""

    __slots__ = ("reason",)

    def __init__(self) -> None:
        self.reason: str | None = None


flag = Flag()
_watched: Path | None = None


def allow(attempt: Path) -> None:
    """Make the file that a wish can be written into. For the worker, before the kernel starts."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(attempt / ASKED, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def ask(attempt: Path, reason: str) -> None:
    """Have the trial stop at its next ``log()``. Raises OSError when that cannot be written."""
    temporary = attempt / f".{ASKED}.{os.getpid()}"
    temporary.write_text(reason, encoding="utf-8")
    os.replace(temporary, attempt / ASKED)


def asked(attempt: Path) -> str | None:
    """Why the trial is to stop; None as long as it is not."""
    try:
        return (attempt / ASKED).read_text(encoding="utf-8") or None
    except OSError:
        return None


def has_obeyed(attempt: Path) -> bool:
    """Whether a process of the attempt has stopped for it."""
    return (attempt / OBEYED).exists()


def obey() -> None:
    """Say that this process stops, and raise TrialPruned."""
    if _watched is not None:
        with contextlib.suppress(OSError):
            os.close(os.open(_watched / OBEYED, os.O_WRONLY | os.O_CREAT, 0o600))
    raise TrialPruned(flag.reason or "pruned")


def watch() -> None:
    """Look for the wish from now on, in a process of a job that can be pruned; elsewhere do nothing."""
    global _watched
    attempt = os.environ.get(ATTEMPT)
    if attempt is None or _watched is not None or JOB not in os.environ or RUN not in os.environ:
        return
    folder = Path(attempt)
    if (folder / ASKED).exists():
        _watched = folder
        threading.Thread(target=_look, args=(folder,), name="jupyter-mlops-prune", daemon=True).start()


def _look(folder: Path) -> None:
    pause = threading.Event()
    while (reason := asked(folder)) is None:
        pause.wait(LOOK_EVERY_S)
    flag.reason = reason


def _after_fork_in_child() -> None:
    """The thread is the parent's; the child looks by itself once it logs."""
    global _watched
    if flag.reason is None:
        _watched = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
