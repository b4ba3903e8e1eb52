"""What cannot go along with a job, why, and what to do instead."""

from __future__ import annotations

import io
import socket
import sys
import threading
import types
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

MOST_LOOKED_AT = 20_000
MOST_OF_EACH = 200


@dataclass(frozen=True, slots=True)
class Hindrance:
    """``what`` it is (``a lock``), ``why`` it cannot go, and the ``way`` out; ``{}`` in it is the name."""

    what: str
    why: str
    way: str


MODULE = Hindrance(
    "a module",
    "a job imports its modules itself",
    "Leave it out of --carry: the cell that imports it goes along with the job.",
)
LOCK = Hindrance(
    "a lock",
    "it guards the threads of this kernel",
    "Make it in the submitted cell, or leave it out in the __getstate__ of the object that has it.",
)
FILE = Hindrance(
    "an open file",
    "it belongs to this kernel's process",
    "Carry what you read from it, or its path, and open it in the submitted cell.",
)
GENERATOR = Hindrance(
    "a generator",
    "its position in the code cannot be kept",
    "Carry its values, as list({}), or make it in the submitted cell.",
)
COROUTINE = Hindrance(
    "a coroutine", "it waits in this kernel's event loop", "Carry its result: await it here."
)
CONNECTION = Hindrance(
    "a connection",
    "its other end knows this kernel only",
    "Connect in the submitted cell, and carry the data that you have read.",
)
CUDA = Hindrance(
    "a part of this process's CUDA context",
    "streams, events and graphs live and die with it",
    "Make it in the submitted cell. Tensors and models can be carried.",
)
HANDLE = Hindrance(
    "the handle of a job",
    "a job does not wait for another one from inside",
    "Carry its result: x = {}.result, and --after where the order counts.",
)
RUN = Hindrance(
    "the writer of a run",
    "it writes this kernel's journal",
    "The job is a run of its own: log in the submitted cell.",
)
THREAD = Hindrance(
    "a thread, process or pool", "it runs here and now", "Start it in the submitted cell, and carry its data."
)
FRAME = Hindrance(
    "a frame of running code", "it belongs to this kernel", "Carry the values that you need of it."
)
WEAK = Hindrance(
    "a weak reference", "it holds nothing", "Carry the object itself: x = {}(), if it is still there."
)
SHELL = Hindrance("IPython itself", "a job has its own", "Call get_ipython() in the submitted cell.")
GRAPH = Hindrance(
    "a tensor with a history of gradients",
    "the history cannot be kept, and backward() would stop there",
    "Carry {}.detach(), or what it was computed from.",
)

_LOCKS = (type(threading.Lock()), type(threading.RLock()), threading.Condition, threading.Event)
_SEMAPHORES = (threading.Semaphore, threading.Barrier)
_TYPES: tuple[tuple[tuple[type, ...], Hindrance], ...] = (
    ((types.ModuleType,), MODULE),
    ((*_LOCKS, *_SEMAPHORES), LOCK),
    ((types.GeneratorType, types.AsyncGeneratorType), GENERATOR),
    ((types.CoroutineType,), COROUTINE),
    ((socket.socket,), CONNECTION),
    ((threading.Thread,), THREAD),
    ((types.FrameType, types.TracebackType), FRAME),
    ((weakref.ReferenceType, *weakref.ProxyTypes), WEAK),
)
_NAMED: tuple[tuple[str, tuple[str, ...], Hindrance], ...] = (
    ("sqlite3", ("Connection", "Cursor"), CONNECTION),
    ("sqlalchemy.engine", ("Engine", "Connection", "CursorResult"), CONNECTION),
    ("sqlalchemy.orm", ("Session", "scoped_session"), CONNECTION),
    ("sqlalchemy.ext.asyncio", ("AsyncEngine", "AsyncConnection", "AsyncSession"), CONNECTION),
    ("psycopg", ("Connection", "Cursor", "connection", "cursor"), CONNECTION),
    ("psycopg2", ("connection", "cursor"), CONNECTION),
    ("pymysql", ("Connection", "Cursor"), CONNECTION),
    ("duckdb", ("DuckDBPyConnection",), CONNECTION),
    ("_duckdb", ("DuckDBPyConnection",), CONNECTION),
    ("redis", ("Redis",), CONNECTION),
    ("pymongo", ("MongoClient", "Database", "Collection"), CONNECTION),
    ("requests", ("Session",), CONNECTION),
    ("pyspark", ("SparkSession", "SparkContext", "DataFrame"), CONNECTION),
    ("distributed", ("Client", "LocalCluster"), CONNECTION),
    ("torch.cuda", ("Stream", "Event", "CUDAGraph", "ExternalStream"), CUDA),
    ("tempfile", ("_TemporaryFileWrapper", "SpooledTemporaryFile", "TemporaryDirectory"), FILE),
    ("pycuda", ("Context", "Stream", "Event"), CUDA),
    ("cupy.cuda", ("Stream", "Event", "Device"), CUDA),
    ("multiprocessing", ("Process", "Pool", "SyncManager", "Queue", "Connection"), THREAD),
    ("concurrent.futures", ("ThreadPoolExecutor", "ProcessPoolExecutor", "Future"), THREAD),
    ("subprocess", ("Popen",), THREAD),
    ("asyncio", ("Task", "Future"), COROUTINE),
    ("_asyncio", ("Task", "Future"), COROUTINE),
    ("jupyter_mlops.api", ("Job", "Sweep", "Reproduction"), HANDLE),
    ("jupyter_mlops.services.tracking", ("RunWriter",), RUN),
    ("IPython", ("InteractiveShell",), SHELL),
    ("ipykernel", ("ZMQInteractiveShell", "IPythonKernel"), SHELL),
)


