"""CSV files in pieces, by ``pandas.read_csv``: what is measured and checked is what is loaded.

No other reader is used, however strict its options: pandas has rules of its own for short rows, names of
columns, blank lines, signs and quotes. Of 400 MB, its pieces come as fast as DuckDB reads them: in 3 s.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from ...entities import Column
from ...errors import InvalidInput

MOST_CELLS = 2_000_000
"""Rows times columns of a piece."""
MOST_BYTES = 64 * 1024 * 1024
"""A piece's text, by the length of the first rows."""
HEAD_BYTES = 1024 * 1024
_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DTYPES = {
    "int64": "Int64",
    "uint64": "UInt64",
    "double": "Float64",
    "bool": "boolean",
    "large_string": "string",
}
"""What a column is read as where its pieces are not of one type, by Arrow's name of the type it has."""


class CsvFile:
    """``names``, Arrow's ``types`` and the number of ``rows`` are known when all pieces were looked at.

    The pieces are good together when ``settled`` is true after the last: where a later one shows that a
    column is of another type, or the text of another encoding, they are all read again:

        while not file.settled:
            for piece in file.pieces(): ...

    ``open`` gives the text as a binary stream, from its beginning.
    """

    def __init__(self, open: Callable[[], AbstractContextManager[Any]], delimiter: str) -> None:
        self.names: list[str] = []
        self.types: list[str] = []
        self.rows = 0
        self.settled = False
        self._open = open
        self._delimiter = delimiter
        self._encoding = "utf-8"
        self._dtypes: dict[str, str] = {}

    def measure(self) -> list[Column]:
        """The columns, by reading all rows; ``rows`` are known then. Raises as :meth:`pieces` does."""
        while not self.settled:
            for _ in self.pieces():
                pass
        return self._columns()

    def head(self) -> list[Column]:
        """The columns, as the first piece shows them. Raises as :meth:`pieces` does."""
        for piece in self.pieces():
            self.types = [str(field.type) for field in piece.schema]
            break
        else:  # it is Latin-1
            return self.head()
        return self._columns()

    def _columns(self) -> list[Column]:
        types = [type.removeprefix("large_") for type in self.types]
        return [Column(name=name, type=type) for name, type in zip(self.names, types, strict=True)]

    def pieces(self) -> Iterator[Any]:
        """Arrow tables of one schema, whose columns are ``c0``, ``c1``, …

        Raises ValueError for a text that pandas does not read, InvalidInput for UTF-16.
        """
        seen: list[str] = []
        self.rows, agrees = 0, True
        declared = self.types  # which the pieces before have shown
        try:
            for frame in self._frames():
                table = self._table(frame)
                found = [str(field.type) for field in table.schema]
                self.rows += table.num_rows
                seen = list(map(_merged, seen, found)) if seen else found
                declared = declared or [self._known(each) for each in found]
                agrees = agrees and all(map(_fits, found, declared))
                if agrees:
                    yield table.cast(_schema(declared))
        except UnicodeDecodeError:
            self._use_latin_1()
            return
        self.types = [self._known(each) for each in seen]
        self.settled = agrees
        self._dtypes = {name: _DTYPES[type] for name, type in zip(self.names, self.types, strict=True)}

    def _frames(self) -> Iterator[Any]:
        import pandas

        options: dict[str, Any] = {"sep": self._delimiter, "encoding": self._encoding, "low_memory": False}
        rows = self._rows_a_piece(options)
        with (
            self._open() as stream,
            pandas.read_csv(
                stream,
                chunksize=rows,
                dtype_backend="numpy_nullable",
                dtype=self._dtypes,
                **options,
            ) as frames,
        ):
            yield from frames

    def _rows_a_piece(self, options: dict[str, Any]) -> int:
        import pandas

        with self._open() as stream:
            width = len(pandas.read_csv(stream, nrows=0, **options).columns)
        with self._open() as stream:
            head: bytes = stream.read(HEAD_BYTES)
        length = len(head) // max(1, head.count(b"\n"))
        return max(1, min(MOST_CELLS // max(1, width), MOST_BYTES // max(1, length)))

    def _table(self, frame: Any) -> Any:
        """The columns under names that no engine mistakes for each other's."""
        import pyarrow

        self.names = [str(name) for name in frame.columns]
        frame.columns = [f"c{number}" for number in range(len(self.names))]
        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        found = []
        for values in table.columns:
            if values.null_count == len(values):
                values = pyarrow.nulls(len(values))
            elif str(values.type) not in ("int64", "uint64", "double", "bool"):
                values = values.cast(pyarrow.large_string())
            found.append(values)
        return pyarrow.table(found, names=table.column_names)

    def _known(self, type: str) -> str:
        """Without any value, pandas has a column of NaN; without any row, one of objects."""
        if type != "null":
            return type
        return "double" if self.rows else "large_string"

    def _use_latin_1(self) -> None:
        with self._open() as stream:
            if stream.read(2) in _MARKS:
                raise InvalidInput("it is written in UTF-16. Write it again as UTF-8")
        self._encoding, self.types = "latin-1", []


def _merged(one: str, other: str) -> str:
    """The type that holds the values of both."""
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "double" if {one, other} <= {"int64", "uint64", "double"} else "large_string"


def _fits(found: str, declared: str) -> bool:
    return found in (declared, "null")


def _schema(types: list[str]) -> Any:
    import pyarrow

    return pyarrow.schema([(f"c{number}", pyarrow.type_for_alias(type)) for number, type in enumerate(types)])
