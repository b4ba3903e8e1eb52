"""The agent's process: ``python -m jupyter_mlops.agent``; its workspace is in the environment.

One a home and host. It ends when nothing is left to do, and may be killed at any time: its jobs run on,
and the next reader or submitter starts another, which takes them over. When its home was deleted and made
anew it makes way for another agent: the database that it has open is no longer the one that others see.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from .config import Settings, load_settings
from .errors import Unavailable
from .services.jobs.agent_control import AgentControl, AgentSeat

TROUBLE_POLL_S = 5.0
ANNOUNCE_EVERY_S = 10.0
"""How often the agent says how long its turns take."""

if TYPE_CHECKING:
    from .services.jobs.agent_loop import AgentLoop
    from .services.sealing.pushing import Pusher

logger = logging.getLogger("jupyter_mlops.agent")


def main() -> int:
    """Be the agent, unless there is one."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = load_settings()
    control = AgentControl(settings)
    seat = AgentSeat(control)
    if not seat.take():
        return 0
    stop = _StopRequest(wake=control.wake)
    try:
        loop, slots, pusher = _compose()
        home = _Home(settings)  # before anybody sees the agent, and then deletes the home
        announce = partial(seat.announce, started_at=time.time(), slots=slots)
        announce()
        logger.info("agent of %s, %s GPU slots", settings.home, slots)
        _run(seat, _Turns(loop, pusher), stop, home, announce=announce)
    finally:
        seat.withdraw()
        seat.leave()
    logger.info("the agent ends")
    if home.is_another and settings.home.exists():
        control.ensure()
    return 0


def _compose() -> tuple[AgentLoop, int, Pusher | None]:
    """The loop, how many GPUs it knows of, and who tells a team what is new; None without one."""
    from .services.jobs.agent_loop import AgentLoop
    from .services.sealing.pushing import Pusher
    from .workspace import current

    workspace = current()
    jobs = workspace.jobs
    loop = AgentLoop(
        jobs.store,
        jobs.executors,
        workspace.settings,
        settle_run=workspace.tracker.settle,
        shared_home=workspace.home_is_shared,
        sweeps=workspace.sweep_loop(),
        schedules=workspace.schedule_loop(),
    )
    pusher = Pusher(lambda: workspace.ingestor.ingest()) if workspace.sealing is not None else None
    return loop, len(jobs.slots()), pusher


def _run(
    seat: AgentSeat,
    turns: _Turns,
    stop: _StopRequest,
    home: _Home,
    *,
    announce: Callable[..., None],
) -> None:
    """Turn until asked to stop, or until nothing was to be done for long."""
    busy_at = announced_at = time.monotonic()
    while not stop.requested and not home.is_another:
        turns.turn()
        now = time.monotonic()
        if turns.is_open:
            busy_at = now
        elif now - busy_at > home.settings.agent_idle_s:
            # who submits from here on sees no agent; who submitted before is seen by one more look
            seat.withdraw()
            turns.turn()
            if not turns.is_open:
                return
            announce()
        if now - announced_at > ANNOUNCE_EVERY_S and turns.is_open:
            announced_at = now
            announce(turn_s=turns.took_s)
        if not stop.requested:
            seat.wait(turns.pause_s)


class _Turns:
    """The loop's turns, one after the other; ``is_open`` says whether the last one found work."""

    def __init__(self, loop: AgentLoop, pusher: Pusher | None) -> None:
        self._loop = loop
        self._pusher = pusher
        self.is_open = False
        self.pause_s = self.took_s = 0.0

    def turn(self) -> None:
        """Whatever goes wrong is logged, and tried again after a while; it is no sign of idleness."""
        began = time.monotonic()
        try:
            self.is_open = self._loop.tick(time.time()) > 0
            self.pause_s = self._loop.pause_s
        except Unavailable as error:  # a database that is away comes back
            logger.error("A turn failed, trying again: %s", error)
            self.pause_s = TROUBLE_POLL_S
        except Exception:
            logger.exception("A turn failed; trying again")
            self.pause_s = TROUBLE_POLL_S
        self.took_s = time.monotonic() - began
        if self._pusher is not None:
            self._pusher.look()


class _Home:
    """The home folder as it was when the agent began."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._paths = [settings.home, *([] if settings.database else [settings.home / "registry.sqlite"])]
        # while they are open their inodes' numbers are not given to others; never closed, because that
        # would drop the locks that SQLite holds (fcntl(2))
        for path in self._paths:
            os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._was = self._now()

    @property
    def is_another(self) -> bool:
        """Whether it was deleted, or deleted and made anew."""
        return self._now() != self._was

    def _now(self) -> list[int | None]:
        return [_inode(path) for path in self._paths]


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


class _StopRequest:
    """Set by SIGTERM: the agent ends after its turn, its jobs go on."""

    def __init__(self, *, wake: Callable[[], object]) -> None:
        self.requested = False
        self._wake = wake
        signal.signal(signal.SIGTERM, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.requested = True
        self._wake()  # a wait that a signal interrupts goes on (PEP 475)


if __name__ == "__main__":
    sys.exit(main())
