"""Whether a notebook was run from top to bottom: the executed cells against the saved file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ..capture.history import ExecutedCell
from .source import BLANK, lines_of

MOST_REASONS = 4


class SavedCell(msgspec.Struct):
    """A cell of a notebook's file; ``source`` is one text or one for each line."""

    cell_type: str = ""
    source: str | list[str] = ""
    id: str | None = None

    @property
    def text(self) -> str:
        return self.source if isinstance(self.source, str) else "".join(self.source)


class _SavedNotebook(msgspec.Struct):
    cells: list[SavedCell] = []


@dataclass(frozen=True, slots=True)
class Order:
    """``in_order`` is None where there is no notebook to compare with; ``reason`` says what is not."""

    in_order: bool | None
    reason: str = ""


def saved_cells(path: Path, *, cap_bytes: int) -> list[SavedCell] | None:
    """The code cells of a notebook's file that have code; None where it cannot be read, or is large."""
    try:
        if path.stat().st_size > cap_bytes:
            return None
        notebook = msgspec.json.decode(path.read_bytes(), type=_SavedNotebook)
    except (OSError, msgspec.DecodeError):
        return None
    return [each for each in notebook.cells if each.cell_type == "code" and _is_code(each.text)]


def order_of(executed: Sequence[ExecutedCell], saved: Sequence[SavedCell]) -> Order:
    """Judge the cells up to the last executed one.

    They are in order when they stand in the file as they were run, one after the other from the first
    on. A cell that raised, and was run again until it did not, counts once.
    """
    counted = _without_failed_attempts([each for each in executed if _is_code(each.source)])
    places = _places(counted, saved)
    reasons = [
        *_changes(counted, places, saved),
        *_repeats(counted, places),
        *_disorder(counted, places),
        *_gaps(places, saved),
    ]
    shown = reasons[:MOST_REASONS]
    if len(reasons) > len(shown):
        shown.append(f"and {len(reasons) - len(shown)} things more")
    return Order(not reasons, "; ".join(shown))


def _is_code(source: str) -> bool:
    return not all(BLANK.match(line) for line in lines_of(source))


def _without_failed_attempts(executed: Sequence[ExecutedCell]) -> list[ExecutedCell]:
    last = {each.cell_id: index for index, each in enumerate(executed) if each.cell_id}
    return [
        each
        for index, each in enumerate(executed)
        if each.ok or not each.cell_id or last[each.cell_id] == index
    ]


def _places(executed: Iterable[ExecutedCell], saved: Sequence[SavedCell]) -> list[int | None]:
    """Where each stands in the file: by its id, else by its text, as near after the one before as it can."""
    by_id = {each.id: index for index, each in enumerate(saved) if each.id}
    by_text: dict[str, list[int]] = {}
    for index, each in enumerate(saved):
        by_text.setdefault(each.text.strip(), []).append(index)
    places: list[int | None] = []
    before = -1
    for cell in executed:
        place = by_id.get(cell.cell_id) if cell.cell_id else None
        if place is None:
            same = by_text.get(cell.source.strip(), [])
            place = next((each for each in same if each > before), same[0] if same else None)
        places.append(place)
        before = before if place is None else place
    return places


def _changes(
    executed: Sequence[ExecutedCell], places: Sequence[int | None], saved: Sequence[SavedCell]
) -> list[str]:
    found = []
    deleted = [cell for cell, place in zip(executed, places, strict=True) if place is None]
    if deleted:
        one = len(deleted) == 1
        what = "was run and is" if one else "were run and are"
        found.append(f"{_listed(deleted)} {what} not in the saved notebook")
    last = {place: cell for cell, place in zip(executed, places, strict=True) if place is not None}
    found += [
        f"cell {cell.number} is not as in the saved notebook: edited after it ran, or not saved yet"
        for place, cell in last.items()
        if cell.source.strip() != saved[place].text.strip()
    ]
    return found


def _repeats(executed: Sequence[ExecutedCell], places: Sequence[int | None]) -> list[str]:
    first: dict[int, ExecutedCell] = {}
    found = []
    for cell, place in zip(executed, places, strict=True):
        if place is not None and first.setdefault(place, cell) is not cell:
            found.append(f"cell {first[place].number} was run again as cell {cell.number}")
    return found


def _disorder(executed: Sequence[ExecutedCell], places: Sequence[int | None]) -> list[str]:
    found: list[str] = []
    lowest: tuple[int, ExecutedCell] | None = None
    seen: set[int] = set()
    for cell, place in zip(executed, places, strict=True):
        if place is None or place in seen:
            continue
        seen.add(place)
        if lowest is not None and place < lowest[0]:
            found.append(f"cell {cell.number} stands above cell {lowest[1].number} and was run after it")
        else:
            lowest = place, cell
    return found


def _gaps(places: Sequence[int | None], saved: Sequence[SavedCell]) -> list[str]:
    known = {each for each in places if each is not None}
    if not places or places[-1] is None:
        return []
    missing = [index for index in range(places[-1]) if index not in known]
    if not missing:
        return []
    first = next((line.strip() for line in saved[missing[0]].text.splitlines() if line.strip()), "")
    first = first if len(first) <= 40 else first[:39] + "…"
    if len(missing) == 1:
        return [f"a cell above it was not run ({first})"]
    return [f"{len(missing)} cells above it were not run (the first: {first})"]


def _listed(cells: Sequence[ExecutedCell]) -> str:
    numbers = [str(each.number) for each in cells]
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    if len(numbers) > 5:
        return f"{len(numbers)} cells"
    return f"cells {', '.join(numbers[:-1])} and {numbers[-1]}"
