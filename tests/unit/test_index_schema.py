"""The index's tables have a version."""

from __future__ import annotations

import hashlib

from sqlalchemy import Table

from jupyter_mlops.store.index_tables import FACTS, NOTES, SCHEMA_VERSION, metadata


def described(table: Table) -> list[str]:
    columns = [
        f"{table.name}.{column.name} {type(column.type).__name__} {column.nullable} {column.primary_key}"
        for column in table.columns
    ]
    indexes = [f"{index.name} {[column.name for column in index.columns]}" for index in table.indexes]
    return columns + sorted(indexes)


def test_changed_tables_have_a_new_version() -> None:
    """When this fails, raise SCHEMA_VERSION (older indexes are then built anew) and put the new pair here."""
    lines = [line for table in metadata.sorted_tables for line in described(table)]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    assert (SCHEMA_VERSION, digest) == (2, "1b6eb39bec12")


def test_every_table_holds_facts_or_notes() -> None:
    assert {*FACTS, *NOTES} == set(metadata.sorted_tables)
