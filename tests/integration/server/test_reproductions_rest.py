"""Running runs again over HTTP."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from jupyter_mlops.entities import Resources

from .journals import RunFiles


class Reproducing:
    """Remembers what it was asked to do."""

    def __init__(self) -> None:
        self.asked = []

    def start(self, run_id, **options):
        self.asked.append((run_id, options))
        return {"job_id": "J"}

    def reports(self, run_id):
        return [{"run_id": run_id}]


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ({}, {"tolerance": 1e-6, "resources": None}),
        ({"tolerance": 0.01}, {"tolerance": 0.01, "resources": None}),
        (
            {"gpus": 1, "memory": "2G", "time": "1h"},
            {
                "tolerance": 1e-6,
                "resources": Resources(gpus=1, cpus=1, memory_bytes=2 * 1024**3, time_limit_s=3600.0),
            },
        ),
    ],
)
async def test_reproducing_begins_with_what_was_asked_for(api, serve, body, options):
    reproduction = Reproducing()
    serve(SimpleNamespace(reproduction=reproduction))
    response = await api.fetch("POST", "runs/abcdef/reproductions", body)
    assert (response.code, json.loads(response.body)) == (202, {"job_id": "J"})
    assert reproduction.asked == [("abcdef", options)]


async def test_reproductions_are_listed(api, serve):
    serve(SimpleNamespace(reproduction=Reproducing()))
    assert await api.get("runs/abcdef/reproductions") == {"reproductions": [{"run_id": "abcdef"}]}


async def test_an_option_that_is_unknown_or_no_number_is_refused(api):
    for body, word in (({"tolerence": 1}, "tolerence"), ({"gpus": "many"}, "gpus")):
        status, code, message = await api.refused("POST", "runs/abcdef/reproductions", body)
        assert (status, code) == (400, "invalid_input")
        assert word in message


async def test_a_run_without_a_history_is_not_reproduced(api, workspace):
    run_id = RunFiles(workspace.settings.home).finished()
    status, code, message = await api.refused("POST", f"runs/{run_id}/reproductions", {})
    assert (status, code) in {(400, "invalid_input"), (409, "conflict")}
    assert message
    assert await api.get(f"runs/{run_id}/reproductions") == {"reproductions": []}
    assert (await api.refused("POST", "runs/zzzzzz/reproductions", {}))[:2] == (404, "not_found")
