"""Promotion from a terminal and from a cell: gates, reviews, approvals, moves, cards, models as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlops import workspace
from jupyter_mlops.cli import main
from jupyter_mlops.entities import Move
from jupyter_mlops.errors import InvalidInput, NotFound
from jupyter_mlops.magics import command_line, completion
from jupyter_mlops.magics.mlops_magic import HELP
from jupyter_mlops.magics.mlops_magic import mlops as mlops_magic
from jupyter_mlops.magics.refusals import BadArguments
from jupyter_mlops.workspace import Workspace, open_workspace


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """Two versions of a model: the first one is the champion."""
    for name in ("HOME", "RUNTIME", "LEASES"):
        monkeypatch.setenv(f"JUPYTER_MLOPS_{name}", str(tmp_path / "here" / name.lower()))
    monkeypatch.setenv("JUPYTER_MLOPS_USER", "ada")
    monkeypatch.chdir(tmp_path)
    workspace.use(None)
    registry = workspace.current().registry
    registry.register_model({"w": 1}, name="digits", alias="champion", metrics={"acc": 0.9})
    registry.register_model({"w": 2}, name="digits", metrics={"acc": 0.95})
    yield workspace.current()
    workspace.use(None)


def as_user(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_USER", user)
    workspace.use(None)


def told(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> Any:
    """What ``--json`` prints."""
    capsys.readouterr()
    assert main([*words, "--json"]) == status, capsys.readouterr().err
    out, err = capsys.readouterr()
    return json.loads(out or err)


def printed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    capsys.readouterr()
    assert main([*words]) == status, capsys.readouterr().err
    return "".join(capsys.readouterr())


def test_way_of_a_version_to_the_champion(
    here: Workspace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (set_,) = told(
        capsys, "gates", "digits", "--minimum", "acc=0.92", "--approvals", "1", "--reason", "rules"
    )
    assert [gate["kind"] for gate in set_["gates"]] == ["metric", "approval"]
    shown = printed(capsys, "gates", "digits")
    assert "acc of at least 0.92" in shown
    review = told(capsys, "review", "digits", "2", status=1)
    assert (review["holder"], review["allowed"]) == (1, False)
    refused = told(capsys, "promote", "digits", "2", status=1)
    assert refused["code"] == "gates_refused"
    assert "It needs 1 approval by users other than ada" in refused["message"]
    assert told(capsys, "approve", "digits", "2", status=1)["code"] == "forbidden"

    as_user("bob", monkeypatch)
    assert [each["user"] for each in told(capsys, "approve", "digits", "2", "--reason", "ok")] == ["bob"]
    assert "bob" in printed(capsys, "reject", "digits", "2", "--reason", "wait")
    assert told(capsys, "promote", "digits", "2", status=1)["code"] == "gates_refused"
    assert told(capsys, "approve", "digits", "2", "--withdraw") == []
    told(capsys, "approve", "digits", "2")

    as_user("ada", monkeypatch)
    text = printed(capsys, "review", "digits", "2")
    assert "digits@2 as 'champion' (now digits@1): allowed" in text
    assert "0.95 (+0.05)" in text
    (move,) = told(capsys, "promote", "digits", "2", "--reason", "better")
    assert (move["before"], move["after"], move["reason"]) == (1, 2, "better")
    back = printed(capsys, "rollback", "digits", "--reason", "wrong")
    assert back.strip() == "model digits@champion: version 2 → version 1 (rolled back), by ada: wrong"
    assert told(capsys, "rollback", "digits", status=1)["code"] == "conflict"
    assert told(capsys, "gates", "digits", "--clear") == [
        {"model": "digits", "alias": "champion", "gates": []}
    ]
    printed(capsys, "promote", "digits", "--delete")
    assert workspace.current().registry.model("digits").aliases == {}


def test_words_of_gates(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--better", "acc", "--better", "loss=lower,0.01", "--better", "f1=0.02", "--maximum", "ms=20"]
    words += [word for metric in ("loss", "f1", "ms") for word in ("--new-metric", metric)]
    here.registry.register_dataset(pd.DataFrame({"a": [1]}), name="test")
    (found,) = told(capsys, "gates", "digits", *words, "--on", "test", "--expectations")
    told_ = [(g["kind"], g["metric"], g["lower_is_better"], g["by"], g["dataset"]) for g in found["gates"]]
    assert told_ == [
        ("metric", "ms", False, 0.0, ""),
        ("better", "acc", False, 0.0, "test"),
        ("better", "loss", True, 0.01, "test"),
        ("better", "f1", False, 0.02, "test"),
        ("expectations", "", False, 0.0, ""),
    ]
    assert told(capsys, "gates", "digits", "--alias", "challenger") == []
    for words in (["--minimum", "acc"], ["--minimum", "acc=high"]):
        assert main(["gates", "digits", *words]) == 2
    assert told(capsys, "gates", "digits", "--better", "acc=smaller", status=1)["code"] == "invalid_input"
    assert told(capsys, "gates", "digits", "--clear", "--approvals", "1", status=1)["code"] == "invalid_input"
    unsaid = told(capsys, "gates", "digits", "--better", "loss", status=1)
    assert "--better loss=lower" in unsaid["message"]
    missing = told(capsys, "gates", "digits", "--minimum", "accc=0.9", status=1)
    assert "Did you mean 'acc'?" in missing["message"]
    assert "--clear" in printed(capsys, "gates", "--help")
    assert told(capsys, "gates", "digits@champion", "--clear")[0]["gates"] == []


def test_versions_are_named_as_references(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "review", "digits@2") == told(capsys, "review", "digits", "2")
    (move,) = told(capsys, "promote", "digits@2")
    assert (move["alias"], move["before"], move["after"]) == ("champion", 1, 2)
    assert [each["user"] for each in told(capsys, "reject", "digits@champion")] == ["ada"]
    told(capsys, "approve", "digits@2", "--withdraw")
    assert [each["after"] for each in told(capsys, "rollback", "digits@champion")] == [1]
    told(capsys, "promote", "digits@champion", "--delete")
    assert here.registry.model("digits").aliases == {}


def test_misspelt_alias_is_made_only_when_it_is_said_to_be_new(
    here: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = told(capsys, "promote", "digits@2", "--alias", "champoin", status=1)
    assert refused["code"] == "invalid_input"
    assert "Did you mean 'champion'?" in refused["message"]
    assert "--new" in refused["message"]
    assert "'shadow' is a new alias of digits, which also has champion." in printed(
        capsys, "promote", "digits@2", "--alias", "shadow"
    )
    assert "new alias" not in printed(capsys, "promote", "digits@1", "--alias", "shadow")
    printed(capsys, "promote", "digits@2", "--alias", "champoin", "--new")
    assert here.registry.model("digits").aliases == {"champion": 1, "shadow": 1, "champoin": 2}


def test_promotion_says_what_is_wrong(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, "promote", "digits", status=1)["code"] == "invalid_input"
    assert told(capsys, "promote", "digits", "1", "--delete", status=1)["code"] == "invalid_input"
    assert told(capsys, "promote", "digits", "9", status=1)["code"] == "not_found"
    assert told(capsys, "promote", "digits", "1", "--dataset", status=1)["code"] == "not_found"
    assert told(capsys, "promote", "digits", "1", "--alias", "7", status=1)["code"] == "invalid_input"


def test_card_is_edited_from_a_file(
    here: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    card = printed(capsys, "card", "digits@champion")
    file = tmp_path / "card.md"
    file.write_text(
        card.replace("*To be written: where", "Night shifts. *To be written: where"), encoding="utf-8"
    )
    assert printed(capsys, "card", "digits@1", "--edit", str(file)) == "The card of digits@1 was edited.\n"
    (found,) = told(capsys, "card", "digits@1")
    assert "Night shifts." in found["card"]
    gone = told(capsys, "card", "digits@1", "--edit", "nofile.md", status=1)
    assert (gone["code"], "nofile.md cannot be read" in gone["message"]) == ("not_found", True)
    file.write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in told(capsys, "card", "digits@1", "--edit", str(file), status=1)["message"]


def test_model_is_exported_and_imported_by_its_reference(
    here: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for ref, file in (("digits@champion", "a.zip"), ("model:digits", "b.zip")):
        (row,) = told(capsys, "export", ref, file)
        assert row == {"model": ref.removeprefix("model:"), "path": file}
    there = str(tmp_path / "there")
    imported = told(capsys, "--home", there, "import", "a.zip", "b.zip", "--name", "theirs")
    assert [(row["model"], row["new"]) for row in imported] == [("theirs@1", True), ("theirs@2", True)]
    assert "Model theirs@1 was here already." in printed(
        capsys, "--home", there, "import", "a.zip", "--name", "theirs"
    )
    assert open_workspace(there).registry.model_version("theirs@1").metrics == {"acc": 0.9}


def test_cell_shows_reviews_gates_and_cards(here: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    here.promotion.set_gates("digits", "champion", [])
    mlops_magic("review digits 2")
    assert "digits@2 as 'champion' (now digits@1)" in capsys.readouterr().out
    mlops_magic("gates digits")
    assert "No gates." in capsys.readouterr().out
    mlops_magic("card digits@2")
    assert "# digits@2" in capsys.readouterr().out
    for words in ("digits@2", "digits 2 --alias champion"):
        mlops_magic(f"review {words} --json")
        assert json.loads(capsys.readouterr().out)["version"] == 2
    with pytest.raises(BadArguments, match=r"%mlops review: .*required: NAME. See %mlops review --help"):
        mlops_magic("review")


def test_cell_decides_with_the_words_of_the_command_line(
    here: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    mlops_magic("promote digits@2 --reason 'better on night shifts'")
    assert capsys.readouterr().out == (
        "model digits@champion: version 1 → version 2, by ada: better on night shifts\n"
    )
    mlops_magic("rollback digits --json")
    assert json.loads(capsys.readouterr().out)[0]["after"] == 1
    mlops_magic("reject digits@2 --reason no")
    assert "rejected" in capsys.readouterr().out
    mlops_magic("gates digits --minimum acc=0.9")
    assert "acc of at least 0.9" in capsys.readouterr().out
    mlops_magic("gates digits@champion --clear")
    mlops_magic("edit model:digits@2 --tag team=vision")
    assert here.registry.model_version("digits@2").tags == {"team": "vision"}
    here.registry.register_dataset(pd.DataFrame({"a": [1]}), name="train")
    mlops_magic("expect train --not-null a")
    mlops_magic("datasets train")
    assert "train@1" in capsys.readouterr().out
    mlops_magic("models digits --json")
    assert [row["version"] for row in json.loads(capsys.readouterr().out)] == [2, 1]


def test_cell_is_told_what_is_wrong_as_the_terminal_is(
    here: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvalidInput, match=r"Did you mean 'champion'\?"):
        mlops_magic("promote digits@2 --alias champoin")
    with pytest.raises(NotFound, match="No model 'digit'"):
        mlops_magic("models digit")
    for line, says in (
        ("promote digits@2 --alia", "%mlops promote: "),
        ("promote digits@2 --reasn x", r"did you mean --reason\?\). See %mlops promote --help"),
        ("promote digits@2 --home elsewhere", "works in the workspace of this kernel"),
        ("promot digits@2", "no command 'promot'. Did you mean 'promote'"),
    ):
        with pytest.raises(BadArguments, match=says):
            mlops_magic(line)
    capsys.readouterr()
    mlops_magic("promote --help")
    text = capsys.readouterr().out
    assert "%mlops promote digits@7" in text
    assert "jupyter mlops" not in text
    assert here.registry.model("digits").aliases == {"champion": 1}


def test_commands_of_the_cell_are_completed_and_explained() -> None:
    words = completion._WORDS["mlops"]
    assert set(command_line.PARSED) <= set(words)
    for word in words:
        assert word in HELP
    assert "--alias" in completion._words("mlops", ["promote", "digits@2 --a"])
    assert "--not-null" in completion._words("mlops", ["expect", "train --"])
    assert completion._words("mlops", ["show"]) == words
    assert completion._words("other", []) == []


def test_what_is_none_of_it_is_refused(here: Workspace) -> None:
    import jupyter_mlops as mlops

    for ask, says in (
        (lambda: mlops.lineage(5), "a reference such as 'train@2'.*not 5"),  # type: ignore[arg-type]
        (lambda: mlops.impact(None), "not None"),
        (lambda: mlops.edit_model("digits@1"), "Nothing to change of 'digits@1': give description, tags"),
        (lambda: mlops.edit_model("digits@1", card=5), "A card is Markdown as text, not 5"),  # type: ignore[arg-type]
        (lambda: mlops.export_model("digits@1", 5), "A file is named by its path, not 5"),  # type: ignore[arg-type]
        (lambda: mlops.import_model(None), "A file is named by its path, not None"),  # type: ignore[arg-type]
        (lambda: mlops.audit(limit="x"), "limit is how many decisions are wanted"),  # type: ignore[arg-type]
        (lambda: mlops.gates("digits", "champoin"), "Did you mean 'champion'"),
        (lambda: mlops.gates("digits@champion", "champion"), "says which alias"),
        (lambda: mlops.delete_alias("digits"), "Which alias of 'digits'"),
        (lambda: mlops.set_alias("digits", "champion"), "Which version of 'digits'"),
        (lambda: mlops.set_alias("digits@1", "champion", kind="view"), "has no aliases|have"),
    ):
        with pytest.raises(InvalidInput, match=says):
            ask()


def test_versions_and_aliases_are_named_alike_in_all_calls(here: Workspace) -> None:
    import jupyter_mlops as mlops

    assert mlops.review("digits@2").entity == mlops.review("digits", 2).entity
    assert mlops.set_alias("digits@2", "champion") == mlops.set_alias("digits", "champion", 2)
    mlops.reject("digits@champion", reason="wait")
    assert [each.user for each in mlops.review("digits@2").approvals] == ["ada"]
    assert mlops.approve("digits@2", withdraw=True) is None
    assert mlops.rollback("digits@champion").after == 1
    assert mlops.delete_alias("digits@champion").aliases == {}
    assert len(mlops.gates("digits", minimum={"auc": 0.9}, new_metrics="auc")) == 1
    assert len(mlops.gates("digits@champion")) == 1


def test_what_the_api_gives_shows_itself(here: Workspace) -> None:
    import jupyter_mlops as mlops

    formatter = InteractiveShell.instance().display_formatter
    assert formatter is not None
    data, _ = formatter.format(mlops.model_card("digits@1"))
    assert data["text/markdown"].startswith("# digits@1")
    assert data["text/plain"].startswith("# digits@1")
    gates = mlops.gates("digits", "champion", minimum={"acc": 0.5}, approvals=1)
    assert len(gates) == 2
    data, _ = formatter.format(gates)
    assert "acc of at least 0.5" in data["text/html"]
    assert "acc of at least 0.5" in data["text/plain"]
    assert repr(mlops.gates("digits", clear=True)) == "No gates."
    assert mlops.reject("digits", 2, reason="no") is not None
    assert mlops.approve("digits", 2, withdraw=True) is None
    mlops.set_alias("digits", "champion", 2)
    move = mlops.rollback("digits", reason="wrong")
    assert (move.before, move.after) == (2, 1)
    assert isinstance(move.entity, Move)
    assert repr(move) == "model digits@champion: version 2 → version 1 (rolled back), by ada: wrong"
    data, _ = formatter.format(mlops.review("digits", 2))
    assert "digits@2" in data["text/html"]
    edited = mlops.edit_model("digits", description="Reads digits", owner="ada")
    assert edited.details.owner == "ada"  # type: ignore[union-attr]
    assert mlops.edit_model("digits@2", tags={"a": "1"}).tags == {"a": "1"}  # type: ignore[union-attr]
