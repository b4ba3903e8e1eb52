"""The GPUs of this host, and what of them is free."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence

from ..capture.nvml import VISIBLE, devices, visible
from ..config import POOL, Settings
from ..entities import GpuSlot, Resources, short_id
from ..protocols.jobs import SlotRoom
from .leases import Held, Holder, Lease, held, lease
from .occupants import Occupants

ALL = "all"
MIG = "MIG-"
GIBIBYTE = 1024**3

logger = logging.getLogger(__name__)


def discover(settings: Settings, environ: Mapping[str, str] = os.environ) -> list[GpuSlot]:
    """The GPUs that jobs may lease: those of ``CUDA_VISIBLE_DEVICES``, else the virtual slots asked for.

    Inside a job, it is the pool that its own GPUs were taken from.
    """
    found = visible(devices(), pool(environ))
    return found or virtual_slots(settings)


def pool(environ: Mapping[str, str]) -> str | None:
    """The ``CUDA_VISIBLE_DEVICES`` in force for jobs; None for no restriction."""
    if POOL in environ:
        return None if environ[POOL] == ALL else environ[POOL]
    return environ.get(VISIBLE)


def virtual_slots(settings: Settings) -> list[GpuSlot]:
    """Slots that stand for GPUs where there is none."""
    return [
        GpuSlot(uuid=f"VIRTUAL-{settings.host}-{index}", index=index, name="virtual GPU", virtual=True)
        for index in range(settings.gpu_slots or 0)
    ]


def too_many_gpus(wanted: Resources, slots: Sequence[GpuSlot]) -> str:
    """Why these GPUs can never be enough; empty when they can."""
    if wanted.gpus > 1 and wanted.gpus != int(wanted.gpus):
        return f"A job gets a whole number of GPUs, or a part of one: not {wanted.gpus:g}."
    if wanted.gpus > len(slots):
        hint = "" if slots else " Set JUPYTER_MLOPS_GPU_SLOTS=2 for virtual ones."
        count = "1 GPU" if wanted.gpus == 1 else f"{wanted.gpus:g} GPUs"
        return f"The job wants {count}, and there are {len(slots) or 'none'} here.{hint}"
    if wanted.gpus > 1 and sum(not slot.uuid.startswith(MIG) for slot in slots) < wanted.gpus:
        return (
            f"The job wants {wanted.gpus:g} GPUs, and here they are cut into MIG instances, "
            "of which CUDA gives a process one only."
        )
    return _too_much_memory(wanted, slots)


def _too_much_memory(wanted: Resources, slots: Sequence[GpuSlot]) -> str:
    """Why so many of them never have the memory that the job wants of each."""
    asked = wanted.gpu_memory_bytes
    if asked is None:
        return ""
    enough = sum(slot.memory_bytes is None or slot.memory_bytes >= asked for slot in slots)
    if enough >= wanted.gpus:
        return ""
    if not enough:
        most = max(slot.memory_bytes or 0 for slot in slots)
        return f"The job wants {_gib(asked)} of GPU memory, and the largest GPU here has {_gib(most)}."
    return f"The job wants {wanted.gpus:g} GPUs with {_gib(asked)} each, and here {_have(enough)} so much."


def _gib(number: float) -> str:
    return f"{number / GIBIBYTE:.1f} GiB"


def _have(number: int) -> str:
    return "only 1 has" if number == 1 else f"only {number} have"


class GpuPool:
    """The GPUs that jobs of one workspace may lease, and who has them."""

    def __init__(self, settings: Settings, occupants: Occupants | None = None) -> None:
        self._settings = settings
        self._occupants = occupants or Occupants(settings.gpu_spare_bytes)
        self._slots: list[GpuSlot] | None = None
        self._troubles: dict[str, str] = {}

    def slots(self) -> list[GpuSlot]:
        if self._slots is None:
            self._slots = discover(self._settings)
        return self._slots

    def room(self) -> list[SlotRoom]:
        """What of every GPU is free. Raises Unavailable for a folder that is not to be trusted."""
        self._occupants.look([slot for slot in self.slots() if not slot.virtual])
        return [self._room(slot) for slot in self.slots()]

    def lease(self, slots: Sequence[GpuSlot], holder: Holder) -> list[Lease] | None:
        """Take all of them, each for the holder's share; None when one is taken."""
        leases: list[Lease] = []
        try:
            for slot in slots:
                taken = lease(self._settings.leases_dir, slot, holder)
                if taken is None:
                    give_back(leases)
                    return None
                leases.append(taken)
        except BaseException:
            give_back(leases)
            raise
        return leases

    def _room(self, slot: GpuSlot) -> SlotRoom:
        try:
            taken = held(self._settings.leases_dir, slot)
        except OSError as error:  # one damaged lease does not hide the others
            if self._troubles.get(slot.uuid) != str(error):
                logger.warning("GPU %s cannot be leased: %s", slot.uuid, error)
            self._troubles[slot.uuid] = str(error)
            return SlotRoom(slot=slot, share=0.0, memory_bytes=0, holders=f"its lease is damaged: {error}")
        self._troubles.pop(slot.uuid, None)
        foreign = self._occupants.on(slot, taken)
        memory = None
        if slot.memory_bytes is not None:
            promised = sum(each.memory_on(slot) for each in taken)
            memory = max(0, int(slot.memory_bytes - promised - foreign.memory_bytes))
        share = max(0.0, 1.0 - sum(each.share for each in taken))
        holders = "; ".join([*map(in_words, taken), *foreign.words])
        return SlotRoom(slot=slot, share=share, memory_bytes=memory, holders=holders)


def give_back(leases: Sequence[Lease]) -> None:
    """End leases in order."""
    for each in leases:
        each.give_back()


def in_words(held: Held) -> str:
    """Who has a GPU, or a part of it."""
    if held.holder is None:
        return "taken"
    job = f"job {short_id(held.holder.job_id)} of {held.holder.user}"
    if held.left_behind:
        return f"taken by what {job} left running"
    return f"taken by {job}" if held.share >= 1.0 else f"{held.share:g} of it taken by {job}"
