"""What a run displayed is shown again: in a kernel as it was, in a terminal as text, also while it goes on."""

from __future__ import annotations

import io
import threading
from dataclasses import replace

import pytest

from jupyter_mlops.entities import Output, Run, RunDetail, RunKind, RunStatus, short_id
from jupyter_mlops.services.showing.replaying import (
    TerminalScreen,
    continuation,
    notebook_outputs,
    replay,
)
from jupyter_mlops.workspace import open_workspace
from tests.waiting import wait_until

from .kernel import running_kernel

VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        running.run("import os, sys, time\nfrom IPython.display import *\nimport jupyter_mlops as mlops")
        yield running


@pytest.fixture(scope="module")
def workspace(kernel):
    return open_workspace(kernel.home)


def last_run(kernel):
    return list(kernel.runs())[-1]


# -------------------------------------------------------------------- in a kernel


def test_everything_is_shown_again_as_it_was(kernel):
    ran = kernel.run(
        "%%track\nprint('one')\nprint('two', file=sys.stderr)\ndisplay(HTML('<b>x</b>'))\n"
        "handle = display('first', display_id=True)\nhandle.update('second')\n'last'"
    )
    assert ran.ok
    again = kernel.run(f"mlops.replay({last_run(kernel)!r})")
    assert [
        (kind, content.get("text") or content["data"]["text/plain"]) for kind, content in again.messages
    ] == [
        ("stream", "one\n"),
        ("stream", "two\n"),
        ("display_data", "<IPython.core.display.HTML object>"),
        ("display_data", "'second'"),
        ("display_data", "'last'"),
    ]
    assert again.messages[2][1]["data"]["text/html"] == "<b>x</b>"


def test_widgets_come_back_with_the_state_that_they_ended_with(kernel, workspace):
    pytest.importorskip("ipywidgets")
    kernel.run("import ipywidgets\nearlier = ipywidgets.IntSlider(value=3, description='early')")
    ran = kernel.run(
        "%%track --no-auto\nbar = ipywidgets.IntProgress(max=10)\ndisplay(bar)\n"
        "for i in range(8):\n    bar.value = i\ndisplay(earlier)\n"
    )
    assert ran.ok, ran.errors
    run_id = last_run(kernel)
    detail = workspace.runs.detail(run_id)
    states = {entry["model_name"]: entry["state"] for entry in detail.widgets["state"].values()}
    assert states["IntProgressModel"]["value"] == 7
    assert (states["IntSliderModel"]["value"], states["IntSliderModel"]["description"]) == (3, "early")
    again = kernel.run(f"mlops.replay({run_id!r})")
    opened = [content for kind, content in again.messages if kind == "comm_open"]
    models = {content["comm_id"]: content["data"]["state"]["_model_name"] for content in opened}
    shown = [content["data"][VIEW]["model_id"] for kind, content in again.messages if kind == "display_data"]
    assert [models[model_id] for model_id in shown] == ["IntProgressModel", "IntSliderModel"]
    bar = next(each for each in opened if each["comm_id"] == shown[0])["data"]["state"]
    assert bar["value"] == 7
    assert bar["layout"].removeprefix("IPY_MODEL_") in models
    assert "early: 3" in kernel.run(f"%mlops logs {short_id(run_id)}").text


def test_a_progress_bar_of_tqdm_is_kept_with_its_last_state(kernel, workspace):
    pytest.importorskip("tqdm")
    ran = kernel.run(
        "%%track --no-auto\nfrom tqdm.notebook import tqdm\nfor i in tqdm(range(50), desc='epochs'):\n"
        "    time.sleep(0.001)\n"
    )
    assert ran.ok, ran.errors
    text = kernel.run(f"%mlops logs {short_id(last_run(kernel))}").text
    assert "epochs: 100%" in text.replace("\u2007", " ")  # the figure spaces of tqdm
    assert "50/50" in text
    assert "█" * 20 in text


def test_a_run_that_goes_on_is_shown_so_far_and_then_followed(kernel, workspace, tmp_path):
    stop = tmp_path / "stop"
    message = kernel.send(
        f"%%track\nprint('early')\nwhile not os.path.exists({str(stop)!r}): time.sleep(0.01)\nprint('late')"
    )
    kernel.receive(message, until="early")
    run_id = last_run(kernel)
    screen = io.StringIO()
    wait_until(
        lambda: [each.data for each in workspace.runs.detail(run_id).outputs] == [{"text/plain": "early\n"}]
    )
    following = threading.Thread(
        target=lambda: replay(
            lambda: workspace.runs.detail(run_id), TerminalScreen(screen), follow=True, sleep=lambda s: None
        )
    )
    following.start()
    wait_until(lambda: screen.getvalue() == "early\n")
    stop.touch()
    kernel.receive(message)
    following.join(20)
    assert not following.is_alive()
    assert screen.getvalue() == "early\nlate\n"


def test_following_in_a_kernel_shows_live_output_of_another_process(kernel, tmp_path):
    stop = tmp_path / "stop"
    with running_kernel(tmp_path, JUPYTER_MLOPS_HOME=str(kernel.home)) as other:
        message = other.send(
            f"%%track\nimport os, time\nprint('early')\nwhile not os.path.exists({str(stop)!r}): time.sleep(0.01)\nprint('late')"
        )
        other.receive(message, until="early")

        run_id = last_run(kernel)
        watching = kernel.send(f"mlops.replay({run_id!r}, follow=True)")
        kernel.receive(watching, until="early")
        stop.touch()
        other.receive(message)
        rest = kernel.receive(watching)
        assert (rest.text, rest.ok) == ("late\n", True)


