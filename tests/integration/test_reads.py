"""What libraries read while somebody watches, with the libraries themselves."""

# ruff: noqa: PT012, SIM115, UP020  how files are opened is what is tested

from __future__ import annotations

import asyncio
import builtins
import contextvars
import inspect
import io
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet as pq
import pytest
from blake3 import blake3
from pandas import read_csv as bound_before

from jupyter_mlops.services.registry.folders import store_folder
from jupyter_mlops.services.tracking import read_list
from jupyter_mlops.services.tracking import reads as module
from jupyter_mlops.services.tracking.reads import watch_reads
from tests.optional import optional
from tests.reading_runs import ReadingRun, of_long_ago, read_by, reading, settings_in


@pytest.fixture
def settings(tmp_path):
    return settings_in(tmp_path)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with one small table in many formats, and the working directory."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.chdir(folder)
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    table.to_csv("t.csv", index=False)
    table.to_parquet("t.parquet")
    table.to_feather("t.feather")
    table.to_json("t.jsonl", orient="records", lines=True)
    table.to_pickle("t.pickle")
    np.save("t.npy", np.arange(6).reshape(3, 2))
    np.arange(4.0).tofile("t.bin")
    Path("t.txt").write_text("1 2\n3 4\n")
    joblib.dump([1, 2], "t.joblib")
    of_long_ago(*folder.iterdir())
    return folder


PLAIN_FUNCTIONS = (builtins.open, io.open, pd.read_csv.__code__, pq.read_table.__code__, pyarrow.csv.read_csv)


def functions_now():
    return (builtins.open, io.open, pd.read_csv.__code__, pq.read_table.__code__, pyarrow.csv.read_csv)


READERS = [
    (lambda: pd.read_csv("t.csv"), "t.csv", "pandas.read_csv", 3),
    (lambda: pd.read_csv(filepath_or_buffer=Path("t.csv")), "t.csv", "pandas.read_csv", 3),
    (lambda: bound_before("t.csv"), "t.csv", "pandas.read_csv", 3),
    (lambda: pd.read_parquet("t.parquet"), "t.parquet", "pandas.read_parquet", 3),
    (lambda: pd.read_feather("t.feather"), "t.feather", "pandas.read_feather", 3),
    (lambda: pd.read_json("t.jsonl", lines=True), "t.jsonl", "pandas.read_json", 3),
    (lambda: pd.read_pickle("t.pickle"), "t.pickle", "pandas.read_pickle", 3),
    (lambda: pq.read_table("t.parquet"), "t.parquet", "pyarrow.parquet.read_table", 3),
    (lambda: pq.ParquetFile("t.parquet").read(), "t.parquet", "pyarrow.parquet.ParquetFile", 3),
    (lambda: pyarrow.csv.read_csv("t.csv"), "t.csv", "pyarrow.csv.read_csv", 3),
    (lambda: pyarrow.json.read_json("t.jsonl"), "t.jsonl", "pyarrow.json.read_json", 3),
    (lambda: pyarrow.feather.read_table("t.feather"), "t.feather", "pyarrow.feather.read_table", 3),
    (lambda: pyarrow.dataset.dataset("t.parquet").to_table(), "t.parquet", "pyarrow.dataset.dataset", 3),
    (lambda: np.load("t.npy"), "t.npy", "numpy.load", 3),
    (lambda: np.loadtxt("t.txt"), "t.txt", "numpy.loadtxt", 2),
    (lambda: np.genfromtxt("t.txt"), "t.txt", "numpy.genfromtxt", 2),
    (lambda: np.fromfile("t.bin"), "t.bin", "numpy.fromfile", 4),
    (lambda: np.memmap("t.bin", mode="r"), "t.bin", "numpy.memmap", 32),
    (lambda: joblib.load("t.joblib"), "t.joblib", "joblib.load", None),
    (lambda: open("t.txt").read(), "t.txt", "open", None),
    (lambda: open(b"t.txt", "rb").read(), "t.txt", "open", None),
    (lambda: io.open("t.txt").read(), "t.txt", "open", None),
    (lambda: Path("t.txt").read_bytes(), "t.txt", "pathlib.read_bytes", None),
]


