"""Python, packages and host: what a run needs to be understood later. No environment variables."""

from __future__ import annotations

import os
import platform
import socket
import sys
from typing import Any

from .packages import CONDA, installed_packages, platform_name


def environment() -> dict[str, Any]:
    """The keys of a run's context that describe this process and this machine."""
    conda = os.environ.get(CONDA)
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform_name(),
        "host": socket.gethostname(),
        "cpus": os.cpu_count(),
        "packages": installed_packages(),
        **({"conda": conda} if conda else {}),
    }
