"""What becomes of a job that holds GPUs and does not use them."""

from __future__ import annotations

from ...config import Settings
from ..quantities import spoken


class Idleness:
    """Flags a job whose GPUs are idle, and says when it is to be ended for that."""

    def __init__(self, settings: Settings, *, gpus: int) -> None:
        self._below = settings.idle_gpu_below
        self._warn_s, self._end_s = settings.idle_warn_s, settings.idle_kill_s
        self._gpus = gpus

    def warning(self, idle_s: float) -> str:
        """For people; empty where there is nothing to warn of. It changes when the time has doubled."""
        if not self._warn_s or idle_s < self._warn_s:
            return ""
        shown = self._warn_s
        while 2 * shown <= idle_s:
            shown *= 2
        end = f"; it is ended after {spoken(self._end_s)}" if self._end_s else ""
        return f"{self._words(shown)}{end}"

    def verdict(self, idle_s: float) -> str:
        """Why the job is ended; empty where it is not."""
        return f"ended: {self._words(self._end_s)}" if self._end_s and idle_s >= self._end_s else ""

    def _words(self, idle_s: float) -> str:
        """The utilisation that counts as none is said: 4 % of a GPU are a waste, too."""
        which = "its GPU has" if self._gpus == 1 else "its GPUs have"
        return f"{which} been idle for {spoken(idle_s)} (utilisation below {100 * self._below:g} %)"
