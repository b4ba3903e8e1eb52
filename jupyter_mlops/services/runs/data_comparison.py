"""Which data differs between two runs, down to the columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ...capture.reads.columns import DIGITS, Contents, contents_of, is_tabular
from ...entities import ColumnChange, DataDifference, DataRead, RunDetail, VersionRef, reference_text

LoadData = Callable[[DataRead], "Path | None"]
"""A local file with the content that was read, if there still is one."""
FileNameOf = Callable[[VersionRef], str]
"""What the file of a registered version is called, whose content lies without a name; empty if unknown."""

COLUMNS_BYTES = 256 * 1024 * 1024
"""Files larger than that are not opened to compare their columns."""


def no_file_name(version: VersionRef) -> str:
    return ""


def data_differences(
    a: RunDetail, b: RunDetail, load: LoadData, file_name_of: FileNameOf = no_file_name
) -> list[DataDifference]:
    """What one run read and the other did not, or not with the same content; sorted by name.

    Data belongs together when it is of one registered dataset, lies in the same place, or, where that
    tells exactly one on each side, has the same file name. What the runs themselves have written is left out.
    """
    pairs = _pairs(_inputs(a), _inputs(b))
    found = [
        _difference(name, one, other, load, file_name_of)
        for name, one, other in pairs
        if not _is_same(one, other)
    ]
    return sorted(found, key=lambda each: each.name)


def _inputs(detail: RunDetail) -> list[DataRead]:
    """The last state of each place; datasets that were loaded by name are data, too."""
    places = {read.uri: read for read in detail.data if not read.problem.startswith("written while")}
    loaded = [
        DataRead(uri=reference_text(ref), reader="load_dataset", digest=ref.digest, version=ref)
        for ref in detail.inputs
        if ref.kind == "dataset"
    ]
    return [*places.values(), *loaded]


_Pair = tuple[str, "DataRead | None", "DataRead | None"]


def _pairs(a: Sequence[DataRead], b: Sequence[DataRead]) -> list[_Pair]:
    """By registered name, then by place, then by file name; what is left stands alone."""
    left, right = list(a), list(b)
    pairs: list[_Pair] = []
    for key in (_registered_name, lambda read: read.uri, _file_name):
        ours, theirs = _by(key, left), _by(key, right)
        for name in ours.keys() & theirs.keys():
            pairs.append((name if key is not _file_name else ours[name].uri, ours[name], theirs[name]))
            left.remove(ours[name])
            right.remove(theirs[name])
    alone: list[_Pair] = [(_name(read), read, None) for read in left]
    return pairs + alone + [(_name(read), None, read) for read in right]


def _by(key: Callable[[DataRead], str], reads: Sequence[DataRead]) -> dict[str, DataRead]:
    """Those that a key tells apart from all others of their run."""
    names = [key(read) for read in reads]
    return {name: read for name, read in zip(names, reads, strict=True) if name and names.count(name) == 1}


def _registered_name(read: DataRead) -> str:
    return read.version.name if read.version else ""


def _file_name(read: DataRead) -> str:
    return PurePosixPath(read.uri.partition("?")[0]).name


def _name(read: DataRead) -> str:
    return _registered_name(read) or read.uri


def _is_same(a: DataRead | None, b: DataRead | None) -> bool:
    """Whether both have a digest, made in the same way, and it is the same one."""
    return (
        a is not None and b is not None and a.digest != "" and (a.digest, a.sampled) == (b.digest, b.sampled)
    )


def _difference(
    name: str, a: DataRead | None, b: DataRead | None, load: LoadData, file_name_of: FileNameOf
) -> DataDifference:
    if a is None or b is None:
        return DataDifference(
            name=name, a=_shown(a), b=_shown(b), rows_a=a.rows if a else None, rows_b=b.rows if b else None
        )
    one, other = _contents(a, load, file_name_of), _contents(b, load, file_name_of)
    note = "" if a.digest and b.digest else _why_unknown(a, b)
    if one is None or other is None:
        note = note or _why_no_columns(a if one is None else b, file_name_of)
        columns = _changes(a.columns, b.columns, _types(a, b))
    else:
        columns = _changes(one.digests, other.digests, _types(a, b))
        if not columns and not note:
            note = "the files differ, but not in what their columns hold"
    return DataDifference(
        name=name,
        a=_shown(a),
        b=_shown(b),
        rows_a=_first(a.rows, one.rows if one else None),
        rows_b=_first(b.rows, other.rows if other else None),
        columns=columns,
        columns_known=one is not None and other is not None,
        note=note,
    )


def _first(a: int | None, b: int | None) -> int | None:
    return b if a is None else a


def _shown(read: DataRead | None) -> str | None:
    """``train@2 (9f86d081)``, or the place with the digest."""
    if read is None:
        return None
    place = reference_text(read.version) if read.version else read.uri
    if not read.digest:
        return f"{place} (no digest)"
    return f"{place} ({'sampled ' if read.sampled else ''}{read.digest[:8]})"


def _contents(read: DataRead, load: LoadData, file_name_of: FileNameOf) -> Contents | None:
    """The columns as they lie in the file: from the run's record, else from the content itself."""
    if read.column_digests:
        return Contents(read.rows or 0, read.columns, read.column_digests)
    path = load(read)
    if path is None:
        return None
    name = _tabular_name(read, file_name_of) or path.name
    if not is_tabular(name) or os.stat(path).st_size > COLUMNS_BYTES:
        return None
    contents = contents_of(str(path), name)
    return contents if contents and contents.digests else None


def _tabular_name(read: DataRead, file_name_of: FileNameOf) -> str:
    """That of the place, else of the registered version, if it is one of a table; else empty."""
    if is_tabular(read.uri):
        return read.uri
    name = file_name_of(read.version) if read.version else ""
    return name if is_tabular(name) else ""


_Types = Mapping[str, "tuple[str, str]"]


def _changes(a: Mapping[str, str], b: Mapping[str, str], types: _Types) -> list[ColumnChange]:
    """In the order of the columns, first those of ``b``; ``a`` and ``b`` say what each column holds."""
    changes: list[ColumnChange] = []
    for column in [*b, *(each for each in a if each not in b)]:
        if column not in a:
            changes.append(ColumnChange(column=column, change="added"))
        elif column not in b:
            changes.append(ColumnChange(column=column, change="removed"))
        elif column in types:
            changes.append(ColumnChange(column=column, change="type", a=types[column][0], b=types[column][1]))
        elif a[column] != b[column] and len(a[column]) == len(b[column]) == DIGITS:
            changes.append(ColumnChange(column=column, change="content"))
    return changes


def _types(a: DataRead, b: DataRead) -> _Types:
    """The dtypes that differ; those of pandas and polars cannot be compared."""
    if a.reader.partition(".")[0] != b.reader.partition(".")[0]:
        return {}
    both = a.columns.keys() & b.columns.keys()
    return {name: (a.columns[name], b.columns[name]) for name in both if a.columns[name] != b.columns[name]}


def _why_unknown(a: DataRead, b: DataRead) -> str:
    without = [("a", a)] if not a.digest else []
    without += [("b", b)] if not b.digest else []
    return "; ".join(
        f"{side} has no digest: {read.problem or 'it is still to be computed'}" for side, read in without
    )


def _why_no_columns(read: DataRead, file_name_of: FileNameOf) -> str:
    if read.files is not None:
        return "a folder: its columns are not compared"
    place = read.version.name if read.version else read.uri
    if not _tabular_name(read, file_name_of) and not (read.version and read.columns):
        return "not a file whose columns are known"
    return f"what was read from {place} is not there any more as it was, and its columns were not kept"
