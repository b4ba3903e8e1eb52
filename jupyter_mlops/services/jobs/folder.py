"""A job's folder: what its files say is the truth.

``jobs/<id>/`` holds ``spec.json``, ``input.ipynb``, ``env.json`` (0600, until the job has ended),
``unfinished`` (as long as nobody has seen the job's row) and ``attempts/<n>/`` with ``started.json``,
``output.ipynb``, ``log.txt``, ``exit.json``, and what its cells left: ``result.pkl`` and
``returned/<k>.pkl``, each with a JSON file beside it that says what it is.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from ...entities import Exit, JobSpec, JobStatus, Kept, Started, Used
from ...errors import InvalidInput, NotFound
from ...wire import decode, encode

ABANDONED_AFTER_S = 3600.0

T = TypeVar("T")

logger = logging.getLogger(__name__)


class JobFolder:
    """The folder of one job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.input = path / "input.ipynb"
        self._spec, self._environment = path / "spec.json", path / "env.json"
        self._unfinished = path / "unfinished"

    @classmethod
    def of(cls, home: Path, job_id: str) -> JobFolder:
        return cls(home / "jobs" / job_id)

    def create(self, spec: JobSpec, notebook: bytes, environment: Mapping[str, str]) -> None:
        """Write what the job is; ``spec.json`` last, so that a folder with one is whole.

        Nothing is left where that cannot be done (a full disk).
        """
        self.path.mkdir(parents=True, mode=0o700)
        try:
            self._unfinished.touch()
            self.attempt(1).path.mkdir(parents=True)
            self.input.write_bytes(notebook)
            create_private(self._environment, encode(dict(environment)))
            create_once(self._spec, encode(spec))
        except BaseException:
            self.remove()
            raise

    def finish(self) -> None:
        """The job's row is there."""
        self._unfinished.unlink(missing_ok=True)

    def is_unfinished(self) -> bool:
        """Whether the job's row may never have come: its submitter died, or is about to add it."""
        return self._unfinished.exists()

    def remove(self) -> None:
        """Take away a folder that came to have no row."""
        shutil.rmtree(self.path, ignore_errors=True)

    def exists(self) -> bool:
        return self._spec.exists()

    def spec(self) -> JobSpec:
        """Raises NotFound when there is no such folder."""
        spec = read_as(self._spec, JobSpec)
        if spec is None:
            raise NotFound(f"No job in {self.path}.")
        return spec

    def environment(self) -> dict[str, str]:
        """The environment that it was submitted from. Raises NotFound once the job has ended."""
        environment = read_as(self._environment, dict[str, str])
        if environment is None:
            raise NotFound(f"The environment of the job, {self._environment}, is gone.")
        return environment

    def forget_environment(self) -> None:
        self._environment.unlink(missing_ok=True)

    def attempt(self, number: int) -> Attempt:
        return Attempt(self.path / "attempts" / str(number))


def forget_old_environments(home: Path, now: float, *, has_ended: Callable[[str], bool | None]) -> None:
    """Delete each ``env.json``, older than an hour, whose job has ended, or whose row never came.

    Whoever was to do it may have been killed: a submitter between the folder and the row, a person's
    process between a job's cancelling and its folder. That a job has no row (``has_ended`` says None) is not
    enough: the agent may have another database than the job.
    """
    for path in home.glob("jobs/*/env.json"):
        try:
            if now - path.stat().st_mtime > ABANDONED_AFTER_S:
                _settle_environment(JobFolder(path.parent), has_ended)
        except OSError as error:
            logger.warning("%s stays: %s", path, error)


def _settle_environment(folder: JobFolder, has_ended: Callable[[str], bool | None]) -> None:
    ended = has_ended(folder.path.name)
    if ended or (ended is None and folder.is_unfinished()):
        folder.forget_environment()
    elif ended is False:
        folder.finish()


