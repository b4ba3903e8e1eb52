"""A nursery: ``python -m jupyter_mlops.warm.nursery --socket FD``; workers are forked from it.

It has one thread, imports what workers and kernels need, and waits for orders at a socket that it was born
with. It ends when nobody holds the other end any more, when it was idle for long, or when something that it
has loaded was changed. Its children do not need it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from ..wire import encode
from . import fitness, modules, notes, pools, rebirth, spare
from .leaving import leave_after
from .modules import Extras
from .orders import GO, MAX_FDS, MESSAGE_BYTES, OF_ORDER, Order, Word
from .rebirth import Memory

MODULE = "jupyter_mlops.warm.nursery"
IDLE_S = 300.0
FAILED = 1

Work = Callable[[], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Be a nursery; in a forked child, do what was ordered."""
    given = _parse(arguments)
    memory = Memory()
    fds = fitness.open_fds()
    modules.import_those(modules.OF_KERNELS)
    _import_libraries(given, fds)
    extras = Extras()
    importlib.import_module(modules.REHEARSAL).rehearse()
    modules.import_those(modules.OF_WORKERS)
    if problem := _unusable(memory, fds):
        print(f"nursery: nothing is kept warm for {sys.executable}: {problem}", file=sys.stderr)
        return FAILED
    libraries = [name for name in given.imports if name not in given.without]
    nursery = Nursery(socket.socket(fileno=given.socket), memory, extras, libraries, idle_s=given.idle)
    problems = [f"{name}: {problem}" for name, problem in given.without.items()]
    notes.note_of_this_process(sys.executable, libraries, problems).leave(Path.cwd())
    if (work := nursery.serve()) is not None:
        leave_after(work)
    notes.take_away(Path.cwd())
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--idle", type=float, default=IDLE_S)
    parser.add_argument("--imports", type=_names, default=(), help="libraries, parted by commas")
    parser.add_argument("--without", type=json.loads, default={}, help="JSON: those that are unfit, and why")
    parser.add_argument("--room", default="", help="memory for the names of forked processes")
    return parser.parse_args(arguments)


def _names(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.split(",") if each)


def _import_libraries(given: argparse.Namespace, fds: frozenset[int]) -> None:
    """Import what the user declared; start anew without a library after which nothing can be forked."""
    for name in given.imports:
        if name not in given.without and (problem := _problem_of(name, fds)):
            print(f"nursery: {name} is not kept warm: {problem}", file=sys.stderr, flush=True)
            _start_anew(given, {**given.without, name: problem})


def _problem_of(name: str, fds: frozenset[int]) -> str:
    try:
        importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  # whatever a library's import raises
        return f"its import fails ({type(error).__name__}: {error})"
    return fitness.unfit(fds) or pools.cannot_be_set()


def _start_anew(given: argparse.Namespace, without: dict[str, str]) -> None:
    os.set_inheritable(given.socket, True)
    options = {
        "--socket": str(given.socket),
        "--idle": str(given.idle),
        "--imports": ",".join(given.imports),
        "--without": json.dumps(without),
        "--room": given.room,
    }
    command = [sys.executable, "-m", MODULE, *(word for pair in options.items() for word in pair)]
    os.execv(sys.executable, command)


def _unusable(memory: Memory, fds: frozenset[int]) -> str:
    if not memory.can_be_marked:
        return "there is no room for a job's id in its environment"
    return fitness.unfit(fds) or pools.cannot_be_set()


