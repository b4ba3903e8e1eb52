"""A content's profile: of a table, an array, a folder, or a file that is none of these."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from ...entities import DatasetVersion, FileSummary, Profile, ProfileStatus
from ...errors import InvalidInput
from ..columnar.engine import open_engine
from ..columnar.tables import is_tabular, open_table
from .columns import profile_columns
from .folders import profile_files

FORMAT = 2
"""Profiles of another format are computed again."""


def compute(version: DatasetVersion, path: Path, *, scratch: Path) -> Profile:
    """Look at the content at ``path``. Raises OSError, and InvalidInput where a table cannot be computed.

    A file that does not read as the table that its name promises is UNSUPPORTED, and says why.
    """
    began = time.perf_counter()
    if path.is_dir():
        files = sorted(each for each in path.rglob("*") if each.is_file())
        found = profile_files(version.digest, path, files)
    elif is_tabular(version.file_name):
        found = _table(version, path, scratch)
    else:
        found = profile_files(version.digest, path.parent, [path])
    return replace(found, computed_at=time.time(), duration_s=time.perf_counter() - began)


def _table(version: DatasetVersion, path: Path, scratch: Path) -> Profile:
    with open_engine(scratch) as engine:
        try:
            table = open_table(engine, path, version.file_name, columns=version.columns)
        except InvalidInput as error:
            return Profile(
                digest=version.digest,
                status=ProfileStatus.UNSUPPORTED,
                problem=error.message,
                files=_single(path, version.file_name),
            )
        assert table is not None
        columns, sampled = profile_columns(engine, table, size_bytes=path.stat().st_size)
        return Profile(
            digest=version.digest,
            status=ProfileStatus.READY,
            rows=table.rows,
            sampled_rows=sampled,
            columns=columns,
            engine=engine.name,
        )


def _single(path: Path, name: str) -> FileSummary:
    size, suffix = path.stat().st_size, Path(name).suffix.lower()
    return FileSummary(
        count=1, size_bytes=size, suffixes={suffix: 1}, suffix_bytes={suffix: size}, largest={name: size}
    )
