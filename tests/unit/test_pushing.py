"""A process that pushes to the team beside its own work."""

from __future__ import annotations

import threading

from jupyter_mlops.services.sealing.pushing import Pusher
from jupyter_mlops.testing.clocks import FakeClock


def test_it_pushes_now_and_then_and_never_twice_at_once() -> None:
    clock, go, pushed = FakeClock(0.0), threading.Event(), []

    def push() -> None:
        pushed.append(clock())
        go.wait(10)

    pusher = Pusher(push, every_s=30, monotonic=clock)
    pusher.look()
    clock.sleep(60)
    pusher.look()  # the first one still goes on
    go.set()
    assert pusher.wait(10)
    pusher.look()
    clock.sleep(1)
    pusher.look()
    assert pusher.wait(10)
    assert pushed == [0.0, 60.0]


def test_a_push_that_fails_is_tried_again() -> None:
    clock, pushed = FakeClock(0.0), []

    def push() -> None:
        pushed.append(clock())
        raise OSError("no line")

    pusher = Pusher(push, every_s=30, monotonic=clock)
    for _ in range(2):
        pusher.look()
        assert pusher.wait(10)
        clock.sleep(30)
    assert pushed == [0.0, 30.0]
