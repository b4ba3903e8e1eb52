"""``%mlops`` in a real kernel, on real runs."""

from __future__ import annotations

import json

import pytest

from jupyter_mlops.entities import JobStatus, short_id
from tests.waiting import wait_until

from .kernel import running_kernel


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        running.run("%%track good -t team=a\nlr = 0.1\nacc = lr * 9")
        running.run("%%track bad\nlr = 0.5\nacc = lr / 2\nraise ValueError('no good')")
        yield running


@pytest.fixture(scope="module")
def ids(kernel):
    return [short_id(run_id) for run_id in kernel.runs()]


def lines(reply):
    assert reply.ok, reply.errors
    return reply.text.splitlines()


def message(reply):
    """The one message of a refusal."""
    assert not reply.ok
    (shown,) = reply.errors[0]["traceback"]
    return shown


def test_alone_it_lists_the_newest_runs_first(kernel, ids):
    head, _, bad, good = lines(kernel.run("%mlops"))
    assert head.split() == ["id", "name", "experiment", "status", "started", "took", "params", "metrics"]
    assert bad.split()[:4] == [ids[1], "bad", "default", "failed"]
    assert good.split()[:4] == [ids[0], "good", "default", "finished"]
    assert good.split()[-2:] == ["lr=0.1", "acc=0.9"]


def test_runs_takes_a_filter_as_it_is_written(kernel, ids):
    assert lines(kernel.run("%mlops runs metrics.acc > 0.5 and tags.team = 'a'"))[2].startswith(ids[0])
    assert lines(kernel.run("%mlops runs metrics.acc > 5")) == ["No runs match."]


def test_a_filter_that_does_not_parse_is_one_message_with_the_place(kernel):
    assert "column" in message(kernel.run("%mlops runs metrics.acc >"))


def test_runs_as_json_have_the_columns_of_the_api(kernel):
    rows = json.loads("\n".join(lines(kernel.run("%mlops runs --json"))))
    assert [(row["name"], row["status"], row["params.lr"], row["metrics.acc"]) for row in rows] == [
        ("bad", "failed", 0.5, 0.25),
        ("good", "finished", 0.1, 0.9),
    ]


def test_show_tells_all_of_a_run(kernel, ids):
    text = "\n".join(lines(kernel.run(f"%mlops show {ids[1]}")))
    for part in (
        "bad",
        "failed",
        "lr       0.5  literal",
        "acc     0.25",
        "raise ValueError('no good')",
        "ValueError: no good",
    ):
        assert part in text


def test_compare_tells_what_differs(kernel, ids):
    ((_, shown),) = kernel.run(f"%mlops compare {ids[0]} {ids[1]}").messages
    for part in ("params.lr", "metrics.acc", "tags.team", "-acc = lr * 9", "+acc = lr / 2"):
        assert part in shown["data"]["text/plain"]
    assert "acc = lr * 9</td>" in shown["data"]["text/html"]


def test_compare_of_more_is_a_table_with_a_column_for_each(kernel, ids):
    ((_, shown),) = kernel.run(f"%mlops compare {ids[0]} {ids[1]} {ids[0]}").messages
    head = shown["data"]["text/plain"].splitlines()[0].split()
    assert head == ["good", ids[0], "bad", ids[1]]


def test_replay_shows_again_what_a_run_displayed(kernel, ids):
    reply = kernel.run(f"%mlops replay {ids[1]}")
    assert "ValueError" in reply.text
    assert reply.ok


def test_logs_of_a_run_are_what_it_displayed_as_text(kernel, ids):
    assert "ValueError" in kernel.run(f"%mlops logs {ids[1]}").text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "show nothing1",
            "No run, job, sweep or schedule 'nothing1'. List them: %mlops runs, %mlops jobs, %mlops sweeps, "
            "%mlops schedules.",
        ),
        ("show", "%mlops show takes ID"),
        ("compare one", "%mlops compare takes ID ID"),
        ("nonsense", "no command 'nonsense'"),
        ("logs zzzzzz", "No run or job 'zzzzzz'"),
        ("cancel zzzzzz", "No job or sweep 'zzzzzz'"),
        ("jobs nonsense", "nonsense"),
        ("usage --by notebook", "%mlops usage takes at most 1 word, not '--by notebook'."),
        ("models all", "No model 'all'"),
        ("models all of", "%mlops models takes at most 1 word, not 'all of'."),
        ("gpus nonsense", "Write %mlops gpus, or %mlops gpus users."),
        ("sweeps nonsense", "No sweep status 'nonsense'"),
        ("show 'open", "No closing quotation"),
    ],
)
def test_what_cannot_be_answered_is_one_message(kernel, line, told):
    assert told in message(kernel.run(f"%mlops {line}"))


