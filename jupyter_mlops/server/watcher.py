"""Tells listeners what changed: asks each service, once a second at most, and emits on the event loop.

Runs change in other processes, which know nothing of this server: they append to journals. So somebody
has to look. While a client listens or a job is open that is every second, else every five; everything
that changed between two looks is one message a kind, whatever the speed of the loops that log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

MOST_IDS = 500
"""Ids in one message; more make several."""

LONGEST_PAUSE_S = 60.0
"""The longest time between two tries of a service that fails."""

Emit = Callable[[Mapping[str, object]], None]
Changes = tuple[int, Mapping[str, Sequence[str]]]
"""A sequence number, and the ids that changed up to it by kind (runs, jobs, sweeps, schedules and so on)."""


@dataclass(slots=True)
class Source:
    """A service that says what changed since a sequence number; called in a thread.

    It fails and recovers on its own: a registry that cannot be reached stops no news of runs.
    ``since`` is None until the first answer, which is where the news begin.
    """

    name: str
    changes: Callable[[int], Changes]
    since: int | None = None
    failures: int = 0
    retry_at: float = 0.0


class Watcher:
    """A task on the server's event loop. ``watched`` says whether anybody is in a hurry."""

    def __init__(
        self,
        sources: Sequence[Source],
        emit: Emit,
        *,
        watched: Callable[[], bool],
        interval_s: float = 1.0,
        idle_interval_s: float = 5.0,
        log: logging.Logger | logging.LoggerAdapter[logging.Logger],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sources = sources
        self._emit = emit
        self._watched = watched
        self._interval_s = interval_s
        self._idle_interval_s = idle_interval_s
        self._log = log
        self._clock = clock
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running loop; again does nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; a look that is under way is awaited no longer."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def wake(self) -> None:
        """Look now: something was changed through this server."""
        self._woken.set()

    async def tick(self) -> None:
        """One look at every source that is due."""
        for source in self._sources:
            if source.retry_at <= self._clock():
                await self._ask(source)

    async def _run(self) -> None:
        while True:
            try:
                await self.tick()
                await self._pause()
            except Exception:  # noqa: BLE001 (an edge: logged below, and the next look is the repair)
                self._log.exception("The watcher of changes failed; it goes on.")
                await asyncio.sleep(self._idle_interval_s)

    async def _pause(self) -> None:
        """Until the next look; somebody who begins to listen need not wait for the longer interval."""
        deadline = self._clock() + self._idle_interval_s
        while self._clock() < deadline:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._woken.wait(), min(self._interval_s, self._idle_interval_s))
            if self._woken.is_set() or self._watched():
                break
        self._woken.clear()

    async def _ask(self, source: Source) -> None:
        first = source.since is None
        try:
            seq, changed = await asyncio.to_thread(source.changes, source.since or 0)
        except Exception:  # noqa: BLE001 (an edge: logged with its traceback)
            self._back_off(source)
            return
        if source.failures:
            self._log.info("Watching %s again.", source.name)
        source.since, source.failures, source.retry_at = seq, 0, 0.0
        if not first:
            self._tell(seq, changed)

    def _tell(self, seq: int, changed: Mapping[str, Sequence[str]]) -> None:
        for kind, ids in changed.items():
            for part in _parts(ids):
                self._emit({"kind": kind, "ids": part, "seq": seq})

    def _back_off(self, source: Source) -> None:
        source.failures += 1
        pause = min(self._interval_s * 2**source.failures, LONGEST_PAUSE_S)
        source.retry_at = self._clock() + pause
        self._log.warning("Watching %s failed; again in %.0f s.", source.name, pause, exc_info=True)


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    every = list(ids)
    return (every[start : start + MOST_IDS] for start in range(0, len(every), MOST_IDS))