@pytest.mark.parametrize(("read", "name", "reader", "rows"), READERS, ids=[each[2] for each in READERS])
def test_a_file_becomes_data_with_its_digest(settings, data, read, name, reader, rows):
    found = read_by(settings, read)
    record = found[name]
    content = (data / name).read_bytes()
    assert list(found) == [name]
    assert (record.uri, record.reader) == (str(data / name), reader)
    assert (record.size_bytes, record.digest) == (len(content), blake3(content).hexdigest())
    assert (record.rows, record.problem) == (rows, "")


def test_a_result_frames_rows_and_dtypes_are_kept(settings, data):
    record = read_by(settings, lambda: pd.read_csv("t.csv", nrows=2, dtype={"a": "float32"}))["t.csv"]
    assert (record.rows, record.columns["a"]) == (2, "float32")
    assert list(record.column_digests) == ["a", "b"]


def test_polars_is_seen(settings, data):
    pl = optional("polars")
    found = read_by(settings, lambda: pl.read_csv("t.csv"), lambda: pl.scan_parquet("*.parquet").collect())
    assert (found["t.csv"].reader, found["t.csv"].rows) == ("polars.read_csv", 3)
    assert found["t.csv"].columns == {"a": "Int64", "b": "String"}
    assert found["t.parquet"].reader == "polars.scan_parquet"


def test_torch_is_seen(settings, data):
    torch = optional("torch")
    torch.save({"w": torch.zeros(2)}, "t.pt")
    of_long_ago(data / "t.pt")
    assert read_by(settings, lambda: torch.load("t.pt"))["t.pt"].reader == "torch.load"


def test_a_file_that_was_opened_before_is_named_by_the_library(settings, data):
    with open("t.csv") as file:
        assert read_by(settings, lambda: pd.read_csv(file))["t.csv"].reader == "pandas.read_csv"


def test_calls_within_calls_count_once(settings, data):
    with reading(settings) as run:
        pd.read_parquet("t.parquet")
        pd.read_parquet("t.parquet")
    assert {record.reader for record in run.records} == {"pandas.read_parquet"}
    assert len(run.last()) == 1


def test_lists_of_files_are_seen(settings, data):
    Path("u.parquet").write_bytes(Path("t.parquet").read_bytes())
    of_long_ago(data / "u.parquet")
    found = read_by(settings, lambda: pyarrow.dataset.dataset(["t.parquet", "u.parquet"]))
    assert sorted(found) == ["t.parquet", "u.parquet"]


# what is no data


def test_pythons_own_files_are_not_data(settings, data, monkeypatch):
    (data / "module.py").write_text("x = 1")
    found = read_by(
        settings,
        lambda: open(os.__file__).read(),
        lambda: open(pd.__path__[0] + "/io/common.py").read(),
        lambda: open("module.py").read(),
        lambda: open("/proc/self/stat").read(),
        lambda: open("/etc/hostname").read(),
        lambda: inspect.getsource(pd.read_csv),
    )
    assert found == {}


def test_what_a_library_opens_while_it_is_imported_is_not_data(settings, data, monkeypatch):
    library = data / "site-packages"
    library.mkdir()
    (library / "library_for_reads.py").write_text(
        f"text = open({str(data / 't.txt')!r}).read()\nfrom pathlib import Path\n"
        f"again = Path({str(data / 't.txt')!r}).read_text()\n"
    )
    monkeypatch.syspath_prepend(str(library))
    from jupyter_mlops.capture.reads import scope

    scope._library_folders.cache_clear()
    try:
        found = read_by(settings, lambda: __import__("library_for_reads"))
    finally:
        scope._library_folders.cache_clear()
        sys.modules.pop("library_for_reads", None)
    assert found == {}


def test_what_the_users_own_module_reads_is_data(settings, data, monkeypatch):
    (data / "module_for_reads.py").write_text("text = open('t.txt').read()\n")
    monkeypatch.syspath_prepend(str(data))
    assert list(read_by(settings, lambda: __import__("module_for_reads"))) == ["t.txt"]
    sys.modules.pop("module_for_reads", None)


def test_what_lies_in_the_home_folder_is_not_data(settings, data):
    settings.home.mkdir()
    (settings.home / "x.json").write_text("{}")
    assert read_by(settings, lambda: (settings.home / "x.json").read_text()) == {}


