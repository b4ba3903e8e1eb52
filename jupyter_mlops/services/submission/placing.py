"""Where a job that is submitted now will run, in words: what can be seen before it is queued."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ...entities import JobSpec, Resources
from ...errors import MlopsError
from ...protocols.jobs import Cluster, Executor, Machine, Outlook, SlotRoom
from ..quantities import spoken

SHOWN = 3
NOT = "not"


def placed(spec: JobSpec, executors: Mapping[str, Executor]) -> str:
    """A sentence; empty where there is nothing worth saying: on this machine, without a GPU.

    Where it can not run at all, that is for the refusal to say.
    """
    places = spec.executors or [spec.executor]
    said = {name: _at(name, spec, executors) for name in places}
    if len(places) > 1:
        each = "; ".join(f"{name}: {words or 'it can start now'}" for name, words in said.items())
        return f"It runs at the first place that can start it now ({each})."
    (words,) = said.values()
    return f"On {places[0]}: {words}." if words and not words.startswith(f"{NOT} ") else ""


def _at(name: str, spec: JobSpec, executors: Mapping[str, Executor]) -> str:
    try:
        executor = executors[name]
        if refusal := executor.refusal(spec):
            return f"{NOT} there ({refusal.rstrip('.')})"
        if executor.keeps_queue:
            return _outlook_words(cast(Cluster, executor).outlook(spec))
        return _machine_words(cast(Machine, executor), spec.resources)
    except (MlopsError, OSError) as error:
        return f"{NOT} now ({str(error).rstrip('.')})"


def _outlook_words(outlook: Outlook) -> str:
    if outlook.starts_now:
        return "it can start now"
    wait = "it waits" if outlook.wait_s is None else f"it waits for about {spoken(outlook.wait_s)}"
    return f"{wait} ({outlook.reason.rstrip('.')})" if outlook.reason else wait


def _machine_words(machine: Machine, wanted: Resources) -> str:
    if not wanted.gpus:
        return ""
    rooms = machine.room()
    fitting = sum(_has_room(each, wanted) for each in rooms)
    if fitting >= max(1, wanted.gpus):
        one, several = ("is", "are") if wanted.gpus >= 1 else ("has", "have")
        what = "free" if wanted.gpus >= 1 else "room for it"
        if len(rooms) == 1:
            return f"the GPU {one} {what}"
        return f"{fitting} of {len(rooms)} GPUs {one if fitting == 1 else several} {what}"
    return f"it waits for {_gpus(wanted)}{_holders(rooms)}"


def _has_room(room: SlotRoom, wanted: Resources) -> bool:
    has_memory = not (wanted.gpu_memory_bytes and room.memory_bytes is not None) or (
        room.memory_bytes >= wanted.gpu_memory_bytes
    )
    return room.share >= min(1.0, wanted.gpus) and has_memory


def _gpus(wanted: Resources) -> str:
    if wanted.gpus < 1:
        return "room on a GPU"
    return "a GPU" if wanted.gpus == 1 else f"{wanted.gpus:g} GPUs"


def _holders(rooms: Sequence[SlotRoom]) -> str:
    words = [f"{room.slot.name} {room.slot.index}: {room.holders}" for room in rooms if room.holders]
    more = ["..."] if len(words) > SHOWN else []
    return f" ({'; '.join([*words[:SHOWN], *more])})" if words else ""
