"""What every store of the audit trail must do; subclass it and give the fixtures ``store`` and ``append``."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..entities import AuditEntry
from ..protocols.audit import AuditQuery, AuditStore, Verification

Append = Callable[..., AuditEntry]
"""Adds a row, as ``store.audit.append`` does; all but what is asked for is up to it."""


class AuditStoreContract:
    """Inherit as ``class TestMine(AuditStoreContract)`` with fixtures that share an empty trail."""

    @pytest.fixture
    def entries(self, append: Append) -> list[AuditEntry]:
        """Five decisions, the oldest first."""
        return [
            append(time=1.0, user="ada", action="job.submit", subject="job:1"),
            append(time=2.0, user="bob", action="job.cancel", subject="job:1", detail={"why": "ümlaut 🚀"}),
            append(time=3.0, user="ada", action="jobs", subject="job:2"),
            append(time=4.0, user="ada", action="alias.set", subject="model:digits@champion"),
            append(time=5.0, user="bob", action="alias.set", subject="model:digits@champion"),
        ]

    def test_trail_without_rows_is_whole(self, store: AuditStore) -> None:
        assert store.verify() == Verification(rows=0, head="0" * 64)
        assert store.newest(AuditQuery(), limit=5) == []

    def test_rows_are_read_from_either_end(self, store: AuditStore, entries: list[AuditEntry]) -> None:
        assert store.oldest(AuditQuery(), limit=10) == entries
        assert store.newest(AuditQuery(), limit=2) == [entries[4], entries[3]]
        assert store.oldest(AuditQuery(after=2), limit=2) == entries[2:4]
        assert store.newest(AuditQuery(before=3), limit=10) == [entries[1], entries[0]]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            (AuditQuery(user="bob"), [2, 5]),
            (AuditQuery(subject="job:1"), [1, 2]),
            (AuditQuery(subject="model:digits"), [4, 5]),
            (AuditQuery(subject="model:d"), []),
            (AuditQuery(subject="model:_igits"), []),
            (AuditQuery(action="job"), [1, 2]),
            (AuditQuery(action="job.cancel"), [2]),
            (AuditQuery(action="alias", user="ada"), [4]),
            (AuditQuery(since=2.0, until=4.0), [2, 3]),
            (AuditQuery(action="job%"), []),
            (AuditQuery(user="nobody"), []),
        ],
    )
    def test_rows_are_found_by_what_is_asked(
        self, store: AuditStore, entries: list[AuditEntry], query: AuditQuery, found: list[int]
    ) -> None:
        assert [each.seq for each in store.oldest(query, limit=10)] == found

    def test_head_of_a_whole_trail_leads_to_its_last_row(
        self, store: AuditStore, entries: list[AuditEntry]
    ) -> None:
        verified = store.verify()
        assert verified == Verification(rows=5, head=entries[4].hash)
        assert store.with_hash(verified.head) == entries[4]
        assert store.with_hash("f" * 64) is None

    def test_no_secret_is_kept(self, store: AuditStore, append: Append) -> None:
        append(
            subject="model:digits",
            detail={
                "tags": {"to": {"api_key": "hunter2hunter2", "team": "a"}},
                "why": "see postgresql://ada:hunter2@db/x",
                "digest": "ab12" * 16,
            },
        )
        (kept,) = store.newest(AuditQuery(), limit=1)
        assert kept.detail == {
            "tags": {"to": {"api_key": "[redacted]", "team": "a"}},
            "why": "see postgresql://ada:[redacted]@db/x",
            "digest": "ab12" * 16,
        }
        assert store.verify().problems == []

    def test_whatever_was_said_is_kept_as_far_as_it_can_be(self, store: AuditStore, append: Append) -> None:
        append(subject="job:a\0b", detail={"name": "a\0b", "loss": float("nan")})
        (kept,) = store.newest(AuditQuery(), limit=1)
        assert (kept.subject, kept.detail) == ("job:a\ufffdb", {"name": "a\ufffdb", "loss": "NaN"})
        assert store.verify().problems == []
