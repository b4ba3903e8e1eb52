"""``gpus``."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ..services.quantities import size_text
from ..services.sharing import gpus_of, users_of
from ..workspace import current
from .tables import console, print_json, print_table


def show_gpus(arguments: Namespace) -> int:
    """``jupyter mlops gpus``."""
    machine = current().machine
    if arguments.users:
        users = users_of(machine)
        if arguments.json:
            print_json(users)
        else:
            print_table("Users", ("user", "lately", "used", "quota", "GPUs at once"), map(_user_cells, users))
        return 0
    gpus = gpus_of(machine)
    if arguments.json:
        print_json(gpus)
    elif gpus:
        print_table("GPUs", ("GPU", "name", "memory", "free", "who has it"), map(_gpu_cells, gpus))
    else:
        console().print("There are no GPUs here. JUPYTER_MLOPS_GPU_SLOTS=2 makes two virtual ones, to try.")
    return 0


def _gpu_cells(gpu: Mapping[str, Any]) -> tuple[Any, ...]:
    share, memory = gpu["free_share"], gpu["memory_bytes"]
    free = "all" if share == 1 else "none" if not share else f"{share:g}"
    if memory is not None and share and gpu["free_bytes"] < memory:
        free = f"{free}, {size_text(gpu['free_bytes'])}"
    return gpu["index"], gpu["name"], "" if memory is None else size_text(memory), free, gpu["holders"]


def _user_cells(user: Mapping[str, Any]) -> tuple[Any, ...]:
    days = user["window_hours"] / 24
    quota = user["max_gpu_hours"]
    return (
        user["user"],
        f"{user['recent_gpu_hours']:.1f} GPU h",
        f"{user['used_gpu_hours']:.1f} GPU h in {days:g} days",
        "" if quota is None else f"{quota:g} GPU h",
        "" if user["max_gpus"] is None else f"{user['max_gpus']:g}",
    )
