"""What a cell's error says of the cause: most errors are the code's own, some are want of memory."""

from __future__ import annotations

from ...entities import Cause, RunError

MEMORY_ERRORS = ("MemoryError", "_ArrayMemoryError", "ArrowMemoryError")
"""Python's, numpy's, pyarrow's."""
GPU_MEMORY_ERRORS = ("OutOfMemoryError", "ResourceExhaustedError", "CUDAOutOfMemoryError")
"""PyTorch's and CuPy's, TensorFlow's."""
GPU_MEMORY_WORDS = (
    "CUDA out of memory",
    "CUDA error: out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "cudaErrorMemoryAllocation",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "HIP out of memory",
    "RESOURCE_EXHAUSTED: Out of memory",
)
"""In the messages of errors with general names: RuntimeError of older PyTorch, XlaRuntimeError of JAX."""
MEMORY_WORDS = ("Unable to allocate", "Cannot allocate memory", "not enough memory: you tried to allocate")
"""numpy's, the system's (ENOMEM), PyTorch's on the CPU."""


def cause_of(error: RunError | None) -> Cause:
    """Why a notebook failed whose cell raised ``error``."""
    if error is None:
        return Cause.ERROR
    name = error.name.rpartition(".")[2]
    if name in GPU_MEMORY_ERRORS or any(words in error.message for words in GPU_MEMORY_WORDS):
        return Cause.GPU_MEMORY
    if name in MEMORY_ERRORS or any(words in error.message for words in MEMORY_WORDS):
        return Cause.MEMORY
    return Cause.ERROR


def cause_of_exception(error: BaseException) -> Cause:
    """Why the worker itself failed."""
    return cause_of(RunError(name=type(error).__name__, message=str(error), traceback=""))
