"""Profiles of tables: exact for small ones, estimates within their bounds for large ones, and odd contents."""

from __future__ import annotations

import datetime as dt
import gzip
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from jupyter_mlops.entities import ColumnProfile, Histogram, ProfileStatus, ValueCount
from jupyter_mlops.services.columnar import samples
from jupyter_mlops.services.showing.profiles_text import column_cells
from tests.datasets import columns_at, profile_at


def parquet(folder: Path, columns: object, name: str = "data.parquet") -> Path:
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, folder / name)
    return folder / name


def test_numbers_are_counted_exactly(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"x": pa.array([4, 1, 2, 2, None], pa.int32())})
    assert columns_at(path)["x"] == ColumnProfile(
        name="x",
        type="int32",
        kind="number",
        nulls=1,
        distinct=3,
        min=1,
        max=4,
        mean=2.25,
        std=pytest.approx(1.2583057),
        quantiles={"0.05": 1.15, "0.25": 1.75, "0.5": 2.0, "0.75": 2.5, "0.95": pytest.approx(3.7)},
        histogram=Histogram(edges=[1.0, 2.0, 3.0, 4.0, 5.0], counts=[1, 2, 0, 1]),
        top=[ValueCount(value="2", count=2)],
    )


def test_texts_have_lengths_in_characters_and_common_values(tmp_path: Path) -> None:
    path = parquet(tmp_path, {"t": ["größer", "a", "a", None, ""]})
    assert columns_at(path)["t"] == ColumnProfile(
        name="t",
        type="string",
        kind="text",
        nulls=1,
        distinct=3,
        min="",
        max="größer",
        top=[ValueCount(value="a", count=2)],
        shortest=0,
        longest=6,
        mean_length=2.0,
    )


def test_truths_and_times_are_counted(tmp_path: Path) -> None:
    day = dt.datetime(2024, 1, 2, 3, 4, 5)
    found = columns_at(
        parquet(
            tmp_path,
            {
                "b": [True, True, False, None],
                "at": pa.array([day, day, day + dt.timedelta(days=1), None], pa.timestamp("us")),
                "zone": pa.array([day, None, None, None], pa.timestamp("us", tz="Europe/Berlin")),
                "date": pa.array([day.date()] * 4),
            },
        )
    )
    assert found["b"].top == [ValueCount(value="true", count=2), ValueCount(value="false", count=1)]
    assert (found["b"].nulls, found["b"].distinct) == (1, 2)
    at = found["at"]
    assert (at.kind, at.min, at.max) == ("time", "2024-01-02T03:04:05", "2024-01-03T03:04:05")
    assert at.quantiles["0.5"] == day.replace(tzinfo=dt.timezone.utc).timestamp()
    assert at.top == [ValueCount(value="2024-01-02T03:04:05", count=2)]
    assert (found["zone"].type, found["zone"].min) == (
        "timestamp[us, tz=Europe/Berlin]",
        "2024-01-02T03:04:05+00",
    )
    assert (found["date"].min, found["date"].distinct) == ("2024-01-02", 1)


def test_nan_is_missing_and_infinities_do_not_spoil_means(tmp_path: Path) -> None:
    found = columns_at(
        parquet(
            tmp_path,
            {
                "x": [1.0, math.nan, math.inf, 3.0, None],
                "none": pa.array([math.nan] * 5),
                "huge": [1e308, 1e308, -1e308, 1e308, 1e308],
            },
        )
    )
    assert (found["x"].nulls, found["x"].min, found["x"].max, found["x"].mean) == (2, 1.0, math.inf, 2.0)
    assert [each.infinite for each in found.values()] == [1, 0, 0]
    assert column_cells(found["x"], 5)[-2] == "2 (1 infinite)"
    assert found["x"].histogram is not None
    assert sum(found["x"].histogram.counts) == 2
    assert (found["none"].nulls, found["none"].distinct, found["none"].mean) == (5, 0, None)
    assert (found["huge"].max, found["huge"].histogram, found["huge"].std) == (1e308, None, None)


def test_empty_and_all_null_columns_have_a_profile(tmp_path: Path) -> None:
    empty = profile_at(parquet(tmp_path, {"x": pa.array([], pa.int64()), "t": pa.array([], pa.string())}))
    assert (empty.status, empty.rows, [each.nulls for each in empty.columns]) == (
        ProfileStatus.READY,
        0,
        [0, 0],
    )
    nothing = profile_at(
        parquet(tmp_path, {"n": pa.nulls(3), "x": pa.nulls(3, pa.float32())}, "nulls.parquet")
    )
    assert [(each.kind, each.nulls, each.distinct) for each in nothing.columns] == [
        ("other", 3, 0),
        ("number", 3, 0),
    ]
    none = profile_at(parquet(tmp_path, pa.table({}), "no_columns.parquet"))
    assert (none.status, none.columns) == (ProfileStatus.READY, [])


