"""Being the only one: a claim that at most one of any number of workers gets, on any kind of server.

Where the server creates an object only if there is none (a conditional PUT), that is the claim. Some servers
do not know the condition and refuse it, others take the request and ignore it: it is probed each time.
Without it everybody leaves a claim of its own, waits until all that are as old can be seen, and the oldest by
the server's clock has it. Either way the traces of the other are heeded: a server may answer the probe of one
worker and not that of another.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ..errors import Unavailable
from .folder import RemoteFolder

SETTLE_S = 2.5
"""More than the grain of the coarsest clock (a second), and than two requests need."""


def claim(
    folder: RemoteFolder, name: str, token: str, *, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Whether ``token`` has the claim ``name``; asking again for the same token gives the same answer.

    In doubt nobody has it. Raises Unavailable when the server does not answer.
    """
    if creates_once(folder, f"{name}.probe-{token}"):
        # a client that got no answer sends again, and then meets its own claim
        first = folder.create(name, token.encode()) or folder.get(name) == token.encode()
        return first and not folder.names(f"{name}.of")
    own = f"{name}.of/{token}"
    if folder.get(own) is None:
        folder.put(own, b"")
        sleep(SETTLE_S)
    oldest = min((each.written_at, each.name) for each in folder.aged(f"{name}.of"))
    return oldest[1] == own and folder.get(name) is None


def creates_once(folder: RemoteFolder, probe: str) -> bool:
    """Whether the server refuses to create an object that is there."""
    if not folder.is_local and not folder.puts_conditionally:
        return False
    try:
        folder.create(probe, b"")
        return not folder.create(probe, b"")
    except Unavailable:
        folder.put(probe, b"")  # raises, too, unless it is only the condition that is not understood
        return False
    finally:
        folder.delete(probe)
