"""Trouble around a tracked cell: the home folder goes away or cannot be written, clocks, names, notebooks."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunKind, RunStatus
from jupyter_mlops.journal.records import Close, Heartbeat, Join, Metrics, Start
from jupyter_mlops.services.tracking.tracker import Tracker
from jupyter_mlops.workspace import open_workspace
from tests.waiting import wait_until

from .kernel import end, environment, metrics, of, params, running_kernel, runs_in, shown_text

WARNING = "jupyter-mlops:"
DELETE = "while os.path.isdir(home): shutil.rmtree(home, ignore_errors=True)"
"""What surrounds the run is being written there at the same time."""
REPLACE = f"""
while not os.path.isfile(home):
    {DELETE}
    try:
        open(home, 'x').close()
    except OSError:
        pass
"""


def warnings_of(reply):
    return [line for line in reply.text.splitlines() if WARNING in line]


def start(home: Path, *, clock=None, **changes):
    settings = replace(load_settings({"home": home, "user": "me"}, environ={}), **changes)
    options = {} if clock is None else {"clock": clock}
    tracker = Tracker(settings, LocalBlobStore(settings.home / "blobs"), **options)
    return tracker.start(name="r", kind=RunKind.SCRIPT)


# the home folder


def test_a_home_that_is_deleted_in_mid_run_is_made_again_with_all_that_was_logged(tmp_path):
    with running_kernel(tmp_path) as running:
        running.run("import jupyter_mlops as mlops, os, shutil\nhome = os.environ['JUPYTER_MLOPS_HOME']")
        reply = running.run(f"%%track\nlr = 0.1\nmlops.log(before=1)\n{DELETE}\nmlops.log(after=2)")
        run = running.last_run()
        assert running.run("%%track next\nmlops.log(n=1)").ok
        assert metrics(running.last_run()) == {"n": 1.0}
    assert reply.ok
    assert (params(run)["lr"], metrics(run)) == (0.1, {"before": 1.0, "after": 2.0})
    assert isinstance(run[-1], Close)
    assert end(run).status is RunStatus.FINISHED
    assert len(warnings_of(reply)) == 1
    assert "not fully recorded" in reply.footer


def test_a_home_that_cannot_be_made_again_is_told_in_one_line_and_in_the_footer(tmp_path):
    with running_kernel(tmp_path) as running:
        running.run("import jupyter_mlops as mlops, os, shutil\nhome = os.environ['JUPYTER_MLOPS_HOME']")
        reply = running.run(f"%%track\n{REPLACE}\nmlops.log(after=2)\n40 + 2")
    assert (reply.ok, reply.result) == (True, "42")
    assert len(warnings_of(reply)) == 1
    assert "NOT RECORDED" in reply.footer
    assert "%mlops show" not in reply.footer


def test_the_heartbeat_finds_a_deleted_journal_while_the_run_goes_on(tmp_path, capsys):
    run = start(tmp_path / "home", heartbeat_s=0.02)
    run.log({"before": 1.0})
    wait_until(lambda: of(runs_in(tmp_path / "home")[run.id], Heartbeat))
    shutil.rmtree(tmp_path / "home", ignore_errors=True)  # a beat may come in between
    wait_until(lambda: metrics(runs_in(tmp_path / "home").get(run.id, [])) == {"before": 1.0})
    said: list[str] = []
    wait_until(lambda: said.append(capsys.readouterr().err) or "was deleted" in "".join(said))
    run.log({"after": 2.0})
    run.end(RunStatus.FINISHED)
    assert metrics(runs_in(tmp_path / "home")[run.id]) == {"before": 1.0, "after": 2.0}
    assert not run.complete


def test_threads_that_log_while_the_journal_is_written_again_lose_nothing(tmp_path):
    import threading

    run = start(tmp_path / "home")
    go = threading.Barrier(5)

    def work(thread):
        go.wait(20)
        for step in range(500):
            run.log({f"t{thread}": float(step)}, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    go.wait(20)
    for _ in range(5):
        shutil.rmtree(tmp_path / "home", ignore_errors=True)
        run.heartbeat()
    for each in threads:
        each.join()
    run.end(RunStatus.FINISHED)
    records = of(runs_in(tmp_path / "home")[run.id], Metrics)
    assert len(records) == 2000
    assert len({record.n for record in records}) == 2000


def test_a_disk_that_is_full_for_a_while_is_told_in_one_line_and_in_the_footer(tmp_path):
    with running_kernel(tmp_path) as running:
        running.run(
            "import jupyter_mlops as mlops, resource, time\nlimits = resource.getrlimit(resource.RLIMIT_FSIZE)"
        )
        reply = running.run(
            "%%track\nmlops.log(before=1)\nresource.setrlimit(resource.RLIMIT_FSIZE, (1, limits[1]))\n"
            "for step in range(100): mlops.log(during=step)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, limits)\nmlops.log(after=1)\n40 + 2"
        )
        run = running.last_run()
    assert (reply.ok, reply.result) == (True, "42")
    assert len(warnings_of(reply)) == 1
    assert "not fully recorded" in reply.footer
    assert {"before", "after"} <= metrics(run).keys()
    assert end(run).status is RunStatus.FINISHED


READ_ONLY = """
    import ctypes, os
    os.chmod(os.environ["JUPYTER_MLOPS_HOME"], 0o555)
    if os.getuid() == 0:  # for root nothing is read-only, but without its capabilities (capset(2))
        ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
    import jupyter_mlops as mlops
    with mlops.track("unlucky"):
        for step in range(3):
            mlops.log(loss=1 / (step + 1), step=step)
        mlops.log_params(lr=0.1)
    print("the code went on")
