"""The Ray clusters that jobs are sent to: one for each address."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ...config import RAY_ADDRESS, RAY_ADDRESSES, Settings, is_dashboard
from ...errors import InvalidInput
from .api import RayApi
from .asking import Errands, Question
from .capacity import ask_room
from .options import RayOptions, address_of
from .record import Record
from .states import gave_up_waiting

DEFAULT_ADDRESS = "http://127.0.0.1:8265"
"""Where Ray's own client looks, too."""
JOBS_KEPT_S = 1.0
ROOM_KEPT_S = 2.0
TOKEN, TOKEN_PATH = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"


class RayCluster:
    """One cluster: how its jobs do, its room, and what is to be done there."""

    def __init__(self, address: str, *, token: Callable[[], str | None]) -> None:
        self.api = RayApi(address, token=token)
        name = f"Ray at {address}"
        self.jobs = Question(self.api.jobs, name=name, keep_s=JOBS_KEPT_S)
        self.room = Question(lambda: ask_room(self.api), name=name, keep_s=ROOM_KEPT_S)
        self.errands = Errands(name=name)
        self.sent_at: dict[str, float] = {}
        """When Ray took a job (monotonic), by submission id: an older answer cannot know it."""

    def send(self, record: Record, *, sent: Callable[[], None]) -> None:
        """Submit it soon, unless it is there, and call ``sent``."""

        def do() -> None:
            there = self.api.job(record.id)
            if there is not None and gave_up_waiting(there):
                self.api.delete(record.id)
                there = None
            if there is None:
                self._submit(record)
            self.sent_at[record.id] = time.monotonic()
            sent()

        self.errands.add(record.id, do)

    def _submit(self, record: Record) -> None:
        """What Ray has taken though its answer was lost, it refuses the second time: that is well."""
        try:
            self.api.submit(record.request)
        except InvalidInput:
            if self.api.job(record.id) is None:
                raise

    def stop(self, submission_id: str) -> None:
        """Stop it soon; one that is just being submitted is stopped after that."""
        self.errands.add(f"stop {submission_id}", lambda: self.api.stop(submission_id))


class Clusters:
    """Finds the cluster of an address, and the token for it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, RayCluster] = {}
        self._folders: dict[str, list[Path]] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def address(self, options: RayOptions, *, folder: Path | None = None) -> str:
        """As the job says, else as it was set where it was submitted, else as it is set here.

        Raises InvalidInput for what is no dashboard's address.
        """
        environment = {} if folder is None else _submitted(folder)
        theirs = (environment.get(name, "") for name in RAY_ADDRESSES)
        given = (
            options.address
            or environment.get(RAY_ADDRESS)
            or next(filter(is_dashboard, theirs), None)
            or self._settings.ray_address
            or DEFAULT_ADDRESS
        )
        return address_of(given, RAY_ADDRESS)

    def at(self, address: str) -> RayCluster:
        with self._lock:
            if address not in self._made:
                self._made[address] = RayCluster(address, token=lambda: self._token(address))
            return self._made[address]

    def note_jobs(self, address: str, folders: Sequence[Path]) -> None:
        """These jobs are there: who submitted them may have had the token."""
        with self._lock:
            self._folders[address] = list(folders)

    def _token(self, address: str) -> str | None:
        """As Ray's own client finds it; else as those who submitted jobs there found it, else as before."""
        if token := token_of(os.environ):
            return token
        with self._lock:
            folders = self._folders.get(address, [])
        for folder in reversed(folders):
            if token := token_of(_submitted(folder)):
                self._tokens[address] = token
                break
        return self._tokens.get(address)


def token_of(environment: Mapping[str, str]) -> str | None:
    """From the variable, from the file that another one names, or from Ray's own place."""
    if token := environment.get(TOKEN, "").strip():
        return token
    home = environment.get("HOME") or "~"
    path = Path(environment.get(TOKEN_PATH) or Path(home) / ".ray" / "auth_token").expanduser()
    try:
        return path.read_text().strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def _submitted(folder: Path) -> Mapping[str, str]:
    """The environment that a job was submitted from; empty once that is forgotten."""
    try:
        environment = json.loads((folder / "env.json").read_bytes())
    except (OSError, ValueError):
        return {}
    return environment if isinstance(environment, dict) else {}
