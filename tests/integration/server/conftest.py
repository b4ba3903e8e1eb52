"""A Jupyter server in this process, with the extension and a workspace of the test's own.

pytest-jupyter's fixtures (some are automatic) and hooks are imported here, so that they hold for this
folder only.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_jupyter.jupyter_server import *  # noqa: F403
from tornado.httpclient import HTTPClientError, HTTPResponse

from jupyter_mlops import config
from jupyter_mlops.server.base import WORKSPACE
from jupyter_mlops.workspace import Workspace


@pytest.fixture(autouse=True)
def workspace_folders(tmp_path, monkeypatch):
    """Nothing of the person who runs the tests is read or written."""
    for name in (config.DATABASE, config.BLOBS, *config.PROCESS_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(config.HOME, str(tmp_path / "mlops"))
    monkeypatch.setenv(config.RUNTIME, str(tmp_path / "runtime-mlops"))
    monkeypatch.setenv(config.LEASES, str(tmp_path / "leases"))
    monkeypatch.setenv(config.USER, "ada")
    monkeypatch.setenv(config.GPU_SLOTS, "2")


@pytest.fixture
def jp_server_config(workspace_folders):
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlops": True}}}


@pytest.fixture
def workspace(jp_serverapp) -> Workspace:
    """The server's workspace."""
    return jp_serverapp.web_app.settings[WORKSPACE]


@pytest.fixture
def serve(jp_serverapp):
    """Serve this in place of the real workspace."""

    def put(workspace: Any) -> None:
        jp_serverapp.web_app.settings[WORKSPACE] = workspace

    return put


class Api:
    """The extension's REST interface as a client with the server's token sees it."""

    def __init__(self, fetch: Any) -> None:
        self._fetch = fetch

    async def fetch(self, method: str, path: str, body: Any = None, /, **query: Any) -> HTTPResponse:
        data = body if isinstance(body, (str, bytes)) or body is None else json.dumps(body)
        return await self._fetch(
            "jupyter-mlops",
            "api",
            *path.split("/"),
            method=method,
            body=data,
            params=[
                (name, str(each))
                for name, value in query.items()
                for each in (value if isinstance(value, list) else [value])
            ],
            allow_nonstandard_methods=True,
        )

    async def get(self, path: str, /, **query: Any) -> Any:
        return json.loads((await self.fetch("GET", path, **query)).body)

    async def send(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads((await self.fetch(method, path, body)).body)

    async def refused(
        self, method: str, path: str, body: Any = None, /, **query: Any
    ) -> tuple[int, str, str]:
        """Status, code and message of an error."""
        with pytest.raises(HTTPClientError) as caught:
            await self.fetch(method, path, body, **query)
        response = caught.value.response
        assert response.headers["Content-Type"] == "application/json"
        problem = json.loads(response.body)
        assert sorted(problem) == ["code", "message"]
        return response.code, problem["code"], problem["message"]


@pytest.fixture
def api(jp_fetch) -> Api:
    return Api(jp_fetch)


@pytest.fixture
def extension(jp_serverapp):
    """The running extension."""
    return jp_serverapp.extension_manager.extension_points["jupyter_mlops"].app
