"""What an executor and a nursery say to each other: one message each way an order, with file descriptors.

The socket keeps messages apart (``SOCK_SEQPACKET``, unix(7)). An order may be longer than a message: it lies
in a file of memory, the first descriptor that is sent along; then come the end of a pipe, the log, and the
worker's own. A forked worker begins only once it has read ``GO`` from the pipe: whoever has ordered
it and does not hear of it in time closes the pipe and starts another, and there are never two.
"""

from __future__ import annotations

import os

import msgspec

from ..wire import decode, encode

MAX_FDS = 64
MESSAGE_BYTES = 64 * 1024
FORK = b"fork"
GO = b"!"
OF_ORDER = 3
"""How many descriptors come before the worker's own."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: ``command`` as people see it, that is ``module`` with ``arguments``.

    ``fds`` are the numbers under which it finds its own descriptors.
    """

    command: list[str]
    module: str
    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    job_id: str
    fds: list[int] = []

    def written(self) -> int:
        """A new descriptor of a file that holds it."""
        data = encode(self)
        fd = os.memfd_create("order")
        try:
            with open(fd, "wb", closefd=False) as file:
                file.write(data)
        except BaseException:
            os.close(fd)
            raise
        return fd

    @classmethod
    def read(cls, fd: int) -> Order:
        return decode(os.pread(fd, os.fstat(fd).st_size, 0), cls)


class Word(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a nursery says: ``ready``, once; to each order ``forked`` (a pid) or ``refused`` (why).

    ``ended`` is the pid of a worker that has ended with ``status``, a signal's as a negative number.
    """

    ready: bool = False
    forked: int = 0
    refused: str = ""
    ended: int = 0
    status: int = 0
