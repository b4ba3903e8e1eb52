"""Runs as a process writes them: contexts, threads, tasks, child processes, trouble with the disk."""

from __future__ import annotations

import asyncio
import contextvars
import math
import os
import resource
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.artifacts.local import LocalBlobStore
from jupyter_mlops.config import RUN, load_settings
from jupyter_mlops.entities import CellTiming, Progress, RunError, RunKind, RunStatus
from jupyter_mlops.errors import InvalidInput, NoActiveRun, NotFound
from jupyter_mlops.journal.records import (
    Artifacts,
    Close,
    Context,
    End,
    Heartbeat,
    Input,
    Join,
    Metrics,
    Params,
    Register,
    Start,
    Step,
    Tags,
)
from jupyter_mlops.services.tracking.tracker import Tracker
from tests.waiting import wait_until

from .kernel import end, environment, metrics, of, params, runs_in


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def tracker(home, monkeypatch):
    monkeypatch.delenv(RUN, raising=False)
    return make(home)


def make(home: Path, **changes) -> Tracker:
    settings = replace(load_settings({"home": home, "user": "me"}), **changes)
    return Tracker(settings, LocalBlobStore(settings.home / "blobs"))


def start(tracker, name="r", **options):
    return tracker.start(name=name, kind=RunKind.SCRIPT, **options)


def records_of(tracker, run):
    return runs_in(tracker.settings.home)[run.id]


# what is written


def test_a_run_is_written_as_it_happens(tracker):
    with start(tracker, "first", experiment="digits", notebook="/n.ipynb", cell_id="c") as run:
        run.log({"loss": 0.5, "acc": math.nan}, step=1)
        run.log({"loss": 0.25})
        run.log_params({"lr": 0.1, "api_key": "x"})
        run.tag({"team": "a", "password": "x", "gone": None, "n": 1})
        run.input("dataset", "train", 2, "d" * 64)
        key = run.register("model", {"name": "m"}, "champion")
        run.step(Progress(done=1, total=2), CellTiming(index=0, duration_s=0.1, ok=True))
        run.context({"where": {"token": "abc", "python": "3"}})
        writer = run.journal.current.key.writer
    lines = records_of(tracker, run)
    assert lines[0] == Start(
        v=1, t=lines[0].t, n=1, name="first", experiment="digits", kind=RunKind.SCRIPT, user="me",
        notebook="/n.ipynb", cell_id="c", process=lines[0].process,
    )  # fmt: skip
    assert lines[0].process.pid == os.getpid()
    assert [(record.m, record.s) for record in of(lines, Metrics)] == [
        ({"loss": 0.5, "acc": "NaN"}, 1),
        ({"loss": 0.25}, None),
    ]
    assert params(lines) == {"lr": 0.1, "api_key": "[redacted]"}
    assert of(lines, Tags)[0].g == {"team": "a", "password": "[redacted]", "gone": None, "n": "1"}
    assert (of(lines, Input)[0].name, of(lines, Input)[0].version) == ("train", 2)
    (registered,) = of(lines, Register)
    assert key == f"{run.id}/{writer}/{registered.n}"
    assert of(lines, Step)[0].progress == Progress(done=1, total=2)
    assert of(lines, Context)[0].values == {"where": {"token": "[redacted]", "python": "3"}}
    assert (end(lines).status, end(lines).reason, end(lines).error) == (RunStatus.FINISHED, None, None)
    assert isinstance(lines[-1], Close)
    assert [record.n for record in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (ValueError("bad"), RunStatus.FAILED, None),
        (KeyboardInterrupt(), RunStatus.CANCELLED, "interrupted"),
        (asyncio.CancelledError(), RunStatus.CANCELLED, "cancelled"),
        (SystemExit(0), RunStatus.FINISHED, None),
        (SystemExit(3), RunStatus.FAILED, None),
    ],
)
def test_how_a_block_ends_is_how_its_run_ends(tracker, error, status, reason):
    def block():
        with start(tracker) as run:
            runs.append(run)
            raise error

    runs = []
    with pytest.raises(type(error)):
        block()
    last = end(records_of(tracker, runs[0]))
    assert (last.status, last.reason) == (status, reason)
    if status is RunStatus.FAILED:
        assert isinstance(last.error, RunError)
        assert last.error.name == type(error).__name__
        assert "in block" in last.error.traceback


def test_the_experiment_is_the_notebooks_name_unless_told(tracker):
    names = [start(tracker, notebook="/a/digits.ipynb").experiment, start(tracker).experiment]
    assert names == ["digits", "default"]