def test_help_names_every_command(kernel):
    text = "\n".join(lines(kernel.run("%mlops help")))
    for command in (
        "runs",
        "jobs",
        "sweeps",
        "schedules",
        "usage",
        "gpus",
        "datasets",
        "models",
        "show",
        "compare",
        "logs",
        "cancel",
        "replay",
    ):
        assert f"%mlops {command}" in text or f"| {command}" in text


def test_empty_lists_say_how_to_fill_them(kernel):
    assert "register_dataset" in kernel.run("%mlops datasets").text
    assert "register_model" in kernel.run("%mlops models").text
    assert "%%submit" in kernel.run("%mlops jobs").text
    assert "%%submit -p" in kernel.run("%mlops sweeps").text


def test_registered_things_are_listed(tmp_path):
    with running_kernel(tmp_path) as running:
        reply = running.run(
            "import jupyter_mlops as mlops, pandas as pd\n"
            "mlops.register_dataset(pd.DataFrame({'a': [1, 2]}), name='train')\n"
            "mlops.register_model({'weights': [1]}, name='digits', alias='champion');"
        )
        assert reply.ok, reply.errors
        assert lines(running.run("%mlops datasets"))[2].split()[:4] == ["train", "1", "table", "2"]
        assert lines(running.run("%mlops models"))[2].split()[:4] == ["digits", "1", "dict", "champion=1"]
        assert lines(running.run("%mlops datasets train"))[2].split()[:2] == ["train@1", "table"]
        moved = running.run("%mlops promote digits@1 --alias shadow")
        assert lines(moved)[0].startswith("model digits@shadow: no version → version 1, by ")
        assert "digits@1 as champion" in running.run("%mlops reject digits@1").text, "as text, not as HTML"
        assert "Did you mean 'champion'?" in message(running.run("%mlops promote digits@1 --alias champoin"))


def test_looking_loads_no_data_science(kernel):
    heavy = "('pandas', 'rich', 'papermill', 'nbformat', 'jupyter_server')"
    assert kernel.value(f"[m for m in {heavy} if m in __import__('sys').modules]") == []


@pytest.fixture
def batch(tmp_path):
    """A kernel that may submit; its agent is stopped at the end."""
    with running_kernel(tmp_path) as running:
        yield running
        running.run(
            "from jupyter_mlops.services.jobs.agent_control import AgentControl\nfrom jupyter_mlops.config import load_settings\n"
            "AgentControl(load_settings()).stop()"
        )


def test_a_job_is_listed_shown_and_cancelled(batch):
    reply = batch.run(
        "import jupyter_mlops as mlops, nbformat\nfrom nbformat import v4\n"
        "cell = v4.new_code_cell('import time\\nprint(\"at work\", flush=True)\\ntime.sleep(600)')\n"
        "nbformat.write(v4.new_notebook(cells=[cell]), 'job.ipynb')\n"
        "job = mlops.submit('job.ipynb', name='long')\nprint(job.id)"
    )
    assert reply.ok, reply.errors
    short = short_id(reply.text.strip().splitlines()[-1])
    assert f"{short}  long" in batch.run("%mlops jobs").text
    wait_until(lambda: "at work" in batch.run(f"%mlops logs {short}").text)
    assert "name       long" in batch.run(f"%mlops show {short}").text
    assert f"Job {short} (long)" in batch.run(f"%mlops cancel {short}").text
    assert batch.run("job.wait(60)").ok
    assert batch.value("job.status") == JobStatus.CANCELLED.value
    assert "has ended already" in message(batch.run(f"%mlops cancel {short}"))


def test_a_sweep_is_listed_shown_and_cancelled(batch):
    reply = batch.run(
        "import jupyter_mlops as mlops, nbformat\nfrom nbformat import v4\n"
        "first = v4.new_code_cell('lr = 0', metadata={'tags': ['parameters']})\n"
        "second = v4.new_code_cell('import time; time.sleep(600)')\n"
        "nbformat.write(v4.new_notebook(cells=[first, second]), 'job.ipynb')\n"
        "sweep = mlops.submit('job.ipynb', name='grid', params={'lr': [1, 2]})\nprint(sweep.id)"
    )
    assert reply.ok, reply.errors
    short = short_id(reply.text.strip().splitlines()[-1])
    assert lines(batch.run("%mlops sweeps"))[2].split()[:4] == [short, "grid", "running", "0/2"]
    (row,) = json.loads("\n".join(lines(batch.run("%mlops sweeps running --json"))))
    assert (row["name"], row["trials"]) == ("grid", 2)
    shown = batch.run(f"%mlops show {short}").text
    assert "name       grid" in shown
    assert [line.split()[0] for line in shown.splitlines()[-2:]] == ["0", "1"]
    assert f"Sweep {short} (grid) was asked to end" in batch.run(f"%mlops cancel {short}").text
    assert batch.run("sweep.wait(60)").ok
    assert batch.value("sweep.status") == "cancelled"
    assert "has ended already" in message(batch.run(f"%mlops cancel {short}"))
