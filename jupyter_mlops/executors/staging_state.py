"""What this home knows of the attempts that it has sent elsewhere: ``<home>/staged/<job>.<attempt>.json``."""

from __future__ import annotations

import os
import re
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..remote.layout import EXIT, Wishes, attempt_path

FILE = re.compile(r"(?P<job>[^.].*)\.(?P<attempt>\d+)\.json")
NAME = "name"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One attempt of a job."""

    job_id: str
    attempt: int


class State(msgspec.Struct, kw_only=True, frozen=True):
    """``url`` is the job's folder, ``objects`` what it shares with others, ``next`` the batch to be fetched
    next, ``wishes`` what the worker was told last, and ``runs`` those that the worker has made."""

    url: str
    objects: list[str] = []
    next: int = 1
    wishes: Wishes = Wishes()
    runs: list[str] = []


class States:
    """The files, each replaced whole."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "staged"
        self._changes = threading.Lock()

    def home_name(self) -> str:
        """What this home is called behind every URL: always the same, and no other home's."""
        path = self._folder / NAME
        while not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            temporary = self._folder / f".{NAME}.{secrets.token_hex(4)}"
            temporary.write_text(f"home-{secrets.token_hex(8)}")
            try:
                os.link(temporary, path)
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_text().strip()

    def keys(self, *, but: Key | None = None) -> list[Key]:
        """All attempts that something of may lie behind a URL."""
        try:
            found = [FILE.fullmatch(name) for name in os.listdir(self._folder)]
        except FileNotFoundError:
            return []
        keys = sorted(Key(each["job"], int(each["attempt"])) for each in found if each)
        return [key for key in keys if key != but]

    def read(self, key: Key) -> State | None:
        try:
            return msgspec.json.decode(self._path(key).read_bytes(), type=State)
        except FileNotFoundError:
            return None

    def write(self, key: Key, state: State) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(key)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)

    def forget(self, key: Key) -> None:
        self._path(key).unlink(missing_ok=True)
        self._lock_path(key).unlink(missing_ok=True)

    def has_ended(self, key: Key) -> bool:
        """Whether it is known here how the attempt ended, or nobody wants to know any more."""
        folder = self._home / "jobs" / key.job_id
        return (self._home / attempt_path(key.job_id, key.attempt) / EXIT).exists() or not (
            folder / "spec.json"
        ).exists()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Alone: between the look at what others share and the next attempt's word that it does."""
        with self._changes:
            yield

    @contextmanager
    def locked(self, key: Key) -> Iterator[State | None]:
        """The state, while no other agent of this home works on it; None where one does, or it is gone."""
        import fcntl

        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._lock_path(key), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
                return
            yield self.read(key)
        finally:
            os.close(fd)
            if self.read(key) is None:
                self._lock_path(key).unlink(missing_ok=True)

    def _path(self, key: Key) -> Path:
        return self._folder / f"{key.job_id}.{key.attempt}.json"

    def _lock_path(self, key: Key) -> Path:
        return self._folder / f".{key.job_id}.{key.attempt}.lock"
