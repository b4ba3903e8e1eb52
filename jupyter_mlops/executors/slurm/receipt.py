"""What an attempt's folder says of its being handed over: ``executor.json``, the truth after any kill."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import InvalidInput
from ...wire import decode, encode

FILE = "executor.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Written before a job is handed over, and again with the cluster's number when it has been.

    ``name`` is the job's in the cluster's queue and no other's; the jobs of an array share it, and are told
    apart by ``task``. ``id`` is the cluster's number, ``12`` or ``12_3``; None as long as nobody has heard
    whether it was taken. ``where`` finds the cluster's programs.
    """

    name: str
    asked_at: float
    task: int | None = None
    id: str | None = None
    where: dict[str, str] = field(default_factory=dict)
    executor: str = "slurm"

    def id_of(self, number: str) -> str:
        """The cluster's number of this job, where the whole array has ``number``."""
        return number if self.task is None else f"{number}_{self.task}"


def read(attempt: Path) -> Receipt | None:
    """What was written there; None where nothing was, or what cannot be read."""
    try:
        return decode((attempt / FILE).read_bytes(), Receipt)
    except (OSError, InvalidInput, UnicodeDecodeError):
        return None


def write(attempt: Path, receipt: Receipt) -> None:
    path = attempt / FILE
    temporary = path.with_name(f".{FILE}.{os.getpid()}")
    temporary.write_bytes(encode(receipt))
    os.replace(temporary, path)


def remove(attempt: Path) -> None:
    """It was not handed over after all."""
    (attempt / FILE).unlink(missing_ok=True)