def test_types_that_have_no_order_are_counted_only(tmp_path: Path) -> None:
    found = columns_at(
        parquet(
            tmp_path,
            {
                "list": [[1], [2, 3], None],
                "struct": [{"a": 1}, {"a": 1}, None],
                "bytes": pa.array([b"\x00\xff", b"x", None]),
            },
        )
    )
    assert [(each.kind, each.nulls, each.distinct, each.approximate) for each in found.values()] == [
        ("other", 1, 2, ["distinct"]),
        ("other", 1, 1, ["distinct"]),
        ("other", 1, 2, ["distinct"]),
    ]


def test_decimals_dictionaries_and_large_integers_are_numbers_and_texts(tmp_path: Path) -> None:
    found = columns_at(
        parquet(
            tmp_path,
            {
                "price": pa.array([Decimal("1.50"), Decimal("2.25"), None], pa.decimal128(9, 2)),
                "word": pa.array(["a", "b", "a"]).dictionary_encode(),
                "large": pa.array([2**63 + 5, 1, 2], pa.uint64()),
                "half": pa.array(np.array([1, 2, 3], np.float16)),
            },
        )
    )
    assert (found["price"].min, found["price"].max, found["price"].mean) == (1.5, 2.25, 1.875)
    assert (found["word"].kind, found["word"].distinct) == ("text", 2)
    assert (found["large"].max, found["half"].mean) == (float(2**63 + 5), 2.0)


def test_names_of_columns_are_never_read_as_sql(tmp_path: Path) -> None:
    names = ['a"b', "x; DROP TABLE sample --", "'", "same", "same", "n", "file_row_number", "ü\n"]
    arrays = [pa.array([number, number]) for number, _ in enumerate(names)]
    found = profile_at(parquet(tmp_path, pa.Table.from_arrays(arrays, names)))
    assert [each.name for each in found.columns] == [*names[:4], "same_1", *names[5:]]
    assert [each.mean for each in found.columns] == [float(number) for number, _ in enumerate(names)]


def test_huge_texts_are_cut_where_they_are_shown(tmp_path: Path) -> None:
    found = columns_at(parquet(tmp_path, {"t": ["x" * 5_000_000] * 2}))["t"]
    assert (found.longest, len(found.max), len(found.top[0].value)) == (5_000_000, 200, 200)


