"""Every command of ``jupyter mlops`` explains itself, with an example, and stands in the README."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from jupyter_mlops.cli import BEGINNERS
from jupyter_mlops.cli.parser import build_parser
from jupyter_mlops.services import rows
from jupyter_mlops.services.features.rows import VIEW_COLUMNS
from jupyter_mlops.services.usage.service import USAGE_COLUMNS

README = Path(__file__).parents[2] / "README.md"


def commands() -> dict[str, argparse.ArgumentParser]:
    (sub,) = (each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    return dict(sub.choices)


@pytest.mark.parametrize("name", commands())
def test_command_has_an_example_that_it_understands(name: str) -> None:
    import shlex

    text = commands()[name].format_help()
    example = text.split("example:\n")[1].strip().splitlines()[0].strip()
    words = shlex.split(example)
    assert words[:3] == ["jupyter", "mlops", name]
    assert build_parser().parse_args(words[2:]).command == name


def test_what_may_begin_a_home_are_commands() -> None:
    assert commands().keys() >= BEGINNERS


@pytest.mark.parametrize("name", commands())
def test_command_takes_json_and_home_before_and_after_its_name(name: str) -> None:
    required = {
        "show": ["x"],
        "reproduce": ["x"],
        "compare": ["x", "y"],
        "export": ["x", "x.zip"],
        "import": ["x.zip"],
        "backup": ["x.zip"],
        "restore": ["x.zip"],
        "submit": ["n.ipynb"],
        "logs": ["x"],
        "cancel": ["x"],
        "register": ["x", "y"],
        "edit": ["dataset:x"],
        "profile": ["d@1"],
        "diff": ["d@1", "d@2"],
        "check": ["d@1"],
        "expect": ["d"],
        "lineage": ["x"],
        "impact": ["x"],
        "predict": ["m", "rows.csv"],
        "promote": ["m", "1"],
        "rollback": ["m"],
        "review": ["m", "1"],
        "approve": ["m", "1"],
        "reject": ["m", "1"],
        "gates": ["m"],
        "card": ["m@1"],
        "materialize": ["v"],
        "export-feast": ["repo"],
    }
    operands = required.get(name, ["status"] if name == "agent" else [])
    before = build_parser().parse_args(["--json", "--home", "h", name, *operands])
    after = build_parser().parse_args([name, *operands, "--json", "--home", "h"])
    assert before == after
    assert (before.json, before.home) == (True, "h")


@pytest.mark.parametrize("name", commands())
def test_command_stands_in_the_readme(name: str) -> None:
    assert f"jupyter mlops {name}" in README.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("runs", rows.RUN_COLUMNS),
        ("jobs", rows.JOB_COLUMNS),
        ("datasets", rows.DATASET_COLUMNS),
        ("models", rows.MODEL_COLUMNS),
        ("features", VIEW_COLUMNS),
        ("usage", USAGE_COLUMNS),
    ],
)
def test_help_lists_the_columns(name: str, columns: tuple[str, ...]) -> None:
    assert " ".join(columns) in " ".join(commands()[name].format_help().split())
