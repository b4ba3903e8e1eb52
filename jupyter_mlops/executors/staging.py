"""Jobs for clusters that do not see this file system: folders behind an fsspec URL, this end of them.

``push`` uploads a job's folder, and the cluster runs ``interpreter -m jupyter_mlops.worker --staged URL N``.
``pull`` has what that worker sends brought into the job's folder and the home's journals, so that readers
see the job as they see one of this machine: batches are applied in the order in which they were sent,
``exit.json`` is in the last one. Both work in threads: an agent's turn never waits for a server.

What an agent needs to go on with after another one was killed lies in ``<home>/staged/``, a file an attempt,
written before the first upload and deleted when nothing is left behind the URL.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..config import Settings
from ..errors import MlopsError
from ..protocols.jobs import Begun, Launch
from ..remote.folder import RemoteFolder
from .staging_files import Upload
from .staging_pulls import Pull
from .staging_pushes import Pushes
from .staging_state import Key, State, States

AT_ONCE = 8
LONGEST_PAUSE_S = 60.0
MODULE = "jupyter_mlops.worker"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What a cluster is to run: ``arguments`` for the interpreter, and variables that go its own way.

    ``environment`` is shown to whoever may see the cluster's jobs: it holds only what the setting
    ``staging_variables`` names. The job's own environment goes along behind the URL.
    """

    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)


