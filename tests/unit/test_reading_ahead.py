"""Reading ahead: in order, on threads only where that is quicker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from jupyter_mlops.services.registry.threads import QUICK_S, ahead, on_threads, parts


def ticking(seconds: Callable[[int], float]) -> Callable[[], float]:
    """A clock by which the call of item ``n`` takes ``seconds(n)``."""

    def times() -> Iterator[float]:
        now, number = 0.0, 0
        while True:
            yield now
            now += seconds(number)
            number += 1
            yield now

    return times().__next__


def called_here(seconds: Callable[[int], float], items: int = 40) -> list[bool]:
    """Whether each item was called in this thread."""
    here = threading.get_ident()
    return list(ahead(lambda _: threading.get_ident() == here, range(items), clock=ticking(seconds)))


def test_quick_items_are_called_one_after_the_other() -> None:
    assert called_here(lambda _: QUICK_S / 2) == [True] * 40


def test_first_may_load_libraries_and_a_few_may_be_disturbed() -> None:
    assert called_here(lambda number: 1.0 if number in (0, 10, 30) else 0.0) == [True] * 40


def test_threads_wait_for_what_is_slow() -> None:
    assert called_here(lambda _: 1.0) == [True, True] + [False] * 38


def test_what_turns_slow_goes_to_threads() -> None:
    here = called_here(lambda number: 1.0 if number >= 9 else 0.0)
    assert here == sorted(here, reverse=True)
    assert 10 < sum(here) < 20


@pytest.mark.parametrize("call", [ahead, on_threads])
def test_results_come_in_order(call) -> None:
    assert list(call(lambda part: sum(part), parts(range(100), 7))) == [
        sum(range(start, min(start + 7, 100))) for start in range(0, 100, 7)
    ]
    assert list(call(str, [])) == []


@pytest.mark.parametrize("call", [ahead, on_threads])
def test_failure_of_an_item_is_raised_and_the_rest_is_not_begun(call) -> None:
    begun: list[int] = []

    def fail(item: int) -> None:
        begun.append(item)
        if item == 3:
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        list(call(fail, range(1000)))
    assert len(begun) < 100
