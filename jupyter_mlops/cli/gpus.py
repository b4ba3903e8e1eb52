"""``gpus``."""

from __future__ import annotations

from argparse import Namespace

from ..services.sharing import gpus_of, users_of
from ..services.showing.gpus import GPU_HEADINGS, NO_GPUS, USER_HEADINGS, gpu_cells, user_cells
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
            print_table("Users", USER_HEADINGS, map(user_cells, users))
        return 0
    gpus = gpus_of(machine)
    if arguments.json:
        print_json(gpus)
    elif gpus:
        print_table("GPUs", GPU_HEADINGS, map(gpu_cells, gpus))
    else:
        console().print(NO_GPUS)
    return 0
