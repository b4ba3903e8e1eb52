"""A worker's watch over its job: the wish to stop, the limits, and signs of life."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...config import Settings
from ...entities import Resources, RunStatus
from ..quantities import spoken
from .folder import Attempt

if TYPE_CHECKING:
    from ...notebooks.execution import ExecutionHandle
    from ...protocols.jobs import Custody

WATCH_EVERY_S = 0.5
GIBIBYTE = 1024**3

logger = logging.getLogger(__name__)


class StopRequest:
    """Carries the wish to stop to the notebook's execution, also when it comes before that has begun."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._wish: Callable[[ExecutionHandle], None] | None = None
        self._handle: ExecutionHandle | None = None

    @property
    def made(self) -> bool:
        """Whether there was such a wish."""
        return self._wish is not None

    def listen(self) -> None:
        """SIGTERM, which the agent sends, and SIGINT cancel the job."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop(RunStatus.CANCELLED, "cancelled"))

    def stop(self, status: RunStatus, reason: str) -> None:
        """Interrupt the notebook, and kill its kernel when that does not help."""
        self._settle(lambda handle: handle.stop(status, reason, grace_s=self._grace_s))

    def kill(self, status: RunStatus, reason: str) -> None:
        """Kill the notebook's kernel."""
        self._settle(lambda handle: handle.kill(status, reason))

    def attach(self, handle: ExecutionHandle) -> None:
        """From now on wishes go there."""
        self._handle = handle
        if self._wish is not None:
            self._wish(handle)

    def _settle(self, wish: Callable[[ExecutionHandle], None]) -> None:
        if self._wish is None:
            self._wish = wish
        if self._handle is not None:
            wish(self._handle)


class Watch(threading.Thread):
    """Sees to the limits that the job was submitted with, and leaves signs of life."""

    def __init__(
        self, limits: Resources, settings: Settings, attempt: Attempt, stop: StopRequest, custody: Custody
    ) -> None:
        super().__init__(name="mlops-watch", daemon=True)
        self._limits, self._attempt, self._stop_request, self._custody = limits, attempt, stop, custody
        self._heartbeat_s = settings.heartbeat_s
        self._began = self._beat = time.monotonic()
        self._ended = threading.Event()

    def stop(self) -> None:
        self._ended.set()

    def run(self) -> None:
        while not self._ended.wait(WATCH_EVERY_S):
            now = time.monotonic()
            if now - self._beat > self._heartbeat_s:
                self._beat = now
                self._leave_sign()
            if not self._stop_request.made:
                self._check_time(now)
                self._check_memory()

    def _leave_sign(self) -> None:
        """Nobody sees a job whose folder is gone, and it would hold its GPUs for ever."""
        try:
            self._attempt.beat()
        except FileNotFoundError:
            self._stop_request.stop(RunStatus.CANCELLED, "the job's folder was deleted")
        except OSError as error:
            logger.warning("No sign of life could be left: %s", error)

    def _check_time(self, now: float) -> None:
        limit = self._limits.time_limit_s
        if limit is not None and now - self._began > limit:
            self._stop_request.stop(RunStatus.FAILED, f"exceeded its time limit of {spoken(limit)}")

    def _check_memory(self) -> None:
        limit = self._limits.memory_bytes
        if limit is not None and (used := self._custody.memory_bytes()) > limit:
            reason = f"used {used / GIBIBYTE:.2f} GiB of memory and had asked for {limit / GIBIBYTE:.2f} GiB"
            self._stop_request.kill(RunStatus.FAILED, reason)
