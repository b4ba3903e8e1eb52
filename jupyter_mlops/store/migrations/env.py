"""Alembic runs this; ``migrate`` gives it a connection whose transaction is open."""

from __future__ import annotations

from alembic import context

from jupyter_mlops.store.migrations import VERSION_TABLE
from jupyter_mlops.store.registry_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
