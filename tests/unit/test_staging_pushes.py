"""Uploads are made by a few threads, and how each of them went is heard."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from jupyter_mlops.errors import InvalidInput, MlopsError, Unavailable
from jupyter_mlops.executors.staging_pushes import AT_ONCE, Pushes
from jupyter_mlops.executors.staging_state import Key
from jupyter_mlops.testing.clocks import FakeClock
from tests.waiting import wait_until

A, B = Key("a", 1), Key("b", 1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def pushes(clock: FakeClock) -> Pushes:
    return Pushes(again_s=10.0, monotonic=clock)


class Fails:
    """An upload that fails in the given ways, one after the other, and then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.tries = 0

    def __call__(self) -> None:
        self.tries += 1
        if self.errors:
            raise self.errors.pop(0)


def outcome(pushes: Pushes, key: Key, upload: Callable[[], None]) -> str:
    try:
        return "done" if pushes.is_done(key, upload) else ""
    except MlopsError as error:
        return str(error)


def never(key: Key) -> bool:
    return False


def test_nobody_waits_for_an_upload_and_it_is_made_once(pushes: Pushes) -> None:
    goes_on, made = threading.Event(), []

    def upload() -> None:
        goes_on.wait(30)
        made.append(1)

    assert not pushes.is_done(A, upload)
    assert not pushes.is_done(A, upload)
    goes_on.set()
    wait_until(lambda: pushes.is_done(A, upload))
    assert pushes.is_done(A, upload)
    assert made == [1]


def test_no_more_than_a_few_are_made_at_once(pushes: Pushes) -> None:
    goes_on, under_way = threading.Event(), []

    def upload() -> None:
        under_way.append(1)
        goes_on.wait(30)

    keys = [Key(str(number), 1) for number in range(3 * AT_ONCE)]
    for key in keys:
        assert not pushes.is_done(key, upload)
    wait_until(lambda: len(under_way) == AT_ONCE)
    goes_on.set()
    wait_until(lambda: all(pushes.is_done(key, upload) for key in keys))
    assert len(under_way) == len(keys)


def test_failure_is_told_until_a_later_try_succeeds(pushes: Pushes, clock: FakeClock) -> None:
    upload = Fails(Unavailable("away"), Unavailable("still away"))
    wait_until(lambda: outcome(pushes, A, upload) == "away")
    assert [outcome(pushes, A, upload) for _ in range(3)] == ["away"] * 3
    assert upload.tries == 1
    clock.now = 10.0
    wait_until(lambda: outcome(pushes, A, upload) == "still away")
    clock.now = 20.0
    assert outcome(pushes, A, upload) == "still away"  # it is being tried
    wait_until(lambda: outcome(pushes, A, upload) == "done")


def test_failure_that_nobody_has_heard_of_is_not_forgotten(pushes: Pushes) -> None:
    upload, goes_on = Fails(InvalidInput("public")), threading.Event()
    assert not pushes.is_done(A, lambda: (goes_on.wait(30), upload())[1])
    pushes.forget_all_but([B], is_over=never)
    goes_on.set()
    wait_until(lambda: upload.tries)
    pushes.forget_all_but([B], is_over=never)
    wait_until(lambda: outcome(pushes, A, upload) == "public")
    assert upload.tries == 1


def test_what_was_told_or_will_never_be_asked_for_is_forgotten(pushes: Pushes) -> None:
    for key in (A, B):
        wait_until(lambda key=key: outcome(pushes, key, Fails()) == "done")  # type: ignore[misc]
    pushes.forget_all_but([B], is_over=never)
    assert list(pushes._pushes) == [B]
    unheard = Fails()
    assert not pushes.is_done(A, unheard)
    wait_until(lambda: unheard.tries)
    wait_until(
        lambda: (pushes.forget_all_but([B], is_over=lambda key: key == A), list(pushes._pushes) == [B])[1]
    )
