"""Workers forked from nurseries: one for each interpreter and environment that submits jobs.

A nursery is started when a second job of its kind comes, or a second after the first: a lone job does not pay
for it. Whatever it cannot do starts cold, and nothing ever waits for it.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config import Settings
from ..warm import conditions
from ..warm.client import Forked, Nursery

LINUX = sys.platform.startswith("linux")
AFTER_S = 4.0
AT_MOST = 3
"""Nurseries at a time: those used last."""
PATIENCE_S = 60.0
"""One that was not ready, or ended by itself, is not tried again for this long."""

Key = tuple[str, tuple[tuple[str, str], ...]]

logger = logging.getLogger(__name__)


@dataclass
class _Kind:
    """Jobs of one interpreter and environment. ``due_at``: when a nursery is started, if not before."""

    interpreter: str
    environment: dict[str, str]
    cwd: Path
    nursery: Nursery | None = None
    due_at: float | None = None
    not_before: float = 0.0


class Nurseries:
    """The nurseries of one executor."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kinds: dict[Key, _Kind] = {}

    def spawn(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        log: Path,
        pass_fds: Collection[int] = (),
    ) -> Forked | None:
        """A worker, as ``process.spawn`` starts one; None where it is to be started cold."""
        if not LINUX or not self._settings.warm_start:
            return None
        kind = self._kind_of(command[0], environment)
        if kind.nursery is None:
            self._want(kind)
            return None
        worker = _forked(
            kind.nursery, command, environment=environment, cwd=cwd, log=log, pass_fds=list(pass_fds)
        )
        if kind.nursery.is_spent:
            self._put_away(kind)
            self._begin(kind)
        return worker

    def look(self) -> None:
        """Start what is due, and put away what has ended."""
        for kind in self._kinds.values():
            if kind.nursery is not None:
                kind.nursery.listen()
                if kind.nursery.is_overdue:
                    logger.warning("The nursery %s is given up: it says nothing", kind.nursery.pid)
                    kind.nursery.end()
                if kind.nursery.is_gone:
                    self._put_away(kind)
            elif kind.due_at is not None and time.monotonic() > kind.due_at:
                self._begin(kind)

    @property
    def alive(self) -> list[Nursery]:
        """Those that workers are forked from."""
        return [kind.nursery for kind in self._kinds.values() if kind.nursery and not kind.nursery.is_gone]

    def _kind_of(self, interpreter: str, environment: Mapping[str, str]) -> _Kind:
        at_start = conditions.at_start(environment, self._settings.warm_imports)
        key = (interpreter, tuple(sorted(at_start.items())))
        if key not in self._kinds:
            path = {"PATH": environment["PATH"]} if "PATH" in environment else {}
            environment = {**path, **self._settings.environment(), **at_start}
            self._kinds[key] = _Kind(interpreter, environment, self._settings.runtime_dir)
        return self._kinds[key]

    def _want(self, kind: _Kind) -> None:
        if kind.due_at is None:
            kind.due_at = time.monotonic() + AFTER_S
        else:
            self._begin(kind)

    def _begin(self, kind: _Kind) -> None:
        if time.monotonic() < kind.not_before:
            return
        self._make_room()
        kind.due_at = None
        try:
            kind.nursery = Nursery(
                kind.interpreter,
                kind.environment,
                libraries=self._settings.warm_imports,
                idle_s=self._settings.agent_idle_s,
                cwd=kind.cwd,
            )
        except OSError as error:
            logger.warning("No nursery can be started with %s: %s", kind.interpreter, error)
            kind.not_before = time.monotonic() + PATIENCE_S

    def _make_room(self) -> None:
        used = [kind for kind in self._kinds.values() if kind.nursery is not None]
        used.sort(key=lambda kind: kind.nursery.used_at if kind.nursery else 0.0)
        for kind in used[: max(0, len(used) - AT_MOST + 1)]:
            self._put_away(kind)

    def _put_away(self, kind: _Kind) -> None:
        """Its children live on; without it nobody hears how they end, which their folders say."""
        if kind.nursery is None:
            return
        if not kind.nursery.was_ready:
            kind.not_before = time.monotonic() + PATIENCE_S
        kind.nursery.retire()
        kind.nursery = kind.due_at = None


def _forked(nursery: Nursery, command: Sequence[str], **where: Any) -> Forked | None:
    """A worker; None where there is none to be had, whatever is in the way: it can always start cold."""
    try:
        return nursery.fork(command, **where)
    except Exception:
        logger.exception("The nursery %s is given up", nursery.pid)
        nursery.end()  # then no worker begins that was forked already
        return None
