"""The process that computes profiles: ``python -m jupyter_mlops.profiler``; its workspace is in the
environment.

It is started when a dataset was registered, works off what was asked for, and ends. It may be killed at any
time: what it leaves is taken up by the next one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys

NICENESS = 10


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(AttributeError, OSError):  # there is none on Windows
        os.nice(NICENESS)
    from .workspace import current

    workspace = current()
    if workspace.settings.home.exists():
        workspace.profiles.work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
