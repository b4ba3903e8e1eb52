"""``%%track`` in a real kernel."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.capture.processes import is_alive
from jupyter_mlops.entities import RunKind, RunStatus
from jupyter_mlops.journal.records import (
    Close,
    Context,
    Displayed,
    End,
    Input,
    Join,
    Metrics,
    Params,
    Source,
    Start,
    Tags,
)
from tests.waiting import wait_until

from .kernel import (
    NOTEBOOK,
    Kernel,
    end,
    environment,
    metrics,
    of,
    params,
    running_kernel,
    runs_in,
    shown_text,
)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel"), JPY_SESSION_NAME=NOTEBOOK) as running:
        running.run("import jupyter_mlops as mlops, os, time, asyncio, sys")
        yield running


# the cell runs as any other does


def test_the_last_value_is_displayed_and_kept(kernel):
    reply = kernel.run("%%track\n20 + 22")
    assert (reply.ok, reply.kinds, reply.result) == (True, ["execute_result"], "42")
    assert kernel.run("_").result == "42"


def test_top_level_await_works(kernel):
    reply = kernel.run("%%track\nawait asyncio.sleep(0)\nmlops.log(awaited=1)\n'done'")
    assert (reply.ok, reply.result) == (True, "'done'")
    assert metrics(kernel.last_run()) == {"awaited": 1.0}
    assert end(kernel.last_run()).status is RunStatus.FINISHED


def test_an_error_is_shown_once_with_the_users_line_number_and_fails_the_cell(kernel):
    reply = kernel.run("%%track\nx = 1\n\nraise ValueError('line 4')")
    assert not reply.ok
    assert reply.kinds == ["error"]
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(reply.errors[0]["traceback"]))
    assert "----> 4 raise ValueError" in plain
    last = end(kernel.last_run())
    assert last.status is RunStatus.FAILED
    assert (last.error.name, last.error.message) == ("ValueError", "line 4")
    assert "----> 4 raise ValueError" in last.error.traceback
    assert "\x1b" not in last.error.traceback


def test_a_syntax_error_is_a_failed_run(kernel):
    reply = kernel.run("%%track broken\ndef f(:\n    pass")
    assert (reply.ok, reply.kinds) == (False, ["error"])
    last = end(kernel.last_run())
    assert (last.status, last.error.name) == (RunStatus.FAILED, "SyntaxError")
    assert of(kernel.last_run(), Source)[0].text == "%%track broken\ndef f(:\n    pass"


def test_a_body_may_begin_with_a_cell_magic(kernel):
    reply = kernel.run("%%track timed\n%%time\nseconds = float('3')\nsteps = 7")
    assert reply.ok
    assert "Wall time" in reply.text
    assert metrics(kernel.last_run()) == {"seconds": 3.0}
    assert params(kernel.last_run()) == {"steps": 7}
    reply = kernel.run("%%track shell\n%%bash\necho from bash")
    assert reply.text == "from bash\n"
    assert shown_text(kernel.last_run()) == "from bash\n"


def test_an_error_under_time_fails_the_run(kernel):
    reply = kernel.run("%%track\n%%time\n1/0")
    assert len(reply.errors) == 1
    assert end(kernel.last_run()).status is RunStatus.FAILED


def test_the_line_may_stand_under_another_cell_magic(kernel):
    reply = kernel.run("%%time\n%%track inner\ninside = float('5')\ninside")
    assert reply.result == "5.0"
    assert of(kernel.last_run(), Start)[0].name == "inner"
    assert end(kernel.last_run()).status is RunStatus.FINISHED


def test_comments_and_blank_lines_may_come_before(kernel):
    reply = kernel.run("\n# about\n\n%%track commented\n1/0")
    assert of(kernel.last_run(), Start)[0].name == "commented"
    assert len(reply.errors) == 1


def test_a_future_import_may_stand_first(kernel):
    reply = kernel.run("%%track future\nfrom __future__ import annotations\nn = float('7')")
    assert reply.ok, reply.errors
    assert metrics(kernel.last_run()) == {"n": 7.0}


def test_the_track_line_elsewhere_in_a_cell_is_no_track_line(kernel):
    before = len(kernel.runs())
    assert not kernel.run("x = 1\n%%track late").ok
    assert kernel.run("s = '''\n%%track no\n'''").ok
    assert len(kernel.runs()) == before


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("two names", "quotes around it: %%track 'two names'"),
        ("-p 'not a name'", "-p takes the name of a variable"),
        ("-t novalue", "-t takes KEY=VALUE"),
        ("--nonsense", "unrecognized arguments: --nonsense"),
        ("-e", "expected one argument"),
        ("'open", "' is missing at the end"),
    ],
)
def test_bad_arguments_are_one_message_and_the_body_does_not_run(kernel, line, told):
    before = len(kernel.runs())
    reply = kernel.run(f"%%track {line}\nprint('ran')")
    assert (reply.ok, reply.kinds, reply.text) == (False, ["error"], "")
    (shown,) = reply.errors[0]["traceback"]
    assert told in shown
    assert "Usage: %%track [NAME]" in shown
    assert len(kernel.runs()) == before


def test_the_cell_of_bad_arguments_may_have_a_body_that_does_not_parse(kernel):
    reply = kernel.run("%%track a b\ndef f(:")
    assert reply.errors[0]["ename"] == "BadArguments"


# what is recorded


def test_params_metrics_and_tags_are_taken_from_the_cell_and_its_line(kernel):
    kernel.run("before = 5; acc_before = 0.5; config = {'depth': 3}")
    reply = kernel.run(
        "%%track all -e exp -p config -p seed=7 -p text='a b' -m before -t team=vision -t note='two words' -m loss\n"
        "lr, optimiser = 1e-3, 'adam'\nepochs: int = 3\nseed = 1\n"
        "import math\ncorrect = 0\nfor i in range(4):\n    correct += i\nacc = correct / 10\nflag = acc > 2\n"
        "_private = acc * 2\nwords = ['a'] * 3\nn_words = len(words)\nloss = 0.3\nmlops.log(acc=0.9)\n"
        "mlops.log_params(epochs=30)"
    )
    assert reply.ok, reply.errors
    run = kernel.last_run()
    (start,) = of(run, Start)
    assert (start.name, start.experiment, start.kind) == ("all", "exp", RunKind.CELL)
    assert (start.notebook, start.cell_id) == (NOTEBOOK, "cell-1")
    assert params(run) == {
        "lr": 0.001, "optimiser": "adam", "epochs": 30, "seed": 7, "text": "a b", "config": {"depth": 3}, "loss": 0.3,
    }  # fmt: skip
    assert {record.source for record in of(run, Params)} == {"literal", "flag", "logged"}
    assert metrics(run) == {"before": 5.0, "correct": 6.0, "acc": 0.9, "n_words": 3.0, "loss": 0.3}
    assert of(run, Tags)[0].g == {"team": "vision", "note": "two words"}
    assert (
        "params lr=0.001, optimiser=adam, epochs=30 +4 · metrics acc=0.9, before=5, loss=0.3 +2"
        in reply.footer
    )


def test_values_on_the_line_may_be_any_python_literal(kernel):
    kernel.run("fold = 3")
    kernel.run(
        """%%track v-{fold} -p d={'a': [1, 2]} -p words=['a', 'b c'] -p text='5' -p n={fold} -p path=C:\\new -p e="""
    )
    assert params(kernel.last_run()) == {
        "d": {"a": [1, 2]}, "words": ["a", "b c"], "text": "5", "n": 3, "path": "C:\\new", "e": "",
    }  # fmt: skip
    assert of(kernel.last_run(), Start)[0].name == "v-3"


def test_no_auto_takes_only_what_is_named_or_logged(kernel):
    kernel.run(
        "%%track -p lr -m acc --no-auto\nlr = 0.1\nother = 2\nacc = lr * 2\nmore = acc * 2\nmlops.log(x=1)"
    )
    assert params(kernel.last_run()) == {"lr": 0.1}
    assert metrics(kernel.last_run()) == {"acc": 0.2, "x": 1.0}


def test_numpy_scalars_are_metrics(kernel):
    kernel.run("import numpy as np")
    kernel.run(
        "%%track\nmean = np.arange(4).mean()\nzero_d = np.array(2.5)\nvector = np.ones(3)\nbig = np.int64(3) * 2"
    )
    assert metrics(kernel.last_run()) == {"mean": 1.5, "zero_d": 2.5, "big": 6.0}


def test_a_failed_cell_does_not_record_what_earlier_cells_left(kernel):
    kernel.run("stale = 99.5; lr_old = 1")
    kernel.run("%%track -m stale\nfresh = float('3')\n1/0\nstale = 2.5 * 2")
    assert metrics(kernel.last_run()) == {"fresh": 3.0}


def test_a_name_that_the_cell_may_not_have_assigned_is_no_metric(kernel):
    kernel.run("maybe = 7.5")
    kernel.run("%%track\nif not mlops:\n    maybe = float('1')\nsure = float('2')")
    assert metrics(kernel.last_run()) == {"sure": 2.0}


def test_tracking_keeps_no_large_value_alive(kernel):
    kernel.run("import weakref\nclass Big: pass\nbig = Big(); old = weakref.ref(big)")
    kernel.run("%%track\nbig = Big()\ngone = old() is None\nprint(gone)")
    assert shown_text(kernel.last_run()) == "True\n"


def test_names_that_are_asked_for_and_missing_are_named(kernel):
    reply = kernel.run("%%track -p nowhere -m nothing\n1")
    assert "not found: nowhere, nothing" in reply.footer


def test_a_name_may_be_filled_in(kernel):
    kernel.run("fold = 3")
    kernel.run("%%track fold-{fold}\n1")
    assert of(kernel.last_run(), Start)[0].name == "fold-3"


def test_without_a_name_the_cells_number_is_one(kernel):
    reply = kernel.run("%%track\n1")
    number = reply.reply["execution_count"]
    assert of(kernel.last_run(), Start)[0].name == f"cell {number}"
    assert of(kernel.last_run(), Start)[0].experiment == "digits"


def test_the_surroundings_are_recorded_with_git(tmp_path):
    repository = tmp_path / "project"
    repository.mkdir()
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(repository)]
    (repository / "code.py").write_text("a = 1\n")
    for command in (["init", "-qb", "trunk"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (repository / "code.py").write_text("a = 2\n")
    commit = subprocess.run(
        [*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    with running_kernel(tmp_path, cwd=repository) as running:
        running.run("%%track\n1")
        run = running.last_run()
    context = {key: value for record in of(run, Context) for key, value in record.values.items()}
    assert context["python"].startswith("3.")
    assert context["packages"]["msgspec"]
    assert context["host"]
    found = context["git"]
    assert (found["commit"], found["branch"], found["dirty"], found["patch_cut"]) == (
        commit,
        "trunk",
        True,
        False,
    )
    patch = (tmp_path / "home" / "blobs" / found["patch_digest"][:2] / found["patch_digest"]).read_text()
    assert "-a = 1\n+a = 2\n" in patch


def test_secrets_are_not_written(kernel):
    kernel.run(
        "%%track -t token=abcdef\napi_key = 'abcdef123'\nurl = 'http://me:abcdef9@host/'\nmlops.log_params(password='abcdef')"
    )
    written = "".join(map(repr, kernel.last_run()))
    assert "abcdef" not in written
    assert params(kernel.last_run())["url"] == "http://me:[redacted]@host/"


def test_a_secret_of_the_cell_is_in_no_output_and_no_traceback(kernel):
    reply = kernel.run(
        "%%track\napi_key = 'hunter2hunter2'; print(api_key)\n1/0 if api_key else 'hunter2hunter2'"
    )
    assert "hunter2" in reply.text
    assert "hunter2" not in "".join(map(repr, kernel.last_run()))
    assert shown_text(kernel.last_run()) == "[redacted]\n"


# its end


def test_an_interrupt_ends_the_run_as_cancelled(kernel):
    message = kernel.send("%%track\nprint('on', flush=True)\ntime.sleep(60)")
    kernel.receive(message, until="on")
    kernel.interrupt()
    reply = kernel.receive(message)
    assert reply.errors[0]["ename"] == "KeyboardInterrupt"
    last = end(kernel.last_run())
    assert (last.status, last.reason, last.error) == (RunStatus.CANCELLED, "interrupted", None)


def test_an_interrupted_await_ends_the_run_as_cancelled(kernel):
    message = kernel.send("%%track\nprint('on', flush=True)\nfor _ in range(600): await asyncio.sleep(0.1)")
    kernel.receive(message, until="on")
    kernel.interrupt()
    reply = kernel.receive(message)
    assert len(reply.errors) == 1
    last = end(kernel.last_run())
    assert (last.status, last.reason) == (RunStatus.CANCELLED, "cancelled")
    assert kernel.run("%%track after\nmlops.log(ok=1)").ok
    assert metrics(kernel.last_run()) == {"ok": 1.0}


def test_a_killed_kernel_leaves_its_run_to_be_lost(tmp_path):
    with running_kernel(tmp_path) as running:
        message = running.send(
            "%%track doomed\nlr = 0.1\nimport jupyter_mlops as mlops, time\nmlops.log(loss=0.5)\n"
            "print('on', flush=True)\ntime.sleep(60)"
        )
        running.receive(message, until="on")
        process = of(running.last_run(), Start)[0].process
        assert is_alive(process)
        running.kill()
        wait_until(lambda: is_alive(process) is False)
        run = running.last_run()
    assert of(run, End) == []
    assert (params(run), metrics(run), shown_text(run)) == ({"lr": 0.1}, {"loss": 0.5}, "on\n")


def test_exit_without_a_status_is_a_good_end(kernel):
    kernel.run("%%track\nsys.exit(0)")
    assert end(kernel.last_run()).status is RunStatus.FINISHED
    kernel.run("%%track\nsys.exit(2)")
    assert end(kernel.last_run()).status is RunStatus.FAILED


def test_the_environment_names_the_run_while_it_lasts(kernel):
    reply = kernel.run("%%track\nprint(os.environ['JUPYTER_MLOPS_RUN'])")
    assert reply.text.strip() == list(kernel.runs())[-1]
    assert kernel.value("os.environ.get('JUPYTER_MLOPS_RUN')") is None


def test_the_footer_says_which_run_it_was_and_is_no_output_of_it(kernel):
    reply = kernel.run("%%track titled\nlr = 0.5\nprint(1)")
    run_id, run = list(kernel.runs().items())[-1]
    assert re.fullmatch(
        rf"✓ run {run_id[-6:]} · titled · finished in \d+(\.\d s| ms) · params lr=0.5 · %mlops show {run_id[-6:]}",
        reply.footer,
    )
    assert [record.data for record in of(run, Displayed)] == [{"text/plain": "1\n"}]
    assert isinstance(run[-1], Close)


def test_a_long_name_is_cut_in_the_footer_only(kernel):
    reply = kernel.run(f"%%track {'n' * 300}\n1")
    assert f" · {'n' * 79}… · " in reply.footer
    assert of(kernel.last_run(), Start)[0].name == "n" * 300


# runs in and beside runs


def test_log_outside_of_a_run_says_what_to_do(kernel):
    reply = kernel.run("mlops.log(a=1)")
    assert reply.errors[0]["ename"] == "NoActiveRun"
    assert "%%track" in reply.errors[0]["evalue"]


def test_a_block_inside_a_cell_is_a_run_of_its_own(kernel):
    kernel.run(
        "%%track outer\nmlops.log(a=1)\nwith mlops.track('inner') as run:\n    mlops.log(b=2)\nmlops.log(c=3)"
    )
    (outer_id, outer), (_, inner) = list(kernel.runs().items())[-2:]
    assert metrics(outer) == {"a": 1.0, "c": 3.0}
    assert metrics(inner) == {"b": 2.0}
    assert of(inner, Start)[0].parent_id == outer_id


def test_a_nested_run_cell_neither_ends_nor_disturbs_the_run(kernel):
    reply = kernel.run(
        "%%track outer\nget_ipython().run_cell('inside = 1')\nget_ipython().run_cell('%%track nested\\nmlops.log(n=1)')\n"
        "get_ipython().run_cell('')\nmlops.log(still=1)"
    )
    assert reply.ok
    (outer_id, outer), (_, nested) = list(kernel.runs().items())[-2:]
    assert metrics(outer) == {"still": 1.0}
    assert metrics(nested) == {"n": 1.0}
    assert of(nested, Start)[0].parent_id == outer_id
    assert end(outer).status is end(nested).status is RunStatus.FINISHED


def test_threads_and_tasks_log_to_the_cells_run(kernel):
    kernel.run(
        "%%track\nimport threading\nthreads = [threading.Thread(target=mlops.log, kwargs={f't{i}': i}) for i in range(3)]\n"
        "for each in threads: each.start()\nfor each in threads: each.join()\n"
        "async def work(i): mlops.log(**{f'a{i}': i})\nawait asyncio.gather(*map(work, range(3)))"
    )
    found = metrics(kernel.last_run())
    assert {name for name in found if name[0] in "ta"} == {"t0", "t1", "t2", "a0", "a1", "a2"}


def test_parallel_runs_in_one_cell_keep_apart(kernel):
    before = len(kernel.runs())
    kernel.run(
        "async def trial(i):\n    with mlops.track(f'trial {i}'):\n        await asyncio.sleep(0.01)\n        mlops.log(i=i)\n"
        "await asyncio.gather(*map(trial, range(3)))"
    )
    found = {of(run, Start)[0].name: metrics(run) for run in list(kernel.runs().values())[before:]}
    assert found == {f"trial {i}": {"i": float(i)} for i in range(3)}


def test_a_shelled_out_script_logs_to_the_cells_run(kernel, tmp_path):
    script = tmp_path / "train.py"
    script.write_text(
        "import jupyter_mlops as mlops\nfor i in range(3): mlops.log(loss=1 / (i + 1), step=i)\nprint('trained')"
    )
    reply = kernel.run(f"%%track\n!{{sys.executable}} {script}")
    assert "trained" in reply.text
    run = kernel.last_run()
    assert len([record for record in of(run, Metrics) if "loss" in record.m]) == 3
    assert of(run, Join)[0].role == "child"
    assert "trained" in shown_text(run)
    assert end(run).status is RunStatus.FINISHED


def test_a_late_thread_is_told_that_its_run_has_ended(kernel):
    kernel.run(
        "%%track gone\nimport threading, contextvars\ngo = threading.Event()\n"
        "def late():\n    go.wait(20)\n    mlops.log(late=1)\n    mlops.log(late=2)\n"
        "thread = threading.Thread(target=contextvars.copy_context().run, args=(late,))\nthread.start()"
    )
    reply = kernel.run(
        "import contextlib, io\nwith contextlib.redirect_stderr(io.StringIO()) as told:\n    go.set(); thread.join()\n"
        "print(told.getvalue())"
    )
    assert reply.text.count("(gone) has ended") == 1
    assert metrics(kernel.last_run()) == {}


# the shell


def test_loading_twice_changes_nothing_and_unloading_takes_it_out(tmp_path):
    with running_kernel(tmp_path) as running:
        assert running.run(
            "%load_ext jupyter_mlops\nimport jupyter_mlops; jupyter_mlops.load_ipython_extension(get_ipython())"
        ).ok
        reply = running.run("%%track once\n1")
        assert len([1 for kind, _ in reply.messages if kind == "display_data"]) == 1
        assert len(running.runs()) == 1
        assert running.run("%unload_ext jupyter_mlops").ok
        assert not running.run("%%track gone\n1").ok
        assert running.run("%load_ext jupyter_mlops").ok
        assert running.run("%%track back\n1").footer
        assert len(running.runs()) == 2


def test_a_silent_execution_is_not_tracked(kernel):
    before = len(kernel.runs())
    kernel.run("%%track\nsilent_ran = 1", silent=True)
    assert kernel.value("silent_ran") == 1
    assert len(kernel.runs()) == before


def test_the_magic_called_as_a_function_works(kernel):
    assert kernel.run("get_ipython().run_cell_magic('track', 'called', 'mlops.log(c=1)')").ok
    assert metrics(kernel.last_run()) == {"c": 1.0}
    assert "%%track [NAME]" in str(kernel.run("%%track?").reply["payload"])


def test_completeness_checks_start_no_run(kernel):
    before = len(kernel.runs())
    kernel.client.is_complete("%%track x\nprint(1)")
    assert kernel.client.get_shell_msg(timeout=20)["content"]["status"] == "incomplete"
    assert len(kernel.runs()) == before


@pytest.mark.parametrize(
    ("code", "expected"),
    [("%%track --exp", "--experiment"), ("%mlops comp", "compare"), ("%%track name --no", "--no-auto")],
)
def test_options_complete(kernel, code, expected):
    content = kernel.client.complete(code, len(code), reply=True, timeout=20)["content"]
    assert content["matches"] == [expected]


def test_the_history_keeps_what_was_run(tmp_path):
    with running_kernel(tmp_path, load=False) as running:
        running.run("first = 1")
        running.run("import sys\n%load_ext jupyter_mlops", cell_id="loader")
        running.run("%%track t\nget_ipython().run_cell('nested = 1')", cell_id="c3")
        running.run("1/0", cell_id="c4")
        running.run("hidden = 1", silent=True)
        running.run("from jupyter_mlops.capture.history import on_job_use\nfor hook in on_job_use: hook()")
        found = running.value(
            "[(c.number, c.source, c.ok, c.cell_id, c.used_jobs) for c in "
            "__import__('jupyter_mlops.magics', fromlist=['x']).history_of(get_ipython()).cells()]"
        )
    assert found == [
        (1, "first = 1", True, None, False),
        (2, "import sys\n%load_ext jupyter_mlops", True, None, False),
        (3, "%%track t\nget_ipython().run_cell('nested = 1')", True, "c3", False),
        (4, "1/0", False, "c4", False),
        (
            5,
            "from jupyter_mlops.capture.history import on_job_use\nfor hook in on_job_use: hook()",
            True,
            "cell-1",
            True,
        ),
    ]


def test_an_unwritable_home_never_breaks_the_cell(tmp_path):
    (tmp_path / "home").write_text("not a folder")
    with running_kernel(tmp_path) as running:
        reply = running.run("%%track\nimport jupyter_mlops as mlops\nmlops.log(a=1)\nprint('out')\n40 + 2")
        assert (reply.ok, reply.result) == (True, "42")
        warnings = [line for line in reply.text.splitlines() if "jupyter-mlops:" in line]
        assert len(warnings) == 1
        assert "not fully recorded" in warnings[0]
        assert reply.footer is None


def test_a_removed_working_directory_costs_only_git(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    with running_kernel(tmp_path, cwd=gone) as running:
        gone.rmdir()
        reply = running.run("%%track\nprint('out')")
        found = of(running.last_run(), Context)
    assert (reply.ok, reply.text) == (True, "out\n")
    assert any("msgspec" in record.values.get("packages", {}) for record in found)


def test_settings_that_cannot_be_read_never_break_the_cell(tmp_path):
    with running_kernel(tmp_path, JUPYTER_MLOPS_GPU_SLOTS="many") as running:
        reply = running.run("%%track\n40 + 2")
        assert (reply.ok, reply.result) == (True, "42")
        assert "this cell is not tracked" in reply.text
        assert "must be a number of slots" in reply.text


# headless


def _notebook(path: Path, *cells: str) -> Path:
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nb, path)
    return path


def _papermill(folder: Path, *cells: str) -> subprocess.CompletedProcess[str]:
    source = _notebook(folder / "in.ipynb", "%load_ext jupyter_mlops\nimport jupyter_mlops as mlops", *cells)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", str(source), str(folder / "out.ipynb")]
    return subprocess.run(
        command, env=environment(folder), capture_output=True, text=True, timeout=120, check=False
    )


def test_papermill_tracks_cells_without_a_server(tmp_path):
    done = _papermill(
        tmp_path,
        "%%track a\nlr = 0.1\nmlops.log(loss=0.5)",
        "%%track b\nawait __import__('asyncio').sleep(0)\n1",
    )
    assert done.returncode == 0, done.stderr
    runs = list(runs_in(tmp_path / "home").values())
    assert [of(run, Start)[0].name for run in runs] == ["a", "b"]
    assert [end(run).status for run in runs] == [RunStatus.FINISHED] * 2
    assert metrics(runs[0]) == {"loss": 0.5}


@pytest.mark.parametrize("bad", ["%%track boom\n1/0", "%%track two names\nprint(1)", "%%track\ndef f(:"])
def test_papermill_stops_at_a_tracked_cell_that_fails(tmp_path, bad):
    done = _papermill(tmp_path, bad, "%%track never\nprint('too far')")
    assert done.returncode != 0
    assert "too far" not in (tmp_path / "out.ipynb").read_text().replace("print('too far')", "")
    assert "never" not in [of(run, Start)[0].name for run in runs_in(tmp_path / "home").values()]


# a job's kernel


PROMOTED = (
    "%load_ext jupyter_mlops\n%mlops replay",
    "import jupyter_mlops as mlops\nlr = 0.1\nmlops.log(replayed=1)\nwith mlops.track('replayed'):\n    mlops.log(x=1)",
    "%%track submitted\nepochs = 2\nmlops.log(loss=0.5)\nprint('working')\n{'answer': 42}",
)


@pytest.fixture
def job(tmp_path):
    """A job's run, as its worker has begun it, and the environment of its kernel."""
    from jupyter_mlops.workspace import open_workspace

    (tmp_path / "attempt").mkdir()
    run = open_workspace(tmp_path / "home").tracker.start(name="job", kind=RunKind.JOB, export=False)
    variables = {
        "JUPYTER_MLOPS_RUN": run.id,
        "JUPYTER_MLOPS_JOB": "01hzzzzzzzzzzzzzzzzzzzzzzz",
        "JUPYTER_MLOPS_ATTEMPT": str(tmp_path / "attempt"),
        "JUPYTER_MLOPS_NOTEBOOK": "/origin.ipynb",
    }
    yield run, variables
    run.close()


