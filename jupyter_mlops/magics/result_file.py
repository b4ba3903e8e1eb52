"""What a job's notebook leaves for the one who submitted it: its last value, and the variables asked for.

Both are streamed to pickles in the attempt's folder, whole or not at all; beside them stands what they
are, or why they are not there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ..config import ATTEMPT
from ..entities import Kept
from ..services.jobs.folder import Attempt
from ..services.quantities import size_text
from ..services.tracking.tracker import warn_line

MAX_BYTES = 256 * 1024 * 1024
"""Of a last value, which nobody asked to keep; what ``--return`` names may be of any size."""


class _TooLarge(Exception):
    """More than ``MAX_BYTES``."""


class _Limited:
    """A file that takes no more than so many bytes."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._left = file, limit

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        self._left -= size
        if self._left < 0:
            raise _TooLarge
        self._file.write(data)
        return size


def keep_result(value: Any) -> None:
    """Keep the submitted cell's last value for ``job.result``. Says so when that cannot be done."""
    attempt = _attempt()
    if value is None or attempt is None:
        return
    kept = _keep(value, attempt.result, name="", limit=MAX_BYTES)
    if kept.problem:
        warn_line(f"the cell's last value ({kept.kind}) is not kept for job.result: {kept.problem}")
    attempt.note_result(kept)


def keep_returned(names: Sequence[str]) -> None:
    """Keep the kernel's variables of these names for ``job.namespace``; the worker has this called."""
    from IPython.core.getipython import get_ipython

    shell, attempt = get_ipython(), _attempt()
    if shell is not None and attempt is not None:
        keep_variables(shell.user_ns, names, attempt)


def keep_variables(namespace: Mapping[str, Any], names: Sequence[str], attempt: Attempt) -> None:
    """Keep what ``names`` stand for in ``namespace``, each by itself."""
    attempt.returned.mkdir(exist_ok=True)
    found = []
    for number, name in enumerate(names):
        if name not in namespace:
            found.append(
                Kept(name=name, kind="", problem="there was no such variable when the notebook ended")
            )
        else:
            found.append(_keep(namespace[name], attempt.returned_path(number), name=name))
    attempt.note_returned(found)


def _attempt() -> Attempt | None:
    folder = os.environ.get(ATTEMPT)
    return Attempt(Path(folder)) if folder else None


def _keep(value: Any, path: Path, *, name: str, limit: int | None = None) -> Kept:
    from ..services.carrying.describing import kind_text

    kind = kind_text(value)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            _dump(value, file if limit is None else _Limited(file, limit))
        size = temporary.stat().st_size
        os.replace(temporary, path)
    except _TooLarge:
        problem = f"it is larger than {size_text(MAX_BYTES)}: --return NAME keeps a variable of any size"
        return Kept(name=name, kind=kind, problem=problem)
    except Exception as error:  # noqa: BLE001  what pickling a foreign object raises is anybody's guess
        return Kept(name=name, kind=kind, problem=_problem(value, name or "it", error))
    finally:
        temporary.unlink(missing_ok=True)
    return Kept(name=name, kind=kind, size_bytes=size)


def _dump(value: Any, file: Any) -> None:
    import cloudpickle

    cloudpickle.dump(value, file, protocol=5)


def _problem(value: Any, name: str, error: Exception) -> str:
    from ..services.carrying.refusals import find

    found = None if isinstance(error, OSError) else find(value, name)
    if found is None:
        return f"{type(error).__name__}: {error}"
    where, hindrance = found
    return f"{where} is {hindrance.what}, and {hindrance.why}"