def test_file_names_are_never_patterns(tmp_path: Path) -> None:
    parquet(tmp_path, {"x": [1]}, "data1.parquet")
    assert columns_at(parquet(tmp_path, {"y": [2]}, "data[1]*?.parquet")).keys() == {"y"}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("d.csv", b"id,name,score\n1,a,0.5\n2,NA,1.5\n3,c,\n"),
        ("d.tsv", b"id\tname\tscore\n1\ta\t0.5\n2\t\t1.5\n3\tc\tNaN\n"),
        ("d.csv.gz", gzip.compress(b"id,name,score\n1,a,0.5\n2,,1.5\n3,c,null\n")),
        ("d.jsonl", b'{"id":1,"name":"a","score":0.5}\n{"id":2,"score":1.5}\n{"id":3,"name":"c"}\n'),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_text_formats_give_the_same_profile(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    found = columns_at(tmp_path / name)
    assert {each.name: (each.type, each.nulls, each.distinct, each.mean) for each in found.values()} == {
        "id": ("int64", 0, 3, 2.0),
        "name": ("string", 1, 2, None),
        "score": ("double", 1, 2, 1.0),
    }


def test_feather_and_arrays_are_tables(tmp_path: Path) -> None:
    table = pa.table(
        {
            "x": [1, 2],
            "half": pa.array(np.array([1, 2], np.float16)),
            "for": pa.array([1, 2], pa.duration("s")),
        }
    )
    pyarrow.feather.write_feather(table, tmp_path / "d.feather")
    assert [each.mean for each in columns_at(tmp_path / "d.feather").values()][:2] == [1.5, 1.5]
    np.save(tmp_path / "two.npy", np.arange(6, dtype=">f4").reshape(3, 2))
    assert {name: each.mean for name, each in columns_at(tmp_path / "two.npy").items()} == {
        "0": 2.0,
        "1": 3.0,
    }
    np.save(tmp_path / "deep.npy", np.arange(24).reshape(2, 3, 4))
    assert {name: each.max for name, each in columns_at(tmp_path / "deep.npy").items()} == {"value": 23}
    np.save(tmp_path / "named.npy", np.array([(1, b"a")], dtype=[("n", "i4"), ("s", "S1")]))
    assert list(columns_at(tmp_path / "named.npy")) == ["n", "s"]
    np.savez(tmp_path / "several.npz", x=np.arange(3), y=np.ones((3, 2)))
    assert list(columns_at(tmp_path / "several.npz")) == ["x", "y.0", "y.1"]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("d.parquet", b"PAR1 no", "'d.parquet' does not read as a table"),
        ("d.csv", b"", "it is empty"),
        ("d.npy", b"\x93NUMPY", "'d.npy' does not read as a table"),
        ("d.npz", b"PK", "'d.npz' does not read as a table"),
    ],
)
def test_damaged_tables_say_so_and_are_files(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = profile_at(tmp_path / name)
    assert found.status is ProfileStatus.UNSUPPORTED
    assert reason in found.problem
    assert found.files is not None
    assert found.files.size_bytes == len(data)


def test_latin_1_is_read_where_it_is_no_utf_8(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes("name\nMüller\nMüller\n".encode("latin-1"))
    assert columns_at(tmp_path / "d.csv")["name"].top == [ValueCount(value="Müller", count=2)]


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables with more than 10,000 rows count as large."""
    monkeypatch.setattr(samples, "EXACT_ROWS", 10_000)
    monkeypatch.setattr(samples, "SAMPLE_ROWS", 20_000)
    monkeypatch.setattr(samples, "RUN", 128)


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("ends", [{}, {7: math.inf}, {3: -math.inf, 9: math.inf}, {3: math.nan, 5: math.inf}])
def test_infinities_of_large_tables_are_all_counted(tmp_path: Path, ends: dict[int, float]) -> None:
    values = np.arange(200_000.0)
    values[list(ends)] = list(ends.values())
    x = columns_at(parquet(tmp_path, {"x": values}))["x"]
    finite = values[np.isfinite(values)]
    assert (x.infinite, x.nulls) == (int(np.isinf(values).sum()), int(np.isnan(values).sum()))
    assert x.mean == pytest.approx(finite.mean())


@pytest.mark.usefixtures("sampled")
def test_large_tables_are_sampled_and_say_what_is_an_estimate(tmp_path: Path) -> None:
    rows = 200_000
    random = np.random.default_rng(0)
    values = random.normal(10, 2, rows)
    values[5] = math.nan
    path = parquet(
        tmp_path,
        {
            "sorted": np.arange(rows),
            "x": values,
            "class": np.array(["a", "b", "c"])[random.integers(0, 3, rows)],
            "user": [f"user {number}" for number in random.integers(0, 50_000, rows)],
            "flag": pa.array(random.random(rows) < 0.25, mask=random.random(rows) < 0.1),
        },
    )
    profile = profile_at(path)
    found = {each.name: each for each in profile.columns}
    assert profile.rows == rows
    assert profile.sampled_rows == pytest.approx(20_000, rel=0.15)

    ordered = found["sorted"]
    assert (ordered.min, ordered.max, ordered.mean, ordered.nulls) == (0, rows - 1, (rows - 1) / 2, 0)
    assert ordered.distinct == pytest.approx(
        rows, rel=0.4
    )  # DuckDB 1.5 errs by a tenth and more, 2.0 by less
    assert ordered.quantiles["0.5"] == pytest.approx(rows / 2, rel=0.1)
    assert ordered.approximate == ["distinct", "histogram", "quantiles", "std"]

    clean = values[~np.isnan(values)]
    x = found["x"]
    assert (x.nulls, x.min, x.max) == (1, clean.min(), clean.max())
    assert (x.mean, x.std) == (pytest.approx(clean.mean()), pytest.approx(clean.std(), rel=0.05))
    assert x.quantiles["0.25"] == pytest.approx(np.quantile(clean, 0.25), rel=0.02)
    assert x.histogram is not None
    assert sum(x.histogram.counts) == pytest.approx(rows, rel=0.01)

    assert found["class"].distinct == 3
    assert [each.count for each in found["class"].top] == [pytest.approx(rows / 3, rel=0.1)] * 3
    user = found["user"]
    assert user.distinct == pytest.approx(len(set(np.asarray(pq.read_table(path)["user"]))), rel=0.4)
    assert (user.longest, user.top) == (10, [])
    truths = pq.read_table(path)["flag"].to_pandas().value_counts().to_dict()
    assert {each.value: each.count for each in found["flag"].top} == {
        "false": truths[False],
        "true": truths[True],
    }
    assert found["flag"].approximate == []


@pytest.mark.usefixtures("sampled")
def test_large_text_files_are_sampled_as_well(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        "x,t\n" + "".join(f"{number},é{number % 7}\n" for number in range(30_000))
    )
    profile = profile_at(tmp_path / "d.csv")
    found = {each.name: each for each in profile.columns}
    assert (profile.rows, profile.sampled_rows) == (30_000, pytest.approx(20_000, rel=0.05))
    assert (found["x"].mean, found["t"].distinct, found["t"].mean_length) == (14999.5, 7, 2.0)


def test_hundreds_of_columns_come_in_their_order(tmp_path: Path) -> None:
    found = profile_at(parquet(tmp_path, {f"c{number}": [float(number), 0.0] for number in range(120)}))
    assert [each.max for each in found.columns] == [float(number) for number in range(120)]