def test_following_can_be_interrupted_without_an_error(kernel, tmp_path):
    stop = tmp_path / "stop"
    with running_kernel(tmp_path, JUPYTER_MLOPS_HOME=str(kernel.home)) as other:
        message = other.send(
            f"%%track\nimport os, time\nprint('early')\nwhile not os.path.exists({str(stop)!r}): time.sleep(0.01)"
        )
        other.receive(message, until="early")
        watching = kernel.send(f"mlops.replay({last_run(kernel)!r}, follow=True)")
        kernel.receive(watching, until="early")
        kernel.interrupt()
        reply = kernel.receive(watching)
        stop.touch()
        other.receive(message)
    assert (reply.ok, reply.errors) == (True, [])


def test_a_killed_kernel_leaves_the_beginning_and_the_end_of_a_long_output(tmp_path):
    with running_kernel(tmp_path, JUPYTER_MLOPS_OUTPUT_CAP_BYTES="100000") as running:
        message = running.send(
            "%%track\nimport time\nfor i in range(100_000): print('line', i)\n"
            "print('the end', flush=True)\ntime.sleep(600)"
        )
        running.receive(message, until="the end")
        reader = open_workspace(running.home)
        (run_id,) = running.runs()

        def text():
            outputs = reader.runs.detail(run_id).outputs
            return "".join(each.data["text/plain"] for each in outputs)

        wait_until(lambda: text().endswith("the end\n"))
        running.kill()
        wait_until(lambda: reader.runs.get(run_id).status is RunStatus.LOST)
        assert text().startswith("line 0\nline 1\n")
        assert text().endswith("line 99999\nthe end\n")
        (mark,) = (each for each in reader.runs.detail(run_id).outputs if each.metadata.get("cut"))
        assert mark.metadata["dropped_bytes"] > 500_000
        run_folder = running.home / "runs" / run_id
        assert sum(path.stat().st_size for path in run_folder.rglob("*") if path.is_file()) < 200_000


def test_a_flood_of_prints_leaves_no_more_than_the_cap_and_slows_nothing_down(tmp_path):
    with running_kernel(tmp_path, JUPYTER_MLOPS_OUTPUT_CAP_BYTES="1000000") as running:
        cell = "import time\nbegun = time.process_time()\nfor i in range(100_000): print('x' * 99)\ntook = time.process_time() - begun"
        plain, tracked = [], []
        for _ in range(3):
            assert running.run(cell).ok
            plain.append(running.value("took"))
            assert running.run("%%track --no-auto\n" + cell).ok
            tracked.append(running.value("took"))
        size = sum(path.stat().st_size for path in running.home.rglob("*") if path.is_file())
        assert size < 3 * 1_500_000
        # the CPU time of all threads, the best of three
        assert min(tracked) < 1.5 * min(plain)


# -------------------------------------------------------------------- anywhere


def stream(text, position=0, name="stdout"):
    return Output(position=position, kind="stream", name=name, data={"text/plain": text}, time=0.0)


def figure(name, position=0):
    return Output(position=position, kind="display_data", data={"text/plain": name}, time=0.0)


def test_what_goes_on_is_only_what_came():
    assert continuation([], [stream("a")]) == [stream("a")]
    assert continuation([stream("a")], [stream("a")]) == []
    assert continuation([stream("a")], [stream("ab"), figure("f", 1)]) == [stream("b"), figure("f", 1)]
    assert continuation([figure("f")], [figure("f"), stream("a", 1)]) == [stream("a", 1)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([stream("a")], []),
        ([stream("50%")], [stream("60%")]),
        ([figure("f"), stream("a")], [figure("g"), stream("a")]),
        ([stream("a")], [stream("a", name="stderr")]),
    ],
)
def test_what_does_not_just_go_on_is_drawn_anew(before, after):
    assert continuation(before, after) is None


def detail(outputs, status=RunStatus.RUNNING):
    run = Run(id="r" * 26, name="r", experiment="e", kind=RunKind.CELL, status=status, started_at=0.0)
    return RunDetail(run=run, outputs=outputs)


def test_a_bar_that_moves_is_rewritten_in_its_line_of_a_terminal():
    states = iter(
        [
            detail([stream("start\n 10%")]),
            detail([stream("start\n 50%")]),
            detail([stream("start\n100%\ndone\n")], RunStatus.FINISHED),
        ]
    )
    shown = io.StringIO()
    replay(lambda: next(states), TerminalScreen(shown), follow=True, sleep=lambda seconds: None)
    assert shown.getvalue() == "start\n 10%\r 50%\r100%\ndone\n"


def test_a_pipe_gets_no_colours_and_no_terminal_control():
    shown = io.StringIO()
    TerminalScreen(shown).show([stream("\x1b[31mred\x1b[0m \x1b]0;title\x07end\n")], None)
    assert shown.getvalue() == "red end\n"


def test_outputs_of_an_executed_notebook_are_read_as_they_are(tmp_path):
    import nbformat.v4 as v4

    cell = v4.new_code_cell(
        "x",
        outputs=[
            v4.new_output("stream", name="stdout", text="a\nb\n"),
            v4.new_output("display_data", data={"text/plain": "p", "application/json": [1, 2]}),
            v4.new_output("error", ename="E", evalue="v", traceback=["one", "two"]),
        ],
    )
    (tmp_path / "n.ipynb").write_text(v4.writes(v4.new_notebook(cells=[cell])))
    found = [replace(each, time=0.0) for each in notebook_outputs(tmp_path / "n.ipynb")]
    assert found == [
        stream("a\nb\n"),
        Output(
            position=1, kind="display_data", data={"text/plain": "p", "application/json": [1, 2]}, time=0.0
        ),
        Output(position=2, kind="error", name="E", data={"text/plain": "one\ntwo"}, time=0.0),
    ]
