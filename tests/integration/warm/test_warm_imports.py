"""Libraries that the user declared are there at once, work with all their threads, and do no harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.warm.notes import ready_nurseries
from tests.waiting import wait_until

from .place import Place

POOLS = (
    "import json, threadpoolctl, numpy\n"
    "print('POOLS', json.dumps([each['num_threads'] for each in threadpoolctl.threadpool_info()]))"
)


def libraries(folder: Path, **sources: str) -> dict[str, str]:
    """An environment with modules of this text."""
    folder.mkdir()
    for name, text in sources.items():
        (folder / f"{name}.py").write_text(text)
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="module")
def with_numpy(tmp_path_factory: pytest.TempPathFactory):
    place = Place(
        tmp_path_factory.mktemp("numpy"), warm_imports=("pandas", "sklearn.linear_model", "matplotlib.pyplot")
    )
    assert place.warm_up().is_ready
    yield place
    place.close()


def test_declared_library_is_there_at_once(with_numpy: Place) -> None:
    cell = "import sys; print('THERE', 'sklearn.linear_model' in sys.modules, 'papermill' in sys.modules)"
    assert "THERE True False" in with_numpy.fork(cell).said()


def test_libraries_have_the_threads_of_a_process_that_was_started(with_numpy: Place) -> None:
    unset = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    started = subprocess.check_output(
        [sys.executable, "-c", "import sklearn.linear_model\n" + POOLS], env=unset, text=True
    )
    assert with_numpy.fork(POOLS).said() == started


def test_libraries_have_the_threads_that_the_job_asks_for(with_numpy: Place) -> None:
    said = with_numpy.fork(
        POOLS, "import os; print(os.environ['OMP_NUM_THREADS'])", environment={"OMP_NUM_THREADS": "3"}
    ).said()
    assert set(said.split("POOLS [")[1].split("]")[0].split(", ")) == {"3"}


def test_threads_that_cannot_be_set_make_the_kernel_start_cold(with_numpy: Place) -> None:
    cell = "import sys; print('THERE', 'sklearn' in sys.modules)"
    assert "THERE False" in with_numpy.fork(cell, environment={"OMP_NUM_THREADS": "2,1"}).said()


def test_forked_kernels_draw_different_numbers_from_numpy(with_numpy: Place) -> None:
    drawn = {with_numpy.fork("import numpy\nprint(numpy.random.rand())").said() for _ in range(2)}
    assert len(drawn) == 2


def test_figures_are_shown_inline_though_matplotlib_was_imported_before_the_kernel(with_numpy: Place) -> None:
    job = with_numpy.fork("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()")
    assert "<Figure size" in job.said()
    assert "image/png" in job.attempt.output.read_text()


def test_numbers_are_right_in_parallel(with_numpy: Place) -> None:
    cell = "import numpy\na = numpy.arange(640000.0).reshape(800, 800)\nprint('SAME', numpy.allclose((a @ a)[0], [a[0] @ a[:, i] for i in range(800)]))"
    assert "SAME True" in with_numpy.fork(cell).said()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
            "it started threads",
        ),
        ("import socket\nheld = socket.socketpair()", "it holds socket:"),
        ("held = open('/dev/zero')", "it holds /dev/zero open"),
        ("raise ValueError('broken')", "its import fails (ValueError: broken)"),
        ("import no_such_module", "its import fails (ModuleNotFoundError"),
    ],
)
def test_library_that_cannot_be_forked_is_left_out_and_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], text: str, reason: str
) -> None:
    environment = libraries(tmp_path / "libraries", harmful=text, harmless="READY = True")
    place = Place(tmp_path, warm_imports=("harmful", "harmless"))
    try:
        assert place.warm_up(environment).is_ready
        assert f"nursery: harmful is not kept warm: {reason}" in capfd.readouterr().err
        said = place.fork(
            "import sys; print('harmful' in sys.modules, 'harmless' in sys.modules)", environment=environment
        ).said()
        assert "False True" in said
    finally:
        place.close()


def test_nursery_that_has_threads_for_another_reason_is_not_used(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), daemon=True).start()"
    environment = libraries(tmp_path / "libraries", sitecustomize=text)
    place = Place(tmp_path)
    try:
        nursery = place.warm_up(environment)
        wait_until(lambda: nursery.is_gone)
        assert not nursery.was_ready
        assert "nothing is kept warm" in capfd.readouterr().err
        _, how = place.launch("1", environment=environment)
        assert place.nurseries.spawn(**how) is None
    finally:
        place.close()


def test_nurseries_are_named_with_what_they_keep_warm(tmp_path: Path) -> None:
    environment = libraries(
        tmp_path / "libraries", harmful="raise ValueError('broken')", harmless="READY = True"
    )
    place = Place(tmp_path, warm_imports=("harmful", "harmless"))
    try:
        nursery = place.warm_up(environment)
        (note,) = wait_until(lambda: ready_nurseries(place.settings.runtime_dir))
        assert (note.process.pid, note.interpreter, note.libraries) == (
            nursery.pid,
            sys.executable,
            ["harmless"],
        )
        assert note.problems == ["harmful: its import fails (ValueError: broken)"]
        assert note.words() == (
            f"{sys.executable} (process {nursery.pid}, with harmless; not kept warm: "
            "harmful: its import fails (ValueError: broken))"
        )
        nursery.end()
        assert ready_nurseries(place.settings.runtime_dir) == []
    finally:
        place.close()


def test_job_with_a_variable_that_a_library_may_have_read_is_not_forked(with_numpy: Place) -> None:
    _, how = with_numpy.launch("1", environment={"HF_HOME": "/data/models"})
    assert with_numpy.nurseries.spawn(**how) is None
    _, how = with_numpy.launch("1", environment={"TERM": "another"})
    assert with_numpy.nurseries.spawn(**how) is not None


def test_kernel_starts_cold_where_a_loaded_library_would_have_read_a_file(
    with_numpy: Place, tmp_path: Path
) -> None:
    (tmp_path / "matplotlibrc").write_text("figure.figsize: 3, 2\n")
    cell = "import matplotlib; print('SIZE', matplotlib.rcParams['figure.figsize'])"
    assert "SIZE [3.0, 2.0]" in with_numpy.fork(cell, cwd=str(tmp_path)).said()
