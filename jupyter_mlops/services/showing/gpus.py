"""Who has which GPU of a machine, and what its users have had of them, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..quantities import size_text
from .tables import table

GPU_HEADINGS = ("GPU", "name", "memory", "free", "who has it")
USER_HEADINGS = ("user", "lately", "used", "quota", "GPUs at once")
NO_GPUS = "There are no GPUs here. JUPYTER_MLOPS_GPU_SLOTS=2 makes two virtual ones, to try."


def gpus_table(gpus: Iterable[Mapping[str, Any]]) -> str:
    """A line for each GPU, and one more for each further holder."""
    return table(GPU_HEADINGS, (line for gpu in gpus for line in _lines(gpu)))


def users_table(users: Iterable[Mapping[str, Any]]) -> str:
    """A line for each user."""
    return table(USER_HEADINGS, map(user_cells, users))


def gpu_cells(gpu: Mapping[str, Any]) -> tuple[Any, ...]:
    """A row of ``services.sharing.gpus_of`` under ``GPU_HEADINGS``."""
    share, memory = gpu["free_share"], gpu["memory_bytes"]
    free = "all" if share == 1 else "none" if not share else f"{share:g}"
    if memory is not None and share and gpu["free_bytes"] < memory:
        free = f"{free}, {size_text(gpu['free_bytes'])}"
    return gpu["index"], gpu["name"], "" if memory is None else size_text(memory), free, gpu["holders"]


def user_cells(user: Mapping[str, Any]) -> tuple[Any, ...]:
    """A row of ``services.sharing.users_of`` under ``USER_HEADINGS``."""
    days = user["window_hours"] / 24
    quota = user["max_gpu_hours"]
    return (
        user["user"],
        f"{user['recent_gpu_hours']:.1f} GPU h",
        f"{user['used_gpu_hours']:.1f} GPU h in {days:g} days",
        "" if quota is None else f"{quota:g} GPU h",
        "" if user["max_gpus"] is None else f"{user['max_gpus']:g}",
    )


def _lines(gpu: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    *cells, holders = gpu_cells(gpu)
    first, *others = holders.split("; ")
    yield *cells, first
    for each in others:
        yield *[""] * len(cells), each
