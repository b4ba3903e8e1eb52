"""Aliases of datasets too, details that people edit, profiles, expectations, feature views, gates, proofs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _aliases_of_all_kinds()
    _what_is_said_of_versions()
    _feature_views()
    _promotion()
    _sealed()
    op.add_column("model_versions", sa.Column("proof", sa.String(length=64), nullable=True))
    op.create_index("audit_by_subject", "audit", ["subject"], unique=False)
    op.create_index("jobs_by_parent", "jobs", ["parent_run_id"], unique=False)


def _aliases_of_all_kinds() -> None:
    op.create_table(
        "version_aliases",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "alias"),
    )
    op.execute(
        "INSERT INTO version_aliases (kind, name, alias, version) "
        "SELECT 'model', name, alias, version FROM aliases"
    )
    op.drop_table("aliases")


def _what_is_said_of_versions() -> None:
    op.create_table(
        "details",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", "version"),
    )
    op.create_table(
        "profiles",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("computed_at", sa.Double(), nullable=True),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "expectations",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "name"),
    )
    op.create_table(
        "check_reports",
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.Double(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("dataset", "digest"),
    )


def _feature_views() -> None:
    op.create_table(
        "views",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "view_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.String(length=26), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.Column("proof", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", "version"),
    )
    op.create_index("view_versions_by_digest", "view_versions", ["name", "digest"], unique=True)
    op.create_index("view_versions_by_run", "view_versions", ["run_id"], unique=False)
    op.create_table(
        "materializations",
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("view_version", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_version", sa.Integer(), nullable=False),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("dataset_version", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("view", "view_version", "source", "source_version"),
    )
    op.create_index("materializations_by_source", "materializations", ["source", "source_version"])
    op.create_index("materializations_by_dataset", "materializations", ["dataset", "dataset_version"])


def _promotion() -> None:
    op.create_table(
        "gates",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("entity", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("model", "alias"),
    )
    op.create_table(
        "approvals",
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("model", "version", "alias", "user"),
    )


def _sealed() -> None:
    op.create_table(
        "sealed",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("home", sa.String(length=64), nullable=False),
        sa.Column("user", sa.Text(), nullable=False),
        sa.Column("sealed_at", sa.Double(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", "path"),
    )
    op.create_index("sealed_by_home", "sealed", ["home", "kind"], unique=False)