def test_what_is_no_number_is_refused_and_the_run_goes_on(tracker):
    with start(tracker) as run:
        with pytest.raises(InvalidInput, match="loss='bad'"):
            run.log({"loss": "bad"})
        run.log({"loss": 1})
    assert metrics(records_of(tracker, run)) == {"loss": 1.0}


def test_artifacts_are_blobs_with_names(tracker, tmp_path):
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.json").write_text("{}")
    (folder / "deep" / "b.bin").write_bytes(b"b")
    with start(tracker) as run:
        run.log_bytes("raw", b"abc", media_type="text/plain")
        run.log_file(folder / "a.json")
        run.log_file(folder, "kept")
        with pytest.raises(NotFound, match=r"nowhere\.csv"):
            run.log_file("nowhere.csv")
        for bad in ("", "../x", 3):
            with pytest.raises(InvalidInput):
                run.log_bytes(bad, b"")
    found = of(records_of(tracker, run), Artifacts)
    assert [(each.name, each.size_bytes, each.media_type) for each in found] == [
        ("raw", 3, "text/plain"),
        ("a.json", 2, "application/json"),
        ("kept/a.json", 2, "application/json"),
        ("kept/deep/b.bin", 1, "application/octet-stream"),
    ]
    assert tracker._blobs.get(found[0].digest) == b"abc"


def test_figures_of_several_libraries_become_pictures(tracker):
    matplotlib = pytest.importorskip("matplotlib.figure")
    figure = matplotlib.Figure()
    axes = figure.add_subplot()

    class Rich:
        def _repr_svg_(self):
            return "<svg/>"

    with start(tracker) as run:
        run.log_figure(figure, "roc")
        run.log_figure(axes, "axes.png")
        run.log_figure(Rich(), "rich")
        with pytest.raises(InvalidInput, match="log_figure takes"):
            run.log_figure(3, "three")
    found = of(records_of(tracker, run), Artifacts)
    assert [(each.name, each.media_type) for each in found] == [
        ("roc.png", "image/png"),
        ("axes.png", "image/png"),
        ("rich.svg", "image/svg+xml"),
    ]
    assert tracker._blobs.get(found[0].digest).startswith(b"\x89PNG")


# which run is active


def test_without_a_run_log_says_what_to_do(tracker):
    with pytest.raises(NoActiveRun, match="%%track"):
        tracker.active()
    assert tracker.active_or_none() is None


def test_runs_nest(tracker):
    with start(tracker, "outer") as outer:
        with start(tracker, "inner") as inner:
            assert tracker.active() is inner
            assert os.environ[RUN] == inner.id
        assert tracker.active() is outer
        assert os.environ[RUN] == outer.id
    assert RUN not in os.environ
    assert of(records_of(tracker, inner), Start)[0].parent_id == outer.id
    with pytest.raises(NoActiveRun):
        tracker.active()


def test_a_thread_without_a_context_logs_to_the_open_run(tracker):
    with start(tracker) as run, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda n: tracker.active().log({"n": n}), range(20)))
    assert len(of(records_of(tracker, run), Metrics)) == 20


def test_a_thread_within_nested_runs_logs_to_the_innermost(tracker):
    with start(tracker, "outer"), start(tracker, "inner") as inner, ThreadPoolExecutor(1) as pool:
        assert pool.submit(tracker.active).result() is inner


def test_parallel_runs_in_threads_keep_apart(tracker):
    together = threading.Barrier(4)

    def train(number):
        with start(tracker, f"run {number}") as run:
            together.wait(20)
            for step in range(10):
                tracker.active().log({"n": number}, step=step)
            together.wait(20)
        return run

    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(train, range(4)))
    for number, run in enumerate(runs):
        assert [record.m for record in of(records_of(tracker, run), Metrics)] == [{"n": float(number)}] * 10
    assert RUN not in os.environ


def test_runs_of_bare_threads_belong_to_the_main_threads_run_and_not_to_each_other(tracker):
    together = threading.Barrier(3)

    def trial(number):
        with start(tracker, f"trial {number}") as run:
            together.wait(20)
        return run

    with start(tracker, "sweep") as sweep, ThreadPoolExecutor(3) as pool:
        trials = list(pool.map(trial, range(3)))
    assert {run.parent_id for run in trials} == {sweep.id}


