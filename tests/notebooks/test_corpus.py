"""Notebooks as people write and execute them: the slice gives the submitted cell the same values.

Each one is executed as its metadata say, sliced, and the slice executed alone, in another folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.optional import optional

from .corpus import Example, example, paths, read
from .sessions import Kept, Nursery, Outcome, Session, nursery

TOO_MANY_PERCENT = 10.0
THOROUGH = os.environ.get("CI_REQUIRE_ALL") == "1"
EXAMPLES = [example(path) for path in paths()]
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=[each.name for each in EXAMPLES])
each_sliced_example = pytest.mark.parametrize(
    "example",
    [
        pytest.param(
            each, id=each.name, marks=[pytest.mark.xfail(reason=each.unsound)] if each.unsound else []
        )
        for each in EXAMPLES
    ],
)


class Laboratory:
    """Executes examples, whole and in part; nothing twice."""

    def __init__(self, folder: Path, open_ones: ExitStack) -> None:
        self._folder, self._open_ones = folder, open_ones
        self._nurseries: dict[tuple[str, ...], Nursery] = {}
        self._outcomes: dict[tuple[str, tuple[int, ...]], Outcome] = {}

    def whole(self, example: Example) -> Outcome:
        """What the live kernel computes, and what slicing and promotion say."""
        return self._outcome(example, tuple(map(example.source_of, example.numbers)), sliced=True)

    def of_cells(self, example: Example, numbers: tuple[int, ...]) -> Outcome:
        """What the submitted cell computes after these cells alone."""
        if numbers == example.numbers:
            return self.whole(example)
        return self._outcome(example, tuple(map(example.source_of, numbers)))

    def promoted(self, example: Example) -> Outcome:
        """What the job's notebook computes."""
        *cells, submitted = self.whole(example).promoted
        return self._outcome(example, tuple(cells), submitted)

    def _outcome(
        self, example: Example, cells: tuple[str, ...], submitted: str = "", *, sliced: bool = False
    ) -> Outcome:
        key = (example.name, cells)
        if key not in self._outcomes:
            session = Session(
                cells=cells,
                submitted=submitted or example.submitted,
                compared=example.compared,
                files=example.files,
                sliced=sliced,
            )
            self._outcomes[key] = self._nursery(example.modules).run(session)
        return self._outcomes[key]

    def _nursery(self, modules: tuple[str, ...]) -> Nursery:
        if modules not in self._nurseries:
            folder = self._folder / str(len(self._nurseries))
            self._nurseries[modules] = self._open_ones.enter_context(nursery(folder, modules))
        return self._nurseries[modules]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratory]:
    with ExitStack() as open_ones:
        yield Laboratory(tmp_path_factory.mktemp("corpus"), open_ones)


@each_example
def test_the_notebook_is_clean_and_its_metadata_are_right(example: Example) -> None:
    notebook = read(Path(__file__).parent / "corpus" / f"{example.name}.ipynb")
    nbformat.validate(notebook)  # type: ignore[no-untyped-call]
    title, *_ = notebook.cells
    assert title.cell_type == "markdown"
    assert title.source.startswith("# ")
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert set(example.minimal) <= set(example.numbers)
    assert example.compared
    unused = set(example.sources) - {*example.executed}
    assert [example.sources[each] for each in unused] == [example.submitted]


@each_sliced_example
def test_the_slice_gives_the_same_values(example: Example, laboratory: Laboratory) -> None:
    ask_for(example)
    live = laboratory.whole(example)
    check_raised(example, example.numbers, live)
    assert set(live.values) == set(example.compared)
    for kept in live.slices:
        check_same(example, kept.numbers, live, laboratory.of_cells(example, kept.numbers), kept.verdicts)


@each_sliced_example
def test_the_promoted_notebook_gives_the_same_values(example: Example, laboratory: Laboratory) -> None:
    ask_for(example)
    live = laboratory.whole(example)
    if example.refused:
        assert example.refused in live.refusal
        return
    assert not live.refusal
    outcome = laboratory.promoted(example)
    assert (outcome.raised, outcome.values) == ({}, live.values), "\n\n".join(live.promoted)


@each_example
def test_the_stated_cells_are_enough(example: Example, laboratory: Laboratory) -> None:
    ask_for(example)
    live = laboratory.whole(example)
    check_same(example, example.minimal, live, laboratory.of_cells(example, example.minimal))


@pytest.mark.skipif(not THOROUGH, reason="takes long: CI_REQUIRE_ALL=1 runs it for another fifth each day")
def test_none_of_the_stated_cells_can_be_spared(laboratory: Laboratory) -> None:
    to_spare = []
    for each in filter(can_run, EXAMPLES[date.today().toordinal() % 5 :: 5]):
        live = laboratory.whole(each)
        for number in each.minimal:
            outcome = laboratory.of_cells(each, tuple(other for other in each.minimal if other != number))
            if outcome.values == live.values and not outcome.raised:
                to_spare.append(f"{each.name}: cell {number}")
    assert to_spare == []


def test_few_cells_too_many_are_kept(laboratory: Laboratory, capsys: pytest.CaptureFixture[str]) -> None:
    measured = [each for each in EXAMPLES if can_run(each) and not each.unsound]
    kept = {each.name: laboratory.whole(each).slices[0] for each in measured}
    surplus = {each.name: sorted({*kept[each.name].numbers} - {*each.minimal}) for each in measured}
    needed = sum(len(each.minimal) for each in measured)
    spare = sum(len(each.executed) for each in measured) - needed
    too_many = sum(map(len, surplus.values()))
    percent = 100 * too_many / needed
    with capsys.disabled():
        print(
            f"\n{len(measured)} notebooks of {len(EXAMPLES)}: {needed} cells are needed and {spare} are not."
        )
        print(f"Slices keep {too_many} cells too many: {percent:.1f} %.")
        for name, numbers in surplus.items():
            if numbers:
                print(*(f"  {name}: {line}" for line in lines_about(kept[name], numbers)), sep="\n")
    assert len(EXAMPLES) >= 60
    assert percent <= TOO_MANY_PERCENT


def lines_about(kept: Kept, numbers: list[int]) -> list[str]:
    return [kept.verdicts[number - 1] for number in numbers]


def ask_for(example: Example) -> None:
    for module in example.requires:
        optional(module)


def can_run(example: Example) -> bool:
    try:
        ask_for(example)
    except pytest.skip.Exception:
        return False
    return True


def check_same(
    example: Example,
    numbers: tuple[int, ...],
    live: Outcome,
    outcome: Outcome,
    verdicts: tuple[str, ...] = (),
) -> None:
    """The outcome of some cells is that of all cells."""
    check_raised(example, numbers, outcome, verdicts)
    different = {
        name: (value, outcome.values.get(name, "not there"))
        for name, value in live.values.items()
        if outcome.values.get(name) != value
    }
    assert not different, told(example, numbers, different, verdicts)


def check_raised(
    example: Example, numbers: tuple[int, ...], outcome: Outcome, verdicts: tuple[str, ...] = ()
) -> None:
    """Only cells raise that are said to."""
    unexpected = {
        position: error
        for position, error in outcome.raised.items()
        if position == -1 or not example.may_raise(numbers[position])
    }
    assert not unexpected, told(example, numbers, unexpected, verdicts)


def told(example: Example, numbers: tuple[int, ...], what: Any, verdicts: tuple[str, ...]) -> str:
    cells = [f"[{number}] {example.source_of(number)!r}" for number in example.numbers]
    return "\n".join([f"{what}", f"executed: {numbers}", *cells, f"[*] {example.submitted!r}", *verdicts])
