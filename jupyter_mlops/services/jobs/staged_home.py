"""The home that a worker makes for itself where the submitting machine's is not seen."""

from __future__ import annotations

from ...temporary import HeldFolder

PREFIX = "jupyter-mlops-home-"


class TemporaryHome(HeldFolder):
    """A folder in the machine's temporary one."""

    def __init__(self) -> None:
        super().__init__(PREFIX)
