"""The threads that numerical libraries work with, in a forked kernel as many as in one that was started.

A nursery loads the libraries with one thread each (``conditions.WHILE_WARMING``); how many a kernel's
variables, or else the machine, give them is set when the kernel is forked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from .conditions import POOLS

OF_LIBRARY = {
    "openblas": ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"),
    "mkl": ("MKL_NUM_THREADS", "OMP_NUM_THREADS"),
    "blis": ("BLIS_NUM_THREADS", "OMP_NUM_THREADS"),
    "flexiblas": ("OMP_NUM_THREADS",),
    "openmp": ("OMP_NUM_THREADS",),
    "numexpr": ("NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS"),
}
"""The variables that a library reads, the first that is set wins."""
CONTROLLER = "threadpoolctl"
MAPPED = ("openblas", "libmkl", "libblis", "libgomp", "libiomp", "libomp")


def trouble(environment: Mapping[str, str]) -> str:
    """Why the threads cannot be set as the environment says; empty when they can."""
    for name in POOLS:
        value = environment.get(name, "")
        if value and not (value.isascii() and value.isdigit() and int(value)):
            return f"{name}={value}"
    return ""


def cannot_be_set() -> str:
    """Why the threads of the libraries that are loaded cannot be set; empty when they can, or need not."""
    if not _have_threads():
        return ""
    try:
        import threadpoolctl  # noqa: F401
    except ImportError:
        return f"its threads can only be set with {CONTROLLER} (pip install {CONTROLLER})"
    return ""


def restore(environment: Mapping[str, str]) -> None:
    """Give the loaded libraries the threads that they would have found."""
    if _have_threads():
        import threadpoolctl

        for library in threadpoolctl.ThreadpoolController().lib_controllers:
            library.set_num_threads(_threads(library.internal_api, environment))
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(_of_torch(environment))
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.set_cpu_count(_threads("openmp", environment))
    if numexpr := sys.modules.get("numexpr"):
        numexpr.set_num_threads(min(_threads("numexpr", environment), numexpr.MAX_THREADS))


def _threads(library: str, environment: Mapping[str, str]) -> int:
    for name in OF_LIBRARY.get(library, ("OMP_NUM_THREADS",)):
        if value := environment.get(name):
            return int(value)
    return len(os.sched_getaffinity(0))


def _of_torch(environment: Mapping[str, str]) -> int:
    """By default as many as there are cores that are not hyper-threads (ATen/ParallelCommon.cpp)."""
    if value := environment.get("OMP_NUM_THREADS") or environment.get("MKL_NUM_THREADS"):
        return int(value)
    import psutil

    allowed: int = len(os.sched_getaffinity(0))
    return min(psutil.cpu_count(logical=False) or allowed, allowed)


def _have_threads() -> bool:
    """Whether a library is loaded that works with threads of its own."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        maps = file.read()
    return any(each in maps for each in MAPPED)


def reseed() -> None:
    """Forked processes must not draw the same numbers; ``random`` sees to it itself (random.py)."""
    numpy: Any = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    if torch := sys.modules.get("torch"):
        torch.seed()
