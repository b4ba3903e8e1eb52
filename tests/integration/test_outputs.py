"""Everything that a tracked cell displays is recorded while it is displayed, and still displayed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.capture.outputs import OutputRecorder
from jupyter_mlops.journal.records import Displayed, End
from tests.waiting import wait_until

from .kernel import end, environment, of, running_kernel, runs_in, shown_text


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with running_kernel(tmp_path_factory.mktemp("kernel")) as running:
        running.run(
            "import os, sys, time, threading, subprocess, multiprocessing\nfrom IPython.display import *"
        )
        yield running


def shown(kernel):
    """(message, data) of the last run, streams joined."""
    found = []
    for record in of(kernel.last_run(), Displayed):
        if record.message == "stream" and found and found[-1][:2] == ("stream", record.name):
            found[-1] = (*found[-1][:2], found[-1][2] + record.data["text/plain"])
        else:
            found.append((record.message, record.name, record.data.get("text/plain")))
    return found


def test_text_displays_and_the_result_are_recorded_in_order(kernel):
    reply = kernel.run(
        "%%track\nprint('one')\nprint('two', file=sys.stderr)\ndisplay(HTML('<b>x</b>'))\nprint('three')\n'four'"
    )
    assert reply.kinds == ["stream", "stream", "display_data", "stream", "execute_result"]
    assert shown(kernel) == [
        ("stream", "stdout", "one\n"),
        ("stream", "stderr", "two\n"),
        ("display_data", None, "<IPython.core.display.HTML object>"),
        ("stream", "stdout", "three\n"),
        ("execute_result", None, "'four'"),
    ]


def test_output_of_c_code_and_child_processes_is_recorded(kernel):
    kernel.run(
        "%%track\nos.system('echo from a shell')\nos.write(1, b'from C\\n')\n"
        "subprocess.run([sys.executable, '-c', 'print(\"from a child\")'])\n!echo from an escape"
    )
    text = shown_text(kernel.last_run())
    assert set(text.splitlines()) >= {"from a shell", "from C", "from a child", "from an escape"}


def test_output_of_a_forked_child_is_recorded_once(kernel):
    kernel.run(
        "%%track\ndef work():\n    print('from a fork', flush=True)\n"
        "child = multiprocessing.get_context('fork').Process(target=work)\nchild.start(); child.join(); time.sleep(0.3)"
    )
    assert shown_text(kernel.last_run()).count("from a fork") == 1


def test_output_of_threads_is_recorded(kernel):
    kernel.run(
        "%%track\nthread = threading.Thread(target=print, args=('from a thread',))\nthread.start(); thread.join()"
    )
    assert shown_text(kernel.last_run()) == "from a thread\n"


def test_an_error_is_recorded_with_its_traceback(kernel):
    kernel.run("%%track\nprint('before')\n1/0")
    (text, error) = shown(kernel)
    assert text == ("stream", "stdout", "before\n")
    assert error[:2] == ("error", "ZeroDivisionError")
    assert "division by zero" in error[2]


def test_updates_and_clearing_are_recorded(kernel):
    kernel.run(
        "%%track\nhandle = display('first', display_id='d1')\nhandle.update('second')\n"
        "print('gone')\nclear_output(wait=True)\nprint('kept')"
    )
    messages = of(kernel.last_run(), Displayed)
    assert [(record.message, record.display_id, record.wait) for record in messages] == [
        ("display_data", "d1", False),
        ("update_display_data", "d1", False),
        ("stream", None, False),
        ("clear_output", None, True),
        ("stream", None, False),
    ]


def test_a_figure_and_a_table_are_recorded_and_counted(kernel):
    pytest.importorskip("matplotlib")
    kernel.run("import matplotlib.pyplot as plt, pandas as pd")
    reply = kernel.run("%%track\nplt.plot([1, 2]); plt.show()\npd.DataFrame({'a': [1]})")
    assert "1 figure, 1 table" in reply.footer
    figure, table = (record for record in of(kernel.last_run(), Displayed) if record.message != "stream")
    assert base64.b64decode(figure.data["image/png"]).startswith(b"\x89PNG")
    assert "<table" in table.data["text/html"]


def test_a_figure_that_matplotlib_shows_at_the_cells_end_is_recorded(kernel):
    pytest.importorskip("matplotlib")
    kernel.run("import matplotlib.pyplot as plt")
    reply = kernel.run("%%track\nplt.plot([1, 2]);")
    assert "display_data" in reply.kinds
    assert "1 figure" in reply.footer
    assert any("image/png" in record.data for record in of(kernel.last_run(), Displayed))


def test_a_large_value_is_a_blob(kernel):
    reply = kernel.run("%%track\ndisplay({'text/plain': 'short', 'text/html': 'x' * 200_000}, raw=True)")
    assert reply.ok
    (record,) = of(kernel.last_run(), Displayed)
    assert record.data == {"text/plain": "short"}
    assert LocalBlobStore(kernel.home / "blobs").get(record.blobs["text/html"]) == b"x" * 200_000


def test_what_follows_the_cell_is_not_recorded(kernel):
    kernel.run("%%track\nprint('mine')")
    kernel.run("print('not mine')")
    assert shown_text(kernel.last_run()) == "mine\n"


def test_output_is_recorded_while_the_cell_runs(kernel):
    stop = kernel.home.parent / "stop"
    kernel.run(f"stop = {str(stop)!r}")
    message = kernel.send("%%track\nprint('early')\nwhile not os.path.exists(stop): time.sleep(0.01)")
    kernel.receive(message, until="early")
    wait_until(lambda: shown_text(kernel.last_run()) == "early\n")
    assert of(kernel.last_run(), End) == []
    stop.touch()
    kernel.receive(message)
    assert end(kernel.last_run())


def test_captured_output_is_shown_and_recorded_nowhere(kernel):
    reply = kernel.run("%%track\n%%capture held\nprint('held')")
    assert (reply.ok, reply.text) == (True, "")
    assert shown_text(kernel.last_run()) == ""
    assert kernel.value("held.stdout") == "held\n"


# the recorder alone


class Sink:
    def __init__(self, folder: Path) -> None:
        self.records: list[Displayed] = []
        self.blobs = LocalBlobStore(folder)

    def displayed(self, record: Displayed) -> None:
        self.records.append(record)

    def put_blob(self, data: bytes):
        return self.blobs.put(data)

    def redact(self, text: str) -> str:
        return text


def test_a_stream_is_cut_once_where_it_reaches_the_cap_and_the_last_figure_still_comes_through(tmp_path):
    sink = Sink(tmp_path)
    recorder = OutputRecorder(sink, inline_bytes=1000, cap_bytes=10)
    for text in ("12345", "67890", "too much", "x"):
        recorder.message("stream", {"name": "stdout", "text": text})
    for text in ("far too much", "p", "q", "r"):
        recorder.message("display_data", {"data": {"text/plain": text}})
    recorder.message("error", {"ename": "E", "evalue": "v", "traceback": ["\x1b[31mline\x1b[0m"]})
    assert [(record.message, record.data.get("text/plain"), record.cut) for record in sink.records] == [
        ("stream", "12345", False),
        ("stream", "678", False),
        ("stream", None, True),
        ("display_data", None, True),
        ("display_data", "p", False),
        ("display_data", "q", False),
        ("error", "\x1b[31mline\x1b[0m", False),
    ]
    assert recorder.error.traceback == "line"


def test_values_that_are_no_text_are_kept_as_json(tmp_path):
    sink = Sink(tmp_path)
    recorder = OutputRecorder(sink, inline_bytes=10, cap_bytes=10_000)
    plot = {"data": [{"y": list(range(20))}]}
    recorder.message("display_data", {"data": {"application/vnd.plotly.v1+json": plot, "text/plain": "p"}})
    (record,) = sink.records
    assert record.data == {"text/plain": "p"}
    assert json.loads(sink.blobs.get(record.blobs["application/vnd.plotly.v1+json"])) == plot


def test_messages_that_show_nothing_are_passed_over(tmp_path):
    sink = Sink(tmp_path)
    OutputRecorder(sink, inline_bytes=10, cap_bytes=10).message("comm_msg", {"data": {}})
    assert sink.records == []


# without a kernel


def test_a_terminal_ipython_records_what_it_prints(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('%load_ext jupyter_mlops')\n"
        "shell.run_cell('import sys\\nfrom IPython.display import HTML, display')\n"
        "shell.run_cell(\"%%track t\\nlr = 0.1\\nprint('out')\\nprint('err', file=sys.stderr)\\n\"\n"
        "               \"display(HTML('<b>x</b>'))\\n40 + 2\", store_history=True)\n"
        "shell.run_cell('%%track bad\\n1/0')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    good, bad = runs_in(tmp_path / "home").values()
    assert "out\n" in done.stdout
    assert "err\n" in done.stderr
    assert "· t ·" in done.stdout
    assert [record.data for record in of(good, Displayed) if record.message == "display_data"] == [
        {"text/html": "<b>x</b>", "text/plain": "<IPython.core.display.HTML object>"}
    ]
    assert "out\n" in shown_text(good)
    assert "42" in shown_text(good)
    assert end(bad).error.name == "ZeroDivisionError"
    assert "ZeroDivisionError" in shown_text(bad)
