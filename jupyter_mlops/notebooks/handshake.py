"""A kernel's client that knows at once when the kernel is ready.

jupyter_client's asks, and then listens for another fifth of a second whether more comes. What has to be known
is that the kernel answers, and that what it publishes arrives: that it is idle again after our own request.
"""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient

RECONNECT_MS = 10
"""How often a socket that is not bound yet is tried; libzmq's default is 100 (zmq_setsockopt(3))."""
LOOK_S = 0.2
"""How often to see whether the kernel has died."""
HEARD_S = 0.2
"""How long what is published may take to arrive after the reply; else the subscription came too late."""


class QuickClient(AsyncKernelClient):
    """Speaks to a kernel that its manager watches: without a heartbeat, and without standard input."""

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)

    def start_channels(
        self,
        shell: bool = True,
        iopub: bool = True,
        stdin: bool = False,
        hb: bool = False,
        control: bool = True,
    ) -> None:
        super().start_channels(shell=shell, iopub=iopub, stdin=stdin, hb=hb, control=control)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Raises RuntimeError when the kernel dies, or does not answer within ``timeout``."""
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        asked = self.kernel_info()
        while True:
            if await self._hears(self.shell_channel, asked, LOOK_S):
                if await self._hears(self.iopub_channel, asked, HEARD_S):
                    return
                asked = self.kernel_info()
            elif not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > deadline:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _hears(self, channel: Any, asked: str, timeout_s: float) -> bool:
        """Whether the answer to our question, or the news that the kernel is idle after it, comes in time."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = await channel.get_msg(timeout=left)
            except Empty:
                return False
            if message["parent_header"].get("msg_id") == asked and _is_last(message):
                return True
        return False


def _is_last(message: dict[str, Any]) -> bool:
    if message["msg_type"] == "status":
        return bool(message["content"]["execution_state"] == "idle")
    return bool(message["msg_type"] == "kernel_info_reply")