"""


def test_a_read_only_home_costs_one_line(tmp_path):
    (tmp_path / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READ_ONLY)],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "the code went on\n"
    assert done.stderr.count("\n") == 1
    assert "not fully recorded: [Errno 13] Permission denied" in done.stderr
    assert list((tmp_path / "home").iterdir()) == []


# clocks


def test_a_clock_that_goes_backwards_makes_no_record_older_than_the_one_before(tmp_path):
    times = iter([*range(1000, 1010), *range(500, 900)])
    run = start(tmp_path / "home", clock=lambda: float(next(times)))
    for step in range(20):
        run.log({"loss": 1.0 / (step + 1)}, step=step)
    run.end(RunStatus.FINISHED)
    records = runs_in(tmp_path / "home")[run.id]
    assert [record.t for record in records] == sorted(record.t for record in records)
    assert [record.s for record in of(records, Metrics)] == list(range(20))
    workspace = open_workspace(tmp_path / "home")
    (found,) = workspace.runs.search().runs
    assert (found.status, found.metrics["loss"].last, found.metrics["loss"].count) == (
        RunStatus.FINISHED,
        0.05,
        20,
    )
    assert found.ended_at >= found.started_at


# notebooks and kernels


def test_two_kernels_of_one_notebook_keep_their_runs_apart(tmp_path):
    cell = "%%track {0}\nfor step in range(200): mlops.log(loss=step, step=step)\nprint('{0}')"
    with (
        running_kernel(tmp_path, JPY_SESSION_NAME="/project/digits.ipynb") as one,
        running_kernel(tmp_path, JPY_SESSION_NAME="/project/digits.ipynb") as other,
    ):
        for each in (one, other):
            each.run("import jupyter_mlops as mlops")
        messages = [(one, one.send(cell.format("one"))), (other, other.send(cell.format("other")))]
        for kernel, message in messages:
            assert kernel.receive(message).ok
        found = {of(run, Start)[0].name: run for run in one.runs().values()}
    assert set(found) == {"one", "other"}
    for name, run in found.items():
        assert len([record for record in of(run, Metrics) if "loss" in record.m]) == 200
        assert shown_text(run) == f"{name}\n"
        assert of(run, Start)[0].notebook == "/project/digits.ipynb"
        assert of(run, Start)[0].experiment == "digits"


def test_a_notebook_that_is_renamed_while_a_cell_runs_changes_nothing_about_the_run(tmp_path):
    notebook = tmp_path / "before.ipynb"
    notebook.write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    with running_kernel(tmp_path, JPY_SESSION_NAME=str(notebook)) as running:
        message = running.send(
            "%%track long\nimport jupyter_mlops as mlops, os\nprint('on', flush=True)\n"
            "while os.path.exists('before.ipynb'): pass\nmlops.log(after=1)"
        )
        running.receive(message, until="on")
        notebook.rename(tmp_path / "after.ipynb")
        reply = running.receive(message)
        run = running.last_run()
    assert reply.ok
    assert warnings_of(reply) == []
    assert (of(run, Start)[0].experiment, metrics(run)) == ("before", {"after": 1.0})


def test_a_script_that_the_cell_shells_out_to_may_start_processes_of_its_own(tmp_path):
    (tmp_path / "train.py").write_text(
        "import multiprocessing, jupyter_mlops as mlops\n"
        "def work(n): mlops.log({f'w{n}': n})\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool: pool.map(work, range(3))\n"
        "    mlops.log(script=1)\n"
    )
    with running_kernel(tmp_path, cwd=tmp_path) as running:
        running.run("import sys, os, jupyter_mlops as mlops")
        reply = running.run(
            "%%track\n!{sys.executable} train.py\nos.system(f'{sys.executable} train.py')\nmlops.log(cell=1)"
        )
        run = running.last_run()
    assert reply.ok
    assert warnings_of(reply) == []
    assert metrics(run) == {"w0": 0.0, "w1": 1.0, "w2": 2.0, "script": 1.0, "cell": 1.0}
    assert {record.role for record in of(run, Join)} == {"child"}
    assert end(run).status is RunStatus.FINISHED


IN_A_SUBINTERPRETER = """
    import sys
    import jupyter_mlops as mlops

    TASK = f"import sys; sys.path[:0] = {sys.path!r}; import jupyter_mlops as mlops; mlops.log(inside=1)"

    def outcome():
        if sys.version_info >= (3, 14):
            from concurrent.futures import InterpreterPoolExecutor

            with InterpreterPoolExecutor(1) as pool:
                return str(pool.submit(exec, TASK).exception())
        if sys.version_info >= (3, 13):
            import _interpreters as interpreters
        else:
            import _xxsubinterpreters as interpreters
        try:
            return str(interpreters.run_string(interpreters.create(), TASK))
        except Exception as error:
            return str(error)

    with mlops.track("run"):
        mlops.log(outside=1)
        print(outcome())
"""


def test_a_subinterpreter_logs_to_the_run_or_says_clearly_that_it_cannot(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(IN_A_SUBINTERPRETER)],
        env=environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ((_, run),) = runs_in(tmp_path / "home").items()
    assert end(run).status is RunStatus.FINISHED
    if done.stdout == "None\n":  # up to Python 3.11 they share what extension modules hold
        assert metrics(run) == {"outside": 1.0, "inside": 1.0}
    else:
        assert metrics(run) == {"outside": 1.0}
        assert "No run can be tracked from a subinterpreter here" in done.stdout
        assert "log them in the main interpreter" in done.stdout
