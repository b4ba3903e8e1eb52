"""What a nursery imports: first what kernels have, then what only workers have.

A forked kernel forgets the latter, so that its ``sys.modules`` are those of a kernel that was started, and
libraries that look around when they are imported (tqdm) see the kernel.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from types import ModuleType

WORKER = "jupyter_mlops.worker"
OF_KERNELS = (
    "debugpy",
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "ipykernel.datapub",
    "ipykernel.pickleutil",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.logger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "IPython.utils.wildcard",
    "pygments.formatters.terminal256",
    "pygments.styles.default",
    "stack_data",
    "tornado.platform.asyncio",
    "faulthandler",
    "psutil",
    "jupyter_mlops.magics",
    "jupyter_mlops.magics.options",
    "jupyter_mlops.workspace",
    "jupyter_mlops.services.tracking.tracker",
)
"""Those that one version of a library has and another has not are left out where they are not there."""
OF_WORKERS = (
    WORKER,
    "jupyter_mlops.notebooks.execution",
    "jupyter_mlops.notebooks.provisioner",
    "jupyter_mlops.artifacts.local",
    "jupyter_mlops.capture.environment",
    "jupyter_mlops.capture.gpu_load",
    "jupyter_mlops.capture.hardware",
    "jupyter_mlops.executors.cgroups",
    "jupyter_mlops.executors.custody",
    "jupyter_mlops.services.jobs.agent_control",
    "jupyter_mlops.services.tracking.surroundings",
    "jupyter_mlops.services.tracking.tracker",
)
REHEARSAL = "jupyter_mlops.notebooks.rehearsal"
_forgotten: list[ModuleType] = []


def import_those(names: Iterable[str]) -> None:
    """Import them; what is not installed is left out."""
    for name in names:
        try:
            importlib.import_module(name)
        except ImportError:
            continue


class Extras:
    """The modules that were imported since this was made."""

    def __init__(self) -> None:
        self.before = frozenset(sys.modules)

    def forget(self) -> None:
        """Have them imported again by whoever needs them, but for what cannot be imported twice.

        That are libraries with parts that are no Python, and Python's own.
        """
        later = [name for name in sys.modules if name not in self.before]
        kept = {_top(name) for name in later if not _is_python(sys.modules[name])}
        for name in later:
            if _top(name) not in kept and _top(name) not in sys.stdlib_module_names and not _is_of_here(name):
                _forget(name)


def _forget(name: str) -> None:
    module = sys.modules.pop(name)
    _forgotten.append(module)  # not destroyed: that would take time
    parent, _, attribute = name.rpartition(".")
    if getattr(sys.modules.get(parent), attribute, None) is module:
        delattr(sys.modules[parent], attribute)


def _is_of_here(name: str) -> bool:
    return name == __package__ or name.startswith(f"{__package__}.")


def _top(name: str) -> str:
    return name.partition(".")[0]


def _is_python(module: ModuleType | None) -> bool:
    file = getattr(module, "__file__", None)
    return file is None or file.endswith(".py")
