"""What Ray was given for an attempt: ``executor.json`` in its folder, the truth of the hand-over."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...errors import InvalidInput
from ...protocols.jobs import Begun
from ...wire import decode, encode

FILE = "executor.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """``request`` is what is sent, so that any later agent can send it; ``sent`` that Ray has taken it."""

    id: str
    address: str
    request: dict[str, Any]
    handed_over_at: float
    sent: bool = False
    executor: str = "ray"

    def write(self, attempt: Path) -> None:
        temporary = attempt / f".{FILE}.{os.getpid()}"
        temporary.unlink(missing_ok=True)
        fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(encode(self))
        os.replace(temporary, attempt / FILE)

    def as_sent(self) -> Record:
        return replace(self, sent=True)

    def as_unsent(self) -> Record:
        return replace(self, sent=False)


def read_record(attempt: Path) -> Record | None:
    """None where nothing was handed over. Raises InvalidInput for a file that is damaged."""
    try:
        return decode((attempt / FILE).read_bytes(), Record)
    except FileNotFoundError:
        return None
    except (InvalidInput, UnicodeDecodeError) as error:
        raise InvalidInput(f"{attempt / FILE} is damaged: {error}") from error


def submission_id(job_id: str, attempt: int) -> str:
    """What the attempt is called on the cluster."""
    return f"mlops-{job_id}-{attempt}"


def attempt_folder(begun: Begun) -> Path:
    return begun.folder / "attempts" / str(begun.attempt)
