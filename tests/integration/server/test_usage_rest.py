"""Usage over HTTP."""

from __future__ import annotations

import time

import pytest

from jupyter_mlops import wire
from jupyter_mlops.testing.usage import ended_attempt


@pytest.fixture
def ran(workspace):
    """Keep attempts that ended just now, an hour long, for these users."""

    def put(*users: str) -> None:
        now = time.time()
        for user in users:
            workspace._attempt_store.add(
                ended_attempt(user=user, queued_at=now - 3700, started_at=now - 3600, ended_at=now)
            )

    return put


async def test_usage_is_served_by_group_with_its_total(api, ran, workspace):
    ran("ada", "ada", "bob")
    report = await api.get("usage")
    assert [(each["group"], each["attempts"], each["gpu_hours"]) for each in report["usage"]] == [
        ("ada", 2, 2.0),
        ("bob", 1, 1.0),
    ]
    assert (report["by"], report["total"]["gpu_hours"], report["total"]["wait_mean_s"]) == (
        "user",
        3.0,
        100.0,
    )
    assert round(report["until"] - report["since"]) == 7 * 24 * 3600
    assert (await api.get("usage", by="executor", since="all", user="bob"))["usage"][0]["group"] == "local"
    assert set(report["usage"][0]) == set(wire.to_json(workspace.usage.report().total))


@pytest.mark.parametrize(("query", "word"), [({"by": "gpu"}, "gpu"), ({"since": "soon"}, "soon")])
async def test_usage_that_cannot_be_summed_up_is_refused(api, query, word):
    status, code, message = await api.refused("GET", "usage", **query)
    assert (status, code) == (400, "invalid_input")
    assert word in message
