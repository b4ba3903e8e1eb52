"""What decides whether a process may be forked from a warm one: the variables that act only at a start.

An interpreter, the loader and the allocator read them when a process starts, libraries when they are loaded.
A nursery is started with the very values that a job has; a job with others starts cold.

What a nursery always loads is known, and what that reads. Libraries that the user declared may read anything,
and what they load in turn (``HF_HOME``, ``NUMBA_CACHE_DIR``, ``XDG_CACHE_HOME``): with them every variable
counts but those that belong to a terminal or a session.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

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
OF_A_SESSION = frozenset(
    {
        "COLORTERM", "COLUMNS", "DISPLAY", "HOSTNAME", "INVOCATION_ID", "JOURNAL_STREAM", "LESS",
        "LESSCLOSE", "LESSOPEN", "LINES", "LOGNAME", "LS_COLORS", "MAIL", "MANAGERPID", "OLDPWD",
        "PAGER", "PS1", "PWD", "SHELL", "SHLVL", "STY", "SYSTEMD_EXEC_PID", "TERM", "TERM_PROGRAM",
        "TERM_PROGRAM_VERSION", "TMUX", "TMUX_PANE", "WINDOWID", "_",
    }
)  # fmt: skip
SESSION_FAMILIES = (
    "DBUS_",
    "GPG_",
    "JPY_",
    "SSH_",
    "VSCODE_",
    "WAYLAND_",
    "XAUTH",
    "XDG_SESSION_",
    "XDG_RUNTIME_DIR",
)
"""What is another one wherever somebody logs in, and what no library that computes depends on."""
READ_WHERE_STARTED = {"matplotlib": "matplotlibrc", "numba": ".numba_config.yaml"}
"""Files of the folder in which a process starts, by the library that reads them when it is loaded."""

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
    """Whether a variable may be of no effect any more in a process that was forked.

    ``libraries`` are those that the user declared.
    """
    if name in POOLS or name.startswith(OF_EACH_JOB):
        return False
    if name in NAMES or name.startswith(FAMILIES):
        return True
    return any(libraries) and name not in OF_A_SESSION and not name.startswith(SESSION_FAMILIES)


def at_start(environment: Mapping[str, str], libraries: Iterable[str] = ()) -> dict[str, str]:
    """The variables that act at a start; ``PYTHONPATH`` is among them."""
    libraries = tuple(libraries)
    return {name: value for name, value in environment.items() if acts_at_start(name, libraries)}


def difference(one: Mapping[str, str], other: Mapping[str, str], libraries: Iterable[str] = ()) -> str:
    """A variable that acts at a start and differs, ``PYTHONPATH`` left out; empty where there is none."""
    first, second = at_start(one, libraries), at_start(other, libraries)
    names = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    return next((name for name in names if name != PYTHON_PATH), "")


def read_where_started(modules: Collection[str], folder: Path) -> str:
    """A file of the folder that the libraries among ``modules`` would have read there; empty for none."""
    names = (name for library, name in READ_WHERE_STARTED.items() if library in modules)
    return next((name for name in names if (folder / name).exists()), "")
