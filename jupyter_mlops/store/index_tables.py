"""The tables of the disposable index: what journals say, in rows.

``run_marks`` and ``index_state`` are the exception: they hold what readers noted, not what journals say,
so that only they differ after a rebuild. Runs, journals and texts have integer keys, given out in the order
of taking in: another rebuild gives out others, and nothing but these tables may hold them.

Everything that is known of a run's params, tags and metric summaries is one *document* a run
(``index_document``), which lists are read from. ``run_params``, ``run_tags`` and ``run_metrics`` repeat of it
what filters and sort keys look at, in narrow rows that lie together by name.
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

SCHEMA_VERSION = 2
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
LATER = "later"
"""In an index's ``info``: it is made after the first scan."""

# Texts are compared and sorted by code point everywhere, as SQLite and Python do.
Code = Text().with_variant(Text(collation="C"), "postgresql")
Integral = BigInteger().with_variant(Integer, "sqlite")


def _key(name: str, *, primary: bool = True) -> Column[Any]:
    return Column(name, Integral, primary_key=primary, autoincrement=False, nullable=False)


def _name() -> Column[Any]:
    return Column("name", Integral, primary_key=True, autoincrement=False)


def _later(name: str, *columns: str, **where: Any) -> Index:
    """An index that only searches need. It is made when all journals have been read for the first time.

    Rows come in by run and these are by value: kept up from the start, nearly every page of theirs would
    be written again with each batch of runs.
    """
    return Index(name, *columns, info={LATER: True}, **where)


def _where(condition: str, *, sqlite: str = "") -> dict[str, Any]:
    return {"sqlite_where": text(sqlite or condition), "postgresql_where": text(condition)}


state = Table(
    "index_state",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Double),
)

journals = Table(
    "run_journals",
    metadata,
    _key("key"),
    _key("run", primary=False),
    Column("writer", Code, nullable=False),
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
    Index("run_journals_of_run", "run", "writer", unique=True),
)

runs = Table(
    "runs",
    metadata,
    _key("key"),
    Column("id", Code, nullable=False),
    Column("name", Code, nullable=False),
    Column("experiment", Code, nullable=False),
    Column("kind", String(16), nullable=False),
    # as written: a run without an end says "running" for ever
    Column("status", String(16), nullable=False),
    Column("started_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("archived", Boolean, nullable=False),
    # the last record of any writer but editors, and how many of those have not closed
    Column("last_seen", Double),
    Column("open_writers", Integer, nullable=False),
    Column("user", Code, nullable=False),
    Column("host", Code, nullable=False),
    Column("notebook", Code),
    Column("parent_id", Code),
    Column("job_id", Code),
    Column("sweep_id", Code),
    Column("note", Code, nullable=False),
    Column("code", Integral),  # the key of its source in run_texts
    Index("runs_by_id", "id", unique=True),
    _later("runs_by_start", "started_at", "id", "archived"),
    _later("runs_by_status", "status", "started_at", "id"),
    _later("runs_by_experiment", "experiment", "started_at", "id"),
    Index("runs_by_parent", "parent_id", **_where("parent_id IS NOT NULL")),
    Index("runs_by_job", "job_id", **_where("job_id IS NOT NULL")),
    Index("runs_by_sweep", "sweep_id", **_where("sweep_id IS NOT NULL")),
    _later("runs_by_code", "code", **_where("code IS NOT NULL")),
)

marks = Table(
    "run_marks",
    metadata,
    _key("run"),
    Column("seq", BigInteger, nullable=False),
    # somebody has to look whether it lives: it runs as written, a writer is open, and it is not noted dead
    Column("watched", Boolean, nullable=False),
    Column("dead", Boolean, nullable=False),
    # the last of "", "silent" and "lost" that `changes` told of
    Column("told", String(8), nullable=False),
    _later("run_marks_by_seq", "seq"),
    Index("run_marks_watched", "run", **_where("watched", sqlite="watched IS 1")),
    Index("run_marks_dead", "run", **_where("dead", sqlite="dead IS 1")),
)

documents = Table(
    "run_documents",
    metadata,
    _key("run"),
    Column("data", LargeBinary, nullable=False),
)

params = Table(
    "run_params",
    metadata,
    _name(),
    _key("run"),
    Column("number", Double),
    Column("text", Code, nullable=False),
    Column("text_key", Integral),  # NULL for numbers
    _later("run_params_by_number", "name", "number", "run", **_where("number IS NOT NULL")),
    _later("run_params_by_text", "name", "text_key", "run", **_where("text_key IS NOT NULL")),
    sqlite_with_rowid=False,
)

tags = Table(
    "run_tags",
    metadata,
    _name(),
    _key("run"),
    Column("text", Code, nullable=False),
    Column("text_key", Integral, nullable=False),
    _later("run_tags_by_text", "name", "text_key", "run"),
    sqlite_with_rowid=False,
)

metrics = Table(
    "run_metrics",
    metadata,
    _name(),
    _key("run"),
    Column("last", Number),
    Column("min", Number),
    Column("max", Number),
    _later("run_metrics_by_last", "name", "last", "run"),
    sqlite_with_rowid=False,
)

points = Table(
    "run_points",
    metadata,
    _key("run"),
    _name(),
    _key("journal"),
    # how many points of the metric lie before it in the journal: the same however it was cut by reading
    _key("block"),
    Column("data", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

details = Table(
    "run_details",
    metadata,
    _key("run"),
    Column("data", LargeBinary, nullable=False),
)

# The content of data that runs read, registered or not
data = Table(
    "run_data",
    metadata,
    Column("digest", Code, primary_key=True),
    _key("run"),
    Index("run_data_of_run", "run"),
    sqlite_with_rowid=False,
)

# Sources and other long values of details, each content once
texts = Table(
    "run_texts",
    metadata,
    _key("key"),
    Column("digest", LargeBinary, nullable=False),
    Column("body", Code, nullable=False),
    Index("run_texts_by_digest", "digest", unique=True),
)

# What a run printed, capped: the beginning and the end
printed = Table(
    "run_printed",
    metadata,
    _key("run"),
    Column("body", Code, nullable=False),
)

outputs = Table(
    "run_outputs",
    metadata,
    _key("run"),
    Column("writer", Code, primary_key=True),
    Column("n", Integral, primary_key=True),
    Column("time", Double, nullable=False),
    Column("message", Text, nullable=False),  # JSON
)

inputs = Table(
    "run_inputs",
    metadata,
    _key("run"),
    Column("writer", Code, primary_key=True),
    Column("n", Integral, primary_key=True),
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
    _key("run"),
    Column("writer", Code, primary_key=True),
    Column("n", Integral, primary_key=True),
    Column("time", Double, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("user", Text, nullable=False),
    Column("record", Text, nullable=False),  # JSON
    Column("version", Integer),
    Column("problem", Text, nullable=False),
    Index(
        "run_registrations_pending",
        "time",
        **_where("version IS NULL AND problem = ''"),
    ),
)

NOTES = (state, marks)
"""What readers noted."""
FACTS = tuple(table for table in metadata.sorted_tables if table not in NOTES)
"""What journals say."""
OF_RUNS = tuple(table for table in metadata.sorted_tables if "run" in table.c)
"""Those with rows of one run each."""
