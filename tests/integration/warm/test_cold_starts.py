"""What cannot be forked safely starts cold."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from jupyter_mlops.executors.process import processes_of
from jupyter_mlops.executors.warm import Nurseries
from jupyter_mlops.notebooks.kernels import launcher
from jupyter_mlops.warm import conditions, rebirth
from jupyter_mlops.warm.client import Nursery
from jupyter_mlops.warm.pools import trouble
from tests.waiting import wait_until

from .place import Place

WARM_KERNEL = "import sys\nprint('warm' if 'jupyter_mlops.warm.spare' in sys.modules else 'cold')"


def test_first_job_starts_cold_and_a_second_has_a_nursery_started(place: Place) -> None:
    _, how = place.launch("1")
    assert place.nurseries.spawn(**how) is None
    assert place.nurseries.alive == []
    assert place.nurseries.spawn(**how) is None
    assert len(place.nurseries.alive) == 1


def test_lone_job_has_a_nursery_started_a_moment_later(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.executors.warm.AFTER_S", 0.05)
    _, how = place.launch("1")
    assert place.nurseries.spawn(**how) is None
    wait_until(lambda: place.nurseries.look() or place.nurseries.alive)


def test_nothing_is_kept_warm_where_that_is_switched_off(tmp_path: Path) -> None:
    place = Place(tmp_path, warm_start=0)
    _, how = place.launch("1")
    assert [place.nurseries.spawn(**how) for _ in range(3)] == [None] * 3
    assert place.nurseries.alive == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LD_LIBRARY_PATH", "/nowhere"),
        ("MALLOC_ARENA_MAX", "2"),
        ("PYTHONHASHSEED", "7"),
        ("PYTHONPATH", "/nowhere"),
        ("LC_ALL", "C"),
        ("MPLBACKEND", "agg"),
        ("KMP_AFFINITY", "compact"),
        ("CUDA_LAUNCH_BLOCKING", "1"),
    ],
)
def test_job_with_a_variable_of_its_own_that_acts_at_a_start_is_not_forked_from_what_others_use(
    warm: Place, name: str, value: str
) -> None:
    _, how = warm.launch("1", environment={name: value})
    assert warm.nurseries.spawn(**how) is None


def test_hash_seed_holds_in_a_forked_kernel(tmp_path: Path) -> None:
    place = Place(tmp_path)
    try:
        place.warm_up({"PYTHONHASHSEED": "7"})
        forked = place.fork("print('HASH', hash('text'))", environment={"PYTHONHASHSEED": "7"}).said()
        import subprocess

        environment = {**os.environ, "PYTHONHASHSEED": "7"}
        started = subprocess.check_output(
            [sys.executable, "-c", "print('HASH', hash('text'))"], env=environment, text=True
        )
        assert forked == started
    finally:
        place.close()


def test_variables_that_differ_in_every_job_act_later_and_do_not_matter(warm: Place) -> None:
    environment = {"CUDA_VISIBLE_DEVICES": "GPU-1", "TOKEN": "x", "PATH": "/bin", "JUPYTER_TOKEN": "secret"}
    assert (
        "GPU-1"
        in warm.fork("import os; print(os.environ['CUDA_VISIBLE_DEVICES'])", environment=environment).said()
    )


@pytest.mark.parametrize(
    "argv",
    [
        [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        [
            sys.executable,
            "-c",
            "from ipykernel.kernelapp import launch_new_instance as l; l()",
            "-f",
            "{connection_file}",
        ],
        ["/usr/bin/env", sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    ],
)
def test_kernel_that_is_started_otherwise_is_started(warm: Place, argv: list[str]) -> None:
    assert "cold" in warm.fork(WARM_KERNEL, kernel_argv=argv).said()


def test_kernel_of_the_same_interpreter_is_forked(warm: Place) -> None:
    assert "warm" in warm.fork(WARM_KERNEL, kernel_argv=launcher(sys.executable)).said()


@pytest.mark.parametrize("file", ["psutil.py", "traitlets/__init__.py", "usercustomize.py"])
def test_kernel_starts_cold_where_the_project_has_a_module_that_is_loaded_already(
    warm: Place, tmp_path: Path, file: str
) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("")
    job = warm.fork(WARM_KERNEL, python_path=[str(tmp_path)])
    job.wait()
    assert "warm\n" not in job.log


def test_folder_that_is_no_package_shadows_nothing(warm: Place, tmp_path: Path) -> None:
    (tmp_path / "psutil").mkdir()
    assert "warm" in warm.fork(WARM_KERNEL, cwd=str(tmp_path)).said()


def test_nursery_is_replaced_when_something_that_it_has_loaded_changes(tmp_path: Path) -> None:
    library = tmp_path / "path" / "my_library.py"
    library.parent.mkdir()
    library.write_text("VERSION = 1")
    environment = {"PYTHONPATH": f"{library.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    (tmp_path / "place").mkdir()
    place = Place(tmp_path / "place", warm_imports=("my_library",))
    cell = "import my_library; print('VERSION', my_library.VERSION)"
    try:
        first = place.warm_up(environment)
        assert "VERSION 1" in place.fork(cell, environment=environment).said()
        library.write_text("VERSION = 22")
        assert "VERSION 22" in place.fork(cell, environment=environment).said()
        assert place.nurseries.alive[-1] is not first
    finally:
        place.close()


def test_job_with_an_id_that_finds_no_room_starts_cold(warm: Place) -> None:
    _, how = warm.launch("1")
    how["environment"] = {**how["environment"], "JUPYTER_MLOPS_JOB": "j" * (rebirth.ROOM + 1)}
    assert warm.nurseries.spawn(**how) is None


def test_jobs_start_cold_while_their_nursery_does_not_answer_and_then_warm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.warm.client.ANSWER_S", 0.2)
    place = Place(tmp_path)
    try:
        nursery = place.warm_up()
        os.kill(nursery.pid, signal.SIGSTOP)
        late, how = place.launch("print('late')")
        assert place.nurseries.spawn(**how) is None
        _, another = place.launch("1")
        began = time.monotonic()
        assert place.nurseries.spawn(**another) is None
        assert time.monotonic() - began < 0.15, "it is not waited for with each job"
        os.kill(nursery.pid, signal.SIGCONT)
        monkeypatch.setattr("jupyter_mlops.warm.client.ANSWER_S", 10.0)
        wait_until(lambda: nursery.listen() or nursery.answers)
        assert "warm" in place.fork(WARM_KERNEL).said()
        assert place.nurseries.alive == [nursery]
        assert late.attempt(1).started() is None, "what was forked too late is no second worker"
        assert not processes_of(late.spec().id)
    finally:
        place.close()


def test_worker_that_was_forked_does_not_begin_when_nobody_has_heard_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path)
    try:
        nursery = place.warm_up()
        folder, how = place.launch("print('late')")
        deaf = nursery._answered
        with monkeypatch.context() as patched:
            patched.setattr(nursery, "_answered", lambda: deaf() and None)
            assert place.nurseries.spawn(**how) is None
        (forked,) = nursery._children.values()
        wait_until(lambda: forked.poll() is not None)
        assert (forked.returncode, folder.attempt(1).started()) == (0, None)
    finally:
        place.close()


def test_nursery_that_says_nothing_for_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.warm.client.ANSWER_S", 0.05)
    place = Place(tmp_path)
    try:
        nursery = place.warm_up()
        os.kill(nursery.pid, signal.SIGSTOP)
        _, how = place.launch("1")
        assert place.nurseries.spawn(**how) is None
        place.nurseries.look()
        assert not nursery.is_gone
        monkeypatch.setattr("jupyter_mlops.warm.client.READY_S", 0.05)
        wait_until(lambda: place.nurseries.look() or nursery.is_gone)
    finally:
        place.close()


def test_job_starts_cold_whatever_is_wrong_with_its_order_and_no_file_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(value: object) -> bytes:
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    place = Place(tmp_path)
    try:
        place.warm_up()
        _, how = place.launch("1")
        with monkeypatch.context() as patched:
            patched.setattr("jupyter_mlops.warm.orders.encode", broken)
            before = open_files()
            assert place.nurseries.spawn(**how) is None
            assert open_files() <= before
        assert "surrogates not allowed" in caplog.text
    finally:
        place.close()


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_forked_job_has_variables_that_are_no_unicode(warm: Place) -> None:
    cell = "import os; print('NAME', os.environb[b'NAME'])"
    said = warm.fork(cell, WARM_KERNEL, environment={"NAME": os.fsdecode(b"caf\xe9")}).said()
    assert "NAME b'caf\\xe9'" in said
    assert "warm" in said


def test_interpreter_without_this_package_is_tried_once_and_then_not_for_a_while(tmp_path: Path) -> None:
    place = Place(tmp_path)
    nurseries = Nurseries(place.settings)
    _, how = place.launch("1")
    how["command"] = ["/bin/false", *how["command"][1:]]
    for _ in range(2):
        assert nurseries.spawn(**how) is None
    (nursery,) = nurseries.alive or [None]
    if nursery is not None:
        wait_until(lambda: nursery.is_gone)
    nurseries.look()
    for _ in range(3):
        assert nurseries.spawn(**how) is None
    assert nurseries.alive == []


def test_only_so_many_nurseries_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.executors.warm.AT_MOST", 1)
    place = Place(tmp_path)
    try:
        first = place.warm_up({"LC_TIME": "C"})
        second = place.warm_up({"LC_TIME": "POSIX"})
        assert place.nurseries.alive == [second]
        wait_until(lambda: first.is_gone)
    finally:
        place.close()


def test_threads_that_are_no_number_are_not_guessed() -> None:
    assert trouble({"OMP_NUM_THREADS": "4,2"}) == "OMP_NUM_THREADS=4,2"
    assert trouble({"OMP_NUM_THREADS": "4"}) == ""


@pytest.mark.parametrize(
    "name", ["POLARS_MAX_THREADS", "HF_HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "PATH"]
)
def test_every_variable_counts_where_libraries_are_declared_for_these_load_others(name: str) -> None:
    assert conditions.acts_at_start(name, ["transformers"])
    assert not conditions.acts_at_start(name)


@pytest.mark.parametrize(
    "name", ["OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "JUPYTER_MLOPS_JOB", "TERM", "SSH_AUTH_SOCK", "SHLVL"]
)
def test_variables_that_are_set_anew_or_belong_to_a_session_never_count(name: str) -> None:
    assert not conditions.acts_at_start(name, ["transformers"])
    assert not conditions.acts_at_start(name)


def test_nursery_that_does_not_become_ready_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.warm.client.READY_S", 0.1)
    program = tmp_path / "interpreter"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    place = Place(tmp_path)
    _, how = place.launch("1")
    how["command"] = [str(program), *how["command"][1:]]
    for _ in range(2):
        assert place.nurseries.spawn(**how) is None
    (nursery,) = place.nurseries.alive
    wait_until(lambda: place.nurseries.look() or nursery.is_gone)
    assert place.nurseries.spawn(**how) is None
    assert place.nurseries.alive == []


def test_nursery_ends_quietly_when_its_agent_has_gone_without_hearing_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    nursery = Nursery(sys.executable, dict(os.environ), libraries=(), idle_s=60.0, cwd=tmp_path)
    said, _, _ = select.select([nursery._socket], [], [], 60)
    assert said
    nursery._socket.close()
    wait_until(lambda: nursery.is_gone)
    assert "Traceback" not in capfd.readouterr().err
