"""The authoritative tables: jobs, sweeps, datasets, feature views, models, and the audit trail.

``seq`` columns hold the value of the ``changes`` counter at a row's last change, so that a reader can
ask for what changed since. JSON columns hold ``wire`` encodings of entities.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()

counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("executor", String(32), nullable=False),
    Column("user", Text, nullable=False),
    Column("sweep_id", String(26)),
    Column("parent_run_id", String(26)),
    Column("spec", JSON, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("submitted_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double),
    Column("run_id", String(26)),
    Column("gpus", JSON, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("choice", Text, nullable=False, server_default=""),
    Column("handed_over", Boolean, nullable=False, server_default=false()),
    Column("not_before", Double),
    Column("exclusive", Boolean, nullable=False, server_default=false()),
    Column("cause", String(16)),
    Column("used", JSON),
    Column("warning", Text, nullable=False, server_default=""),
    Column("schedule_id", String(26)),
    Column("seq", BigInteger, nullable=False),
    Index("jobs_by_status", "status"),
    Index("jobs_by_seq", "seq"),
    Index("jobs_by_sweep", "sweep_id"),
    Index("jobs_by_schedule", "schedule_id"),
    Index("jobs_by_parent", "parent_run_id"),
)

attempts = Table(
    "attempts",
    metadata,
    # one row for each attempt that has ended: what usage is counted from
    Column("job_id", String(26), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("user", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("notebook", Text),
    Column("executor", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("cause", String(16)),
    Column("queued_at", Double, nullable=False),
    Column("started_at", Double),
    Column("ended_at", Double, nullable=False),
    Column("gpus", Double, nullable=False),
    Column("cpus", Integer, nullable=False),
    Column("memory_bytes", BigInteger),
    Column("used", JSON),
    Index("attempts_by_end", "ended_at"),
    Index("attempts_by_name", "user", "name", "ended_at"),
)

schedules = Table(
    "schedules",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("user", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("next_at", Double),
    Column("last_at", Double),
    Column("last_job_id", String(26)),
    Column("reason", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("schedules_by_next", "enabled", "next_at"),
    Index("schedules_by_seq", "seq"),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("user", Text, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("submitted_at", Double, nullable=False),
    Column("ended_at", Double),
    Column("cancel_requested", Boolean, nullable=False),
    Column("counts", JSON, nullable=False),
    Column("best", Integer),
    # JSON as wire has it: a best value may be infinite
    Column("best_value", JSON),
    Column("best_params", JSON, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Index("sweeps_by_status", "status"),
    Index("sweeps_by_seq", "seq"),
)

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

dataset_versions = Table(
    "dataset_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run_id", String(26)),
    Column("created_at", Double, nullable=False),
    Column("entity", JSON, nullable=False),
    Index("dataset_versions_by_digest", "name", "digest", unique=True),
    Index("dataset_versions_by_run", "run_id"),
)

models = Table(
    "models",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run_id", String(26)),
    Column("created_at", Double, nullable=False),
    Column("entity", JSON, nullable=False),
    # NULL: registered before there were proofs
    Column("proof", String(64)),
    Index("model_versions_by_run", "run_id"),
)

aliases = Table(
    "version_aliases",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
)

details = Table(
    "details",
    metadata,
    # version 0 is the name itself
    Column("kind", String(16), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("entity", JSON, nullable=False),
)

profiles = Table(
    "profiles",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("format", Integer, nullable=False),
    Column("computed_at", Double),
    Column("entity", JSON, nullable=False),
)

expectations = Table(
    "expectations",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("entity", JSON, nullable=False),
)

check_reports = Table(
    "check_reports",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("passed", Boolean, nullable=False),
    Column("checked_at", Double, nullable=False),
    Column("entity", JSON, nullable=False),
)

views = Table(
    "views",
    metadata,
    Column("name", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

view_versions = Table(
    "view_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("run_id", String(26)),
    Column("created_at", Double, nullable=False),
    Column("entity", JSON, nullable=False),
    Column("proof", String(64), nullable=False),
    Index("view_versions_by_digest", "name", "digest", unique=True),
    Index("view_versions_by_run", "run_id"),
)

materializations = Table(
    "materializations",
    metadata,
    # one row for a view's version on a version of its source: the same once more is the same content
    Column("view", Text, primary_key=True),
    Column("view_version", Integer, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("source_version", Integer, primary_key=True),
    Column("dataset", Text, nullable=False),
    Column("dataset_version", Integer, nullable=False),
    Column("at", Double, nullable=False),
    Column("entity", JSON, nullable=False),
    Index("materializations_by_source", "source", "source_version"),
    Index("materializations_by_dataset", "dataset", "dataset_version"),
)

gates = Table(
    "gates",
    metadata,
    Column("model", Text, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("entity", JSON, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("model", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("user", Text, primary_key=True),
    Column("approved", Boolean, nullable=False),
    Column("at", Double, nullable=False),
    Column("reason", Text, nullable=False),
)

sealed = Table(
    "sealed",
    metadata,
    # a file of its author's home that lies in the blobs for colleagues; kind: run or job; path: in its folder
    Column("kind", String(16), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("home", String(64), nullable=False),
    Column("user", Text, nullable=False),
    Column("sealed_at", Double, nullable=False),
    # digests of the blobs that its content names
    Column("names", JSON, nullable=False),
    Index("sealed_by_home", "home", "kind"),
)

registrations = Table(
    "registrations",
    metadata,
    # "<run id>/<writer>/<record number>": a register record is applied once
    Column("key", Text, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("time", Double, nullable=False),
    Column("user", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("audit_by_subject", "subject"),
)
