"""Reading ahead: parts of a long work on a few threads, their results in order, and never many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
A_PART = 64


def parts(items: Sequence[T], size: int = A_PART) -> Iterator[Sequence[T]]:
    """The items, some at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def ahead(call: Callable[[T], R], items: Iterable[T], *, at_once: int = AT_ONCE) -> Iterator[R]:
    """``call`` of each item, in order; twice as many as threads are under way. It raises what ``call`` does.

    Threads are for waiting: of a slow disk, of NFS, of S3. Small files of a warm cache gain less by them.
    """
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