def run_cells(kernel: Kernel, *cells: str) -> None:
    for cell in cells:
        reply = kernel.run(cell)
        assert reply.ok, reply.errors


def test_the_submitted_cell_is_the_jobs_run_and_its_value_is_kept(tmp_path, job):
    import cloudpickle

    run, variables = job
    with running_kernel(tmp_path, load=False, **variables) as running:
        run_cells(running, *PROMOTED)
        ((run_id, lines),) = running.runs().items()
    assert run_id == run.id
    assert metrics(lines) == {"loss": 0.5, "answer": 42.0}
    assert params(lines) == {"epochs": 2}
    assert shown_text(lines) == "working\n"
    assert of(lines, Source)[-1].text == PROMOTED[-1]
    assert of(lines, End) == []
    assert cloudpickle.loads((tmp_path / "attempt" / "result.pkl").read_bytes()) == {"answer": 42}
    assert sorted(os.listdir(tmp_path / "attempt")) == ["result.json", "result.pkl"]


def test_a_value_that_cannot_be_pickled_costs_one_line(tmp_path, job):
    _, variables = job
    with running_kernel(tmp_path, load=False, **variables) as running:
        run_cells(running, PROMOTED[0])
        reply = running.run("%%track submitted\n(x for x in [1])")
    assert reply.ok
    assert reply.text.count("not kept for job.result") == 1
    assert os.listdir(tmp_path / "attempt") == ["result.json"]  # which says why


