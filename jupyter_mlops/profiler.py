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
from pathlib import Path

NICENESS = 10
OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_GO = "1000"
"""When memory runs out the kernel ends this process, not the user's session. See proc(5)."""


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(AttributeError, OSError):  # there is none on Windows
        os.nice(NICENESS)
    with contextlib.suppress(OSError):  # nor that anywhere but on Linux
        OOM_SCORE.write_text(FIRST_TO_GO)
    from .workspace import current

    workspace = current()
    if workspace.settings.home.exists():
        workspace.profiles.work()
    return 0


if __name__ == "__main__":
    sys.exit(main())
