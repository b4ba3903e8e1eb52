"""The tables of the disposable index: what journals say, in rows.

``run_marks`` and ``index_state`` are the exception: they hold what readers noted, not what journals say,
so that only they differ after a rebuild. The columns ``time``, ``writer`` and ``n`` are a stamp: the time,
the writer and the number of the record that set the row.
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

SCHEMA_VERSION = 1
"""Raise it whenever a table or the meaning of a column changes: older indexes are then built anew."""


class Number(TypeDecorator[float]):
    """A float that may be NaN. SQLite has no NaN and keeps NULL instead, so all databases do here."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        return None if value is None or value != value else value

    def process_result_value(self, value: Any | None, dialect: Dialect) -> float:
        return math.nan if value is None else float(value)


metadata = MetaData()

# Merging compares writers: everywhere by code point, as SQLite and Python do.
Key = String().with_variant(String(collation="C"), "postgresql")
Counter = BigInteger().with_variant(Integer, "sqlite")


def _stamp() -> list[Column[Any]]:
    return [
        Column("time", Double, nullable=False),
        Column("writer", Key, nullable=False),
        Column("n", BigInteger, nullable=False),
    ]


state = Table(
    "index_state",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Double),
)

journals = Table(
    "run_journals",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("writer", Key, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    Column("bad_lines", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("role", String(16)),
    Column("closed", Boolean, nullable=False),
    Column("last_seen", Double),
    Column("host", Text),
    Column("boot_id", Text),
    Column("pid_namespace", BigInteger),
    Column("pid", BigInteger),
    Column("start_ticks", BigInteger),
    sqlite_with_rowid=False,
)

runs = Table(
    "runs",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("experiment", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("user", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("notebook", Text),
    Column("cell_id", Text),
    Column("parent_id", Text),
    Column("job_id", Text),
    Column("sweep_id", Text),
    Column("started_at", Double, nullable=False),
    # as written: a run without an end says "running" for ever
    Column("status", String(16), nullable=False),
    Column("reason", Text),
    Column("error", Text),
    Column("ended_at", Double),
    Column("note", Text, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("progress_done", Integer),
    Column("progress_total", Integer),
    # the last record of any writer but editors, and how many of those have not closed
    Column("last_seen", Double),
    Column("open_writers", Integer, nullable=False),
    # JSON: the stamp that set each of name, note, archived, progress, begun, ended, ended_by_other
    Column("stamps", Text, nullable=False),
    Index("runs_by_start", "archived", "started_at", "id"),
    Index("runs_by_parent", "parent_id"),
    Index("runs_by_job", "job_id"),
    Index("runs_by_experiment", "experiment", "started_at"),
    Index(
        "runs_running",
        "last_seen",
        sqlite_where=text("status = 'running'"),
        postgresql_where=text("status = 'running'"),
    ),
    sqlite_with_rowid=False,
)

marks = Table(
    "run_marks",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("dead", Boolean, nullable=False),
    # the last of "", "silent" and "lost" that `changes` told of
    Column("told", String(8), nullable=False),
    Index("run_marks_by_seq", "seq"),
    Index("run_marks_dead", "run_id", sqlite_where=text("dead IS 1"), postgresql_where=text("dead")),
    sqlite_with_rowid=False,
)

params = Table(
    "run_params",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    Column("number", Double),
    Column("text", Text, nullable=False),
    Column("source", Text, nullable=False),
    *_stamp(),
    Index("run_params_by_number", "name", "number"),
    sqlite_with_rowid=False,
)

tags = Table(
    "run_tags",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text),  # NULL: removed
    *_stamp(),
    Index("run_tags_by_value", "name", "value"),
    sqlite_with_rowid=False,
)

metrics = Table(
    "run_metrics",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("last", Number),
    Column("min", Number),
    Column("max", Number),
    Column("count", BigInteger, nullable=False),
    Column("last_step", BigInteger),
    *_stamp(),
    Index("run_metrics_by_last", "name", "last"),
    sqlite_with_rowid=False,
)

points = Table(
    "run_points",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("writer", Key, primary_key=True),
    # record number // POINTS_PER_BLOCK: blocks are the same however the journal was cut by reading
    Column("block", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

details = Table(
    "run_details",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),  # JSON
    *_stamp(),
)

outputs = Table(
    "run_outputs",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("writer", Key, primary_key=True),
    Column("n", Counter, primary_key=True),
    Column("time", Double, nullable=False),
    Column("message", Text, nullable=False),  # JSON
)

inputs = Table(
    "run_inputs",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("writer", Key, primary_key=True),
    Column("n", Counter, primary_key=True),
    Column("time", Double, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer),
    Column("digest", Text, nullable=False),
    Index("run_inputs_by_version", "kind", "name", "version"),
)

registrations = Table(
    "run_registrations",
    metadata,
    Column("run_id", Key, primary_key=True),
    Column("writer", Key, primary_key=True),
    Column("n", Counter, primary_key=True),
    Column("time", Double, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON
    Column("version", Integer),
    Column("problem", Text, nullable=False),
    Index("run_registrations_by_version", "version"),
)

NOTES = (state, marks)
"""What readers noted."""
FACTS = tuple(table for table in metadata.sorted_tables if table not in NOTES)
"""What journals say."""
