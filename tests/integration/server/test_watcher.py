"""The watcher looks when it should, tells each change once, and outlives what it watches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest

from jupyter_mlops.server.watcher import MOST_IDS, Source, Watcher


class Service:
    """Something with a change counter, which can be made to fail."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.changed: list[str] = []
        self.failure: Exception | None = None
        self.looks = 0

    def changes(self, since: int):
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return len(self.changed), {self.kind: self.changed[since:]}


class Scene:
    """Two services, a watcher over them, a clock and what was told."""

    def __init__(self, **options) -> None:
        self.now = 0.0
        self.watched = False
        self.told: list[dict] = []
        self.runs, self.models = Service("runs"), Service("models")
        self.watcher = Watcher(
            [Source("runs", self.runs.changes), Source("models", self.models.changes)],
            lambda change: self.told.append(dict(change)),
            watched=lambda: self.watched,
            log=logging.getLogger("watched"),
            clock=lambda: self.now,
            **options,
        )


async def until(condition: Callable[[], object]) -> None:
    async def poll() -> None:
        while not condition():
            await asyncio.sleep(0.01)

    await asyncio.wait_for(poll(), 10)


@pytest.fixture
def scene() -> Scene:
    return Scene()


async def test_what_was_there_at_the_start_is_no_news(scene):
    scene.runs.changed = ["a", "b"]
    await scene.watcher.tick()
    assert scene.told == []


async def test_a_change_is_told_once(scene):
    await scene.watcher.tick()
    scene.runs.changed.append("a")
    await scene.watcher.tick()
    await scene.watcher.tick()
    assert scene.told == [{"kind": "runs", "ids": ["a"], "seq": 1}]


async def test_all_that_changed_between_two_looks_is_one_message(scene):
    await scene.watcher.tick()
    scene.runs.changed += ["a", "b", "c"]
    scene.models.changed += ["digits"]
    await scene.watcher.tick()
    assert scene.told == [
        {"kind": "runs", "ids": ["a", "b", "c"], "seq": 3},
        {"kind": "models", "ids": ["digits"], "seq": 1},
    ]


async def test_very_many_changes_are_several_messages(scene):
    await scene.watcher.tick()
    scene.runs.changed += [f"run {number}" for number in range(MOST_IDS + 1)]
    await scene.watcher.tick()
    assert [len(change["ids"]) for change in scene.told] == [MOST_IDS, 1]


async def test_a_service_that_fails_is_logged_and_left_alone_for_longer_and_longer(scene, caplog):
    await scene.watcher.tick()
    scene.models.failure = OSError("registry away")
    looks = []
    for scene.now in range(20):
        await scene.watcher.tick()
        looks.append(scene.models.looks)
    assert looks == [2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5]
    assert "registry away" in caplog.text
    assert "Traceback" in caplog.text


async def test_the_other_service_is_watched_meanwhile_and_the_failed_one_again_when_it_recovers(scene):
    await scene.watcher.tick()
    scene.models.failure = OSError("registry away")
    await scene.watcher.tick()
    scene.runs.changed.append("a")
    scene.models.changed.append("digits")
    scene.models.failure = None
    await scene.watcher.tick()
    assert scene.told == [{"kind": "runs", "ids": ["a"], "seq": 1}]
    scene.now = 10.0
    await scene.watcher.tick()
    assert scene.told[1:] == [{"kind": "models", "ids": ["digits"], "seq": 1}]


async def test_it_looks_at_once_when_woken():
    scene = Scene(interval_s=60, idle_interval_s=60)
    scene.watcher.start()
    await until(lambda: scene.models.looks == 1)
    scene.runs.changed.append("a")
    scene.watcher.wake()
    await until(lambda: scene.told)
    await scene.watcher.stop()


async def test_it_looks_sooner_while_somebody_is_watching():
    scene = Scene(interval_s=0.01, idle_interval_s=60)
    scene.watcher.start()
    await until(lambda: scene.models.looks == 1)
    scene.watched = True
    await until(lambda: scene.models.looks > 3)
    await scene.watcher.stop()


async def test_it_survives_a_listener_that_fails(caplog):
    scene = Scene(interval_s=0.01, idle_interval_s=0.01)
    scene.watched = True
    failures = []

    def fail_once(change) -> None:
        if not failures:
            failures.append(change)
            raise ValueError("invalid event")
        scene.told.append(dict(change))

    scene.watcher._emit = fail_once
    scene.watcher.start()
    await until(lambda: scene.models.looks == 1)
    scene.runs.changed.append("a")
    await until(lambda: failures)
    scene.runs.changed.append("b")
    await until(lambda: scene.told)
    await scene.watcher.stop()
    assert "invalid event" in caplog.text


async def test_it_stops_while_it_looks(scene):
    scene.watcher.start()
    await scene.watcher.stop()
    await scene.watcher.stop()
    looks = scene.runs.looks
    await asyncio.sleep(0)
    assert scene.runs.looks == looks
