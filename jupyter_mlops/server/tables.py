"""Runs as CSV, for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import msgspec

from ..entities import Run
from ..services.rows import RUN_COLUMNS, run_row

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is a formula to spreadsheets (OWASP, CSV injection)."""


def csv_of(runs: Iterable[Run]) -> bytes:
    """RFC 4180 in UTF-8, with the columns of ``mlops.runs()``; lists and dicts as JSON."""
    rows = [run_row(run) for run in runs]
    found = {name for row in rows for name in row}.difference(RUN_COLUMNS)
    order = {"params": 0, "metrics": 1, "tags": 2}
    columns = [
        *RUN_COLUMNS,
        *sorted(found, key=lambda name: (order.get(name.partition(".")[0], 3), name)),
    ]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return msgspec.json.encode(value).decode()
