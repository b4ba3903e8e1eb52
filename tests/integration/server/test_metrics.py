"""What Prometheus sees on jupyter_server's own ``/metrics``."""

from __future__ import annotations

import threading

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jupyter_mlops.entities import EndedAttempt, JobStatus
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.server import metrics
from jupyter_mlops.server.metrics import QueueMetrics
from jupyter_mlops.testing.jobs import FakeAgent, job_spec

NOW = 2_000_000_000.0


@pytest.fixture
def scrape(jp_fetch, extension, jp_serverapp):
    """The samples of ours at a scrape of a server that has started: value by name and labels, those sorted."""

    async def read() -> dict[tuple[str, ...], float]:
        await extension._start_jupyter_server_extension(jp_serverapp)
        text = (await jp_fetch("metrics")).body.decode()
        return {
            (
                sample.name.removeprefix("jupyter_mlops_"),
                *(value for _, value in sorted(sample.labels.items())),
            ): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("jupyter_mlops_")
        }

    return read


def attempt(number: int, **changes) -> EndedAttempt:
    values = {
        "job_id": f"job-{number}",
        "attempt": 1,
        "user": "ada",
        "name": "train",
        "notebook": None,
        "executor": "local",
        "status": JobStatus.SUCCEEDED,
        "queued_at": NOW,
        "started_at": NOW + 10,
        "ended_at": NOW + 110,
        "gpus": 2.0,
        "cpus": 4,
    }
    return EndedAttempt(**{**values, **changes})


async def test_the_queue_is_on_the_servers_own_metrics(scrape, workspace, tmp_path):
    workspace.agent = type("Silent", (FakeAgent,), {"status": lambda self: None})()
    workspace.clock = lambda: NOW
    for number in range(2):
        workspace.jobs.submit(job_spec(cwd=str(tmp_path), submitted_at=NOW - 60 * (number + 1)), b"{}", {})
    job = workspace.jobs.submit(job_spec(cwd=str(tmp_path)), b"{}", {})
    workspace.jobs.store.update(job, status=JobStatus.RUNNING, warning="its GPU has been idle")
    store = workspace._attempt_store
    store.add(attempt(1))
    store.add(attempt(2, status=JobStatus.FAILED, started_at=NOW + 30))
    store.add(attempt(3, user="bob", executor="slurm", status=JobStatus.CANCELLED, started_at=None))
    found = await scrape()
    assert found["up",] == 1.0
    assert found["jobs", "local", "queued"] == 2.0
    assert found["jobs", "local", "running"] == 1.0
    assert found["jobs_flagged", "local"] == 1.0
    assert found["oldest_queued_seconds", "local"] == 120.0
    assert found["attempts_total", "local", "succeeded", "ada"] == 1.0
    assert found["attempts_total", "slurm", "cancelled", "bob"] == 1.0
    assert found["run_seconds_total", "local", "ada"] == 180.0
    assert found["gpu_seconds_total", "local", "ada"] == 360.0
    assert found["cpu_seconds_total", "local", "ada"] == 720.0
    assert found["queue_wait_seconds_count", "local", "ada"] == 2.0
    assert found["queue_wait_seconds_sum", "local", "ada"] == 40.0
    assert found["queue_wait_seconds_count", "slurm", "bob"] == 0.0
    assert found["agent_up",] == 0.0
    free = [value for (name, *_), value in found.items() if name == "gpu_free_ratio"]
    assert free == [1.0, 1.0]
    assert not any(name == "gpu_utilization_ratio" for name, *_ in found)  # virtual slots tell nothing


async def test_a_registry_that_cannot_be_read_costs_only_our_metrics(scrape, serve, workspace, monkeypatch):
    def away():
        raise Unavailable("The database is away.")

    monkeypatch.setattr(workspace._attempt_store, "totals", away)
    assert await scrape() == {("up",): 0.0}
    monkeypatch.undo()


async def test_metrics_want_authentication(jp_fetch, http_server_client, jp_base_url):
    response = await http_server_client.fetch(jp_base_url + "metrics", raise_error=False)
    assert response.code in (302, 403)
    assert b"jupyter_mlops" not in response.body


def test_a_scrape_does_not_wait_for_a_database_that_hangs(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(metrics, "WAIT_S", 0.01)

    def hangs():
        release.wait(30)
        raise Unavailable("gone")

    collector = QueueMetrics(hangs)
    try:
        for _ in range(2):
            (up,) = collector.collect()
            assert up.samples[0].value == 1.0
        assert threading.active_count() < 50
    finally:
        release.set()


def test_a_second_server_in_this_process_takes_the_place_of_the_first():
    metrics.register(lambda: pytest.fail("of the first"))
    metrics.register(lambda: pytest.fail("of the second"))
    metrics.withdraw()
    metrics.withdraw()
