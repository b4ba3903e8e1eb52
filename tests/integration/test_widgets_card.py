"""A job's card in a real kernel, as a front end and as papermill see it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.config import load_settings
from jupyter_mlops.services.jobs.agent_control import AgentControl
from tests.waiting import wait_until

from .kernel import Kernel, Reply, environment, running_kernel
from .test_cli import notebook

WIDGET = "application/vnd.jupyter.widget-view+json"
WAIT_FOR_FILE = "import os, time\nwhile not os.path.exists(gate):\n    time.sleep(0.05)"


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel with the public API, and a notebook whose job runs until a file appears."""
    notebook(tmp_path / "gated.ipynb", "gate = ''\nC = 1", WAIT_FOR_FILE)
    with running_kernel(tmp_path, load=True) as running:
        assert running.run("import jupyter_mlops as mlops").ok
        yield running
        (tmp_path / "gate").touch()
        running.run(
            "for each in mlops.jobs()['id']: mlops.job(each).status in ('running', 'queued') and mlops.job(each).cancel()"
        )
    settings = load_settings(environ=environment(tmp_path))
    AgentControl(settings).stop()


def submit(gate: Path, more: str = "") -> str:
    return f"mlops.submit('gated.ipynb', params={{'gate': {str(gate)!r}{more}}})"


def shown(reply: Reply) -> dict[str, Any]:
    """The data of the card."""
    found = [content for kind, content in reply.messages if kind == "display_data"]
    assert len(found) == 1, reply.messages
    return found[0]


def heard(
    kernel: Kernel, condition: Callable[[dict[str, Any]], bool], *, timeout_s: float = 60.0
) -> dict[str, Any]:
    """The next message that front ends get and that fulfils the condition."""
    deadline = time.monotonic() + timeout_s
    while True:
        message = kernel.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
        if condition(message):
            return message


def values(message: dict[str, Any]) -> str:
    """The text that a widget was told to show."""
    state = message["content"].get("data", {}).get("state", {})
    return str(state.get("value", "")) if message["msg_type"] == "comm_msg" else ""


def test_card_lives_follows_the_job_and_becomes_html_at_its_end(kernel: Kernel, tmp_path: Path):
    reply = kernel.run(f"job = {submit(tmp_path / 'gate')}\njob")
    assert reply.ok, reply.errors
    card = shown(reply)
    assert WIDGET in card["data"]
    assert "gated" in card["data"]["text/plain"]
    assert "%mlops cancel" in card["data"]["text/html"]
    job_id = kernel.value("job.id")

    told = heard(kernel, lambda message: "running" in values(message))
    assert told["parent_header"]["msg_id"], "widgets need the cell that they belong to"

    (tmp_path / "gate").touch()
    last = heard(kernel, lambda message: message["msg_type"] == "update_display_data")
    assert last["content"]["transient"]["display_id"] == card["transient"]["display_id"]
    assert WIDGET not in last["content"]["data"]
    assert "succeeded" in last["content"]["data"]["text/html"]
    assert f"%mlops logs {job_id[-6:]}" in last["content"]["data"]["text/plain"]
    assert "mlops-cards" not in kernel.value("[each.name for each in __import__('threading').enumerate()]")


def test_cancel_button_works_while_the_kernel_is_busy_because_the_front_end_runs_it(
    kernel: Kernel, tmp_path: Path
):
    reply = kernel.run(f"job = {submit(tmp_path / 'gate')}\njob")
    assert reply.ok
    busy = "import os, time\nwhile not os.path.exists('heard'): time.sleep(0.05)\nprint('slept')"
    message_id = kernel.send(busy)
    told = heard(kernel, lambda message: "running" in values(message))
    assert told
    opened = "".join(str(content) for kind, content in reply.messages if kind == "comm_open")
    assert 'data-commandlinker-command="jupyter-mlops:cancel-job"' in opened
    (tmp_path / "heard").touch()
    assert kernel.receive(message_id).text == "slept\n"


def test_job_is_still_the_cells_value(kernel: Kernel, tmp_path: Path):
    assert kernel.run(submit(tmp_path / "gate")).ok
    assert kernel.value("_.name") == "gated"


