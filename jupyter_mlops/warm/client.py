"""An executor's end of a nursery: starting it, ordering workers, hearing how they end."""

from __future__ import annotations

import logging
import os
import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from ..config import JOB
from ..wire import decode
from . import conditions
from .orders import FORK, GO, MAX_FDS, MESSAGE_BYTES, OF_ORDER, Order, Word
from .rebirth import PLACEHOLDER, ROOM
from .tether import tethered

MODULE = "jupyter_mlops.warm.nursery"
ANSWER_S = 2.0
"""How long an answer may take; else the job starts cold, and the others until the nursery has answered."""
READY_S = 120.0
"""How long it may take to import everything, or be silent, before it is given up."""
KILLED_S = 1.0
TITLE_ROOM = "=" * 1000
INLINE_FIGURES = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
"""What ipykernel sets before any user code may import matplotlib."""

logger = logging.getLogger(__name__)


class Forked:
    """A worker that was forked; known as ``subprocess.Popen`` knows one that was started."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery

    @property
    def is_lost(self) -> bool:
        """Whether nobody can say how it ended, or whether it has: its nursery was killed."""
        return self.poll() is None and self._nursery.is_gone

    def poll(self) -> int | None:
        self._nursery.listen()
        return self.returncode


class Nursery:
    """A nursery process of one interpreter; ``environment`` is what its jobs have in common."""

    def __init__(
        self,
        interpreter: str,
        environment: Mapping[str, str],
        *,
        libraries: Sequence[str],
        idle_s: float,
        cwd: Path,
    ) -> None:
        self.interpreter = interpreter
        self.was_ready = self.is_ready = False
        self.began_at = self.used_at = time.monotonic()
        self._children: dict[int, Forked] = {}
        self._answers: list[Word] = []
        self._owed = 0
        self._silent_since = 0.0
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setblocking(False)
        command = [interpreter, "-m", MODULE, "--socket", str(its.fileno()), "--idle", str(idle_s)]
        command += ["--imports", ",".join(libraries), "--room", TITLE_ROOM]
        with its:
            self._process = subprocess.Popen(
                tethered(command),  # also one that hangs in an import ends with its agent
                env=_environment(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                pass_fds=[its.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        return self._process.poll() is not None

    @property
    def answers(self) -> bool:
        """Whether it owes no answer."""
        return not self._owed

    @property
    def is_overdue(self) -> bool:
        if self.was_ready and self.answers:
            return False
        return time.monotonic() - max(self.began_at, self._silent_since) > READY_S

    @property
    def is_spent(self) -> bool:
        """Whether nothing will be forked from it any more."""
        return self.is_gone or (self.was_ready and not self.is_ready)

    def fork(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        pass_fds: Sequence[int] = (),
    ) -> Forked | None:
        """A forked worker; None where there is none to be had, and the job is to start cold."""
        self.listen()
        job_id = environment.get(JOB, "")
        if not (self.is_ready and self.answers) or self.is_gone:
            return None
        if len(job_id.encode()) > ROOM or len(pass_fds) > MAX_FDS - OF_ORDER:
            return None
        order = Order(
            command=list(command),
            module=command[2],
            arguments=list(command[3:]),
            environment=dict(environment),
            cwd=str(cwd),
            job_id=job_id,
            fds=list(pass_fds),
        )
        self.used_at = time.monotonic()
        with ExitStack() as stack:
            fd = order.written()
            stack.callback(os.close, fd)
            may_go, go = os.pipe()
            stack.callback(os.close, may_go)
            stack.callback(os.close, go)
            output = stack.enter_context(log.open("ab"))
            try:
                socket.send_fds(self._socket, [FORK], [fd, may_go, output.fileno(), *pass_fds])
                worker = self._answered()
                if worker is not None:
                    os.write(go, GO)
                return worker
            except OSError as error:
                logger.warning("The nursery %s cannot be reached: %s", self.pid, error)
                self.end()
                return None

    def listen(self) -> None:
        """Hear what it has to say just now."""
        while True:
            try:
                data = self._socket.recv(MESSAGE_BYTES)
            except OSError:  # nothing to be heard
                return
            if not data:
                return
            word = decode(data, Word)
            if word.ended:
                if child := self._children.pop(word.ended, None):
                    child.returncode = word.status
            elif word.ready:
                self.was_ready = self.is_ready = True
            elif self._owed:  # too late: what it has forked ends by itself
                self._owed -= 1
                self.is_ready = self.is_ready and not word.refused
            else:
                self._answers.append(word)

    def retire(self) -> None:
        """Order nothing any more: it ends, and its children live on."""
        self.is_ready = False
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def end(self) -> None:
        """Kill it; its children live on."""
        self.is_ready = False
        self._process.kill()
        with suppress(subprocess.TimeoutExpired):  # one that waits for a disk does not even die
            self._process.wait(KILLED_S)
        self.listen()
        self._socket.close()

    def _answered(self) -> Forked | None:
        deadline = time.monotonic() + ANSWER_S
        while not self._answers:
            if time.monotonic() > deadline or self.is_gone:
                logger.warning("The nursery %s does not answer", self.pid)
                self._owed += 1
                self._silent_since = time.monotonic()
                return None
            select.select([self._socket], [], [], 0.1)
            self.listen()
        answer = self._answers.pop(0)
        if not answer.forked:
            logger.info("The nursery %s is not used any more: %s", self.pid, answer.refused)
            self.is_ready = False
            return None
        child = self._children[answer.forked] = Forked(answer.forked, self)
        return child


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {**conditions.WHILE_WARMING, **INLINE_FIGURES, **environment, JOB: PLACEHOLDER}