def hindrance_of(value: Any) -> Hindrance | None:
    """Why this object itself, whatever is in it, cannot go; None where nothing is known against it."""
    if found := hindrance_of_type(type(value)):
        return found
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor) and value.grad_fn is not None:
        return GRAPH
    return None


def hindrance_of_type(kind: type) -> Hindrance | None:
    """Why no object of a class can go."""
    for kinds, found in _TYPES:
        if issubclass(kind, kinds):
            return found
    if issubclass(kind, io.IOBase) and not issubclass(kind, (io.BytesIO, io.StringIO)):
        return FILE
    for each in kind.__mro__:
        for module, names, found in _NAMED:
            if each.__name__ in names and f"{each.__module__}.".startswith(f"{module}."):
                return found
    return None


def find(value: Any, name: str) -> tuple[str, Hindrance] | None:
    """What hinders in an object, nearest first: where it is, as an expression, and what."""
    waiting: deque[tuple[str, Any]] = deque([(name, value)])
    seen = {id(value)}
    for _ in range(MOST_LOOKED_AT):
        if not waiting:
            return None
        where, each = waiting.popleft()
        if found := hindrance_of(each):
            if each is value or found is not MODULE:  # within an object, cloudpickle carries modules by name
                return where, found
            continue
        for path, part in islice(_parts(where, each), MOST_OF_EACH):
            if id(part) not in seen:
                seen.add(id(part))
                waiting.append((path, part))
    return None


def _parts(where: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, part in islice(value.items(), MOST_OF_EACH):
            yield f"{where}[{key!r:.40}]", part
    elif isinstance(value, (list, tuple, deque)):
        for number, part in enumerate(islice(value, MOST_OF_EACH)):
            yield f"{where}[{number}]", part
    elif isinstance(value, types.FunctionType):
        yield from _parts_of_function(where, value)
    elif isinstance(value, types.MethodType):
        yield f"{where}.__self__", value.__self__
    elif not isinstance(value, type):
        for name, part in islice((getattr(value, "__dict__", None) or {}).items(), MOST_OF_EACH):
            yield f"{where}.{name}", part


def _parts_of_function(where: str, function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """What goes along with a function of a cell: the globals and the variables that it uses."""
    if function.__module__ != "__main__":
        return
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield f"{name} (used by {where})", function.__globals__[name]
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not yet bound
            yield f"{name} (used by {where})", cell.cell_contents


def refusal(name: str, value: Any, error: BaseException | None = None) -> str | None:
    """Why ``--carry name`` is refused, and the way out.

    Without an ``error`` that pickling raised, only what the object itself is counts: None if it may go.
    """
    if error is None:
        hindrance = hindrance_of(value)
        found = None if hindrance is None else (name, hindrance)
    else:
        found = find(value, name)
    if found is not None:
        where, hindrance = found
        thing = f"{name} is {hindrance.what}" if where == name else f"in it, {where} is {hindrance.what}"
        return f"{name!r} cannot be carried: {thing}, and {hindrance.why}. {hindrance.way.format(name)}"
    if error is None:
        return None
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    said = f"{type(error).__name__}: {error}".rstrip(": .")
    return (
        f"{name!r} ({kind}) cannot be carried: pickling it failed with {said}. Carry the parts of it that "
        "you need, or make it in the submitted cell."
    )