def test_sweep_is_one_card_with_a_table_of_its_trials(kernel: Kernel, tmp_path: Path):
    both = submit(tmp_path / "gate", ", 'C': [1, 2]")
    reply = kernel.run(f"sweep = {both}\nsweep")
    assert reply.ok, reply.errors
    card = shown(reply)["data"]
    assert card["text/plain"].startswith("Sweep")
    assert "%mlops cancel" in card["text/html"]
    assert "0 of 2 done" in card["text/html"]
    heard(kernel, lambda message: "running" in values(message))
    (tmp_path / "gate").touch()
    last = heard(kernel, lambda message: message["msg_type"] == "update_display_data")["content"]["data"]
    assert WIDGET not in last
    assert "2 of 2 done: 2 finished" in last["text/html"]
    assert "%mlops show" in last["text/plain"]
    assert kernel.value("sweep.status") == "finished"


def test_a_search_is_one_card_that_grows_with_its_trials_and_names_the_best(kernel: Kernel, tmp_path: Path):
    notebook(tmp_path / "tuned.ipynb", "x = 0.5", "import jupyter_mlops as mlops\nmlops.log(loss=x)")
    search = "params={'x': 'uniform(1, 2)'}, trials=2, goal='minimize:loss', sampler='random', seed=1"
    reply = kernel.run(f"sweep = mlops.submit('tuned.ipynb', {search})\nsweep")
    assert reply.ok, reply.errors
    assert "minimize loss" in shown(reply)["data"]["text/html"]
    is_last = lambda message: message["msg_type"] == "update_display_data"  # noqa: E731
    last = heard(kernel, is_last, timeout_s=120)["content"]["data"]
    best = kernel.value("min(each.value for each in sweep.trials)")
    assert f"Best: loss={best:.4g}, trial" in last["text/plain"]
    assert f"<b>loss={best:.4g}, trial" in last["text/html"]


def test_ended_job_is_plain_html_at_once(kernel: Kernel, tmp_path: Path):
    (tmp_path / "gate").touch()
    assert kernel.run(f"job = {submit(tmp_path / 'gate')}; job.wait()").ok
    reply = kernel.run("job")
    assert reply.kinds == ["execute_result"]
    (_, content) = reply.messages[-1]
    assert sorted(content["data"]) == ["text/html", "text/plain"]
    assert "succeeded" in content["data"]["text/plain"]


def test_unloading_the_extension_takes_the_cards_back(kernel: Kernel, tmp_path: Path):
    assert kernel.run(f"job = {submit(tmp_path / 'gate')}").ok
    assert kernel.run("%unload_ext jupyter_mlops").ok
    reply = kernel.run("job")
    assert reply.kinds == ["execute_result"]
    assert list(reply.messages[-1][1]["data"]) == ["text/plain"]
    assert kernel.run("%load_ext jupyter_mlops").ok
    assert WIDGET in shown(kernel.run("job"))["data"]


def test_without_a_front_end_a_job_is_text_and_html_and_the_notebook_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    import papermill

    gated = notebook(tmp_path / "gated.ipynb", "gate = ''\nC = 1", WAIT_FOR_FILE)
    path = notebook(
        tmp_path / "driver.ipynb",
        "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops",
        f"job = mlops.submit({str(gated)!r}, params={{'gate': {str(tmp_path / 'gate')!r}}})\njob",
    )
    try:
        papermill.execute_notebook(
            str(path), str(tmp_path / "out.ipynb"), kernel_name="python3", progress_bar=False
        )
        (output,) = nbformat.read(tmp_path / "out.ipynb", 4).cells[-1].outputs
        assert output.output_type == "execute_result"
        assert sorted(output.data) == ["text/html", "text/plain"]
        assert output.data["text/plain"].startswith("Job ")
    finally:
        (tmp_path / "gate").touch()
        from jupyter_mlops.workspace import Workspace

        place = Workspace(load_settings())
        place.jobs.wait([job.id for job in place.jobs.search()], timeout_s=120)
        AgentControl(place.settings).stop()


def test_a_kernel_that_shows_a_card_ends_when_it_is_told_to(tmp_path: Path):
    notebook(tmp_path / "gated.ipynb", "gate = ''\nC = 1", WAIT_FOR_FILE)
    with running_kernel(tmp_path) as kernel:
        assert kernel.run("import jupyter_mlops as mlops").ok
        assert kernel.run(submit(tmp_path / "gate")).ok
        kernel.client.shutdown()
        wait_until(lambda: not kernel.manager.is_alive(), timeout_s=20, message="the kernel stays")
    (tmp_path / "gate").touch()
    AgentControl(load_settings(environ=environment(tmp_path))).stop()
