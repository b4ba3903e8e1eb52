"""Gates: how they are declared, and what each lets pass."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import (
    CheckReport,
    DataRead,
    Expectation,
    ExpectationResult,
    Gate,
    GateKind,
    GateResult,
    Role,
    Severity,
)
from jupyter_mlops.errors import Forbidden, InvalidInput, NotFound
from jupyter_mlops.services.promotion.declaring import gates_of, in_words
from tests.promotion_worlds import World, dataset

A = "01hzzzzzzzzzzzzzzzzzzzzzza"
B = "01hzzzzzzzzzzzzzzzzzzzzzzb"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def judged(world: World, version: int, *gates: Gate) -> list[GateResult]:
    """What these gates of the champion say."""
    world.promotion.set_gates("digits", "champion", gates)
    return world.promotion.judge("digits", "champion", version).results


def message(world: World, version: int, gate: Gate) -> tuple[bool, str]:
    (result,) = judged(world, version, gate)
    return result.passed, result.message


BETTER = Gate(kind=GateKind.BETTER, metric="acc")
APPROVED = Gate(kind=GateKind.APPROVAL)


def test_gates_are_declared_in_few_words() -> None:
    assert gates_of(
        minimum={"acc": 0.9},
        maximum={"acc": 1, "latency_ms": 20},
        better={"loss": "lower", "acc": 0.01, "f1": ("higher", 0.02)},
        on="test",
        expectations=["train", "test"],
        approvals=2,
        role="admin",
    ) == [
        Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9, maximum=1.0),
        Gate(kind=GateKind.METRIC, metric="latency_ms", maximum=20.0),
        Gate(kind=GateKind.BETTER, metric="loss", lower_is_better=True, dataset="test"),
        Gate(kind=GateKind.BETTER, metric="acc", by=0.01, dataset="test"),
        Gate(kind=GateKind.BETTER, metric="f1", by=0.02, dataset="test"),
        Gate(kind=GateKind.EXPECTATIONS, dataset="train"),
        Gate(kind=GateKind.EXPECTATIONS, dataset="test"),
        Gate(kind=GateKind.APPROVAL, approvals=2, role="admin"),
    ]
    assert gates_of() == []
    assert gates_of(better=["acc", "f1"], expectations=True) == [
        Gate(kind=GateKind.BETTER, metric="acc"),
        Gate(kind=GateKind.BETTER, metric="f1"),
        Gate(kind=GateKind.EXPECTATIONS),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"minimum": {"acc": "high"}}, "A bound of 'acc' is a number, not 'high'"),
        ({"minimum": {"acc": math.nan}}, "is a number, not nan"),
        ({"minimum": {"acc": True}}, "is a number, not True"),
        (
            {"minimum": {"acc": 0.9}, "maximum": {"acc": 0.8}},
            "No value of 'acc' is at least 0.9 and at most 0.8",
        ),
        ({"minimum": {" ": 1}}, "needs the name of a metric"),
        ({"minimum": {"acc": None}}, "needs a minimum or a maximum"),
        ({"better": {"loss": "smaller"}}, "What is better of 'loss'"),
        ({"better": {"acc": -0.1}}, "is 0 or more, not -0.1"),
        ({"better": {"acc": math.inf}}, "is 0 or more, not inf"),
        ({"on": "test"}, "give better= as well"),
        ({"approvals": -1}, "asks for 1 approval or more"),
        ({"approvals": 1, "role": "boss"}, "No role 'boss': there are viewer, contributor, approver, admin"),
        ({"expectations": ["train", "train"]}, "Two gates say the same"),
        ({"expectations": "../x"}, "must not contain"),
    ],
)
def test_gate_that_cannot_be_judged_is_refused(words: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        gates_of(**words)  # type: ignore[arg-type]


def test_gates_are_told_in_words() -> None:
    told = [
        in_words(gate) for gate in gates_of(minimum={"acc": 0.9}, better={"loss": ("lower", 0.1)}, on="test")
    ]
    told += [in_words(gate) for gate in gates_of(better="acc", expectations=True, approvals=2)]
    assert told == [
        "acc of at least 0.9",
        "loss lower than the holder's by more than 0.1, on the same version of 'test'",
        "acc higher than the holder's, on the same data",
        "the expectations of the datasets that it was made from hold",
        "approval by 2 other users with the role approver or more",
    ]


@pytest.mark.parametrize(
    ("value", "passed", "says"),
    [
        (0.95, True, "acc is 0.95, within its bounds."),
        (0.9, True, "acc is 0.9, within its bounds."),
        (0.89, False, "acc is 0.89, below the minimum of 0.9."),
        (1.01, False, "acc is 1.01, above the maximum of 1."),
        (math.inf, False, "acc of version 1 is infinite."),
        (-math.inf, False, "acc of version 1 is infinite."),
        (math.nan, False, "acc of version 1 is NaN."),
    ],
)
def test_metric_is_kept_within_its_bounds(world: World, value: float, passed: bool, says: str) -> None:
    world.version(metrics={"acc": value})
    gate = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9, maximum=1.0)
    assert message(world, 1, gate) == (passed, says)


def test_infinite_metric_is_above_no_minimum(world: World) -> None:
    world.version(metrics={"acc": math.inf})
    gate = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9)
    assert message(world, 1, gate) == (False, "acc of version 1 is infinite.")


def test_metric_that_was_not_kept_is_read_from_the_run(world: World) -> None:
    world.version(metrics={}, run_id=A)
    gate = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9)
    assert message(world, 1, gate) == (
        False,
        "Version 1 has no metric 'acc'; it has: none. The run of version 1 cannot be read from here: "
        f"No run '{A}'.",
    )
    world.run(A, metrics={"acc": 0.91, "loss": 1.0})
    assert message(world, 1, gate) == (True, "acc is 0.91, within its bounds.")
    other = replace(gate, metric="f1")
    assert message(world, 1, other) == (False, "Version 1 has no metric 'f1'; it has: acc, loss.")


def test_better_asks_nothing_where_nothing_has_the_alias(world: World) -> None:
    world.version()
    assert message(world, 1, BETTER) == (
        True,
        "Nothing has the alias 'champion' yet that acc could be compared with.",
    )


def champion_and(
    world: World, *, new: float, data: object = None, held_data: object = None, old: float = 0.9
) -> None:
    """A champion and a version 2, both made from what is said, else from train@1."""
    world.version(metrics={"acc": old}, datasets=[dataset("train", 1)] if held_data is None else held_data)
    world.version(metrics={"acc": new}, datasets=[dataset("train", 1)] if data is None else data)
    world.store.move_alias("model", "digits", "champion", 1, user="ada")


@pytest.mark.parametrize(
    ("new", "gate", "passed", "says"),
    [
        (0.91, BETTER, True, "acc is 0.91; it is higher than the 0.9 of version 1."),
        (0.9, BETTER, False, "acc is 0.9; it must be higher than the 0.9 of version 1."),
        (0.91, replace(BETTER, by=0.05), False, "acc is 0.91; it must be higher by more than 0.05 than the 0.9 of version 1."),
        (0.8, replace(BETTER, lower_is_better=True), True, "acc is 0.8; it is lower than the 0.9 of version 1."),
        (math.nan, BETTER, False, "acc of version 2 is NaN."),
        (math.inf, BETTER, False, "acc of version 2 is infinite."),
    ],
)  # fmt: skip
def test_better_compares_with_the_holder(
    world: World, new: float, gate: Gate, passed: bool, says: str
) -> None:
    champion_and(world, new=new)
    assert message(world, 2, gate) == (passed, says)


def test_holder_whose_metric_is_nan_is_no_measure(world: World) -> None:
    champion_and(world, new=0.91, old=math.nan)
    assert message(world, 2, BETTER) == (False, "acc of version 1 is NaN.")


def test_better_compares_with_who_had_the_alias_last(world: World) -> None:
    champion_and(world, new=0.5)
    world.store.move_alias("model", "digits", "champion", None, user="ada")
    assert message(world, 2, BETTER) == (
        False,
        "acc is 0.5; it must be higher than the 0.9 of version 1.",
    )
    assert message(world, 1, BETTER) == (True, "Version 1 had the alias 'champion'.")
    assert world.promotion.judge("digits", "champion", 2).holder is None


def test_holder_is_not_asked_to_be_better_than_itself(world: World) -> None:
    champion_and(world, new=0.91)
    assert message(world, 1, BETTER) == (True, "Version 1 has the alias 'champion'.")


def test_better_on_other_data_is_no_comparison(world: World) -> None:
    champion_and(world, new=0.99, data=[dataset("train", 2)])
    assert message(world, 2, BETTER) == (
        False,
        "acc cannot be compared, measured on other data: train@1 against train@2.",
    )


def test_better_names_what_only_one_side_read(world: World) -> None:
    champion_and(world, new=0.99, data=[dataset("train", 1), dataset("extra", 7)])
    assert message(world, 2, BETTER)[1].endswith("measured on other data: only version 2 read extra@7.")


def test_same_content_under_another_number_is_the_same_data(world: World) -> None:
    champion_and(world, new=0.99, data=[dataset("copy", 5, digest=f"{1:064x}")])
    assert message(world, 2, BETTER)[0]


def test_better_on_one_dataset_asks_for_no_other(world: World) -> None:
    champion_and(
        world,
        new=0.99,
        held_data=[dataset("train", 1), dataset("test", 9)],
        data=[dataset("train", 2), dataset("test", 9)],
    )
    assert not message(world, 2, BETTER)[0]
    assert message(world, 2, replace(BETTER, dataset="test"))[0]
    assert message(world, 2, replace(BETTER, dataset="holdout")) == (
        False,
        "acc cannot be compared, it is not known what version 1 was measured on: Version 1 was registered "
        "outside of a run.",
    )


def test_without_registered_datasets_the_files_that_the_runs_read_decide(world: World) -> None:
    champion_and(world, new=0.99, held_data=[], data=[])
    assert not message(world, 2, BETTER)[0]
    world.store.register_model(replace(world.store.model_version("digits", 1), run_id=A))
    world.store.register_model(
        replace(world.store.model_version("digits", 2), run_id=B, metrics={"acc": 0.99})
    )
    world.store.move_alias("model", "digits", "champion", 3, user="ada")
    csv = DataRead(uri="/data/train.csv", reader="pandas.read_csv", digest="1" * 64)
    world.run(A, data=[csv])
    world.run(B, data=[replace(csv, uri="/elsewhere/train.csv")])
    assert message(world, 4, BETTER)[0]
    world.run(B, data=[replace(csv, digest="2" * 64)])
    assert message(world, 4, BETTER)[1] == (
        "acc cannot be compared, measured on other data: train.csv (11111111) against train.csv (22222222)."
    )
    world.run(B, data=[replace(csv, digest="")])
    assert message(world, 4, BETTER)[1] == (
        "acc cannot be compared, it is not known what version 4 read: there is no digest of train.csv."
    )
    world.run(A, data=[csv])
    world.run(B, data=[csv, replace(csv, uri="/data/more.csv", digest="", problem="Permission denied.")])
    assert message(world, 4, BETTER) == (
        False,
        "acc cannot be compared, it is not known what version 4 read: there is no digest of more.csv "
        "(Permission denied).",
    )
    world.run(B, data=[])
    assert "Version 4 is not known to have read any data" in message(world, 4, BETTER)[1]


def report(passed: bool, *, name: str = "train", version: int = 1) -> CheckReport:
    results = [
        ExpectationResult(
            name="ages",
            check="between",
            severity=Severity.REFUSE,
            passed=passed,
            message="3 rows are below 0." if not passed else "",
        )
    ]
    return CheckReport(
        dataset=name,
        version=version,
        digest=f"{version:064x}",
        passed=passed,
        results=results,
        checked_at=1.0,
    )


HOLD = Gate(kind=GateKind.EXPECTATIONS)
AGES = Expectation(dataset="train", name="ages", check="between", columns=["age"])


def test_expectations_of_what_it_was_made_from_have_to_hold(world: World) -> None:
    world.version(datasets=[dataset("train", 1), dataset("other", 3)])
    world.expectations.expected["train"] = [AGES]
    world.expectations.reports["train", f"{1:064x}"] = report(True)
    assert message(world, 1, HOLD) == (True, "The expectations of train@1 hold.")
    world.expectations.reports["train", f"{1:064x}"] = report(False)
    assert message(world, 1, HOLD) == (False, "train@1 breaks 1 expectation: ages: 3 rows are below 0.")


def test_content_that_nobody_has_checked_is_checked_now(world: World) -> None:
    world.version(datasets=[dataset("train", 1)])
    world.expectations.expected["train"] = [AGES]
    assert message(world, 1, HOLD) == (
        False,
        "The expectations of train@1 could not be checked: The content of train@1 is gone.",
    )
    world.expectations.later["train@1"] = report(True)
    assert message(world, 1, HOLD)[0]
    assert world.expectations.checked == ["train@1", "train@1"]


def test_expectations_that_are_not_there_do_not_hold(world: World) -> None:
    world.version(datasets=[dataset("train", 1)])
    assert message(world, 1, HOLD)[1].startswith("There are no expectations of 'train' that could hold.")
    assert message(world, 1, replace(HOLD, dataset="test")) == (
        False,
        "Version 1 is not known to be made from a version of dataset 'test'.",
    )
    world.version(datasets=[])
    assert message(world, 2, HOLD)[1].endswith("made from any registered dataset.")


def test_approval_is_by_other_users_of_the_role(world: World) -> None:
    world.version()
    assert message(world, 1, APPROVED) == (
        False,
        "It needs 1 approval by users other than ada, each with the role approver or more; it has 0.",
    )
    world.promotion.acting_as("mallory").approve("digits", 1)
    assert not message(world, 1, APPROVED)[0]
    world.promotion.acting_as("bob").approve("digits", 1, reason="looked at it")
    assert message(world, 1, APPROVED) == (True, "It was approved by bob.")
    two = replace(APPROVED, approvals=2)
    assert message(world, 1, two)[1].endswith("it has 1 (bob).")
    world.promotion.acting_as("eve").approve("digits", 1)
    assert message(world, 1, two)[0]
    world.access.roles["eve"] = Role.VIEWER
    assert not message(world, 1, two)[0]


def test_approval_is_of_one_version_for_one_alias(world: World) -> None:
    world.version()
    world.version()
    world.promotion.acting_as("bob").approve("digits", 1)
    world.promotion.acting_as("bob").approve("digits", 2, "challenger")
    assert message(world, 1, APPROVED)[0]
    assert not message(world, 2, APPROVED)[0]


def test_rejection_blocks_until_it_is_withdrawn(world: World) -> None:
    world.version()
    bob, eve = world.promotion.acting_as("bob"), world.promotion.acting_as("eve")
    bob.approve("digits", 1)
    eve.approve("digits", 1, approved=False, reason="drift in age")
    assert message(world, 1, APPROVED) == (False, "It was rejected by eve (drift in age).")
    assert eve.approve("digits", 1, approved=None) is None
    assert message(world, 1, APPROVED)[0]
    actions = [entry.action for entry in world.store.audit(subject="model:digits@1")]
    assert actions == ["version.withdraw", "version.reject", "version.approve", "model.register"]


def test_rejection_of_whose_role_no_longer_suffices_does_not_block(world: World) -> None:
    world.version()
    world.promotion.acting_as("bob").approve("digits", 1)
    world.promotion.acting_as("eve").approve("digits", 1, approved=False)
    assert not message(world, 1, APPROVED)[0]
    world.access.roles["eve"] = Role.CONTRIBUTOR
    assert message(world, 1, APPROVED) == (True, "It was approved by bob.")


def test_nobody_approves_what_he_registered(world: World) -> None:
    world.version()
    with pytest.raises(Forbidden, match=r"ada registered digits@1, so another user has to approve it"):
        world.promotion.approve("digits", 1)
    assert world.promotion.approvals("digits", 1) == []
    entry = world.store.audit(limit=1)[0]
    assert (entry.user, entry.action, entry.subject) == ("ada", "access.refuse", "model:digits@1")
    assert entry.detail == {
        "action": "approve",
        "alias": "champion",
        "why": "ada registered digits@1, so another user has to approve it.",
    }
    assert world.promotion.approve("digits", 1, approved=False) is not None  # his own doubts count


def test_approval_takes_the_role_and_a_version(world: World) -> None:
    world.version()
    world.access.closed.add(("carl", "approve", "model:digits@champion"))
    with pytest.raises(Forbidden):
        world.promotion.acting_as("carl").approve("digits", 1)
    with pytest.raises(NotFound):
        world.promotion.acting_as("bob").approve("digits", 2)
    with pytest.raises(InvalidInput, match="cannot be an alias"):
        world.promotion.acting_as("bob").approve("digits", 1, "latest")
    assert world.promotion.approvals("digits", 1) == []


def test_gates_take_the_role_and_a_model(world: World) -> None:
    world.version()
    world.access.closed.add(("carl", "gate", "model:digits@champion"))
    with pytest.raises(Forbidden):
        world.promotion.acting_as("carl").set_gates("digits", "champion", [])
    with pytest.raises(NotFound, match="Did you mean 'digits'"):
        world.promotion.set_gates("digts", "champion", [APPROVED])
    with pytest.raises(NotFound):
        world.promotion.gates("digts")
    assert world.promotion.gates("digits") == []


def test_verdict_without_gates_holds_whoever_has_the_alias(world: World) -> None:
    world.version()
    verdict = world.promotion.judge("digits", "champion", 1)
    assert (verdict.allowed, verdict.holder) == (True, "anywhere")
