"""Reading ahead: parts of a long work on a few threads, their results in order, and never many at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
A_PART = 64
QUICK_S = 0.004
"""A part that takes longer waits for something, or computes without the interpreter's lock."""


def parts(items: Sequence[T], size: int = A_PART) -> Iterator[Sequence[T]]:
    """The items, some at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ahead(
    call: Callable[[T], R],
    items: Iterable[T],
    *,
    at_once: int = AT_ONCE,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[R]:
    """``call`` of each item, in order; twice as many as threads are under way. It raises what ``call`` does.

    Threads are for waiting: of a slow disk, of NFS, of S3. Small files of a warm cache are read three times
    slower by threads, which pass the interpreter's lock to and fro; so items are called here, one after the
    other, until a quarter of them was slow, and more than the first, which may load libraries.
    """
    rest = iter(items)
    slow = 0
    for done, item in enumerate(rest, start=1):
        began = clock()
        result = call(item)
        slow += clock() - began > QUICK_S
        yield result
        if slow > 1 and slow * 4 > done:
            break
    yield from on_threads(call, rest, at_once=at_once)


def on_threads(call: Callable[[T], R], items: Iterable[T], *, at_once: int = AT_ONCE) -> Iterator[R]:
    """As :func:`ahead`, for what is known to wait."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(at_once, thread_name_prefix="jupyter-mlops-data") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(call, item))
                if len(waiting) > 2 * at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()
