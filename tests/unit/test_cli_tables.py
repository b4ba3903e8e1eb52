"""Tables of the command line on terminals of any width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from jupyter_mlops.cli.tables import console, print_table

WORD = st.text(st.sampled_from("abc[]:/@*.é数"), min_size=1, max_size=30)
CELL = st.lists(WORD, max_size=6).map(" ".join)
ROW = st.tuples(CELL, CELL, CELL)
COLUMNS = ("dataset", "what was found", "status")


@pytest.fixture
def shown(monkeypatch, capsys):
    """What ``print_table`` prints on a terminal of some columns, or into a pipe."""

    def show(*table, columns: int | None = None, **options) -> str:
        if columns is None:
            monkeypatch.delenv("COLUMNS", raising=False)
        else:
            monkeypatch.setenv("COLUMNS", str(columns))
        capsys.readouterr()
        print_table(*table, **options)
        return capsys.readouterr().out

    return show


def test_table_with_room_for_every_word_is_a_table(shown):
    lines = shown(
        "Jobs", ("id", "reason"), [("7xk2qp", "out of memory on the first of two GPUs")], columns=40
    )
    assert lines.splitlines() == [
        "Jobs",
        "┏━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓",
        "┃ id     ┃ reason                      ┃",
        "┡━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┩",
        "│ 7xk2qp │ out of memory on the first  │",
        "│        │ of two GPUs                 │",
        "└────────┴─────────────────────────────┘",
    ]


def test_table_that_would_split_a_word_is_lines_instead(shown):
    rows = [
        ("digits/train@12", None, "data/raw/2024/*.csv", 0.123456, "two\nlines"),
        ("digits/test@3", "golden", "", 0, ""),
    ]
    lines = shown("Datasets", ("dataset", "aliases", "path", "share", "note"), rows, columns=40)
    assert lines == (
        "Datasets\n"
        "dataset: digits/train@12\n"
        "path: data/raw/2024/*.csv\n"
        "share: 0.1235\n"
        "note: two\n"
        "  lines\n"
        "\n"
        "dataset: digits/test@3\n"
        "aliases: golden\n"
        "share: 0\n"
    )


def test_values_under_no_heading_stand_alone(shown):
    rows = [("passed", "accuracy of at least 0.9 on digits/holdout@golden", "it is 0.95")]
    lines = shown("Gates", ("", "gate", "what was found"), rows, columns=30)
    assert lines.splitlines()[1] == "passed"


def test_facts_are_lines_of_their_names(shown):
    facts = [("name", "train"), ("notebook", "/home/ada/projects/digits/train.ipynb")]
    lines = shown("Run 7xk2qp", ("fact", "value"), facts, columns=40, header=False)
    assert lines == "Run 7xk2qp\nname: train\nnotebook: /home/ada/projects/digits/train.ipynb\n"
    assert "│" in shown("Run 7xk2qp", ("fact", "value"), facts, columns=80, header=False)


def test_pipe_gets_a_table_as_wide_as_its_words(shown):
    path = "p" * 300
    lines = shown("Data", ("name", "path"), [("train", path)]).splitlines()
    assert f"│ train │ {path} │" in lines


def test_short_texts_of_several_words_are_not_broken(shown):
    row = ("2026-01-02 03:04", "word " * 20)
    assert "│ 2026-01-02 03:04 │ word" in shown("When", ("created", "why"), [row], columns=30)
    assert "created: 2026-01-02 03:04\n" in shown("When", ("created", "why"), [row], columns=20)


@given(st.lists(ROW, min_size=1, max_size=4), st.integers(20, 120))
def test_no_word_is_split_and_no_table_is_wider_than_the_terminal(rows, columns):
    with pytest.MonkeyPatch.context() as patch:
        printed: list[str] = []
        patch.setenv("COLUMNS", str(columns))
        patch.setattr("sys.stdout", _Written(printed))
        print_table("Title", COLUMNS, rows)
    text = "".join(printed)
    words = text.replace("│", " ").split()
    for row in rows:
        for cell in row:
            for word in cell.split():
                assert word in words
    if "┃" in text:
        assert max(map(cell_len, text.splitlines())) <= columns


class _Written:
    encoding = "utf-8"

    def __init__(self, into: list[str]) -> None:
        self.write = into.append

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False


def test_lines_are_printed_as_they_are(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    line = "data@1: stays at /data/a [red]folder[/] :key: of some length/*.csv"
    console().print(line)
    assert capsys.readouterr().out == f"{line}\n"
