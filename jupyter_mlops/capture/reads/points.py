"""The functions that read data, library by library. Each takes what it reads as its first argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

READ, WRITE, FILE_SYSTEM, URL, BUILTIN_OPEN = "read", "write", "file system", "url", "open"


@dataclass(frozen=True, slots=True)
class Point:
    """One function: ``path`` is looked up in the module ``module`` once that is imported."""

    module: str
    path: str
    kind: str
    reader: str
    """How a run names it."""

    @property
    def is_method(self) -> bool:
        return "." in self.path and not self.path.endswith("._implementation")

    def owner(self) -> Any:
        """What holds the function; None when this version of the library has no such thing."""
        return _walk(sys.modules.get(self.module), self.path.split(".")[:-1])

    def function(self) -> Any:
        return _walk(sys.modules.get(self.module), self.path.split("."))


def modules() -> frozenset[str]:
    """The modules that points lie in."""
    return frozenset(_POINTS)


def points_of(module: str) -> tuple[Point, ...]:
    return _POINTS.get(module, ())


def _walk(value: Any, names: list[str]) -> Any:
    for name in names:
        value = getattr(value, name, None)
    return value


def _points() -> Iterator[Point]:
    for module, names in _READERS.items():
        for path in names.split():
            short = path.removesuffix(".__init__").removesuffix(".__new__").removesuffix("._implementation")
            yield Point(module, path, READ, f"{module}.{short}")
    for module, names in _WRITERS.items():
        for path in names.split():
            yield Point(module, path, WRITE, f"{module}.{path}")
    yield Point("fsspec.spec", "AbstractFileSystem.open", FILE_SYSTEM, "fsspec.open")
    yield Point("urllib.request", "urlopen", URL, "urllib.request.urlopen")
    for module, name in _OPENS:
        yield Point(module, name, BUILTIN_OPEN, "open")


_READERS = {
    "pandas": (
        "read_csv read_table read_fwf read_parquet read_json read_excel read_feather read_pickle read_orc "
        "read_hdf read_stata read_sas read_spss read_xml read_html"
    ),
    "pyarrow": "memory_map",
    "pyarrow.parquet": "read_table read_pandas ParquetFile.__init__ ParquetDataset.__init__",
    "pyarrow.csv": "read_csv open_csv",
    "pyarrow.json": "read_json",
    "pyarrow.feather": "read_table read_feather",
    "pyarrow.orc": "read_table ORCFile.__init__",
    "pyarrow.dataset": "dataset",
    "polars": (
        "read_csv read_csv_batched read_parquet read_ipc read_ipc_stream read_json read_ndjson read_avro "
        "read_excel read_ods read_delta scan_csv scan_parquet scan_ipc scan_ndjson scan_delta"
    ),
    "numpy": (
        "load loadtxt genfromtxt fromfile memmap.__new__ loadtxt._implementation genfromtxt._implementation"
    ),
    "joblib": "load",
    "torch": "load",
    "torchvision.datasets.folder": "DatasetFolder.__init__",
    "h5py": "File.__init__",
}
_WRITERS = {
    "pyarrow.parquet": "ParquetWriter.__init__ write_to_dataset",
    "pyarrow.feather": "write_feather",
    "pyarrow.csv": "write_csv",
    "pyarrow.dataset": "write_dataset",
    "polars": (
        "DataFrame.write_parquet DataFrame.write_csv DataFrame.write_ipc DataFrame.write_json "
        "DataFrame.write_ndjson DataFrame.write_avro LazyFrame.sink_parquet LazyFrame.sink_csv "
        "LazyFrame.sink_ipc LazyFrame.sink_ndjson"
    ),
}
_OPENS = (
    ("builtins", "open"),
    ("io", "open"),
    ("IPython.core.interactiveshell", "io_open"),  # what `open` is in a notebook's namespace
    ("tarfile", "bltn_open"),
    *((("pathlib", "_NormalAccessor.open"),) if sys.version_info < (3, 11) else ()),
)

_POINTS: dict[str, tuple[Point, ...]] = {}
for _point in _points():
    _POINTS[_point.module] = (*_POINTS.get(_point.module, ()), _point)