def test_tracked_cells_of_a_whole_notebook_are_children_of_the_jobs_run(tmp_path, job):
    run, variables = job
    with running_kernel(tmp_path, **variables) as running:
        run_cells(
            running,
            "import jupyter_mlops as mlops",
            "mlops.log(outside=1)",
            "%%track child\nmlops.log(inside=1)",
        )
        found = running.runs()
    child_id = next(each for each in found if each != run.id)
    assert metrics(found[run.id]) == {"outside": 1.0}
    assert metrics(found[child_id]) == {"inside": 1.0}
    assert of(found[child_id], Start)[0].parent_id == run.id
    assert of(found[child_id], Start)[0].notebook == "/origin.ipynb"
    assert end(found[child_id]).status is RunStatus.FINISHED


def test_replay_without_a_job_ends_with_the_next_tracked_cell(kernel):
    before = len(kernel.runs())
    kernel.run("%mlops replay")
    assert kernel.run("mlops.log(a=1); mlops.tag(b='c')").ok
    kernel.run("%%track again\nmlops.log(a=2)")
    assert len(kernel.runs()) == before + 1
    assert metrics(kernel.last_run()) == {"a": 2.0}


# what earlier cells have read


def test_data_that_an_earlier_cell_loaded_is_read_by_the_runs_that_depend_on_it(kernel):
    kernel.run(
        "import pandas as pd\nfor name in ('used', 'other'):\n    mlops.register_dataset(pd.DataFrame({'x': [1.0, len(name)]}), name=name)"
    )
    kernel.run("used = mlops.load_dataset('used@1')")
    kernel.run("other = mlops.load_dataset('other')")
    kernel.run("values = used.x.to_numpy() * 2")
    reply = kernel.run("%%track early --log-model model=early\nmodel = {'weight': values.mean()}")
    assert reply.ok, reply.errors
    (run_id,) = [each for each, records in kernel.runs().items() if of(records, Start)[0].name == "early"]
    wait_until(lambda: of(kernel.runs()[run_id], Close))
    read = of(kernel.runs()[run_id], Input)
    assert [(each.kind, each.name, each.version) for each in read] == [("dataset", "used", 1)]
    kernel.run("from jupyter_mlops.workspace import current")
    assert kernel.value("[each.name for each in current().registry.model_version('early').datasets]") == [
        "used"
    ]
