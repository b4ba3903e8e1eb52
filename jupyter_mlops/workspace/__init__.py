"""The composition root: the only package that names concrete stores and executors.

Everything is made on first use, so that a kernel that only tracks never opens a database.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Settings, load_settings
from . import care, experiments, queue, registries, stores
from .making import common, once

if TYPE_CHECKING:
    from ..protocols.clock import Clock

MOST_ACTING = 64
"""Of how many users the services are kept; those of others are made again, which costs microseconds."""


class Workspace:
    """One home folder and its index, with the services over them."""

    def __init__(
        self, settings: Settings, *, clock: Clock = time.time, whole: Workspace | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.lock = threading.RLock()
        self.whole = whole or self
        """The workspace of the process's own user; this one where nobody else acts in it."""
        self._acting: dict[str, Workspace] = {}

    def acting_as(self, user: str) -> Workspace:
        """The same workspace in the name of another user: of who sent a request to the server.

        Stores, files and caches are the same; what is decided is that user's, and allowed as it is to him.
        """
        whole = self.whole
        if user == whole.settings.user:
            return whole
        with whole.lock:
            acting = whole._acting.pop(user, None)
            if acting is None:
                acting = Workspace(replace(whole.settings, user=user), clock=self.clock, whole=whole)
            whole._acting[user] = acting  # the last one asked for is the last one to go
            if len(whole._acting) > MOST_ACTING:
                whole._acting.pop(next(iter(whole._acting)))
        return acting

    blobs = common(stores.blobs)
    _local_blobs = property(stores.local_blobs)
    _fetching = stores.fetching
    _travelled = property(stores.travelled)
    _registry_store = common(stores.registry_store)
    _job_store = common(stores.job_store)
    _attempt_store = common(stores.attempt_store)
    _schedule_store = common(stores.schedule_store)
    _sweep_store = common(stores.sweep_store)
    _registry_database = common(stores.registry_database)
    _index_database = common(stores.index_database)
    _online_database = common(stores.online_database)
    _features_database = stores.features_database
    _home_in_team = property(stores.home_in_team)
    _seals = common(stores.seals)
    index = common(stores.index)

    tracker = common(experiments.tracker)
    ingestor = common(experiments.ingestor)
    runs = common(experiments.runs)
    sealing = common(experiments.sealing)
    elsewhere = common(experiments.elsewhere)
    _apply_registration = experiments.apply_registration
    exports = once(experiments.exports)
    imports = once(experiments.imports)
    _datasets_of_digests = experiments.datasets_of_digests
    _dataset_file_name = experiments.dataset_file_name
    reproduction = once(experiments.reproduction)
    lineage = once(experiments.lineage)

    registry = once(registries.registry)
    profiles = common(registries.profiles)
    diffs = common(registries.diffs)
    expectations = once(registries.expectations)
    _guard = common(registries.guard)
    features = once(registries.features)
    promotion = once(registries.promotion)
    cards = once(registries.cards)
    model_exports = once(registries.model_exports)
    model_imports = once(registries.model_imports)
    access = common(registries.access)
    audit_trail = common(registries.audit_trail)

    executors = common(queue.executors)
    quotas = queue.quotas
    machine = property(queue.machine)
    jobs = once(queue.jobs)
    sweeps = once(queue.sweeps)
    sweep_loop = queue.sweep_loop
    schedules = once(queue.schedules)
    schedule_loop = queue.schedule_loop
    agent = common(queue.agent)
    home_is_shared = property(queue.home_is_shared)
    keeps_memory_limits = queue.keeps_memory_limits
    custody = queue.custody
    terminated = queue.terminated
    take_output = queue.take_output
    submission = once(queue.submission)
    _recorded_reads = queue.recorded_reads
    _registered_reads = queue.registered_reads
    _carrying = queue.carrying
    sizing = common(queue.sizing)
    usage = common(queue.usage)
    gauges = common(queue.gauges)

    upkeep = once(care.upkeep)
    _work = care.work
    doctor = common(care.doctor)


_current: Workspace | None = None


def current() -> Workspace:
    """The process's workspace, from the environment at first use."""
    global _current
    if _current is None:
        _current = Workspace(load_settings())
    return _current


def use(workspace: Workspace | None) -> None:
    """Make this the process's workspace; None reads the environment again at the next use."""
    global _current
    _current = workspace


def leave(seconds: float = 5.0) -> None:
    """Let the process's workspace finish, for so long, what it does for colleagues: the process ends."""
    if _current is not None and (sealing := vars(_current).get("sealing")) is not None:
        sealing.wait(seconds)


def open_workspace(home: str | Path | None = None) -> Workspace:
    """A workspace of its own: ``home``, else what the environment says."""
    return Workspace(load_settings({"home": home}))
