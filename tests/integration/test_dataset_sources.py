"""All that can be registered as a dataset: globs, arrays, queries, URLs, on real files and a real S3."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops.entities import Column, DatasetKind, DatasetVersion, Storage, VersionStatus
from jupyter_mlops.errors import ContentChanged, InvalidInput, MissingPackage, NotFound, Unavailable
from jupyter_mlops.services.registry.remote_files import Remote
from jupyter_mlops.services.registry.sources import urls

from .. import postgresql, s3
from ..optional import optional
from ..registries import Registry, open_registry

FRAME = pd.DataFrame({"x": [1, 2, 3], "y": ["a", None, "ü"]})


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    (root / "deep").mkdir(parents=True)
    for number in range(3):
        FRAME.assign(n=number).to_parquet(root / f"part-{number}.parquet")
    (root / "deep" / "more.parquet").write_bytes(b"more")
    (root / "notes [1].txt").write_text("notes")
    return root


def files_of(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


# globs


def test_glob_is_a_folder_of_what_it_matches(registry: Registry, folder: Path) -> None:
    version = registry.service.register_dataset(f"{folder}/*.parquet", name="parts")
    assert (version.kind, version.files, version.storage) == (DatasetKind.FOLDER, 3, Storage.COPY)
    assert (version.file_name, version.source) == ("data", f"{folder}/*.parquet")
    loaded = registry.service.load_dataset("parts")
    assert sorted(files_of(loaded)) == ["part-0.parquet", "part-1.parquet", "part-2.parquet"]
    assert len(pd.read_parquet(loaded)) == 9


def test_same_files_are_the_same_version_by_glob_and_by_folder(registry: Registry, folder: Path) -> None:
    (folder / "notes [1].txt").unlink()
    first = registry.service.register_dataset(folder, name="parts")
    assert registry.service.register_dataset(str(folder / "**" / "*.parquet"), name="parts") == first
    assert registry.service.register_dataset(str(folder / "*.parquet"), name="parts").version == 2


def test_existing_path_with_glob_characters_is_meant_as_it_stands(registry: Registry, folder: Path) -> None:
    version = registry.service.register_dataset(str(folder / "notes [1].txt"), name="notes")
    assert (version.kind, version.file_name) == (DatasetKind.FILE, "notes [1].txt")


def test_glob_that_matches_nothing_says_so(registry: Registry, folder: Path) -> None:
    for pattern in (f"{folder}/*.csv", f"{folder}/nowhere/*", f"{folder}/dee*"):
        with pytest.raises(NotFound, match="No file matches"):
            registry.service.register_dataset(pattern, name="parts")


# arrays


def test_array_comes_back_as_an_array(registry: Registry) -> None:
    array = np.arange(6.0).reshape(2, 3)
    version = registry.service.register_dataset(array, name="grid")
    assert version == DatasetVersion(
        name="grid",
        version=1,
        kind=DatasetKind.ARRAY,
        digest=version.digest,
        size_bytes=version.size_bytes,
        file_name="grid.npy",
        created_at=1000.0,
        created_by="ada",
        rows=2,
        columns=[Column(name="values", type="float64[2,3]")],
        source="numpy.ndarray",
        status=VersionStatus.READY,
    )
    np.testing.assert_array_equal(registry.service.load_dataset("grid"), array)
    assert registry.service.register_dataset(array.copy(order="F"), name="grid") == version
    path = registry.service.load_dataset("grid", as_path=True)
    np.testing.assert_array_equal(np.load(path), array)
    assert registry.service.register_dataset(path, name="grid") == version, "its file is the same content"


def test_dict_of_arrays_and_tensors_comes_back_as_a_dict_of_arrays(registry: Registry) -> None:
    torch = optional("torch")
    version = registry.service.register_dataset({"x": torch.ones(2, 2), "y": np.array([0, 1])}, name="batch")
    assert (version.kind, version.file_name, version.rows) == (DatasetKind.ARRAY, "batch.npz", 2)
    assert version.source == "dict of torch.Tensor"
    loaded = registry.service.load_dataset("batch")
    assert {key: value.tolist() for key, value in loaded.items()} == {"x": [[1, 1], [1, 1]], "y": [0, 1]}


def test_array_of_objects_is_refused_and_nothing_is_stored(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match="Python objects"):
        registry.service.register_dataset(np.array([{}]), name="objects")
    assert registry.service.datasets() == []
    assert list(registry.blobs.stored()) == []


# tables of other libraries


def test_polars_frame_is_a_table(registry: Registry) -> None:
    polars = optional("polars")
    version = registry.service.register_dataset(polars.DataFrame({"x": [1, 2]}), name="p")
    assert (version.kind, version.source, version.rows) == (DatasetKind.TABLE, "polars.DataFrame", 2)
    assert registry.service.load_dataset("p")["x"].tolist() == [1, 2]


def test_table_comes_back_as_the_library_that_is_asked_for_has_it(
    registry: Registry, folder: Path, tmp_path: Path
) -> None:
    pa, polars = optional("pyarrow"), optional("polars")
    service = registry.service
    table = pa.table({"x": pa.array([1, None], pa.int64()), "l": [["a"], []]})  # pandas has a float of it
    service.register_dataset(table, name="t")
    assert service.load_dataset("t", as_="arrow").equals(table)
    assert service.load_dataset("t", as_="polars").equals(polars.from_arrow(table))
    assert isinstance(service.load_dataset("t", as_="pandas"), pd.DataFrame)
    assert service.load_dataset("t", as_="path") == service.load_dataset("t", as_path=True)
    place = tmp_path / "year=2024"  # no partition of it
    place.mkdir()
    FRAME.to_parquet(place / "x.parquet")
    service.register_dataset(place / "x.parquet", name="left", copy=False)
    assert service.load_dataset("left", as_="arrow").column_names == ["x", "y"]
    FRAME.to_csv(tmp_path / "x.csv", index=False)
    service.register_dataset(tmp_path / "x.csv", name="csv")
    assert service.load_dataset("csv", as_="arrow").to_pydict() == {"x": [1, 2, 3], "y": ["a", None, "ü"]}
    FRAME.to_feather(tmp_path / "x.feather")
    service.register_dataset(tmp_path / "x.feather", name="feather")
    assert service.load_dataset("feather", as_="arrow").num_rows == 3


def test_what_is_no_table_is_not_loaded_as_one(registry: Registry, folder: Path) -> None:
    service = registry.service
    service.register_dataset(f"{folder}/*.parquet", name="parts")
    service.register_dataset(folder / "notes [1].txt", name="notes")
    with pytest.raises(InvalidInput, match=r"parts@1 is a folder, no table .* as_path=True"):
        service.load_dataset("parts", as_="arrow")
    with pytest.raises(InvalidInput, match=r"notes@1 is the file 'notes \[1\]\.txt', no table"):
        service.load_dataset("notes", as_="pandas")
    with pytest.raises(InvalidInput, match="as_= is one of 'pandas', 'arrow', 'polars', 'path', not 'panda'"):
        service.load_dataset("parts", as_="panda")
    with pytest.raises(InvalidInput, match="two things: leave one of them out"):
        service.load_dataset("parts", as_path=True, as_="arrow")
    assert service.load_dataset("parts").is_dir()


def test_empty_files_folders_and_frames_are_contents(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "nothing").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    service = registry.service
    assert service.register_dataset(tmp_path / "nothing", name="file").size_bytes == 0
    assert service.register_dataset(tmp_path / "empty", name="folder").files == 0
    assert service.register_dataset(FRAME.iloc[:0], name="rows").rows == 0
    assert service.register_dataset(pd.DataFrame(), name="frame").rows == 0
    assert service.register_dataset(np.empty(0), name="array").rows == 0
    assert service.load_dataset("file").read_bytes() == b""
    assert list(service.load_dataset("folder").iterdir()) == []
    assert service.load_dataset("frame").empty


def test_columns_of_one_name_are_refused_naming_it(registry: Registry) -> None:
    import pyarrow as pa

    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    for data in (pd.DataFrame([[1, 2]], columns=["x", "x"]), twice):
        with pytest.raises(InvalidInput, match="x"):
            registry.service.register_dataset(data, name="twice")


# queries


@pytest.fixture
def shop(tmp_path: Path) -> str:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, price REAL, at TEXT, note TEXT)")
        rows = [(1, 2.5, "12:30", None), (2, None, "x::y", "ü"), (3, 4.0, ":z", "")]
        connection.executemany("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    return f"sqlite:///{path}"


def test_result_of_a_query_is_a_snapshot_with_its_text(registry: Registry, shop: str) -> None:
    query = "SELECT id, price, note, at FROM orders WHERE at <> '12:31' ORDER BY id -- :all"
    version = registry.service.register_dataset(mlops.sql(query, shop), name="orders")
    assert (version.kind, version.rows, version.query, version.source) == (DatasetKind.TABLE, 3, query, shop)
    assert version.columns == [
        Column(name="id", type="int64"),
        Column(name="price", type="double"),
        Column(name="note", type="string"),
        Column(name="at", type="string"),
    ]
    loaded = registry.service.load_dataset("orders")
    assert loaded["id"].tolist() == [1, 2, 3]
    assert loaded["at"].tolist() == ["12:30", "x::y", ":z"]
    assert loaded["price"].isna().tolist() == [False, True, False]
    with sqlite3.connect(shop.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM orders WHERE id = 3")
    assert registry.service.load_dataset("orders@1")["id"].tolist() == [1, 2, 3]
    assert registry.service.register_dataset(mlops.sql(query, shop), name="orders").version == 2


def test_query_takes_an_engine_or_a_connection_and_leaves_them_open(registry: Registry, shop: str) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(shop)
    first = registry.service.register_dataset(mlops.sql("SELECT 1 AS one", engine), name="one")
    with engine.connect() as connection:
        again = registry.service.register_dataset(mlops.sql("SELECT 1 AS one", connection), name="one")
        assert connection.scalar(sqlalchemy.text("SELECT 2")) == 2
    assert again == first


def test_result_without_rows_keeps_its_columns(registry: Registry, shop: str) -> None:
    version = registry.service.register_dataset(mlops.sql("SELECT id FROM orders WHERE 0", shop), name="none")
    assert (version.rows, [column.name for column in version.columns or []]) == (0, ["id"])


def test_result_without_rows_keeps_the_types_that_the_database_tells(
    registry: Registry, shop: str, tmp_path: Path
) -> None:
    import sqlalchemy

    engine = sqlalchemy.create_engine(shop)
    declared = "v VARCHAR(9), r REAL, i BIGINT, b BLOB, d DATE, n NUMERIC(5, 2), x"
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE kinds ({declared})")
    before = Path(shop.removeprefix("sqlite:///")).read_bytes()
    query = "SELECT *, i + 1 AS e FROM kinds WHERE v = ':t' -- all;"
    with engine.connect() as connection:
        version = registry.service.register_dataset(mlops.sql(query, connection), name="kinds")
        assert connection.exec_driver_sql("SELECT count(*) FROM temp.sqlite_master").scalar() == 0
    types = {each.name: each.type for each in version.columns or []}
    known = {"v": "string", "r": "double", "i": "int64"}
    assert types == {**known, **dict.fromkeys(("b", "d", "n", "x", "e"), "null")}
    assert registry.service.load_dataset("kinds").dtypes.astype(str).tolist()[1:3] == ["float64", "int64"]
    assert Path(shop.removeprefix("sqlite:///")).read_bytes() == before


@pytest.mark.parametrize(
    "query", ["PRAGMA table_info(nix)", "WITH q AS (SELECT id FROM orders) SELECT * FROM q LIMIT 0"]
)
def test_result_without_rows_is_kept_also_where_no_type_is_told(
    registry: Registry, shop: str, query: str
) -> None:
    version = registry.service.register_dataset(mlops.sql(query, shop), name="none")
    assert version.rows == 0
    assert [each.name for each in version.columns or []]


def test_result_without_rows_keeps_the_types_of_postgresql(registry: Registry) -> None:
    values = {
        "'t'::text": "string",
        "1::int": "int64",
        "1::smallint": "int64",
        "1.5::float": "double",
        "true": "bool",
        "DATE '2024-02-29'": "date32[day]",
        "TIME '12:30'": "time64[us]",
        "TIMESTAMP '2024-02-29 12:30'": "timestamp[us]",
        "INTERVAL '1 day'": "duration[us]",
        "'b'::bytea": "binary",
        "'00000000-0000-0000-0000-000000000000'::uuid": "string",
    }
    columns = ", ".join(f"{value} AS c{number}" for number, value in enumerate(values))
    with postgresql.server() as url:
        engine_url = url.render_as_string(hide_password=False)
        one = registry.service.register_dataset(mlops.sql(f"SELECT {columns}", engine_url), name="one")
        none = registry.service.register_dataset(
            mlops.sql(f"SELECT {columns} WHERE false", engine_url), name="none"
        )
        numeric = registry.service.register_dataset(
            mlops.sql("SELECT 1.5::numeric AS n WHERE false", engine_url), name="numeric"
        )
    assert [each.type for each in none.columns or []] == list(values.values())
    assert none.columns == one.columns
    assert [each.type for each in numeric.columns or []] == ["null"]


def test_many_rows_come_in_parts_whose_types_are_brought_together(
    registry: Registry, shop: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.services.registry.sources.sql.ROWS_AT_ONCE", 1)
    query = "SELECT NULL AS x UNION ALL SELECT 1 UNION ALL SELECT 2.5"
    version = registry.service.register_dataset(mlops.sql(query, shop), name="mixed")
    assert version.columns == [Column(name="x", type="double")]


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT nix FROM orders", "no such column: nix.*Query: SELECT nix"),
        ("SELEC", "syntax error"),
        ("DELETE FROM orders", "gives no rows"),
        ("SELECT 1 AS a, 2 AS a", "two columns 'a'"),
        ("SELECT 1 AS a UNION ALL SELECT 'x'", "'a' has values of several types"),
    ],
)
def test_bad_query_is_refused_with_the_databases_words(
    registry: Registry, shop: str, query: str, why: str
) -> None:
    with pytest.raises(InvalidInput, match=why):
        registry.service.register_dataset(mlops.sql(query, shop), name="orders")
    with sqlite3.connect(shop.removeprefix("sqlite:///")) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (3,)


@pytest.mark.parametrize(
    ("connection", "error", "why"),
    [
        ("mysql+pymysql://u:secret@host/db", MissingPackage, "pip install PyMySQL"),
        ("oracle+oracledb://u:secret@host/db", MissingPackage, "pip install oracledb"),
        ("nonsense://u:secret@host/db", InvalidInput, "no database 'nonsense'"),
        ("no url", InvalidInput, "SQLAlchemy URL such as"),
        (3, InvalidInput, "not a int"),
        ("sqlite:////no/such/folder/x.db", NotFound, "No database at '/no/such/folder/x.db'"),
    ],
)
def test_connection_that_does_not_work_says_what_to_do(
    registry: Registry, connection: Any, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why) as caught:
        registry.service.register_dataset(mlops.sql("SELECT 1", connection), name="x")
    assert "secret" not in str(caught.value)


def test_database_that_is_not_there_is_not_made(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match=r"No database at '.*/typo\.db', which sqlite:///typo\.db names"):
        registry.service.register_dataset(mlops.sql("SELECT 1 AS x", "sqlite:///typo.db"), name="x")
    assert not (tmp_path / "typo.db").exists()
    assert registry.service.datasets() == []
    in_memory = registry.service.register_dataset(mlops.sql("SELECT 1 AS x", "sqlite://"), name="x")
    assert in_memory.rows == 1


def test_query_that_is_no_text_is_refused(registry: Registry, shop: str) -> None:
    with pytest.raises(InvalidInput, match=r"A query is text, such as 'SELECT .*', not 5"):
        registry.service.register_dataset(mlops.sql(5, shop), name="x")  # type: ignore[arg-type]


def test_password_of_a_connection_is_kept_nowhere(registry: Registry, tmp_path: Path) -> None:
    from sqlalchemy import create_engine, make_url

    engine = create_engine("sqlite://")
    engine.url = make_url("postgresql+psycopg://ada:secret@db/shop?sslmode=require&password=secret2")
    version = registry.service.register_dataset(mlops.sql("SELECT 1 AS x", engine), name="x")
    assert version.source == "postgresql+psycopg://ada@db/shop?sslmode=require"
    for path in (tmp_path / "home").rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()


def test_result_has_no_place_to_stay(registry: Registry, shop: str) -> None:
    with pytest.raises(InvalidInput, match="copy=False"):
        registry.service.register_dataset(mlops.sql("SELECT 1", shop), name="x", copy=False)


# URLs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3.server(tmp_path_factory.mktemp("moto") / "log.txt") as url:
        yield url


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    for name, value in s3.credentials(server).items():
        monkeypatch.setenv(name, value)
    s3.forget_servers()
    return s3.make_bucket(server, f"b{abs(hash(request.node.name))}")


@pytest.fixture
def memory(request: pytest.FixtureRequest) -> str:
    return f"memory://{request.node.originalname}"


@pytest.fixture(params=["memory", "bucket"])
def there(request: pytest.FixtureRequest) -> str:
    """Where things can be put by URL."""
    return str(request.getfixturevalue(request.param))


def put(url: str, content: bytes) -> None:
    import fsspec

    with fsspec.open(url, "wb") as file:
        file.write(content)


def test_file_of_a_url_is_copied_or_stays(registry: Registry, there: str, folder: Path) -> None:
    content = (folder / "part-0.parquet").read_bytes()
    put(f"{there}/a.parquet", content)
    service = registry.service
    copied = service.register_dataset(f"{there}/a.parquet", name="copied")
    stays = service.register_dataset(f"{there}/a.parquet", name="stays", copy=False)
    local = service.register_dataset(folder / "part-0.parquet", name="local")
    assert {copied.digest, stays.digest, local.digest} == {local.digest}
    assert (copied.storage, copied.uri, copied.source) == (Storage.COPY, None, f"{there}/a.parquet")
    assert (stays.storage, stays.uri) == (Storage.REFERENCE, f"{there}/a.parquet")
    assert copied.columns == stays.columns == local.columns
    assert (copied.rows, copied.size_bytes, stays.size_bytes) == (3, len(content), len(content))
    for name in ("copied", "stays"):
        assert service.load_dataset(name)["n"].tolist() == [0, 0, 0]
    assert service.load_dataset("stays", as_path=True).stat().st_mode & 0o222 == 0


def test_folder_and_glob_of_a_url_are_what_they_are_locally(
    registry: Registry, there: str, folder: Path
) -> None:
    for name, content in files_of(folder).items():
        put(f"{there}/train/{name}", content)
    service = registry.service
    local = service.register_dataset(folder, name="local")
    copied = service.register_dataset(f"{there}/train/", name="copied")
    stays = service.register_dataset(f"{there}/train", name="stays", copy=False)
    parts = service.register_dataset(f"{there}/train/*.parquet", name="parts", copy=False)
    assert (copied.digest, stays.digest) == (local.digest, local.digest)
    assert (stays.kind, stays.files, stays.file_name) == (DatasetKind.FOLDER, 5, "train")
    assert parts.digest == service.register_dataset(f"{folder}/*.parquet", name="parts").digest
    for name in ("copied", "stays"):
        assert files_of(service.load_dataset(name)) == files_of(folder)
    assert sorted(files_of(service.load_dataset("parts"))) == [
        f"part-{number}.parquet" for number in range(3)
    ]
    with pytest.raises(NotFound):
        service.register_dataset(f"{there}/train/*.csv", name="none")


def test_changed_content_of_a_url_is_refused_unless_it_was_fetched_before(
    registry: Registry, there: str, tmp_path: Path
) -> None:
    for name in ("seen", "unseen"):
        put(f"{there}/{name}.bin", name.encode())
        registry.service.register_dataset(f"{there}/{name}.bin", name=name, copy=False)
    registry.service.load_dataset("seen")
    for name in ("seen", "unseen"):
        put(f"{there}/{name}.bin", b"other")
    assert registry.service.load_dataset("seen").read_bytes() == b"seen"
    with pytest.raises(ContentChanged, match=r"unseen@1.*unseen\.bin") as caught:
        registry.service.load_dataset("unseen")
    assert registry.service.dataset_version("unseen").digest in caught.value.message
    assert not list((tmp_path / "home" / "cache").rglob("unseen.bin"))
    put(f"{there}/unseen.bin", b"unseen")
    assert registry.service.load_dataset("unseen").read_bytes() == b"unseen"


def test_url_above_the_limit_stays_where_it_is(registry: Registry, memory: str, tmp_path: Path) -> None:
    small = open_registry(tmp_path / "other")
    small = replace(small, settings=replace(small.settings, copy_dataset_bytes=10))
    for url in (f"{memory}/f/a", f"{memory}/f/b"):
        put(url, b"123456")
    assert small.service.register_dataset(f"{memory}/f/a", name="a").storage is Storage.COPY
    assert small.service.register_dataset(f"{memory}/f", name="f").storage is Storage.REFERENCE
    assert small.service.register_dataset(f"{memory}/f", name="c", copy=True).storage is Storage.COPY


def test_many_files_of_a_url_are_not_compared_with_each_other(
    registry: Registry, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in {"a": b"1", "b": b"2", "large": b"333"}.items():
        put(f"{memory}/{name}", content)
    monkeypatch.setattr(urls, "SMALL_BYTES", 2)
    monkeypatch.setattr(Remote, "__eq__", lambda *_: pytest.fail("a list is searched"))
    registry.service.register_dataset(memory, name="far", copy=True)
    assert files_of(registry.service.load_dataset("far")) == {"a": b"1", "b": b"2", "large": b"333"}


def test_unchanged_objects_of_s3_are_not_fetched_again(
    registry: Registry, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        put(f"{bucket}/f/{number}", b"%d" % number)
    first = registry.service.register_dataset(f"{bucket}/f", name="f")
    put(f"{bucket}/f/3", b"3")
    fetched: list[str] = []
    contents = "jupyter_mlops.services.registry.remote_files.RemoteFiles.contents"
    original: Callable[..., Any] = __import__(
        "jupyter_mlops.services.registry.remote_files", fromlist=["RemoteFiles"]
    ).RemoteFiles.contents

    def watched(self: Any, files: Any) -> Any:
        fetched.extend(file.relative for file in files)
        return original(self, files)

    monkeypatch.setattr(contents, watched)
    second = registry.service.register_dataset(f"{bucket}/f", name="f")
    assert (first.version, second.version, fetched) == (1, 2, ["3"])


def test_file_of_a_web_server(registry: Registry, folder: Path) -> None:
    optional("aiohttp")
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{web.server_port}"
        version = registry.service.register_dataset(f"{url}/part-1.parquet", name="web")
        with pytest.raises(NotFound, match=r"nothing\.csv"):
            registry.service.register_dataset(f"{url}/nothing.csv", name="x")
        with pytest.raises(InvalidInput, match="password"):
            registry.service.register_dataset(
                f"http://ada:secret@127.0.0.1:{web.server_port}/part-1.parquet", name="x", copy=False
            )
        web.shutdown()
    assert (version.file_name, version.rows) == ("part-1.parquet", 3)
    assert registry.service.load_dataset("web")["n"].tolist() == [1, 1, 1]
    with pytest.raises((Unavailable, NotFound)):
        registry.service.register_dataset(f"{url}/part-1.parquet", name="x")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        return None


def test_file_url_is_a_path(registry: Registry, folder: Path) -> None:
    by_path = registry.service.register_dataset(folder, name="data")
    assert registry.service.register_dataset(f"file://{folder}", name="data") == by_path
    spaced = registry.service.register_dataset(f"file://{folder}/notes%20%5B1%5D.txt", name="notes")
    assert spaced.source == str(folder / "notes [1].txt")


@pytest.mark.parametrize(
    ("url", "error", "why"),
    [
        ("memory://nothing/here", NotFound, "Nothing at memory://nothing/here"),
        ("nonsense://x/y", InvalidInput, "'nonsense://x/y' is no URL .*: Protocol not known: nonsense.$"),
        ("s4://b/x", InvalidInput, "'s4://b/x' is no .*: Protocol not known: s4. Did you mean s3://\\?$"),
        ("sqlite:///x.db", InvalidInput, r"not known: sqlite\. .* jupyter_mlops\.sql\('SELECT"),
        ("s4://ada:secret@b/x", InvalidInput, "'s4://ada@b/x' is no"),
        ("gs://bucket/x", MissingPackage, "pip install gcsfs"),
        ("zip://*.csv::/no/such.zip", NotFound, r"Nothing at zip://\*\.csv::/no/such\.zip: "),
        (f"zip://*.csv::{__file__}", Unavailable, "cannot be reached: BadZipFile: File is not a zip file"),
    ],
)
def test_url_that_does_not_work_says_what_to_do(
    registry: Registry, url: str, error: type[Exception], why: str
) -> None:
    with pytest.raises(error, match=why) as caught:
        registry.service.register_dataset(url, name="x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("path", ["x.csv", "*.csv", ""])
def test_web_server_that_refuses_the_connection_is_unavailable(registry: Registry, path: str) -> None:
    with pytest.raises(Unavailable, match=r"http://127\.0\.0\.1:\d+/.* cannot be reached: .*Cannot connect"):
        registry.service.register_dataset(f"http://127.0.0.1:{s3.free_port()}/{path}", name="x")


def test_database_that_refuses_the_connection_is_unavailable(registry: Registry) -> None:
    url = f"postgresql+psycopg://u:secret@127.0.0.1:{s3.free_port()}/db"
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:\d+/db cannot be reached") as caught:
        registry.service.register_dataset(mlops.sql("SELECT 1", url), name="x")
    assert "secret" not in str(caught.value)


def test_server_that_does_not_answer_is_unavailable(registry: Registry, bucket: str) -> None:
    put(f"{bucket}/a", b"a")
    registry.service.register_dataset(f"{bucket}/a", name="a", copy=False)
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{s3.free_port()}"
    s3.forget_servers()
    with pytest.raises(Unavailable, match="cannot be reached"):
        registry.service.register_dataset(f"{bucket}/a", name="b")
    with pytest.raises(Unavailable, match="cannot be reached"):
        registry.service.load_dataset("a")


def test_keys_that_no_folder_can_hold_are_refused(registry: Registry, bucket: str) -> None:
    for number, keys in enumerate((["a/../../evil"], ["a", "a/b"], ["a//b"])):
        for key in keys:
            put(f"{bucket}/{number}/{key}", b"x")
        with pytest.raises(InvalidInput, match="cannot be a file of a folder"):
            registry.service.register_dataset(f"{bucket}/{number}", name="f")