class Staging:
    """One home's folders behind ``url``. May be used by several threads."""

    def __init__(
        self, url: str, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Raises InvalidInput or MissingPackage for a URL that cannot be used."""
        self._settings = settings
        self._monotonic = monotonic
        self._states = States(settings.home)
        self._root = RemoteFolder(url)
        self._lock = threading.RLock()
        self._again_s = min(LONGEST_PAUSE_S, 2 * settings.staging_s)
        self._pushes = Pushes(again_s=self._again_s, monotonic=monotonic)
        self._begun: set[Key] = set()
        self._stops: set[Key] = set()
        self._asked: dict[Key, float] = {}
        self._level: dict[Key, float] = {}
        self._troubles: dict[Key, str] = {}
        self._due: dict[Key, float] = {}
        self._running: set[Key] = set()
        self._turns = threading.Semaphore(AT_ONCE)
        self._keeper: threading.Thread | None = None
        self._woken = threading.Event()

    @classmethod
    def of(cls, settings: Settings) -> Staging | None:
        """As configured; None where jobs elsewhere see this file system."""
        return cls(settings.staging, settings) if settings.staging else None

    def push(self, launch: Launch) -> Handover | None:
        """Have what the attempt needs uploaded; None as long as that goes on: ask again. It never waits.

        Raises Unavailable where the server does not answer, InvalidInput for a folder that anybody can read,
        and the like. After that, calls have it tried again, and raise the same as long as that goes on.
        """
        key = Key(launch.job_id, launch.attempt)
        if not self._pushes.is_done(key, lambda: self._upload(key, launch)):
            return None
        self._keep()
        return self._handover(key, launch)

    def pull(self, begun: Sequence[Begun]) -> None:
        """Have what is new of these attempts brought here, and clean up after those that have ended."""
        with self._lock:
            self._begun = {Key(each.job_id, each.attempt) for each in begun}
            for known in (self._troubles, self._asked, self._level, self._due):
                for key in set(known) - self._begun:
                    del known[key]
            self._stops &= self._begun
            wanted = set(self._begun)
        self._pushes.forget_all_but(wanted, is_over=self._states.has_ended)
        self._keep()

    def has_all(self, begun: Begun) -> bool:
        """Whether all is here that the worker had sent when this was asked first.

        Before that, a worker that the cluster calls dead may have said how it ended.
        """
        key = Key(begun.job_id, begun.attempt)
        with self._lock:
            asked = self._asked.get(key)
            if asked is None:
                self._asked[key] = asked = self._monotonic()
                self._due.pop(key, None)
                self._begun.add(key)
            done = self._level.get(key, float("-inf")) >= asked
        if not done:
            self._keep()
        return done or self._states.read(key) is None

    def trouble(self, begun: Begun) -> str:
        """Why nothing can be fetched just now; empty when it can."""
        return self._troubles.get(Key(begun.job_id, begun.attempt), "")

    def interrupt(self, begun: Begun) -> None:
        """Leave word that the worker is to stop; it looks every few seconds."""
        key = Key(begun.job_id, begun.attempt)
        with self._lock:
            if key in self._stops:
                return
            self._stops.add(key)
            self._begun.add(key)
            self._due.pop(key, None)
        self._keep()

    def _handover(self, key: Key, launch: Launch) -> Handover:
        state = self._states.read(key)
        url = state.url if state is not None else self._url(key)
        known = {**os.environ, **launch.environment}
        return Handover(
            arguments=["-m", MODULE, "--staged", url, str(key.attempt)],
            environment={name: known[name] for name in self._settings.staging_variables if name in known},
        )

    def _url(self, key: Key) -> str:
        return f"{self._root.url}/{self._states.home_name()}/{key.job_id}"

    def _upload(self, key: Key, launch: Launch) -> None:
        if self._states.has_ended(key):  # it was cancelled before its turn came
            return
        try:
            Upload(self._settings, self._states, key, launch, url=self._url(key)).run()
        finally:
            self._keep()  # it may have ended meanwhile: then all of that is to go again

    def _keep(self) -> None:
        """Have the thread that fetches and cleans up do so now; it ends when nothing is left to do."""
        with self._lock:
            self._woken.set()
            if self._keeper is None or not self._keeper.is_alive():
                self._keeper = threading.Thread(target=self._keep_on, name="mlops-staging", daemon=True)
                self._keeper.start()

    def _keep_on(self) -> None:
        while True:
            self._woken.clear()
            try:
                left = self._turn()
            except Exception:
                logger.exception("What lies behind the staging URL cannot be looked after")
                left = True
            with self._lock:
                if not left and not self._woken.is_set():
                    self._keeper = None
                    return
            self._woken.wait(min(1.0, self._settings.staging_s))

    def _turn(self) -> bool:
        """Start what is due; whether anything lies behind the URL that will have to be taken away."""
        keys = self._states.keys()
        now = self._monotonic()
        for key in keys:
            with self._lock:
                busy = key in self._running or now < self._due.get(key, float("-inf"))
                busy = busy or self._pushes.is_under_way(key)
                wanted = key in self._begun
                if busy or not (wanted or self._states.has_ended(key)):
                    continue
                if not self._turns.acquire(blocking=False):
                    break  # the next one that is done wakes this thread
                self._running.add(key)
                self._due[key] = now + self._settings.staging_s
            name = f"mlops-pull-{key.job_id}"
            threading.Thread(target=self._attend, args=(key,), name=name, daemon=True).start()
        return bool(keys)

    def _attend(self, key: Key) -> None:
        """Fetch what is new of one attempt; when it has ended here, take its folder away."""
        began = self._monotonic()
        try:
            with self._states.locked(key) as state:
                if state is not None:
                    self._fetch(key, state)
            if state is not None or self._states.read(key) is None:  # else another agent is at it
                with self._lock:
                    self._troubles.pop(key, None)
                    self._level[key] = began
        except (MlopsError, OSError) as error:
            self._note_trouble(key, error)
        except Exception as error:  # a thread's traceback belongs into the log
            logger.exception("What job %s sends cannot be fetched", key.job_id)
            self._note_trouble(key, error)
        finally:
            with self._lock:
                self._running.discard(key)
            self._turns.release()
            self._woken.set()

    def _note_trouble(self, key: Key, error: Exception) -> None:
        text = str(error) or type(error).__name__
        with self._lock:
            if self._troubles.get(key) != text:
                logger.warning("What job %s sends cannot be fetched: %s", key.job_id, text)
            self._troubles[key] = text
            self._due[key] = self._monotonic() + self._again_s

    def _fetch(self, key: Key, state: State) -> None:
        ended_before = self._states.has_ended(key)
        Pull(self._settings.home, self._states, key, state).run(stop=key in self._stops)
        if ended_before or self._states.has_ended(key):
            self._retire(key, state)

    def _retire(self, key: Key, state: State) -> None:
        """Nothing stays behind the URL, and what several jobs share goes with the last of them."""
        job = RemoteFolder(state.url)
        with self._states.changing():
            others = [each for each in map(self._states.read, self._states.keys(but=key)) if each is not None]
            same_job = any(each.url == state.url for each in others)
            (job.child(str(key.attempt)) if same_job else job).delete_all()
            shared = {digest for each in others for digest in each.objects}
            root = RemoteFolder(state.url.rpartition("/")[0])
            root.delete(*[f"objects/{digest}" for digest in state.objects if digest not in shared])
            self._states.forget(key)
        with self._lock, contextlib.suppress(KeyError):
            self._begun.remove(key)
