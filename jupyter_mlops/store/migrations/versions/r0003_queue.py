"""Jobs know where they run, why they ended and what they used; ended attempts and schedules get rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("choice", sa.Text(), nullable=False, server_default=""),
        sa.Column("handed_over", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("not_before", sa.Double(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cause", sa.String(length=16), nullable=True),
        sa.Column("used", sa.JSON(), nullable=True),
        sa.Column("warning", sa.Text(), nullable=False, server_default=""),
        sa.Column("schedule_id", sa.String(length=26), nullable=True),
    ):
        op.add_column("jobs", column)
    op.create_index("jobs_by_schedule", "jobs", ["schedule_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.String(length=26), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("notebook", sa.Text(), nullable=True),
        sa.Column("executor", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=True),
        sa.Column("queued_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=False),
        sa.Column("gpus", sa.Double(), nullable=False),
        sa.Column("cpus", sa.Integer(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("job_id", "attempt"),
    )
    op.create_index("attempts_by_end", "attempts", ["ended_at"], unique=False)
    op.create_index("attempts_by_name", "attempts", ["user", "name", "ended_at"], unique=False)
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("next_at", sa.Double(), nullable=True),
        sa.Column("last_at", sa.Double(), nullable=True),
        sa.Column("last_job_id", sa.String(length=26), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("schedules_by_next", "schedules", ["enabled", "next_at"], unique=False)
    op.create_index("schedules_by_seq", "schedules", ["seq"], unique=False)
