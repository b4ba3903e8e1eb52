"""Model cards: facts from the lineage, and what people write around them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from jupyter_mlops.api.cards import ModelCard
from jupyter_mlops.entities import (
    ColumnProfile,
    Field,
    Profile,
    ProfileStatus,
    Signature,
)
from jupyter_mlops.errors import Forbidden, InvalidInput, NotFound
from jupyter_mlops.services.cards.layout import BEGIN, END, with_facts, without_facts
from jupyter_mlops.services.cards.markdown import escaped, table
from jupyter_mlops.services.cards.service import LONGEST, CardService
from jupyter_mlops.testing.registry import dataset_version
from tests.promotion_worlds import World, dataset

A = "01hzzzzzzzzzzzzzzzzzzzzzza"


@dataclass
class KnownProfiles:
    profiles: dict[str, Profile] = field(default_factory=dict)

    def known(self, digest: str) -> Profile | None:
        return self.profiles.get(digest)


class CardWorld(World):
    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.profiles = KnownProfiles()
        self.cards = CardService(lambda: self.registry, lambda: self.runs, lambda: self.profiles)


@pytest.fixture
def world(tmp_path: Path) -> CardWorld:
    return CardWorld(tmp_path)


def test_card_tells_what_the_lineage_knows(world: CardWorld) -> None:
    world.store.register_dataset(dataset_version(digest=f"{1:064x}", rows=3))
    world.profiles.profiles[f"{1:064x}"] = Profile(
        digest=f"{1:064x}",
        status=ProfileStatus.READY,
        rows=1500,
        columns=[ColumnProfile(name=name, type="int64", kind="number", nulls=0) for name in "ab"],
    )
    detail = world.run(
        A, metrics={"f1": 0.5}, inputs=[dataset("train", 1)], context={"python": "3.11.7", "git": {"commit": "c0ffee", "dirty": True}}
    )  # fmt: skip
    run = replace(detail.run, params={"lr": 0.1, "depth": 3}, notebook="train.ipynb")
    world.runs.details[A] = replace(detail, run=run)
    world.version(
        run_id=A,
        metrics={"acc": 0.9},
        datasets=[dataset("train", 1), dataset("gone", 4)],
        description="Reads digits.",
        signature=Signature(
            inputs=[Field(name="age", dtype="int64"), Field(name="", dtype="float64", shape=[None, 64])],
            outputs=[Field(name="", dtype="int64", shape=[None])],
        ),
        code_digest="c" * 64,
    )
    world.registry.set_alias("digits", "champion", 1, reason="first one")
    world.registry.describe("model", "digits", owner="team-a", licence="MIT")
    card = world.cards.card("digits@champion")
    for line in (
        "# digits@1",
        "Reads digits.",
        "- **Class:** sklearn.svm.SVC",
        "- **Owner:** team-a",
        "- **Licence:** MIT",
        "- **Aliases:** champion",
        "| acc | 0.9 |",
        "| f1 | 0.5 |",
        "| input | age | int64 |  |",
        "| input | \\(unnamed\\) | float64 | any \N{MULTIPLICATION SIGN} 64 |",
        "| train@1 | 1,500 | 2 | 12 B | 000000000000 |",
        "| gone@4 |  |  |  | 000000000000 |",
        f"- **Run:** run-{A} \\({A}\\)",
        "- **Notebook:** train.ipynb",
        "- **Git commit:** c0ffee with changes",
        "| depth | 3 |",
        "| scikit-learn | 1.5 |",
        "| champion | nothing | 1 | 1970-01-01T00:16:40.000+00:00 | ada | first one |",
        "## Intended use",
        "## Limitations",
    ):
        assert line in card.splitlines(), line
    assert ModelCard(card)._repr_markdown_() == card


def test_run_of_somebody_else_is_left_out_and_said_so(world: CardWorld) -> None:
    world.version(run_id=A)
    card = world.cards.card("digits")
    assert f"- **Run:** {A}" in card
    assert "The training run cannot be read from here" in card


def test_names_that_markdown_would_read_stay_text(world: CardWorld) -> None:
    evil = "a|b `c` <img src=x onerror=alert(1)> *d* [e](javascript:f) $g$ <!-- end of the facts -->"
    world.version(
        class_name=evil, metrics={evil: 0.5}, packages={evil: "1"}, description=f"{evil}\n\n# Title"
    )
    world.registry.set_alias("digits", "champion", 1, reason=evil)
    card = world.cards.card("digits")
    assert "<img" not in card.replace(r"\<img", "")
    assert card.count(END) == 1
    assert "\n# Title" not in card
    row = next(line for line in card.splitlines() if line.startswith("| a"))
    assert row.replace(r"\|", "").count("|") == 3
    world.cards.edit("digits@1", card)
    assert world.cards.card("digits") == card


def test_what_people_wrote_stays_and_facts_are_new(world: CardWorld) -> None:
    world.version()
    card = world.cards.card("digits")
    edited = card.replace("*To be written: what the model is for", "It reads digits. *To be written")
    edited = "Draft\n\n" + edited.replace("| acc | 0.9 |", "| acc | 1.0 |")
    shown = world.cards.edit("digits@1", edited)
    assert shown.startswith("Draft\n\n# digits@1")
    assert "It reads digits." in shown
    assert "| acc | 0.9 |" in shown
    assert "| acc | 1.0 |" not in shown
    world.registry.set_alias("digits", "champion", 1)
    assert "- **Aliases:** champion" in world.cards.card("digits")
    assert "It reads digits." in world.cards.card("digits")
    kept = world.store.details("model", "digits", 1).card
    assert kept is not None
    assert "acc" not in kept
    assert world.cards.edit("digits@1", world.cards.card("digits")) == world.cards.card("digits")
    assert world.store.details("model", "digits", 1).card == kept


def test_text_of_ones_own_has_the_facts_at_its_end(world: CardWorld) -> None:
    world.version()
    shown = world.cards.edit("digits", "# Mine\r\n\r\nAll there is to say.")
    assert shown.startswith(f"# Mine\n\nAll there is to say.\n\n{BEGIN}\n\n- **Model:**")
    assert world.cards.edit("digits", "  ").startswith("# digits@1")


def test_facts_in_several_places_stand_in_the_first() -> None:
    text = f"a\n{BEGIN}\nold\n{END}\nb\n{BEGIN}\nold\n{END}\nc"
    assert with_facts(text, "new") == f"a\n{BEGIN}\n\nnew\n\n{END}\nb\n\nc"
    assert without_facts(f"a\n{BEGIN}\nold\n{END}\nb") == f"a\n{BEGIN}\n{END}\nb"
    assert with_facts(f"a\n{BEGIN}\nopen", "new").startswith(f"a\n{BEGIN}\nopen\n\n{BEGIN}")


def test_card_is_of_one_version_and_the_trail_has_its_digest(world: CardWorld) -> None:
    world.version()
    world.version()
    world.cards.edit("digits@1", "# One\n" + "x" * 10_000)
    assert world.cards.card("digits@2").startswith("# digits@2")
    (entry,) = world.store.audit(limit=1)
    assert (entry.action, entry.subject) == ("model.describe", "model:digits@1")
    assert len(str(entry.detail)) < 500


def test_card_that_cannot_be_edited(world: CardWorld) -> None:
    world.version()
    with pytest.raises(InvalidInput, match="at most"):
        world.cards.edit("digits", "x" * (LONGEST + 1))
    with pytest.raises(NotFound):
        world.cards.edit("digits@2", "x")
    world.access.closed.add(("ada", "describe", "model:digits@1"))
    with pytest.raises(Forbidden):
        world.cards.edit("digits@1", "x")


def test_escaping() -> None:
    assert escaped("a\n  b|c") == r"a b\|c"
    assert escaped(0.1) == "0.1"
    assert len(escaped("x" * 1000)) == 300
    assert table(("a", "b"), [("1|2", None)]) == "| a | b |\n| --- | --- |\n| 1\\|2 | None |"
