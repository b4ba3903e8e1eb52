"""The one door of moving aliases: gates, refusals, registrations, the way back."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.entities import Gate, GateKind, Move
from jupyter_mlops.errors import Conflict, Forbidden, GatesRefused, InvalidInput, NotFound, Unavailable
from jupyter_mlops.journal.records import Register
from jupyter_mlops.services.registry.aliases import moved_through
from jupyter_mlops.services.showing.review_text import move_text
from jupyter_mlops.testing.registry import RUN, dataset_version, model_version
from jupyter_mlops.wire import to_json
from tests.promotion_worlds import World

GOOD = Gate(kind=GateKind.METRIC, metric="acc", minimum=0.9)
CHAMPION = "model:digits@champion"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def with_versions(world: World, count: int) -> World:
    for _ in range(count):
        world.version()
    return world


def moved(world: World, *versions: int | None) -> None:
    for version in versions:
        world.store.move_alias("model", "digits", "champion", version, user="ada")


def champion(world: World) -> int | None:
    return world.store.model("digits").aliases.get("champion")


def test_refused_move_changes_nothing_and_says_why_in_the_trail(world: World) -> None:
    world.version(metrics={"acc": 0.95})
    world.version(metrics={"acc": 0.5})
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    with pytest.raises(GatesRefused) as refused:
        world.registry.acting_as("bob").set_alias("digits", "champion", 2, reason="newer")
    assert refused.value.message == (
        "The alias 'champion' of model 'digits' may not move to version 2: acc is 0.5, below the minimum of "
        "0.9. See: jupyter_mlops.review('digits', 2, alias='champion')"
    )
    assert champion(world) == 1
    entry = world.store.audit(limit=1)[0]
    assert (entry.user, entry.action, entry.subject) == ("bob", "alias.refuse", CHAMPION)
    assert entry.detail == {
        "alias": "champion",
        "from": 1,
        "to": 2,
        "why": ["acc is 0.5, below the minimum of 0.9."],
    }
    assert world.store.verify_audit() == []


def test_gates_are_of_one_alias(world: World) -> None:
    world.version(metrics={"acc": 0.5})
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.registry.set_alias("digits", "challenger", 1)
    assert world.store.model("digits").aliases == {"challenger": 1}


def test_alias_with_gates_can_be_taken_away(world: World) -> None:
    world.version(metrics={"acc": 0.95})
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.registry.delete_alias("digits", "champion")
    assert champion(world) is None


def test_alias_with_gates_is_taken_away_by_who_may_change_them(world: World) -> None:
    world.version(metrics={"acc": 0.95})
    moved(world, 1)
    world.access.closed.add(("carl", "gate", CHAMPION))
    world.promotion.set_gates("digits", "champion", [GOOD])
    with pytest.raises(Forbidden, match="has gates, so it is taken away by who may change them"):
        world.registry.acting_as("carl").delete_alias("digits", "champion")
    assert champion(world) == 1
    entry = world.store.audit(limit=1)[0]
    assert (entry.user, entry.action, entry.subject) == ("carl", "alias.refuse", CHAMPION)
    assert entry.detail["to"] is None
    world.promotion.set_gates("digits", "champion", [])
    world.registry.acting_as("carl").delete_alias("digits", "champion")
    assert champion(world) is None


@pytest.mark.parametrize("kind", ["view", "modle"])
def test_only_models_and_datasets_have_aliases(world: World, kind: str) -> None:
    with_versions(world, 1)
    before = world.store.audit()
    for change in (
        lambda: world.registry.set_alias("digits", "champion", 1, kind=kind),
        lambda: world.registry.delete_alias("digits", "champion", kind=kind),
        lambda: world.registry.rollback("digits", "champion", kind=kind),
    ):
        with pytest.raises(InvalidInput, match="has no aliases"):
            change()
    assert world.store.audit() == before


def after_judging(world: World, monkeypatch: pytest.MonkeyPatch, name: str, decide) -> None:  # type: ignore[no-untyped-def]
    """Somebody decides between the first judgement and the move."""
    judge, decisions = getattr(world.promotion, name), [decide]

    def judged(*question):  # type: ignore[no-untyped-def]
        verdict = judge(*question)
        if decisions:
            decisions.pop()()
        return verdict

    monkeypatch.setattr(world.promotion, name, judged)


def test_rejection_after_the_judgement_is_not_missed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with_versions(world, 1)
    world.promotion.set_gates("digits", "champion", [Gate(kind=GateKind.APPROVAL)])
    world.promotion.acting_as("bob").approve("digits", 1)
    eve = world.promotion.acting_as("eve")
    after_judging(world, monkeypatch, "judge", lambda: eve.approve("digits", 1, approved=False))
    with pytest.raises(GatesRefused, match="rejected by eve"):
        world.registry.set_alias("digits", "champion", 1)
    assert champion(world) is None


def test_gates_that_come_after_the_judgement_are_not_missed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.version(metrics={"acc": 0.1})
    for name in ("judge", "judge_new"):
        world.promotion.set_gates("digits", "champion", [])
        with monkeypatch.context() as patch:
            after_judging(world, patch, name, lambda: world.promotion.set_gates("digits", "champion", [GOOD]))
            if name == "judge":
                with pytest.raises(GatesRefused):
                    world.registry.set_alias("digits", "champion", 1)
            else:
                world.registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.1})
    assert champion(world) is None


def test_what_is_said_of_a_model_meanwhile_stops_no_move(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_versions(world, 1)
    after_judging(
        world, monkeypatch, "judge", lambda: world.registry.describe("model", "digits", owner="eve")
    )
    world.registry.set_alias("digits", "champion", 1)
    assert champion(world) == 1


def test_move_that_passes_has_its_reason_in_the_trail(world: World) -> None:
    world.version(metrics={"acc": 0.95})
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.registry.acting_as("bob").set_alias("digits", "champion", 1, reason="tested")
    assert champion(world) == 1
    (move,) = world.registry.moves("digits", "champion")
    assert (move.user, move.reason, move.after) == ("bob", "tested", 1)


def test_role_is_asked_before_the_gates(world: World) -> None:
    with_versions(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.access.closed.add(("carl", "move", CHAMPION))
    with pytest.raises(Forbidden):
        world.registry.acting_as("carl").set_alias("digits", "champion", 1)
    entry = world.store.audit(limit=1)[0]
    assert (entry.user, entry.action) == ("carl", "alias.refuse")
    assert entry.detail == {"alias": "champion", "to": 1, "why": [f"carl may not move {CHAMPION}."]}


def test_champion_that_changed_while_the_gates_were_judged_is_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        world.version(metrics={"acc": 0.95})
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    judge = world.promotion.judge

    def judged(model: str, alias: str, version: int):  # type: ignore[no-untyped-def]
        verdict = judge(model, alias, version)
        moved(world, 3)
        return verdict

    monkeypatch.setattr(world.promotion, "judge", judged)
    with pytest.raises(Conflict) as conflict:
        world.registry.set_alias("digits", "champion", 2)
    assert "points at version 3 now, not at version 1" in conflict.value.message
    assert "jupyter_mlops.review('digits', 2, alias='champion')" in conflict.value.message
    assert champion(world) == 3
    entry = world.store.audit(limit=1)[0]
    assert (entry.action, entry.detail["from"], entry.detail["to"]) == ("alias.refuse", 1, 2)


# registering with an alias


def test_new_version_gets_the_alias_where_the_gates_let_it(world: World) -> None:
    world.version(metrics={"acc": 0.95})
    world.promotion.set_gates("digits", "champion", [GOOD])
    good = world.registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.97})
    assert (good.version, good.aliases) == (2, ["champion"])
    assert champion(world) == 2


def test_new_version_that_may_not_have_the_alias_is_registered_without_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.version(metrics={"acc": 0.95})
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    with caplog.at_level(logging.WARNING):
        made = world.registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.1})
    assert (made.version, made.aliases, champion(world)) == (2, [], 1)
    assert "digits@2 is registered, and the alias 'champion' stays where it is: acc is 0.1" in caplog.text
    entry = world.store.audit(limit=1)[0]
    assert (entry.action, entry.subject, entry.detail["to"]) == ("alias.refuse", CHAMPION, 2)


def test_new_version_cannot_have_been_approved(world: World) -> None:
    with_versions(world, 1)
    world.promotion.set_gates("digits", "champion", [Gate(kind=GateKind.APPROVAL)])
    assert world.registry.register_model({"w": 1}, name="digits", alias="champion").aliases == []


def test_registration_with_an_alias_takes_the_role_for_the_alias_only(world: World) -> None:
    world.access.closed.add(("ada", "move", CHAMPION))
    made = world.registry.register_model({"w": 1}, name="digits", alias="champion")
    assert (made.version, made.aliases) == (1, [])
    assert world.store.audit(limit=1)[0].action == "alias.refuse"


def test_registration_asks_anew_when_the_champion_changed(world: World) -> None:
    with_versions(world, 2)
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    judge_new, asked = world.promotion.judge_new, []

    def judged(version, alias):  # type: ignore[no-untyped-def]
        verdict = judge_new(version, alias)
        asked.append(verdict.holder)
        if len(asked) == 1:
            moved(world, 2)
        return verdict

    world.promotion.judge_new = judged  # type: ignore[method-assign]
    made = world.registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.99})
    assert (made.version, asked, champion(world)) == (3, [1, 2], 3)


def test_registration_gives_up_the_alias_when_the_champion_keeps_changing(world: World) -> None:
    with_versions(world, 2)
    moved(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    judge_new = world.promotion.judge_new

    def judged(version, alias):  # type: ignore[no-untyped-def]
        verdict = judge_new(version, alias)
        moved(world, 3 - verdict.holder)
        return verdict

    world.promotion.judge_new = judged  # type: ignore[method-assign]
    made = world.registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.99})
    assert (made.version, made.aliases) == (3, [])
    assert "somebody moved it meanwhile" in world.store.audit(limit=1)[0].detail["why"][0]


def recorded(**changes: object) -> Register:
    version = model_version(**{"metrics": {"acc": 0.5}, **changes})
    return Register(kind="model", version=to_json(version), alias="champion")


def test_recorded_registration_moves_the_alias_in_the_name_of_who_ran_it(world: World) -> None:
    assert world.registry.apply(f"{RUN}/w/1", recorded(), RUN, "bob") == 1
    assert champion(world) == 1
    (move,) = world.registry.moves("digits", "champion")
    assert move.user == "bob"


def test_recorded_registration_that_is_refused_is_done_all_the_same_once(world: World) -> None:
    with_versions(world, 1)
    world.promotion.set_gates("digits", "champion", [GOOD])
    for _ in range(3):
        assert world.registry.apply(f"{RUN}/w/1", recorded(), RUN, "bob") == 2
    assert champion(world) is None
    refusals = [entry for entry in world.store.audit() if entry.action == "alias.refuse"]
    assert [(entry.user, entry.detail["to"]) for entry in refusals] == [("bob", 2)]


def test_replayed_registration_never_moves_an_alias_back(world: World) -> None:
    good = recorded(metrics={"acc": 0.95})
    world.registry.apply(f"{RUN}/w/1", good, RUN, "bob")
    world.version(metrics={"acc": 0.99})
    world.registry.set_alias("digits", "champion", 2)
    world.promotion.set_gates("digits", "champion", [GOOD])
    before = world.store.audit()
    assert world.registry.apply(f"{RUN}/w/1", good, RUN, "bob") == 1
    assert champion(world) == 2
    assert world.store.audit() == before


def test_dataset_that_may_not_have_the_alias_is_registered_without_it(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    world.access.closed.add(("ada", "move", "dataset:train@gold"))
    (tmp_path / "a.csv").write_text("x\n1\n")
    with caplog.at_level(logging.WARNING):
        made = world.registry.register_dataset(tmp_path / "a.csv", name="train", alias="gold")
    assert (made.version, made.aliases) == (1, [])
    assert "Dataset train@1 is registered, and the alias 'gold' stays where it is" in caplog.text
    entry = world.store.audit(limit=1)[0]
    assert (entry.action, entry.subject, entry.detail["to"]) == ("alias.refuse", "dataset:train@gold", 1)


def test_datasets_alias_outlives_a_database_that_goes_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Register(kind="dataset", version=to_json(dataset_version()), alias="gold")

    def gone(*_: object, **__: object) -> None:
        raise Unavailable("The database went away.")

    for name in ("move_alias", "_move"):
        with monkeypatch.context() as patch, suppress(Unavailable):
            patch.setattr(world.store, name, gone)
            world.registry.apply(f"{RUN}/w/{name}", record, RUN, "bob")
        assert world.registry.apply(f"{RUN}/w/{name}", record, RUN, "bob") == 1
        assert world.store.dataset("train").aliases == {"gold": 1}
        world.store.move_alias("dataset", "train", "gold", None, user="ada")
    (*_, first) = world.store.moves("dataset", "train", "gold")
    assert first.user == "bob"


# the way back


def test_rollback_goes_back_step_by_step(world: World) -> None:
    with_versions(world, 3)
    moved(world, 1, 2, 3)
    back = world.promotion.acting_as("bob").rollback("model", "digits", "champion", "worse on night shifts")
    assert (back.before, back.after, back.user, back.rollback) == (3, 2, "bob", True)
    assert champion(world) == 2
    entry = world.store.audit(limit=1)[0]
    assert entry.detail == {
        "alias": "champion", "from": 3, "to": 2, "reason": "worse on night shifts", "rollback": True,
    }  # fmt: skip
    assert world.promotion.rollback("model", "digits", "champion").after == 1
    with pytest.raises(Conflict, match="version 1 is the first that it had"):
        world.promotion.rollback("model", "digits", "champion")
    moved(world, 3)
    assert world.promotion.rollback("model", "digits", "champion").after == 1


@pytest.mark.parametrize(
    ("versions", "after"),
    [((1, 2, 1), 2), ((1, 2, None), 2), ((1, None, 3), 1), ((1, 2, None, 2), 1), ((2, 1, 2, 1), 2)],
)
def test_rollback_gives_the_version_that_it_had_before(
    world: World, versions: tuple[int | None, ...], after: int
) -> None:
    with_versions(world, 3)
    moved(world, *versions)
    assert world.promotion.rollback("model", "digits", "champion").after == after
    assert champion(world) == after


def test_stack_is_without_what_was_rolled_back() -> None:
    def move(before: int | None, after: int | None, *, rollback: bool = False) -> Move:
        return Move(
            kind="model", name="m", alias="a", before=before, after=after, user="u", at=1.0, rollback=rollback
        )

    moves = [move(None, 1), move(1, 2), move(2, 3), move(3, 2, rollback=True), move(2, 4)]
    assert moved_through(moves[::-1]) == [1, 2, 4]
    assert moved_through([]) == []


def test_rollback_asks_no_gate_but_the_role(world: World) -> None:
    world.version(metrics={"acc": 0.1})
    world.version(metrics={"acc": 0.95})
    moved(world, 1, 2)
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.access.closed.add(("carl", "move", CHAMPION))
    with pytest.raises(Forbidden):
        world.promotion.acting_as("carl").rollback("model", "digits", "champion")
    assert world.store.audit(limit=1)[0].action == "alias.refuse"
    assert world.promotion.acting_as("bob").rollback("model", "digits").after == 1


def test_rollback_of_what_is_not_there(world: World) -> None:
    with_versions(world, 1)
    with pytest.raises(NotFound, match=r"No alias 'champion' of model 'digits'\. Its aliases: none\."):
        world.promotion.rollback("model", "digits")
    with pytest.raises(NotFound):
        world.promotion.rollback("model", "nothing")
    with pytest.raises(InvalidInput):
        world.promotion.rollback("model", "../x")


def test_datasets_roll_back_too(world: World) -> None:
    for digit in "12":
        world.store.register_dataset(dataset_version(digest=digit * 64))
    world.registry.set_alias("train", "gold", 1, kind="dataset")
    world.registry.set_alias("train", "gold", 2, kind="dataset")
    back = world.promotion.rollback("dataset", "train", "gold", "label noise")
    assert move_text(replace(back, at=0)) == (
        "dataset train@gold: version 2 → version 1 (rolled back), by ada: label noise"
    )
    assert world.store.dataset("train").aliases == {"gold": 1}


def test_replayed_cells_decide_nothing(world: World) -> None:
    with_versions(world, 2)
    moved(world, 1, 2)
    world.promotion.set_gates("digits", "champion", [GOOD])
    world.promotion.acting_as("bob").approve("digits", 2)
    before = world.store.audit()
    world.replaying = True
    assert world.promotion.set_gates("digits", "champion", []).gates == [GOOD]
    said = world.promotion.acting_as("bob").approve("digits", 2, approved=False)
    assert said is not None
    assert said.approved
    assert world.promotion.rollback("model", "digits").after == 2
    world.registry.set_alias("digits", "champion", 1)
    assert champion(world) == 2
    assert world.store.audit() == before
