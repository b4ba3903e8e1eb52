"""A worker's watch over its job: the wish to stop, the limits, and signs of life."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...capture.gpu_use import GpuUse
from ...config import Settings
from ...entities import Cause, JobSpec, RunStatus, Used
from ..quantities import size_text, spoken
from ..usage.idleness import Idleness
from ..usage.meter import Gpus, Meter
from .folder import Attempt

if TYPE_CHECKING:
    from ...notebooks.execution import ExecutionHandle
    from ...protocols.jobs import Custody

WATCH_EVERY_S = 0.5
AT_FIRST_S = 10.0
TEND_EVERY_S = 0.02
"""Of a job whose memory is limited, so long and so often: its kernel is to be confined at its birth."""
SHARE = 0.02
"""The part of a core that watching the memory may take where the system does not keep the limit."""
FINISH_WAIT_S = 5.0
CANCELLED = (RunStatus.CANCELLED, "cancelled", Cause.USER)

logger = logging.getLogger(__name__)


class StopRequest:
    """Carries the wish to stop to the notebook's execution, also when it comes before that has begun."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._wish: Callable[[ExecutionHandle], None] | None = None
        self.cause: Cause | None = None
        """Of the first wish."""
        self._handle: ExecutionHandle | None = None

    @property
    def made(self) -> bool:
        """Whether there was such a wish."""
        return self._wish is not None

    def listen(self, terminated: Callable[[], tuple[RunStatus, str, Cause]] | None = None) -> None:
        """SIGTERM, which the agent sends, and SIGINT cancel the job.

        Where SIGTERM comes from others as well (a cluster), ``terminated`` says what it stands for; it is
        asked in a thread of its own.
        """
        signal.signal(signal.SIGINT, lambda *_: self.stop(*CANCELLED))
        if terminated is None:
            signal.signal(signal.SIGTERM, lambda *_: self.stop(*CANCELLED))
            return

        def ask() -> None:
            self.stop(*terminated())

        def on_signal(*_: object) -> None:
            threading.Thread(target=ask, name="mlops-terminated", daemon=True).start()

        signal.signal(signal.SIGTERM, on_signal)

    def stop(self, status: RunStatus, reason: str, cause: Cause | None = None) -> None:
        """Interrupt the notebook, and kill its kernel when that does not help."""
        self._settle(lambda handle: handle.stop(status, reason, grace_s=self._grace_s), cause)

    def kill(self, status: RunStatus, reason: str, cause: Cause | None = None) -> None:
        """Kill the notebook's kernel."""
        self._settle(lambda handle: handle.kill(status, reason), cause)

    def attach(self, handle: ExecutionHandle) -> None:
        """From now on wishes go there."""
        self._handle = handle
        if self._wish is not None:
            self._wish(handle)

    def _settle(self, wish: Callable[[ExecutionHandle], None], cause: Cause | None) -> None:
        if self._wish is None:
            self._wish, self.cause = wish, cause
        if self._handle is not None:
            wish(self._handle)


