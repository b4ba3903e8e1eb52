"""Which files are data, and who asked for them."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from functools import lru_cache
from types import FrameType

from .swaps import WATCHED

PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))) + os.sep

_SYSTEM = (
    "/proc/", "/sys/", "/etc/", "/run/", "/bin/", "/lib/", "/lib64/", "/usr/share/", "/usr/lib/",
    "/usr/lib64/", "/usr/include/", "/usr/local/lib/", "/usr/local/share/", "/System/", "/Library/",
)  # fmt: skip
_DEVICES, _SHARED_MEMORY = "/dev/", "/dev/shm/"
_OF_HOME = (
    ".config", ".ipython", ".jupyter", ".local/lib", ".local/share/jupyter", ".cache/matplotlib",
    ".cache/fontconfig", ".matplotlib", ".keras/keras.json", ".conda", ".aws", ".ssh", ".netrc", ".kaggle",
    "Library/Jupyter", "Library/Fonts",
)  # fmt: skip
_OF_ENVIRONMENT = (
    "MPLCONFIGDIR",
    "IPYTHONDIR",
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
)
_SUFFIXES = (
    ".py",
    ".pyc",
    ".pyo",
    ".pyi",
    ".pyd",
    ".so",
    ".dll",
    ".dylib",
    ".pth",
    ".ttf",
    ".ttc",
    ".otf",
    ".afm",
)
_INSIDE = ("/site-packages/", "/dist-packages/", "/joblib_memmapping_folder_")
_IMPORT = "<frozen importlib._bootstrap>"
_PLUMBING = ("threading", "concurrent.futures", "multiprocessing", "joblib", "asyncio", "contextlib")
_MACHINERY = (
    "jupyter-mlops",
    "IPython",
    "IOPub",
    "Heartbeat",
    "Control",
    "Shell channel",
    "pydevd",
    "Parent",
)
"""How threads are named that do nothing for the user's code."""


def is_data(path: str) -> bool:
    """Whether an absolute path may be data, and not Python's, the system's or Jupyter's own."""
    if path.startswith(_own_folders()) or path.endswith(_SUFFIXES):
        return False
    if path.startswith(_DEVICES) and not path.startswith(_SHARED_MEMORY):
        return False
    return not any(part in path for part in _INSIDE)


def asked_for(frame: FrameType | None) -> str | None:
    """Who asked for what ``frame`` (that called ``open`` or a reader) does; None for nobody of the user's.

    The text names the function that the user's code called, ``PIL.Image.open`` say; it is empty when the
    user's code is the frame itself. Nobody asked for what a library opens while it is imported, nor for
    what this package reads itself.
    """
    via = ""
    libraries = _library_folders()
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE) or file == _IMPORT:
            return None
        if not file.startswith(libraries):
            return via
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("IPython.", *_PLUMBING)):
            via = f"{name}.{frame.f_code.co_name}"
        frame = frame.f_back
    return via if _works_for_the_user(threading.current_thread()) else None


def _works_for_the_user(thread: threading.Thread) -> bool:
    """Of a thread in which no code of the user's is found: it may still be a pool's."""
    return thread is not threading.main_thread() and not thread.name.startswith(_MACHINERY)


@lru_cache(maxsize=1)
def _library_folders() -> tuple[str, ...]:
    """Where the code lies that is not the user's own."""
    paths = sysconfig.get_paths()
    found = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths}
    found |= {each for each in sys.path if each.endswith(("site-packages", "dist-packages"))}
    found |= {os.path.realpath(each) for each in found}
    return (
        *(each.rstrip(os.sep) + os.sep for each in found if each),
        WATCHED,
        "<frozen ",
        "<__array_function__",
    )


@lru_cache(maxsize=1)
def _own_folders() -> tuple[str, ...]:
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    prefixes |= {os.path.realpath(each) for each in prefixes}
    here = _working_directory()
    environments = {
        folder
        for each in prefixes
        if len(each) > 1 and not here.startswith(folder := each.rstrip(os.sep) + os.sep)
    }
    home = os.path.expanduser("~")
    of_home = {os.path.join(home, each) for each in _OF_HOME} if home not in ("", "/", "~") else set()
    of_environment = {
        os.path.abspath(value) + os.sep for name in _OF_ENVIRONMENT if (value := os.environ.get(name))
    }
    code = {each for each in _library_folders() if os.path.isabs(each)}
    return (*_SYSTEM, *environments, *of_home, *of_environment, *code, PACKAGE)


def _working_directory() -> str:
    try:
        return os.getcwd() + os.sep
    except OSError:
        return os.sep
