"""News over the server's event bus: who subscribed hears what changed, also by other processes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from jupyter_mlops.server.extension import CHANGED
from jupyter_mlops.testing.sweeps import running_sweep

from .journals import RunFiles, write_in_another_process

DEADLINE_S = 60.0


class Subscriber:
    """A client of ``/api/events/subscribe``."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket

    async def hears(self, kind: str) -> dict[str, Any]:
        """The next news of this kind, without what the event bus adds."""

        async def listen() -> dict[str, Any]:
            while True:
                message = json.loads(await self._socket.read_message())
                if message["schema_id"] == CHANGED and message["kind"] == kind:
                    return {name: message[name] for name in ("kind", "ids", "seq")}

        return await asyncio.wait_for(listen(), DEADLINE_S)


@pytest.fixture
def subscribe(jp_serverapp, jp_ws_fetch, extension):
    """Start what the server starts once its loop runs, wait for the first look, and subscribe."""
    sockets = []

    async def start() -> Subscriber:
        await jp_serverapp.extension_manager.start_all_extensions()
        while any(source.since is None for source in extension.watcher._sources):
            await asyncio.sleep(0.01)
        sockets.append(await jp_ws_fetch("api", "events", "subscribe"))
        return Subscriber(sockets[-1])

    yield start
    for socket in sockets:
        socket.close()


async def test_a_run_of_another_process_is_heard_of_within_seconds(subscribe, workspace):
    subscriber = await subscribe()
    run_id = await asyncio.to_thread(write_in_another_process, workspace.settings.home, "elsewhere")
    news = await subscriber.hears("runs")
    assert news["ids"] == [run_id]
    assert news["seq"] == workspace.runs.get(run_id).seq


async def test_what_was_there_before_is_no_news(subscribe, workspace):
    files = RunFiles(workspace.settings.home)
    files.finished("before")
    subscriber = await subscribe()
    after = files.finished("after")
    assert (await subscriber.hears("runs"))["ids"] == [after]


async def test_an_edit_through_this_server_is_heard_of_at_once(subscribe, workspace, api, extension):
    run_id = RunFiles(workspace.settings.home).finished()
    subscriber = await subscribe()
    await api.send("PATCH", f"runs/{run_id}", {"note": "the best"})
    assert (await subscriber.hears("runs"))["ids"] == [run_id]


async def test_an_alias_that_moved_is_news_of_its_model(subscribe, workspace, api):
    workspace.registry.register_model({"weights": [1]}, name="digits")
    subscriber = await subscribe()
    await api.send("PUT", "models/digits/aliases/champion", {"version": 1})
    assert (await subscriber.hears("models"))["ids"] == ["digits"]


async def test_a_dataset_registered_elsewhere_is_heard_of(subscribe, workspace, tmp_path):
    subscriber = await subscribe()
    (tmp_path / "data.txt").write_text("1 2 3")
    workspace.registry.register_dataset(tmp_path / "data.txt", name="numbers")
    assert (await subscriber.hears("datasets"))["ids"] == ["numbers"]


async def test_a_sweep_that_began_elsewhere_is_heard_of(subscribe, workspace):
    subscriber = await subscribe()
    sweep = workspace.sweeps.store.add(running_sweep())
    assert (await subscriber.hears("sweeps"))["ids"] == [sweep.id]


async def test_the_watcher_ends_with_the_server(subscribe, jp_serverapp, extension):
    await subscribe()
    task = extension.watcher._task
    await jp_serverapp.extension_manager.stop_all_extensions()
    assert task.done()


async def test_nothing_is_in_a_hurry_when_nobody_listens(extension, subscribe):
    assert not extension.has_listeners()
    await subscribe()
    assert extension.has_listeners()
