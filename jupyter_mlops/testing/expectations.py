"""What every store of expectations must do; subclass it and give the fixtures ``store`` and ``trail``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ..entities import AuditEntry, CheckReport, Expectation, ExpectationResult, Severity
from ..errors import NotFound
from ..protocols.expectations import ExpectationStore

NOW = 1234.5
DIGEST = "a" * 64

Trail = Callable[[], list[AuditEntry]]
"""The rows of the audit trail, the newest first."""


def expectation(name: str = "not_null: id", **changes: object) -> Expectation:
    """An expectation as a user says it."""
    said = Expectation(dataset="train", name=name, check="not_null", columns=["id"])
    return replace(said, **changes)  # type: ignore[arg-type]


def stored(each: Expectation, by: str = "ada") -> Expectation:
    """As the store gives it back."""
    return replace(each, created_at=NOW, created_by=by)


def report(passed: bool = True) -> CheckReport:
    return CheckReport(
        dataset="train",
        version=2,
        digest=DIGEST,
        passed=passed,
        results=[
            ExpectationResult(
                name="not_null: id",
                check="not_null",
                severity=Severity.REFUSE,
                passed=passed,
                message="'id' has a value in every row.",
                columns=["id"],
                failing=0,
            )
        ],
        checked_at=1000.5,
        duration_s=0.5,
    )


class ExpectationStoreContract:
    """Inherit with the fixtures ``store``, which is empty and whose clock says ``NOW``, and ``trail``."""

    def test_nothing_is_expected_of_an_unknown_dataset(self, store: ExpectationStore) -> None:
        assert (store.all("train"), store.report("train", DIGEST)) == ([], None)

    def test_expectations_stay_in_their_order(self, store: ExpectationStore) -> None:
        between = expectation(
            "between: age", check="between", columns=["age"], arguments={"min": 0, "max": 1}
        )
        first = store.set([expectation("z"), between], user="ada")
        assert first == [stored(expectation("z")), stored(between)]
        store.set([expectation("a")], user="bob")
        assert store.all("train") == [*first, stored(expectation("a"), by="bob")]
        assert store.all("test") == []

    def test_the_same_name_replaces_and_keeps_its_place(self, store: ExpectationStore, trail: Trail) -> None:
        store.set([expectation("a"), expectation("b")], user="ada")
        warns = expectation("a", severity=Severity.WARN)
        assert store.set([warns], user="bob") == [stored(warns, by="bob"), stored(expectation("b"))]
        newest = trail()[0]
        assert (newest.action, newest.subject, newest.user) == ("expectation.set", "dataset:train", "bob")
        assert newest.detail["name"] == "a"
        assert (newest.detail["severity"], newest.detail["from"]["severity"]) == ("warn", "refuse")

    def test_saying_the_same_again_changes_nothing(self, store: ExpectationStore, trail: Trail) -> None:
        store.set([expectation()], user="ada")
        store.keep(report(), of=store.all("train"))
        assert store.set([expectation()], user="bob") == [stored(expectation())]
        assert len(trail()) == 1
        assert store.report("train", DIGEST) == report()

    def test_removed_expectation_is_gone_and_in_the_trail(
        self, store: ExpectationStore, trail: Trail
    ) -> None:
        store.set([expectation("a"), expectation("b")], user="ada")
        assert store.remove("train", "a", user="bob") == [stored(expectation("b"))]
        assert (trail()[0].action, trail()[0].detail["name"]) == ("expectation.remove", "a")
        with pytest.raises(NotFound, match=r"No expectation 'a' of dataset 'train'\. Its expectations: 'b'"):
            store.remove("train", "a", user="bob")

    def test_report_holds_until_the_expectations_change(self, store: ExpectationStore) -> None:
        store.set([expectation("a")], user="ada")
        store.keep(report(), of=store.all("train"))
        assert store.report("train", DIGEST) == report()
        store.set([expectation("b")], user="ada")
        assert store.report("train", DIGEST) is None
        store.keep(report(passed=False), of=store.all("train"))
        assert store.report("train", DIGEST) == report(passed=False)
        store.remove("train", "b", user="ada")
        assert store.report("train", DIGEST) is None

    def test_report_on_expectations_that_have_changed_is_not_kept(self, store: ExpectationStore) -> None:
        looked_at = store.set([expectation("a")], user="ada")
        store.set([expectation("a", severity=Severity.WARN)], user="ada")
        store.keep(report(), of=looked_at)
        assert store.report("train", DIGEST) is None