def test_parallel_runs_in_tasks_keep_apart(tracker):
    async def train(number):
        with start(tracker, f"run {number}") as run:
            await asyncio.sleep(0)
            tracker.active().log({"n": number})
            await asyncio.sleep(0)
        return run

    async def main():
        return await asyncio.gather(*map(train, range(5)))

    for number, run in enumerate(asyncio.run(main())):
        assert metrics(records_of(tracker, run)) == {"n": float(number)}


def test_a_bare_thread_beside_several_runs_is_told_so(tracker):
    ready, done = threading.Barrier(3), threading.Event()

    def hold(name):
        with start(tracker, name):
            ready.wait(20)
            done.wait(20)

    threads = [threading.Thread(target=contextvars.Context().run, args=(hold, name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    ready.wait(20)
    try:
        with pytest.raises(NoActiveRun, match=r"Several runs.*\((a|b)\).*\((a|b)\).*copy_context"):
            contextvars.Context().run(tracker.active)
    finally:
        done.set()
        for thread in threads:
            thread.join()


def test_an_ended_run_warns_once_and_takes_nothing(tracker, capsys):
    with start(tracker, "over") as run:
        pass
    for _ in range(3):
        run.log({"late": 1})
    run.tag({"a": "b"})
    assert capsys.readouterr().err.count("\n") == 1
    run.log({"late": 1})
    assert metrics(records_of(tracker, run)) == {}


def test_the_warning_names_the_ended_run(tracker, capsys):
    with start(tracker, "over") as run:
        pass
    run.log({"late": 1})
    assert f"{run.id[-6:]} (over) has ended" in capsys.readouterr().err


# replay


def test_while_replaying_nothing_is_recorded_and_nobody_is_told(tracker, home, capsys):
    tracker.replaying = True
    with start(tracker) as run:
        run.log({"a": 1})
        tracker.active().log({"a": 1})
        tracker.active().tag({"a": "b"})
        tracker.active().log_bytes("x", b"x")
    tracker.replaying = False
    assert not home.exists()
    assert capsys.readouterr().err == ""
    assert RUN not in os.environ


# other processes


def test_a_joined_run_is_written_and_never_ended(tracker, home):
    run = start(tracker)
    other = make(home).join(run.id)
    other.log({"b": 2})
    other.end(RunStatus.FAILED)
    run.end(RunStatus.FINISHED)
    lines = records_of(tracker, run)
    assert of(lines, Join)[0].role == "child"
    assert metrics(lines) == {"b": 2.0}
    assert end(lines).status is RunStatus.FINISHED
    assert len(of(lines, Close)) == 2


def test_joining_an_ended_run_warns_and_writes_nothing(tracker, home, capsys):
    run = start(tracker)
    run.end(RunStatus.FINISHED)
    before = records_of(tracker, run)
    joined = make(home).join(run.id)
    joined.log({"late": 1})
    joined.log({"late": 1})
    assert capsys.readouterr().err.count("has ended") == 1
    assert records_of(tracker, run) == before


def test_a_forked_child_writes_a_journal_of_its_own(tracker):
    with start(tracker) as run:
        tracker.active().log({"parent": 1})
        pid = os.fork()
        if pid == 0:
            tracker.active().log({"child": 1})
            run.end(RunStatus.FAILED)  # as when an exception leaves the with block in the child
            os._exit(0)
        os.waitpid(pid, 0)
        tracker.active().log({"parent": 2})
    lines = records_of(tracker, run)
    assert metrics(lines) == {"parent": 2.0, "child": 1.0}
    assert of(lines, Join)[0].process.pid == pid
    assert end(lines).status is RunStatus.FINISHED


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_children_log_to_the_run(tmp_path, method):
    program = tmp_path / "train.py"
    program.write_text(
        textwrap.dedent(
            f"""
            import multiprocessing
            import jupyter_mlops as mlops

            def work(number):
                mlops.log(**{{f"worker{{number}}": number}})

            if __name__ == "__main__":
                with mlops.track("parent"):
                    with multiprocessing.get_context({method!r}).Pool(2) as pool:
                        pool.map(work, range(4))
                    mlops.log(done=1)
            """
        )
    )
    subprocess.run([sys.executable, program], env=environment(tmp_path), check=True, timeout=60)
    ((_, lines),) = runs_in(tmp_path / "home").items()
    assert metrics(lines) == {"worker0": 0.0, "worker1": 1.0, "worker2": 2.0, "worker3": 3.0, "done": 1.0}
    assert end(lines).status is RunStatus.FINISHED


def test_a_run_of_another_workspace_is_none_of_ours(tracker, tmp_path, monkeypatch):
    with start(tracker) as run:
        monkeypatch.setenv(RUN, run.id)
        with pytest.raises(NoActiveRun):
            make(tmp_path / "other").active()
    for broken in ("../../x", "abc", ""):
        monkeypatch.setenv(RUN, broken)
        with pytest.raises(NoActiveRun):
            tracker.active()


def test_a_killed_process_leaves_all_that_log_returned_for(tmp_path):
    program = """
        import os, signal
        import jupyter_mlops as mlops
        with mlops.track("doomed"):
            for step in range(1000):
                mlops.log(loss=1 / (step + 1), step=step)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    code = textwrap.dedent(program)
    done = subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), timeout=60, check=False)
    assert done.returncode == -9
    ((_, lines),) = runs_in(tmp_path / "home").items()
    assert len(of(lines, Metrics)) == 1000
    assert of(lines, End) == []


def test_a_with_block_in_a_daemon_thread_ends_with_the_process(tmp_path):
    program = """
        import threading
        import jupyter_mlops as mlops
        inside = threading.Event()
        def work():
            with mlops.track("background"):
                inside.set()
                threading.Event().wait()
        threading.Thread(target=work, daemon=True).start()
        inside.wait()
    """
    code = textwrap.dedent(program)
    subprocess.run([sys.executable, "-c", code], env=environment(tmp_path), timeout=60, check=True)
    ((_, lines),) = runs_in(tmp_path / "home").items()
    assert end(lines).status is RunStatus.CANCELLED


# liveness


def test_an_open_run_gives_signs_of_life(home):
    tracker = make(home, heartbeat_s=0.02)
    with start(tracker) as run:
        wait_until(lambda: len(of(records_of(tracker, run), Heartbeat)) >= 3)
    wait_until(lambda: tracker._pulse._thread is None)  # nothing to do: it ends, and is started again below
    with start(tracker) as again:
        wait_until(lambda: of(records_of(tracker, again), Heartbeat))


# surroundings


def test_a_script_records_where_it_ran(tmp_path):
    code = "import jupyter_mlops as mlops\nwith mlops.track('s'):\n    mlops.log(a=1)"
    subprocess.run(
        [sys.executable, "-c", code], env=environment(tmp_path), cwd=tmp_path, timeout=60, check=True
    )
    ((_, lines),) = runs_in(tmp_path / "home").items()
    (context,) = of(lines, Context)
    assert context.values["packages"]["msgspec"]
    assert isinstance(lines[-1], Close)


# trouble


def test_an_unwritable_home_costs_one_line(tmp_path, capsys):
    (tmp_path / "home").write_text("a file, not a folder")
    tracker = make(tmp_path / "home")
    with start(tracker, "unlucky") as run:
        tracker.active().log({"a": 1})
        run.log_params({"b": 2})
        run.log_bytes("c", b"c")
        run.log_file(__file__)
        run.register("model", {"name": "m"})
    warnings = capsys.readouterr().err
    assert warnings.count("\n") == 1
    assert "(unlucky) is not fully recorded" in warnings
    assert "Your code goes on" in warnings


def test_a_full_disk_costs_one_line_and_loses_only_what_did_not_fit(tmp_path):
    program = f"""
        import resource, sys
        import jupyter_mlops as mlops
        with mlops.track("full") as run:
            mlops.log(before=1)
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, ({600}, hard))
            for step in range(100):
                mlops.log(during=step, step=step)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            mlops.log(after=1)
        print("the code went on")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env=environment(tmp_path),
        timeout=60,
        check=True,
        capture_output=True,
        text=True,
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    assert done.stdout == "the code went on\n"
    assert done.stderr.count("\n") == 1
    assert "not fully recorded" in done.stderr
    ((_, lines),) = runs_in(tmp_path / "home").items()
    found = metrics(lines)
    assert (found["before"], found["after"]) == (1.0, 1.0)
    assert 0 < len(of(lines, Metrics)) < 90
    assert end(lines).status is RunStatus.FINISHED


def test_context_that_comes_after_the_end_is_still_written(tracker):
    run = start(tracker)
    run.hold()
    run.end(RunStatus.FINISHED)
    run.log({"late": 1})
    run.context({"git": {"commit": "abc"}})
    run.release()
    lines = records_of(tracker, run)
    assert of(lines, Context)[0].values == {"git": {"commit": "abc"}}
    assert isinstance(lines[-1], Close)
    assert of(lines, Metrics) == []
    assert of(lines, Params) == []
