"""What every run index must do; subclass it and give the fixture ``index``, which is empty."""

from __future__ import annotations

from .index_intake import IntakeContract
from .index_liveness import LivenessContract
from .index_searching import SearchContract


class RunIndexContract(IntakeContract, LivenessContract, SearchContract):
    """Inherit as ``class TestMine(RunIndexContract)`` with a fixture ``index``."""
