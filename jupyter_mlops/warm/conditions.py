"""What decides whether a process may be forked from a warm one: the variables that act only at a start.

An interpreter, the loader and the allocator read them when a process starts, libraries when they are loaded.
A nursery is started with the very values that a job has; a job with others starts cold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PYTHON_PATH = "PYTHONPATH"
NAMES = frozenset({"GLIBC_TUNABLES", "HOME", "LANG", "LANGUAGE", "VIRTUAL_ENV", "CONDA_PREFIX"})
FAMILIES = (
    # the loader, the allocator, the locale, the interpreter
    "LD_",
    "DYLD_",
    "MALLOC_",
    "JE_",
    "MIMALLOC_",
    "TCMALLOC_",
    "LC_",
    "PYTHON",
    # what Jupyter's own libraries read when they are imported
    "IPYTHON",
    "JUPYTER_",
    "PYDEVD_",
    "DEBUGPY_",
    "TRAITLETS_",
    "ZMQ_",
    # numerical libraries, which read them when they are loaded
    "OMP_",
    "GOMP_",
    "KMP_",
    "MKL_",
    "OPENBLAS_",
    "GOTO_",
    "BLIS_",
    "VECLIB_",
    "NUMEXPR_",
    "ARROW_",
    "NPY_",
    "CUDA_",
    "CUBLAS_",
    "CUDNN_",
    "NCCL_",
    "NVIDIA_",
    "ROCM_",
    "HIP_",
    "HSA_",
    "MPLBACKEND",
    "MPLCONFIGDIR",
    "OPENSSL_",
    "SSL_",
)
OF_EACH_JOB = ("JUPYTER_MLOPS_", "CUDA_VISIBLE_DEVICES", "JUPYTER_TOKEN", "JUPYTER_SERVER_")
"""Read later, and different in every job or session."""
RELATIVES = {
    "torch": ("TORCH", "PYTORCH_", "ATEN_", "AOTI_"),
    "matplotlib": ("MPL",),
    "sklearn": ("SKLEARN_",),
}
"""How a library's variables begin, where that is not its own name."""

POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "GOTO_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""How many threads libraries work with: 1 in a nursery, and set anew in each kernel (``pools``)."""
WHILE_WARMING = {
    **dict.fromkeys(POOLS, "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""Under these, importing numerical libraries starts no thread."""


def acts_at_start(name: str, libraries: Iterable[str] = ()) -> bool:
    """Whether a variable is of no effect any more in a process that was forked."""
    if name in POOLS or name.startswith(OF_EACH_JOB):
        return False
    return name in NAMES or name.startswith(FAMILIES) or name.startswith(_of(libraries))


def at_start(environment: Mapping[str, str], libraries: Iterable[str] = ()) -> dict[str, str]:
    """The variables that act at a start; ``PYTHONPATH`` is among them."""
    libraries = tuple(libraries)
    return {name: value for name, value in environment.items() if acts_at_start(name, libraries)}


def difference(one: Mapping[str, str], other: Mapping[str, str], libraries: Iterable[str] = ()) -> str:
    """A variable that acts at a start and differs, ``PYTHONPATH`` left out; empty where there is none."""
    first, second = at_start(one, libraries), at_start(other, libraries)
    names = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    return next((name for name in names if name != PYTHON_PATH), "")


def _of(libraries: Iterable[str]) -> tuple[str, ...]:
    tops = {each.partition(".")[0] for each in libraries}
    return tuple(prefix for top in tops for prefix in (f"{top.upper()}_", *RELATIVES.get(top, ())))