class Nursery:
    """Forks what is ordered at a socket, and says there how its children end."""

    def __init__(
        self,
        orders: socket.socket,
        memory: Memory,
        extras: Extras,
        libraries: Sequence[str],
        *,
        idle_s: float,
    ) -> None:
        self._orders, self._memory, self._extras, self._libraries = orders, memory, extras, libraries
        self._idle_s = idle_s
        self._children: set[int] = set()
        self._takes_orders = True
        self._woken = _woken_by_children()
        self._fds = fitness.open_fds()
        self._loaded = fitness.Loaded()
        gc.collect()
        gc.freeze()  # what all have in common is never copied for the collector

    def serve(self) -> Work | None:
        """Wait for orders until there will be none; in a child, what it is to do."""
        self._say(Word(ready=True))
        busy_at = time.monotonic()
        while self._children or (self._takes_orders and time.monotonic() - busy_at < self._idle_s):
            wait = None if self._children else max(0.0, busy_at + self._idle_s - time.monotonic())
            readable, _, _ = select.select([self._woken, self._orders.fileno()], [], [], wait)
            if readable:
                busy_at = time.monotonic()
            if self._woken in readable:
                self._reap()
            if self._orders.fileno() in readable:
                fds = self._order()
                if fds is None:
                    return None
                if work := self._obey(fds):
                    return work
        return None

    def _order(self) -> list[int] | None:
        """The files of the next order; None where nobody is there any more."""
        try:
            data, fds, _, _ = socket.recv_fds(self._orders, MESSAGE_BYTES, MAX_FDS)
        except ConnectionResetError:  # it has gone without hearing all that was said
            return None
        return fds if data else None

    def _obey(self, fds: list[int]) -> Work | None:
        """Fork a worker: what this process is to do where it is the worker."""
        word = Word(refused=self._refusal(fds))
        if not word.refused:
            order = Order.read(fds[0])
            try:
                pid = os.fork()
            except OSError as error:  # no memory or no more processes: the job starts cold
                word = Word(refused=str(error))
            else:
                if pid == 0:
                    return self._be_worker(order, fds)
                self._children.add(pid)
                word = Word(forked=pid)
        for fd in fds:
            os.close(fd)
        self._say(word)
        return None

    def _refusal(self, fds: Sequence[int]) -> str:
        """Why nothing may be forked any more; empty when it may."""
        changed = self._loaded.changed()
        reason = f"{changed} was changed" if changed else fitness.unfit(self._fds | set(fds))
        self._takes_orders = self._takes_orders and not reason
        return reason if not self._takes_orders else ""

    def _be_worker(self, order: Order, fds: Sequence[int]) -> Work:
        """In the child: be as a process that was started."""
        self._orders.detach()  # closed below with all others: its number will be another file's
        rebirth.restore_signals()
        os.setsid()
        _, may_go, log = fds[:OF_ORDER]
        if os.read(may_go, len(GO)) != GO:  # whoever has ordered it waits no longer, or is dead
            os._exit(0)
        rebirth.take_streams(log=log)
        rebirth.place_fds(fds[OF_ORDER:], order.fds)
        rebirth.close_all_but(order.fds)
        if not self._memory.mark(order.job_id):
            sys.exit("The job's id cannot be written into the environment of this process.")
        rebirth.set_environment(order.environment)
        os.chdir(order.cwd)
        if not getattr(sys.flags, "safe_path", False):
            sys.path[0] = order.cwd  # as ``python -m`` has it
        self._memory.rename(order.command, "python")
        pools.reseed()
        spare.fork(self._memory, self._extras, self._libraries)
        module = importlib.import_module(order.module)
        sys.argv = [str(module.__file__), *order.arguments]
        return partial(module.main, order.arguments)

    def _reap(self) -> None:
        """Say how children have ended."""
        while _read_all(self._woken):
            continue
        for pid in list(self._children):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                self._children.discard(pid)
                self._say(Word(ended=pid, status=os.waitstatus_to_exitcode(status)))

    def _say(self, word: Word) -> None:
        try:
            self._orders.send(encode(word))
        except OSError as error:  # nobody listens: the next look at the socket says so
            print(f"nursery: not heard: {error}", file=sys.stderr, flush=True)


def _woken_by_children() -> int:
    """A pipe that can be read whenever a child has ended."""
    woken, wake = os.pipe()
    for fd in (woken, wake):
        os.set_blocking(fd, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    return woken


def _read_all(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except BlockingIOError:
        return b""


if __name__ == "__main__":
    sys.exit(main())
