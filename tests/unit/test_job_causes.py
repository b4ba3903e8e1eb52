"""What a cell's error says of the cause."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import Cause, RunError
from jupyter_mlops.services.jobs.causes import cause_of, cause_of_exception


@pytest.mark.parametrize(
    ("name", "message", "cause"),
    [
        ("ValueError", "too small", Cause.ERROR),
        ("MemoryError", "", Cause.MEMORY),
        (
            "numpy._core._exceptions._ArrayMemoryError",
            "Unable to allocate 7.28 TiB for an array",
            Cause.MEMORY,
        ),
        ("_ArrayMemoryError", "Unable to allocate 7.28 TiB for an array", Cause.MEMORY),
        ("OSError", "[Errno 12] Cannot allocate memory", Cause.MEMORY),
        (
            "RuntimeError",
            "DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes",
            Cause.MEMORY,
        ),
        ("OutOfMemoryError", "CUDA out of memory. Tried to allocate 20.00 GiB.", Cause.GPU_MEMORY),
        ("RuntimeError", "CUDA error: out of memory", Cause.GPU_MEMORY),
        (
            "XlaRuntimeError",
            "RESOURCE_EXHAUSTED: Out of memory while trying to allocate 1 byte",
            Cause.GPU_MEMORY,
        ),
        ("ResourceExhaustedError", "OOM when allocating tensor", Cause.GPU_MEMORY),
        ("RuntimeError", "memory of an elephant", Cause.ERROR),
    ],
)
def test_cause_is_known_by_the_errors_name_and_message(name: str, message: str, cause: Cause) -> None:
    assert cause_of(RunError(name=name, message=message, traceback="")) is cause


def test_failure_without_an_error_of_a_cell_is_an_error() -> None:
    assert cause_of(None) is Cause.ERROR


def test_worker_that_has_no_memory_left_says_so() -> None:
    assert cause_of_exception(MemoryError()) is Cause.MEMORY
    assert cause_of_exception(OSError(28, "No space left on device")) is Cause.ERROR
