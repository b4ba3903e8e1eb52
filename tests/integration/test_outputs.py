"""Everything that a tracked cell displays is recorded while it is displayed, and still displayed."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.capture.outputs import OutputRecorder
from jupyter_mlops.journal.records import Displayed, End
from jupyter_mlops.protocols.runs import RecordedOutput
from jupyter_mlops.services.runs.outputs import assemble, waiting
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


def recorder_of(sink, tmp_path, *, cap_bytes, inline_bytes=10_000):
    return OutputRecorder(sink, inline_bytes=inline_bytes, cap_bytes=cap_bytes, tail=tmp_path / "tail")


def printed(recorder, text, name="stdout"):
    recorder.message("stream", {"name": name, "text": text})


def displayed(recorder, text, display_id=None, *, update=False):
    kind = "update_display_data" if update else "display_data"
    content = {"data": {"text/plain": text}, "transient": {"display_id": display_id}}
    recorder.message(kind, content)


def kept(records):
    """What a reader sees of records."""
    recorded = [RecordedOutput(n, 0.0, msgspec.to_builtins(each)) for n, each in enumerate(records)]
    return assemble(recorded, lambda digest: b"")


def texts(records):
    return [output.data.get("text/plain") for output in kept(records)]


def test_of_long_text_the_beginning_and_the_end_are_kept_and_what_is_missing_is_said(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(10_000):
        printed(recorder, f"line {number}\n")
    recorder.close()
    beginning, mark, end = kept(sink.records)
    assert beginning.data["text/plain"].startswith("line 0\nline 1\n")
    assert end.data["text/plain"].endswith("line 9998\nline 9999\n")
    written = sum(len(f"line {number}\n") for number in range(10_000))
    missing = written - len(beginning.data["text/plain"]) - len(end.data["text/plain"])
    assert mark.metadata == {"cut": True, "dropped_bytes": missing, "dropped": 0}
    assert len(beginning.data["text/plain"]) == 3_000
    assert 0 < len(end.data["text/plain"]) <= 2_000


def test_nothing_is_marked_where_the_end_has_room(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(350):
        printed(recorder, f"{number:9}\n")
    recorder.close()
    (output,) = kept(sink.records)
    assert output.data["text/plain"] == "".join(f"{number:9}\n" for number in range(350))


def test_one_endless_text_leaves_its_beginning_and_its_end(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    printed(recorder, "begin" + "ä" * 1_000_000 + "final")
    recorder.close()
    beginning, mark, end = texts(sink.records)
    assert beginning.startswith("begin")
    assert end.endswith("final")
    assert "left out" in mark
    assert len(beginning) + len(end) < 8_000


def test_the_last_figures_win_and_stay_in_their_place_among_texts(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(100):
        printed(recorder, f"step {number}\n")
        displayed(recorder, f"figure {number} " + "x" * 400)
    recorder.close()
    shown = texts(sink.records)
    assert shown[0] == "step 0\n"
    assert shown[1].startswith("figure 0 ")
    assert shown[-2:] == ["step 99\n", "figure 99 " + "x" * 400]
    (mark,) = (output for output in kept(sink.records) if output.metadata.get("cut"))
    figures = [text for text in shown if text.startswith("figure")]
    assert mark.metadata["dropped"] == 100 - len(figures)


def test_the_last_state_of_a_display_is_kept_however_often_it_was_updated(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    displayed(recorder, "bar 0", "bar")
    displayed(recorder, "other 0", "other")
    for number in range(1, 5_000):
        displayed(recorder, f"bar {number}", "bar", update=True)
        printed(recorder, f"some text {number}\n")
    recorder.close()
    assert texts(sink.records)[:2] == ["bar 4999", "other 0"]
    assert len([record for record in sink.records if record.message == "update_display_data"]) < 100


def test_updates_are_written_also_when_nothing_more_is_displayed(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    displayed(recorder, "0", "bar")
    for number in range(1, 10):
        displayed(recorder, str(number), "bar", update=True)
    wait_until(lambda: texts(sink.records) == ["9"])
    recorder.close()


def test_what_is_cleared_takes_no_room(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    printed(recorder, "x" * 4_000)
    for number in range(100):
        recorder.message("clear_output", {"wait": True})
        displayed(recorder, f"frame {number} " + "x" * 900)
    recorder.close()
    assert texts(sink.records) == ["frame 99 " + "x" * 900]


def test_a_display_that_is_too_large_keeps_its_smaller_forms(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    recorder.message("display_data", {"data": {"text/html": "x" * 10_000, "text/plain": "a table"}})
    recorder.message("display_data", {"data": {"text/html": "x" * 10_000}})
    recorder.close()
    mark, first, second = texts(sink.records)
    assert "left out" in mark
    assert (first, second) == ("a table", "[text/html of 10000 bytes: too large to be kept]")


def test_an_error_comes_after_the_last_text(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(10_000):
        printed(recorder, f"line {number}\n")
    recorder.message("error", {"ename": "E", "evalue": "v", "traceback": ["\x1b[31mline\x1b[0m"]})
    recorder.close()
    *_, end, error = kept(sink.records)
    assert end.data["text/plain"].endswith("line 9999\n")
    assert (error.kind, error.name, error.data["text/plain"]) == ("error", "E", "\x1b[31mline\x1b[0m")
    assert recorder.error.traceback == "line"


def test_the_end_waits_on_disk_for_readers_until_it_is_in_the_journal(tmp_path):
    sink = Sink(tmp_path)
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(10_000):
        printed(recorder, f"line {number}\n")
    wait_until(lambda: "line 9999" in "".join(tailed(tmp_path / "tail")))
    assert sum(path.stat().st_size for path in (tmp_path / "tail").iterdir()) < 8_000
    recorder.close()
    assert not (tmp_path / "tail").exists()
    assert "line 9999" in texts(sink.records)[-1]


def tailed(folder):
    """What a reader finds there."""
    return [message.get("data", {}).get("text/plain", "") for message in waiting(folder, [])]


def test_a_folder_that_cannot_be_written_costs_nothing_but_what_a_kill_takes(tmp_path):
    sink = Sink(tmp_path)
    (tmp_path / "tail").write_text("no folder")
    recorder = recorder_of(sink, tmp_path, cap_bytes=8_000)
    for number in range(10_000):
        printed(recorder, f"line {number}\n")
    recorder.close()
    assert texts(sink.records)[-1].endswith("line 9999\n")


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
