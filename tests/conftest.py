"""What holds for all tests."""

from __future__ import annotations

import os

# each dataset that a test registers would start a process; tests of that turn it on
os.environ.setdefault("JUPYTER_MLOPS_PROFILE_WHEN_REGISTERED", "0")

# a test that wants a terminal of some width says so itself
for name in ("COLUMNS", "LINES"):
    os.environ.pop(name, None)