class Attempt:
    """The folder of one attempt to run a job."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log, self.output, self.result = path / "log.txt", path / "output.ipynb", path / "result.pkl"
        self.returned = path / "returned"
        self._started, self._exit = path / "started.json", path / "exit.json"
        self._used, self._warning = path / "used.json", path / "warning.txt"
        self._result_note, self._returned_note = path / "result.json", path / "returned.json"

    def begin(self, started: Started) -> bool:
        """Be the attempt's only worker; False when there was one already."""
        return create_once(self._started, encode(started))

    def started(self) -> Started | None:
        """What the worker wrote of itself; None when there is none yet, or when it is damaged."""
        try:
            return read_as(self._started, Started)
        except InvalidInput as error:
            logger.warning("%s", error)
            return None

    def beat(self) -> None:
        """Leave a sign of life. Raises FileNotFoundError when the folder was deleted."""
        os.utime(self._started)

    def last_beat(self) -> float | None:
        """When the worker left its last sign of life."""
        try:
            return self._started.stat().st_mtime
        except FileNotFoundError:
            return None

    def finish(self, end: Exit) -> bool:
        """Say how it ended; False when that was said already."""
        self.path.mkdir(parents=True, exist_ok=True)
        return create_once(self._exit, encode(end))

    def exit(self) -> Exit | None:
        try:
            return read_as(self._exit, Exit)
        except InvalidInput as error:
            logger.warning("%s", error)
            return Exit(status=JobStatus.FAILED, ended_at=self._exit.stat().st_mtime, reason=error.message)

    def note_used(self, used: Used) -> None:
        """Keep what it has used so far: all that is known of a worker that is killed."""
        _replace(self._used, encode(used))

    def used(self) -> Used | None:
        """What it had used at its worker's last sign of life; None where nothing was written, or damaged."""
        try:
            return read_as(self._used, Used)
        except InvalidInput as error:
            logger.warning("%s", error)
            return None

    def warn(self, text: str) -> None:
        """Say what somebody should see to while it runs; an empty text takes that back."""
        if text:
            _replace(self._warning, text.encode())
        else:
            self._warning.unlink(missing_ok=True)

    def warning(self) -> str:
        """What somebody should see to; empty where there is nothing."""
        try:
            return self._warning.read_text("utf-8", "replace")
        except OSError:
            return ""

    def returned_path(self, number: int) -> Path:
        """Where the variable lies that was asked for at this place, from 0."""
        return self.returned / f"{number}.pkl"

    def note_result(self, kept: Kept) -> None:
        """Say what became of the submitted cell's last value."""
        _replace(self._result_note, encode(kept))

    def note_returned(self, kept: Sequence[Kept]) -> None:
        """Say what became of the variables that were asked for, in their order."""
        _replace(self._returned_note, encode(list(kept)))

    def result_note(self) -> Kept | None:
        """What became of the last value; None where there was none. Raises InvalidInput if damaged."""
        return read_as(self._result_note, Kept)

    def returned_note(self) -> list[Kept] | None:
        """What became of the variables; None where none were kept. Raises InvalidInput if damaged."""
        return read_as(self._returned_note, list[Kept])


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def create_private(path: Path, data: bytes) -> None:
    """Create a file that only its owner reads. Raises FileExistsError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)


def read_as(path: Path, kind: type[T]) -> T | None:
    """None where there is no such file. Raises InvalidInput, with its path, for one that is damaged."""
    try:
        return decode(path.read_bytes(), kind)
    except FileNotFoundError:
        return None
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is damaged: {error}") from error


def create_once(path: Path, data: bytes) -> bool:
    """Create a file whole or not at all; False when it is there already, whatever it holds.

    ``link`` is atomic on every POSIX file system, NFS included; there its answer may be lost and the
    call be repeated, so that the count of links says more than the error (link(2), BUGS).
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)
    except FileExistsError:
        return temporary.stat().st_nlink == 2
    finally:
        temporary.unlink(missing_ok=True)
    return True