def test_what_the_run_has_written_itself_is_left_out(settings, data):
    def write_and_read():
        Path("new.txt").write_text("x")
        Path("new.txt").read_text()
        pd.DataFrame({"a": [1]}).to_csv("new.csv")
        pd.read_csv("new.csv")

    assert read_by(settings, write_and_read) == {}


def test_a_file_that_somebody_wrote_meanwhile_says_so(settings, data):
    def write_and_read():
        subprocess.run(["sh", "-c", "sleep 0.05; echo x > shell.txt"], check=True)
        Path("shell.txt").read_text()

    record = read_by(settings, write_and_read)["shell.txt"]
    assert (record.problem, record.digest) == ("written while the run ran", blake3(b"x\n").hexdigest())


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "descriptor", "unreadable"])
def test_what_is_no_readable_file_behaves_as_ever_and_is_no_data(settings, data, what):
    os.mkfifo(data / "pipe")
    (data / "folder").mkdir()
    read_end, write_end = os.pipe()
    os.write(write_end, b"x")
    os.close(write_end)

    def read():
        if what == "missing":
            with pytest.raises(FileNotFoundError):
                pd.read_csv("missing.csv")
        elif what == "folder":
            with pytest.raises(IsADirectoryError):
                open("folder")
        elif what == "descriptor":
            with open(read_end, "rb") as file:
                assert file.read() == b"x"
        elif what == "pipe":
            thread = threading.Thread(target=lambda: Path("pipe").write_text("x"))
            thread.start()
            with open("pipe") as file:
                assert file.read() == "x"
            thread.join()
        else:
            with pytest.raises(TypeError):
                open()

    assert read_by(settings, read) == {}


# contents


def test_what_was_read_before_it_was_written_over_has_the_digest_of_what_was_read(settings, data):
    before = Path("t.csv").read_bytes()

    def read_and_write():
        table = pd.read_csv("t.csv")
        table.assign(c=1).to_csv("t.csv")

    assert read_by(settings, read_and_write)["t.csv"].digest == blake3(before).hexdigest()


