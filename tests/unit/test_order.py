"""The execution-order badge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.capture.history import ExecutedCell
from jupyter_mlops.notebooks.order import Order, SavedCell, order_of, saved_cells

SAVED = [SavedCell(cell_type="code", source=f"x = {n}", id=f"id{n}") for n in range(1, 6)]


def ran(*places: int, number: int = 1, ok: bool = True) -> list[ExecutedCell]:
    """Cells of the saved notebook, by their places from 1, executed in this order."""
    return [ExecutedCell(n, f"x = {place}", ok, f"id{place}") for n, place in enumerate(places, number)]


def reason(executed: list[ExecutedCell], saved: list[SavedCell] = SAVED) -> str:
    order = order_of(executed, saved)
    assert order.in_order is False
    return order.reason


def test_cells_from_the_first_on_are_in_order() -> None:
    assert order_of(ran(1, 2, 3), SAVED) == Order(True)
    assert order_of(ran(1), SAVED) == Order(True)


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ((1, 3, 2, 4), "cell 3 stands above cell 2 and was run after it"),
        ((1, 2, 1, 3), "cell 1 was run again as cell 3"),
        ((1, 3), "a cell above it was not run (x = 2)"),
        ((4,), "3 cells above it were not run (the first: x = 1)"),
    ],
)
def test_what_is_not_in_order_is_said_by_execution_counts(places: tuple[int, ...], expected: str) -> None:
    assert reason(ran(*places)) == expected


def test_edited_and_deleted_cells_are_said() -> None:
    edited = [ExecutedCell(1, "x = 100", True, "id1"), *ran(2, number=2)]
    assert reason(edited) == "cell 1 is not as in the saved notebook: edited after it ran, or not saved yet"
    deleted = [
        *ran(1),
        ExecutedCell(2, "y", True, "gone"),
        ExecutedCell(3, "z", True, "gone2"),
        *ran(2, number=4),
    ]
    assert reason(deleted) == "cells 2 and 3 were run and are not in the saved notebook"


def test_attempts_that_raised_do_not_count_once_one_succeeds() -> None:
    assert order_of([*ran(1), *ran(2, number=2, ok=False), *ran(2, number=3)], SAVED) == Order(True)
    assert "again" in reason([*ran(1), *ran(2, number=2), *ran(2, number=3)])


def test_cells_without_ids_are_known_by_their_text() -> None:
    executed = [ExecutedCell(n, f"x = {n}", True) for n in (1, 2, 3)]
    assert order_of(executed, SAVED) == Order(True)
    twins = [SavedCell(cell_type="code", source="y", id="a"), SavedCell(cell_type="code", source="y", id="b")]
    assert order_of([ExecutedCell(1, "y", True), ExecutedCell(2, "y", True)], twins) == Order(True)


def test_many_reasons_are_cut() -> None:
    assert reason(ran(1, 1, 1, 1, 1, 1, 1)).endswith("and 2 things more")


def test_the_file_is_read_as_far_as_it_matters(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    cells = [
        {"cell_type": "markdown", "source": "# Title"},
        {
            "cell_type": "code",
            "source": ["a = 1\n", "b = 2"],
            "id": "x",
            "outputs": [{"data": {"a": [1, {}]}}],
        },
        {"cell_type": "code", "source": "  \n# only a comment"},
    ]
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}))
    found = saved_cells(path, cap_bytes=10_000)
    assert found == [SavedCell(cell_type="code", source=["a = 1\n", "b = 2"], id="x")]
    assert found is not None
    assert found[0].text == "a = 1\nb = 2"
    assert saved_cells(path, cap_bytes=10) is None
    assert saved_cells(tmp_path / "none.ipynb", cap_bytes=10) is None
    path.write_text("{")
    assert saved_cells(path, cap_bytes=10) is None
