"""What people write to name versions, aliases and gates, and what is taken for a mistake."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.entities import Gate, GateKind
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.services.promotion.declaring import gates_of
from jupyter_mlops.services.registry.names import (
    Reference,
    alias_reference,
    checked_tags,
    misspelt,
    version_reference,
)
from jupyter_mlops.testing.registry import dataset_version
from tests.promotion_worlds import World

RUN = "01hzzzzzzzzzzzzzzzzzzzzzza"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Two versions of ``digits``, of which the first is the champion."""
    world = World(tmp_path)
    world.version()
    world.version(metrics={"acc": 0.95})
    world.registry.set_alias("digits", "champion", 1)
    return world


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (("digits@2",), Reference("digits", 2)),
        (("digits", 2), Reference("digits", 2)),
        (("digits", "2"), Reference("digits", 2)),
        (("digits@champion",), Reference("digits", "champion")),
        (("digits", "champion"), Reference("digits", "champion")),
        (("digits@latest",), Reference("digits")),
    ],
)
def test_version_is_named_by_a_reference_or_by_its_parts(given: tuple[Any, ...], meant: Reference) -> None:
    assert version_reference(*given) == meant


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("digits",), "Which version of 'digits'. Write 'digits@2'"),
        (("digits@2", 2), "'digits@2' says which version: leave 2 out"),
        (("digits@2", "shadow"), "or write alias='shadow'"),
        (("digits", 0), "A version is a number from 1 on, or an alias, not 0"),
        (("digits", True), "not True"),
        (("digits", 1.5), "not 1.5"),
        (("digits", ["2"]), "not \\['2'\\]"),
        ((7, 2), "A name is text, not 7"),
        ((None,), "A name is text, not None"),
    ],
)
def test_version_that_is_not_named_is_refused(given: tuple[Any, ...], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        version_reference(*given)


def test_alias_is_named_by_a_reference_or_by_its_parts() -> None:
    assert alias_reference("digits") == ("digits", "champion")
    assert alias_reference("digits", "shadow") == alias_reference("digits@shadow") == ("digits", "shadow")
    for given, says in (
        (("digits@champion", "shadow"), "says which alias: leave 'shadow' out"),
        (("digits@2",), "'2' cannot be an alias"),
        ((7,), "A name is text, not 7"),
    ):
        with pytest.raises(InvalidInput, match=says):
            alias_reference(*given)


@pytest.mark.parametrize("alias", ["champoin", "chmpion", "Champion", "champions", "champiom"])
def test_alias_that_is_nearly_another_is_taken_for_it(alias: str) -> None:
    assert misspelt(alias, {"champion", "shadow-1", "eu"}) == "champion"


@pytest.mark.parametrize(
    "alias", ["champion", "champion-eu", "champion2", "shadow-2", "us", "challenger", "gold", "canary"]
)
def test_alias_that_is_another_one_is_no_mistake(alias: str) -> None:
    assert misspelt(alias, {"champion", "shadow-1", "eu", "cold"}) is None


def test_misspelt_alias_is_refused_unless_it_is_new(world: World) -> None:
    for kind, name in (("model", "digits"), ("dataset", "train")):
        if kind == "dataset":
            world.store.register_dataset(dataset_version(name=name))
            world.promotion.promote(kind, name, "champion", 1)
        with pytest.raises(
            InvalidInput, match=r"has no alias 'champoin'. Did you mean 'champion'\?.*new=True"
        ):
            world.promotion.promote(kind, f"{name}@1", "champoin")
        named = world.promotion.promote(kind, f"{name}@1", "champoin", new=True)
        assert named.aliases["champoin"] == 1
        assert world.promotion.promote(kind, name, "champoin", 1).aliases == named.aliases


def test_aliases_that_have_gates_only_are_known(world: World) -> None:
    world.promotion.set_gates("digits", "production", [Gate(kind=GateKind.APPROVAL)])
    with pytest.raises(InvalidInput, match="Did you mean 'production'"):
        world.promotion.promote("model", "digits@1", "prodution")
    with pytest.raises(InvalidInput, match="Did you mean 'production'"):
        world.promotion.declare_gates("digits@prodution", None, [])
    assert world.promotion.declare_gates("digits@prodution", None, [], new=True).alias == "prodution"


def test_version_that_an_alias_names_is_promoted(world: World) -> None:
    world.promotion.promote("model", "digits@2", "challenger")
    assert world.promotion.promote("model", "digits@challenger", "champion").aliases["champion"] == 2
    assert world.promotion.promote("model", "digits@latest", "newest").aliases["newest"] == 2
    assert world.promotion.rollback("model", "digits@champion").after == 1
    assert "newest" not in world.promotion.take_away("model", "digits@newest").aliases
    assert world.promotion.review("digits@challenger").version == 2
    with pytest.raises(NotFound):
        world.promotion.promote("model", "digits@9", "champion")
    with pytest.raises(NotFound):
        world.promotion.promote("model", "digits@nobody", "champion")


def test_replayed_cells_are_not_asked_how_they_spell(world: World) -> None:
    world.replaying = True
    assert world.promotion.promote("model", "digits@2", "champoin").aliases == {"champion": 1}


def test_registration_under_a_misspelt_alias_is_done_and_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        version = world.registry.register_model({"w": 1}, name="digits", alias="champoin")
    assert world.registry.model("digits").aliases == {"champion": 1, "champoin": version.version}
    assert "gets a new alias, 'champoin'. If 'champion' was meant" in caplog.text
    caplog.clear()
    world.registry.register_model({"w": 2}, name="digits", alias="challenger")
    world.registry.register_model({"w": 3}, name="other", alias="champion")
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"minimum": 0.9}, r"minimum= says of which metric: minimum=\{'accuracy': 0.9\}, not 0.9"),
        ({"maximum": "loss"}, "maximum= says of which metric"),
        ({"approvals": "one"}, "how many other users have to approve, not 'one'"),
        ({"approvals": True}, "not True"),
        ({"approvals": 0}, "asks for 1 approval or more, not 0"),
        ({"better": "loss"}, r"better=\{'loss': 'lower'\}"),
        ({"better": ["acc", "val_loss"]}, "Is a 'val_loss' better when it is lower, or higher"),
        ({"better": {"valLoss": 0.1}}, "Is a 'valLoss' better"),
        ({"better": "RMSE"}, "Is a 'RMSE' better"),
        ({"better": "lower"}, "'lower' is no metric"),
        ({"better": 0.01}, "better= names metrics"),
        ({"better": [7]}, "needs the name of a metric"),
        ({"better": {"acc": ["lower"]}}, r"A bound of 'acc' is a number, not \['lower'\]"),
        ({"better": "acc", "on": 7}, "A dataset's name is text, not 7"),
        ({"expectations": 7}, "names datasets: 'train', \\['train'\\]; not 7"),
        ({"expectations": [7]}, "A dataset's name is text, not 7"),
    ],
)
def test_words_of_gates_that_nobody_can_mean_are_refused(words: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        gates_of(**words)


def test_loss_is_better_as_it_is_said() -> None:
    for how, lower in (("lower", True), ("higher", False), (("lower", 0.1), True)):
        (gate,) = gates_of(better={"loss": how})
        assert gate.lower_is_better is lower


def test_metric_that_no_version_has_is_refused_with_those_that_there_are(world: World) -> None:
    with pytest.raises(InvalidInput, match=r"has a metric 'accc'; they have acc. Did you mean 'acc'\?"):
        world.promotion.declare_gates("digits", "champion", gates_of(minimum={"accc": 0.9}))
    with pytest.raises(InvalidInput, match=r"new_metrics=\['f1'\]"):
        world.promotion.declare_gates("digits", "champion", gates_of(minimum={"acc": 0.9}, better="f1"))
    assert world.promotion.gates("digits") == []
    said = gates_of(minimum={"acc": 0.9, "f1": 0.8})
    assert world.promotion.declare_gates("digits", None, said, new_metrics=["f1"]).gates == said
    again = gates_of(minimum={"f1": 0.7})
    assert world.promotion.declare_gates("digits", "champion", again).gates == again


def test_metric_of_a_run_is_known_and_of_a_run_that_cannot_be_read_may_be(world: World) -> None:
    wanted = gates_of(minimum={"f1": 0.9})
    world.run(RUN, metrics={"f1": 0.8})
    world.version(run_id=RUN)
    assert world.promotion.declare_gates("digits", None, wanted).gates == wanted
    world.promotion.set_gates("digits", "champion", [])
    del world.runs.details[RUN]
    assert world.promotion.declare_gates("digits", None, wanted).gates == wanted


@pytest.mark.parametrize("words", [{"expectations": "trian"}, {"better": "acc", "on": "trian"}])
def test_gates_of_a_dataset_that_is_not_there_are_refused(world: World, words: dict[str, Any]) -> None:
    world.store.register_dataset(dataset_version(name="train"))
    with pytest.raises(NotFound, match=r"No dataset 'trian'. Did you mean 'train'\?"):
        world.promotion.declare_gates("digits", "champion", gates_of(**words))


def test_gates_of_a_model_that_is_not_there_are_refused(world: World) -> None:
    with pytest.raises(NotFound, match="No model 'digit'"):
        world.promotion.declare_gates("digit", None, gates_of(minimum={"acc": 0.9}))


def test_tags_are_a_mapping(world: World) -> None:
    assert checked_tags(None) == {}
    for tags in ("x", ["a"], 5):
        with pytest.raises(InvalidInput, match="tags= is a dict of texts"):
            world.registry.register_model({"w": 1}, name="digits", tags=tags)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="tags= is a dict of texts"):
            world.registry.edit("model", "digits@1", tags=tags)  # type: ignore[arg-type]
    assert len(world.registry.model("digits").versions) == 2
