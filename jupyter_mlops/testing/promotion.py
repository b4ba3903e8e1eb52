"""What every store of gates and approvals must do; subclass it and give the fixtures ``store``, ``registry``.

``registry`` is the registry store of the same database, empty as ``store`` is.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..entities import Approval, Gate, GateKind, Gates
from ..errors import NotFound
from ..protocols.promotion import PromotionStore
from ..protocols.registry import RegistryStore
from .registry import model_version

GOOD = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9)
APPROVED = Gate(kind=GateKind.APPROVAL, approvals=2)


def approval(user: str = "bob", **changes: object) -> Approval:
    """A verdict on ``digits@1`` as champion."""
    given = Approval(
        model="digits", version=1, alias="champion", user=user, approved=True, at=10.5, reason="looked"
    )
    return replace(given, **changes)  # type: ignore[arg-type]


class PromotionStoreContract:
    """Inherit as ``class TestMine(PromotionStoreContract)``."""

    @pytest.fixture(autouse=True)
    def digits(self, registry: RegistryStore) -> None:
        registry.register_model(model_version())

    def test_model_without_gates_has_none(self, store: PromotionStore) -> None:
        assert store.gates("digits") == []
        assert store.approvals("digits", 1, "champion") == []

    def test_gates_come_back_whole_and_the_trail_says_who_set_them(
        self, store: PromotionStore, registry: RegistryStore
    ) -> None:
        seen = registry.changes(0)
        declared = store.set_gates("digits", "champion", [GOOD, APPROVED], user="ada", reason="rules")
        assert declared == Gates(model="digits", alias="champion", gates=[GOOD, APPROVED])
        store.set_gates("digits", "a/b", [APPROVED], user="ada")
        assert [each.alias for each in store.gates("digits")] == ["a/b", "champion"]
        assert store.gates("digits")[1] == declared
        assert registry.changes(seen.seq).models == ["digits"]
        (entry,) = registry.audit(subject="model:digits@champion")
        assert (entry.user, entry.action, entry.detail["reason"]) == ("ada", "gates.set", "rules")
        assert [gate["kind"] for gate in entry.detail["to"]] == ["metric", "approval"]
        assert entry.detail["from"] == []

    def test_gates_are_replaced_and_taken_away(self, store: PromotionStore, registry: RegistryStore) -> None:
        store.set_gates("digits", "champion", [GOOD], user="ada")
        store.set_gates("digits", "champion", [GOOD], user="bob")
        assert len(registry.audit(subject="model:digits@champion")) == 1
        store.set_gates("digits", "champion", [APPROVED], user="bob")
        assert store.gates("digits")[0].gates == [APPROVED]
        store.set_gates("digits", "champion", [], user="bob")
        assert store.gates("digits") == []
        assert [entry.user for entry in registry.audit(subject="model:digits@champion")] == ["bob"] * 2 + [
            "ada"
        ]

    def test_gates_of_another_model_are_apart(self, store: PromotionStore, registry: RegistryStore) -> None:
        registry.register_model(model_version("other"))
        store.set_gates("digits", "champion", [GOOD], user="ada")
        assert store.gates("other") == []

    def test_bounds_that_are_infinite_come_back(self, store: PromotionStore) -> None:
        gate = replace(GOOD, minimum=float("-inf"), maximum=1e300, by=1e-12)
        store.set_gates("digits", "champion", [gate], user="ada")
        assert store.gates("digits")[0].gates == [gate]

    def test_verdicts_are_kept_oldest_first_one_a_user(
        self, store: PromotionStore, registry: RegistryStore
    ) -> None:
        seen = registry.changes(0)
        assert store.approve(approval("eve", at=11.0)) == approval("eve", at=11.0)
        store.approve(approval("bob"))
        store.approve(approval("bob", approved=False, reason="drifted", at=12.0))
        assert store.approvals("digits", 1, "champion") == [
            approval("eve", at=11.0),
            approval("bob", approved=False, reason="drifted", at=12.0),
        ]
        assert registry.changes(seen.seq).models == ["digits"]
        told = [(each.user, each.action, each.detail) for each in registry.audit(subject="model:digits@1")]
        assert told[:-1] == [
            ("bob", "version.reject", {"alias": "champion", "reason": "drifted"}),
            ("bob", "version.approve", {"alias": "champion", "reason": "looked"}),
            ("eve", "version.approve", {"alias": "champion", "reason": "looked"}),
        ]
        assert registry.verify_audit() == []

    def test_same_verdict_again_is_no_decision(self, store: PromotionStore, registry: RegistryStore) -> None:
        store.approve(approval())
        before = registry.audit()
        assert store.approve(approval(at=99.0)) == approval()
        assert registry.audit() == before

    def test_verdict_is_on_one_version_and_one_alias(
        self, store: PromotionStore, registry: RegistryStore
    ) -> None:
        registry.register_model(model_version(digest="c" * 64))
        store.approve(approval())
        assert store.approvals("digits", 2, "champion") == []
        assert store.approvals("digits", 1, "challenger") == []

    def test_verdict_is_withdrawn_once(self, store: PromotionStore, registry: RegistryStore) -> None:
        store.approve(approval())
        assert store.withdraw("digits", 1, "champion", user="bob", reason="too early")
        assert store.approvals("digits", 1, "champion") == []
        (entry,) = registry.audit(limit=1)
        assert (entry.action, entry.subject) == ("version.withdraw", "model:digits@1")
        assert entry.detail == {"alias": "champion", "was": "approved", "reason": "too early"}
        assert not store.withdraw("digits", 1, "champion", user="bob")
        assert len(registry.audit()) == 3

    def test_text_that_no_database_keeps_is_kept_as_far_as_it_can_be(self, store: PromotionStore) -> None:
        kept = store.approve(approval(reason="a\0b\udcff"))
        assert kept.reason == "a\ufffdb\ufffd"
        assert store.approvals("digits", 1, "champion") == [kept]

    def test_what_is_not_there_is_not_found(self, store: PromotionStore) -> None:
        with pytest.raises(NotFound, match="Did you mean 'digits'"):
            store.set_gates("digit", "champion", [GOOD], user="ada")
        with pytest.raises(NotFound, match="No version 2"):
            store.approve(approval(version=2))
