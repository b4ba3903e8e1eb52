"""The kernel provisioner ``mlops-warm``: a kernel forked from a warm process where there is one.

jupyter_client finds it by its entry point. It is its local provisioner in all else, but that it does not doze
while a kernel ends.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from ..warm import spare as spares
from ..warm import tether

NAME = "mlops-warm"
BOUND_S = 30.0
POLL_S = 0.005

logger = logging.getLogger(__name__)


class WarmProvisioner(LocalProvisioner):
    """Hands out this process's spare as the kernel; where that cannot be, starts one."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        spare = spares.take()
        if spare is None:
            return await super().launch_kernel(cmd, **kwargs)
        command = tether.untethered(cmd)
        environment = kwargs.get("env") or dict(os.environ)
        cwd = kwargs.get("cwd") or os.getcwd()
        if reason := spare.refusal(command, environment, cwd) or spare.become(command, environment, cwd):
            logger.info("The kernel starts cold: %s", reason)
            spare.dismiss()
            return await super().launch_kernel(cmd, **kwargs)
        self.process = cast(Any, spare)  # which is used as a Popen is
        self.pid = self.pgid = cast(Any, spare.pid)
        await asyncio.to_thread(spare.wait_until_bound, BOUND_S)
        return self.connection_info

    async def wait(self) -> int | None:
        """As the local provisioner's, which looks every 100 ms."""
        if self.process is None:
            return 0
        while await self.poll() is None:
            await asyncio.sleep(POLL_S)
        code: int | None = self.process.wait()
        self.process = None
        return code
