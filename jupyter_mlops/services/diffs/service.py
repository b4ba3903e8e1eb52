"""Two versions of datasets side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import (
    Column,
    DatasetDiff,
    DatasetKind,
    DatasetVersion,
    FileDiff,
    RetypedColumn,
    VersionRef,
)
from ...errors import InvalidInput
from ...protocols.blobs import BlobStore
from ..columnar.contents import Contents
from ..columnar.engine import Engine, open_engine
from ..columnar.tables import Table, is_tabular, open_table
from ..registry.folders import manifest_of
from .drift import Side, drift
from .rows import diff_rows

MOST_PATHS = 100


class DiffService:
    """Says what differs. The versions may be of one dataset or of two."""

    def __init__(self, contents: Callable[[], Contents], blobs: BlobStore, settings: Settings) -> None:
        self._contents = contents
        self._blobs = blobs
        self._settings = settings

    def diff(self, before: str, after: str, keys: str | Sequence[str] = ()) -> DatasetDiff:
        """Columns, rows, how far values have moved, and with ``keys`` the rows that changed; files of
        folders.

        Raises NotFound, and InvalidInput for keys that are none.
        """
        keys = [keys] if isinstance(keys, str) else list(keys)
        a, b = (self._contents().dataset_version(each) for each in (before, after))
        same = a.digest == b.digest
        diff = DatasetDiff(
            before=_ref(a),
            after=_ref(b),
            same=same,
            rows_before=a.rows,
            rows_after=b.rows,
            bytes_before=a.size_bytes,
            bytes_after=b.size_bytes,
        )
        if same and not keys:
            return diff
        folders = [each.kind is DatasetKind.FOLDER for each in (a, b)]
        if all(folders):
            _refuse_keys(keys, "Folders have files and no rows")
            return replace(diff, files=self._files(a, b))
        if any(folders) or not (is_tabular(a.file_name) and is_tabular(b.file_name)):
            _refuse_keys(keys, "They are not both tables")
            return diff if same else replace(diff, notes=[_not_both_tables(a, b)])
        return self._tables(diff, a, b, keys)

    def _tables(
        self, diff: DatasetDiff, a: DatasetVersion, b: DatasetVersion, keys: Sequence[str]
    ) -> DatasetDiff:
        with open_engine(self._settings.home / "cache" / "incoming") as engine:
            sides = []
            for version, view in ((a, "before"), (b, "after")):
                try:
                    sides.append(self._side(engine, version, view))
                except InvalidInput as error:
                    _refuse_keys(keys, error.message)
                    return replace(diff, notes=[error.message])
            before, after = sides
            moved, notes = ([], []) if diff.same else drift(engine, before, after)
            return replace(
                diff,
                rows_before=before.table.rows,
                rows_after=after.table.rows,
                **_schema(before.table, after.table),
                drift=moved,
                rows=diff_rows(engine, before.table, after.table, keys) if keys else None,
                notes=notes,
            )

    def _side(self, engine: Engine, version: DatasetVersion, view: str) -> Side:
        path: Path = self._contents().dataset_content(version)
        table = open_table(engine, path, version.file_name, view=view, columns=version.columns)
        assert table is not None
        return Side(table=table, size_bytes=path.stat().st_size)

    def _files(self, a: DatasetVersion, b: DatasetVersion) -> FileDiff:
        before, after = (manifest_of(each.digest, self._blobs).files for each in (a, b))
        added = sorted(set(after) - set(before))
        removed = sorted(set(before) - set(after))
        both = set(before) & set(after)
        changed = sorted(path for path in both if before[path] != after[path])
        return FileDiff(
            added=len(added),
            removed=len(removed),
            changed=len(changed),
            unchanged=len(both) - len(changed),
            added_paths=added[:MOST_PATHS],
            removed_paths=removed[:MOST_PATHS],
            changed_paths=changed[:MOST_PATHS],
        )


def _schema(before: Table, after: Table) -> dict[str, Any]:
    x = {column.name: column.type for column in before.columns}
    y = {column.name: column.type for column in after.columns}
    return {
        "added": [Column(name=name, type=type) for name, type in y.items() if name not in x],
        "removed": [Column(name=name, type=type) for name, type in x.items() if name not in y],
        "retyped": [
            RetypedColumn(name=name, before=type, after=y[name])
            for name, type in x.items()
            if name in y and y[name] != type
        ],
        "reordered": [name for name in x if name in y] != [name for name in y if name in x],
    }


def _refuse_keys(keys: Sequence[str], why: str) -> None:
    if keys:
        raise InvalidInput(f"{why.rstrip('.')}: nothing can be matched by {', '.join(keys)}.")


def _not_both_tables(a: DatasetVersion, b: DatasetVersion) -> str:
    if a.kind != b.kind:
        return f"One is a {a.kind.value}, the other a {b.kind.value}: only their sizes are compared."
    return f"{a.file_name!r} and {b.file_name!r} are no tables: only their sizes are compared."


def _ref(version: DatasetVersion) -> VersionRef:
    return VersionRef(kind="dataset", name=version.name, version=version.version, digest=version.digest)
