"""The last value of a job's cell, kept for ``job.result``."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from ..config import ATTEMPT
from ..services.tracking.tracker import warn_line

FILE_NAME = "result.pkl"
MAX_BYTES = 256 * 1024 * 1024


class TooLarge(Exception):
    """More than ``MAX_BYTES``."""


class _Limited(io.BytesIO):
    def write(self, data: Any) -> int:
        if self.tell() + len(memoryview(data).cast("B")) > MAX_BYTES:
            raise TooLarge(f"it is larger than {MAX_BYTES // 1024**2} MiB")
        return super().write(data)


def keep_result(value: Any) -> None:
    """Pickle it into the attempt's folder, whole or not at all. Says so when it cannot be kept."""
    folder = os.environ.get(ATTEMPT)
    if value is None or not folder:
        return
    import cloudpickle

    buffer = _Limited()
    try:
        cloudpickle.dump(value, buffer)
        temporary = Path(folder) / f".{FILE_NAME}.{os.getpid()}"
        temporary.write_bytes(buffer.getbuffer())
        os.replace(temporary, Path(folder) / FILE_NAME)
    except Exception as error:  # noqa: BLE001  what pickling a foreign object raises is anybody's guess
        kind = type(value).__name__
        warn_line(f"the cell's last value ({kind}) is not kept for job.result: {error}")