def test_a_file_that_changed_before_it_was_hashed_says_so(settings, data, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE_BYTES", 0)
    go_on, jobs = threading.Event(), []
    monkeypatch.setattr(module.background, "do", lambda job: jobs.append(job))
    with open("t.txt") as file, reading_without_wait(settings) as run:
        pd.read_csv("t.csv")
        file.read()
    Path("t.csv").write_text("a,b\n")
    go_on.set()
    for job in jobs:
        job()
    record = run.last()["t.csv"]
    assert (record.digest, record.problem) == ("", "the file changed before its content was hashed")


def reading_without_wait(settings):
    from contextlib import contextmanager

    @contextmanager
    def context():
        run = ReadingRun()
        reads = watch_reads(run, settings)
        try:
            yield run
        finally:
            reads.stop()

    return context()


def test_a_file_that_vanished_before_it_was_hashed_says_so(settings, data, monkeypatch):
    jobs = []
    monkeypatch.setattr(module.background, "do", lambda job: jobs.append(job))
    with reading_without_wait(settings) as run:
        pq.read_table("t.parquet")
    Path("t.parquet").unlink()
    for job in jobs:
        job()
    assert run.last()["t.parquet"].problem == "could not be read again to hash it: No such file or directory"


def test_a_large_file_is_recorded_without_a_digest(tmp_path, data):
    settings = settings_in(tmp_path, digest_in_run_bytes=10)
    record = read_by(settings, lambda: pd.read_parquet("t.parquet"))["t.parquet"]
    assert (record.digest, record.problem, record.size_bytes) == ("", "", Path("t.parquet").stat().st_size)


def test_an_unchanged_file_is_not_hashed_twice(settings, data, monkeypatch):
    Path("big.bin").write_bytes(os.urandom(100_000))
    of_long_ago(data / "big.bin")
    counted = []
    real = module.hash_file
    monkeypatch.setattr(module, "hash_file", lambda *args, **kw: counted.append(args[0]) or real(*args, **kw))
    monkeypatch.setattr("jupyter_mlops.capture.reads.digests.SETTLED_S", -1.0)
    first = read_by(settings, lambda: Path("big.bin").read_bytes())["big.bin"]
    module.memory_of.cache_clear()  # as in another process
    second = read_by(settings, lambda: Path("big.bin").read_bytes())["big.bin"]
    assert (first.digest, counted) == (second.digest, [str(data / "big.bin")])


def test_a_name_that_is_no_utf8_is_recorded(settings, data):
    name = os.fsdecode(b"caf\xe9.txt")
    Path(name).write_text("x")
    of_long_ago(data / name)
    (record,) = read_by(settings, lambda: open(name).read()).values()
    assert (record.uri, record.digest) == (str(data / "caf?.txt"), blake3(b"x").hexdigest())


# many files


def test_many_files_of_one_folder_become_one_entry(settings, data):
    images = data / "images"
    images.mkdir()
    for number in range(300):
        (images / f"{number}.png").write_bytes(b"%d" % number)
    of_long_ago(*images.iterdir())
    found = read_by(settings, lambda: [path.read_bytes() for path in images.iterdir()])
    record = found["images"]
    assert (record.uri, record.files) == (f"{images}/", 300)
    assert record.size_bytes == sum(path.stat().st_size for path in images.iterdir())
    assert record.digest == store_folder(images, MemoryBlobs()).digest


def test_many_files_of_many_folders_become_their_common_folder(settings, data, monkeypatch):
    monkeypatch.setattr(read_list, "MAX_ENTRIES", 50)
    classes = data / "train"
    for number in range(120):
        (classes / f"class-{number % 20}").mkdir(parents=True, exist_ok=True)
        (classes / f"class-{number % 20}" / f"{number}.png").write_bytes(b"x")
    of_long_ago(*classes.rglob("*.png"))
    with reading(settings) as run:
        paths = sorted(classes.rglob("*.png"))
        for path in [*paths, *paths]:
            path.read_bytes()
    record = run.last()["train"]
    assert (record.uri, record.files, record.size_bytes) == (f"{classes}/", 120, 120)


def test_a_folder_that_was_read_in_part_says_so(settings, data):
    images = data / "images"
    images.mkdir()
    for number in range(150):
        (images / f"{number}.png").write_bytes(b"x")
    of_long_ago(*images.iterdir())
    found = read_by(settings, lambda: [(images / f"{number}.png").read_bytes() for number in range(120)])
    record = found["images"]
    assert (record.files, record.digest) == (120, "")
    assert record.problem == "120 of its 150 files were read"


def test_a_folder_given_to_a_library_is_an_entry_with_a_digest(settings, data):
    parts = data / "parts"
    parts.mkdir()
    for name in ("one", "two"):
        (parts / f"{name}.parquet").write_bytes(Path("t.parquet").read_bytes())
    of_long_ago(*parts.iterdir())
    record = read_by(settings, lambda: pq.read_table("parts"))["parts"]
    assert (record.files, record.rows, record.reader) == (2, 6, "pyarrow.parquet.read_table")
    assert record.digest == store_folder(parts, MemoryBlobs()).digest


class MemoryBlobs:
    """Only says what a content's digest is."""

    def put(self, content):
        from jupyter_mlops.protocols.blobs import Blob

        return Blob(blake3(content).hexdigest(), len(content))

    def put_file(self, path):
        return self.put(path.read_bytes())

    def put_many(self, contents):
        return [self.put(content) for content in contents]

    def missing(self, digests):
        return set(digests)


# URLs


@pytest.fixture
def site(data):
    """The folder over HTTP, served by another process."""
    code = (
        "import http.server, functools\n"
        "class Quiet(http.server.SimpleHTTPRequestHandler):\n"
        "    def log_message(self, *args): pass\n"
        "server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Quiet)\n"
        "print(server.server_port, flush=True)\n"
        "server.serve_forever()\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=data)
    try:
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.wait()


def test_a_url_becomes_data_with_the_digest_of_its_content(settings, data, site):
    content = (data / "t.csv").read_bytes()
    found = read_by(settings, lambda: pd.read_csv(f"{site}/t.csv?token=secret1"))
    record = found[f"{site}/t.csv?token=[redacted]"]
    assert (record.reader, record.rows) == ("pandas.read_csv", 3)
    assert (record.size_bytes, record.digest) == (len(content), blake3(content).hexdigest())


def test_a_url_that_was_read_in_part_says_so(settings, data, site):
    import urllib.request

    def read():
        with urllib.request.urlopen(f"{site}/t.txt") as response:
            assert response.read(3) == b"1 2"

    (record,) = read_by(settings, read).values()
    assert (record.digest, record.problem) == ("", "only 3 of its 8 bytes were read")


def test_a_url_that_is_missing_raises_as_ever_and_is_no_data(settings, data, site):
    from urllib.error import HTTPError

    def read():
        with pytest.raises(HTTPError):
            pd.read_csv(f"{site}/missing.csv")

    records = read_by(settings, read).values()
    assert [record.digest for record in records if record.digest] == []


def test_file_systems_of_fsspec_are_seen(settings, data):
    import fsspec

    with fsspec.open("memory://reads/t.csv", "wb") as file:
        file.write(Path("t.csv").read_bytes())
    found = read_by(settings, lambda: pd.read_csv("memory://reads/t.csv"))
    (record,) = found.values()
    assert (record.uri, record.rows) == ("memory:///reads/t.csv", 3)
    assert record.digest == blake3(Path("t.csv").read_bytes()).hexdigest()


# the hooks themselves


def test_nothing_is_left_when_nobody_watches(settings, data):
    finders = list(sys.meta_path)
    with pytest.raises(ZeroDivisionError), reading(settings):
        assert functions_now() != PLAIN_FUNCTIONS
        raise ZeroDivisionError
    assert functions_now() == PLAIN_FUNCTIONS
    assert sys.meta_path == finders


def test_functions_keep_their_signature_identity_and_pickles(settings, data):
    before = [inspect.signature(each) for each in (pd.read_csv, pq.read_table, np.load, open)]
    with reading(settings):
        assert [inspect.signature(each) for each in (pd.read_csv, pq.read_table, np.load, open)] == before
        assert pd.read_csv is bound_before
        assert pickle.loads(pickle.dumps(bound_before)) is bound_before
        assert pickle.loads(pickle.dumps(pyarrow.csv.read_csv)) is pyarrow.csv.read_csv
        kept = pyarrow.csv.read_csv, open
    assert kept[0]("t.csv").num_rows == 3
    assert kept[1]("t.txt").read() == "1 2\n3 4\n"


def test_exceptions_are_the_librarys_own(settings, data):
    with reading(settings):
        with pytest.raises(pd.errors.EmptyDataError):
            pd.read_csv(io.StringIO(""))
        with pytest.raises(pa.ArrowInvalid):
            pq.read_table("t.csv")
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            pd.read_csv()


def test_a_failure_of_watching_does_not_reach_the_code(settings, data, monkeypatch):
    monkeypatch.setattr(module.Reads, "file", lambda *args: 1 / 0)
    monkeypatch.setattr(module.Reads, "table", lambda *args: 1 / 0)
    with reading(settings):
        assert len(pd.read_csv("t.csv")) == 3
        assert open("t.txt").read()


def test_threads_of_a_pool_are_seen(settings, data):
    with ThreadPoolExecutor(2) as pool:
        found = read_by(settings, lambda: list(pool.map(pd.read_csv, ["t.csv", "t.csv"])))
    assert list(found) == ["t.csv"]


def test_two_runs_in_two_threads_do_not_mix(settings, data):
    together = threading.Barrier(2)
    found = {}

    def work(name, path):
        with reading(settings) as run:
            together.wait()
            Path(path).read_bytes()
            together.wait()
        found[name] = sorted(run.last())

    threads = [
        threading.Thread(target=contextvars.copy_context().run, args=(partial(work, name, path),))
        for name, path in (("one", "t.csv"), ("two", "t.txt"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {"one": ["t.csv"], "two": ["t.txt"]}
    assert functions_now() == PLAIN_FUNCTIONS


def test_a_run_within_a_run_has_its_own_reads(settings, data):
    with reading(settings) as outer:
        Path("t.csv").read_bytes()
        with reading(settings) as inner:
            Path("t.txt").read_bytes()
        Path("t.bin").read_bytes()
    assert (sorted(outer.last()), sorted(inner.last())) == (["t.bin", "t.csv"], ["t.txt"])


def test_tasks_are_seen(settings, data):
    async def main():
        await asyncio.gather(asyncio.to_thread(pd.read_csv, "t.csv"), asyncio.to_thread(np.load, "t.npy"))

    assert sorted(read_by(settings, lambda: asyncio.run(main()))) == ["t.csv", "t.npy"]


def read_in_child(queue):
    queue.put((len(pd.read_csv("t.csv")), builtins.open is io.open, functions_now() == PLAIN_FUNCTIONS))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_read_undisturbed(settings, data, method):
    context = get_context(method)
    with reading(settings):
        queue = context.SimpleQueue()
        child = context.Process(target=read_in_child, args=(queue,))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert queue.get() == (3, True, True)
        assert len(pd.read_csv("t.csv")) == 3


def test_a_library_that_is_imported_meanwhile_is_seen(tmp_path, data):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.reading_runs import reading, settings_in\n"
        f"settings = settings_in(Path({str(tmp_path)!r}))\n"
        "assert not {'pandas', 'numpy', 'pyarrow'} & set(sys.modules)\n"
        "with reading(settings) as run:\n"
        "    import pandas\n"
        "    frame = pandas.read_csv('t.csv')\n"
        "    from pyarrow import parquet\n"
        "    parquet.read_table('t.parquet')\n"
        "assert type(pandas.__spec__.loader).__name__ == 'SourceFileLoader', pandas.__spec__.loader\n"
        "print(*sorted((each.reader, each.rows) for each in run.last().values()), sep='\\n')\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=data,
        timeout=120,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["('pandas.read_csv', 3)", "('pyarrow.parquet.read_table', 3)"]


def test_nothing_heavy_is_imported_to_watch(tmp_path, data):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from tests.reading_runs import reading, settings_in\n"
        f"with reading(settings_in(Path({str(tmp_path)!r}))) as run:\n"
        "    open('t.csv').read()\n"
        "assert run.last()['t.csv'].digest\n"
        "print({'pandas', 'numpy', 'pyarrow', 'polars', 'torch', 'sqlalchemy', 'fsspec'} & set(sys.modules))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=data, timeout=120
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_a_run_that_records_nothing_is_not_watched(settings, data):
    run = ReadingRun(recorded=False)
    reads = watch_reads(run, settings)
    assert functions_now() == PLAIN_FUNCTIONS
    reads.stop()


def test_stopping_twice_is_stopping_once(settings, data):
    reads = watch_reads(ReadingRun(), settings)
    other = watch_reads(ReadingRun(), settings)
    reads.stop()
    reads.stop()
    assert functions_now() != PLAIN_FUNCTIONS
    other.stop()
    assert functions_now() == PLAIN_FUNCTIONS


def test_a_dataset_loaded_as_a_path_keeps_its_digest(settings, data):
    digest = "ab" * 32
    place = settings.home / "cache" / digest / "train.csv"
    place.parent.mkdir(parents=True)
    place.write_text("a\n1\n")
    record = read_by(settings, lambda: pd.read_csv(place))["train.csv"]
    assert (record.digest, record.rows) == (digest, 1)


def test_a_folder_of_images_is_seen_though_other_processes_read_it(settings, data, monkeypatch):
    """As with torchvision's ImageFolder, whose files the workers of a DataLoader read."""
    library = data / "site-packages" / "torchvision" / "datasets"
    library.mkdir(parents=True)
    (library.parent / "__init__.py").touch()
    (library / "__init__.py").touch()
    (library / "folder.py").write_text(
        "class DatasetFolder:\n    def __init__(self, root, loader=None):\n        self.root = root\n"
    )
    monkeypatch.syspath_prepend(str(data / "site-packages"))
    images = data / "images"
    (images / "cats").mkdir(parents=True)
    (images / "cats" / "1.png").write_bytes(b"x")
    of_long_ago(images / "cats" / "1.png")

    def load():
        from torchvision.datasets.folder import DatasetFolder

        return DatasetFolder(root=images)

    try:
        record = read_by(settings, load)["images"]
    finally:
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            del sys.modules[name]
    assert (record.reader, record.files) == ("torchvision.datasets.folder.DatasetFolder", 1)
    assert record.digest == store_folder(images, MemoryBlobs()).digest