class Watch(threading.Thread):
    """Sees to the limits that the job was submitted with, measures what it uses, and leaves signs of life.

    The limit of memory is kept by the system where it may be told to, and is watched besides: what was
    allocated before the system knew is not counted by it. A limit that nobody has asked for, because it was
    learned from past runs, is none.
    """

    def __init__(
        self,
        spec: JobSpec,
        settings: Settings,
        attempt: Attempt,
        stop: StopRequest,
        custody: Custody,
        *,
        gpus: Gpus | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="mlops-watch", daemon=True)
        self._attempt, self._stop_request, self._custody, self._clock = attempt, stop, custody, clock
        self._settings = settings
        wanted = spec.resources
        self._time_limit_s = wanted.time_limit_s
        self._memory_limit = spec.asked_memory_bytes
        self._confined = False
        self._meter = Meter(
            custody,
            gpus or GpuUse(alone=wanted.gpus >= 1),
            idle_below=settings.idle_gpu_below,
            clock=clock,
        )
        self._idleness = Idleness(settings, gpus=max(1, round(wanted.gpus))) if wanted.gpus else None
        self._warning = ""
        self._began = self._beat = self._memory_due = self._turned = clock()
        self._ended = threading.Event()

    def start(self) -> None:
        """Also has the system keep the job to its memory, where it may."""
        if self._memory_limit is not None:
            self._confined = self._custody.confine(self._memory_limit)
        super().start()

    def run(self) -> None:
        while not self._ended.wait(self._pause_s()):
            try:
                self.turn()
            except Exception:  # a limit must be kept also when something cannot be measured
                logger.exception("A turn of the watch failed")

    def turn(self) -> None:
        """Look at everything that is due."""
        now = self._clock()
        if self._confined:
            self._custody.tend()
        if now - self._turned < WATCH_EVERY_S:
            return
        self._turned = now
        self._meter.look()
        if now - self._beat > self._settings.heartbeat_s:
            self._beat = now
            self._leave_sign()
        if not self._stop_request.made:
            self._check_time(now)
            self._check_memory(now)
            self._check_gpus()

    def finish(self) -> Used:
        """Stop watching; what the job has used in all."""
        self._ended.set()
        if self.is_alive():
            self.join(FINISH_WAIT_S)
        return self._meter.finish()

    def out_of_memory(self, *, killed: bool) -> str:
        """Why the notebook ended, where that was for want of memory; else empty.

        ``killed`` says that its kernel was killed, which without a limit says little by itself.
        """
        if self._confined and self._custody.ran_out_of_memory():
            return self._overran(self._memory_limit or 0)
        if killed and self._custody.machine_ran_out_of_memory():
            peak = self._meter.used().memory_bytes or 0
            return f"out of memory: the system killed its kernel; the job had used {size_text(peak)} at most"
        return ""

    def _pause_s(self) -> float:
        at_first = self._confined and self._clock() - self._began < AT_FIRST_S
        return TEND_EVERY_S if at_first else WATCH_EVERY_S

    def _leave_sign(self) -> None:
        """Nobody sees a job whose folder is gone, and it would hold its GPUs for ever."""
        try:
            self._attempt.beat()
            self._attempt.note_used(self._meter.used())
            self._custody.keep()
        except FileNotFoundError:
            self._stop_request.stop(RunStatus.CANCELLED, "the job's folder was deleted", Cause.USER)
        except OSError as error:
            logger.warning("No sign of life could be left: %s", error)

    def _check_time(self, now: float) -> None:
        limit = self._time_limit_s
        if limit is not None and now - self._began > limit:
            reason = f"exceeded its time limit of {spoken(limit)}"
            self._stop_request.stop(RunStatus.FAILED, reason, Cause.TIME)

    def _check_memory(self, now: float) -> None:
        """Less often where that costs much, as with hundreds of processes."""
        if self._memory_limit is None or now < self._memory_due:
            return
        began = time.thread_time()
        used = self._custody.memory_bytes()
        self._meter.saw_memory(used)
        if used > self._memory_limit or (self._confined and self._custody.ran_out_of_memory()):
            self._stop_request.kill(RunStatus.FAILED, self._overran(used), Cause.MEMORY)
        self._memory_due = now + (time.thread_time() - began) / SHARE

    def _overran(self, used: int) -> str:
        limit = self._memory_limit or 0
        return f"out of memory: used {size_text(max(used, limit))}, and had asked for {size_text(limit)}"

    def _check_gpus(self) -> None:
        if self._idleness is None:
            return
        idle_s = self._meter.idle_s
        if (warning := self._idleness.warning(idle_s)) != self._warning:
            self._warning = warning
            self._attempt.warn(warning)
        if reason := self._idleness.verdict(idle_s):
            self._stop_request.stop(RunStatus.FAILED, reason, Cause.IDLE)
