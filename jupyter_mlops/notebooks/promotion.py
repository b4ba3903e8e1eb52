"""From the cells that a kernel has executed to a notebook that runs as a job.

The notebook is: parameters with their defaults, the injected values, a setup cell that starts the
replay, the cells that are replayed, and last the submitted cell, which alone is the job's run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from ..capture.history import ExecutedCell
from ..entities import Parameter
from ..errors import PromotionRefused
from .injection import inject
from .names import names_of, without_magic
from .overrides import Code, override
from .prepared import parameters_cell_of
from .selection import THE_SUBMITTED, first_line, only_submits, select, submits
from .source import BLANK, is_tracked, lines_of, parse_cell, problem_of, without_track

SETUP = "%load_ext jupyter_mlops\n%mlops replay"
TRACK_LINE = re.compile(r"^[ \t]*%%track\b[^\n]*?(?=[ \t]*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A notebook that is ready to run, and what became of each cell.

    ``values`` are the overrides in their types; ``kept`` the numbers of the replayed cells; ``left_out``
    and ``notes`` are lines to show to the user.
    """

    notebook: NotebookNode
    parameters: list[Parameter]
    values: dict[str, Any]
    kept: list[int]
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def promote(
    cells: Sequence[ExecutedCell], submitted: str, *, name: str, params: Mapping[str, Any]
) -> Promotion:
    """The notebook that replays ``cells`` and then runs ``submitted`` as the run ``name``.

    Raises PromotionRefused when the submitted cell does not parse or a cell needs what was left out,
    and ParameterError for an override that cannot win.
    """
    _check_syntax(submitted)
    selection = select(cells, submitted)
    kept = [(cell, source) for cell in selection.kept if is_code(source := replay_of(cell.source))]
    codes = [Code(f"cell {cell.number}", source) for cell, source in kept]
    result = override([*codes, Code(THE_SUBMITTED, submitted)], params, where="the executed cells")
    *replayed, last = result.sources
    notebook: NotebookNode = new_notebook(metadata=kernel_metadata())  # type: ignore[no-untyped-call]
    notebook.cells = [
        parameters_cell_of(result.parameters),
        made_cell(SETUP, "setup"),
        *(made_cell(source, "replay", cell) for (cell, _), source in zip(kept, replayed, strict=True)),
        made_cell(tracked(last, name, _bound_in(submitted, result.values)), "submitted"),
    ]
    if result.values:
        inject(notebook, result.values)
    return Promotion(
        notebook=notebook,
        parameters=result.parameters,
        values=result.values,
        kept=[cell.number for cell, _ in kept],
        left_out=[
            f"cell {cell.number} ({first_line(cell)}): {reason}"
            for cell, reason in selection.left_out
            if not only_submits(cell)
        ],
        notes=selection.notes,
    )


def tracked(source: str, name: str, params: Sequence[str] = ()) -> str:
    """The submitted cell as a tracked one; its own ``%%track`` line wins.

    ``params`` are overridden names that it assigns: what was ``lr = 0.1`` has become ``lr = lr``, which
    would no longer be seen to be a param.
    """
    flags = "".join(f" -p {each}" for each in params)
    if is_tracked(source):
        return TRACK_LINE.sub(lambda match: match[0] + flags, source, count=1)
    first = next((line for line in source.splitlines() if line.strip() and line.lstrip()[0] != "#"), "")
    if first.lstrip().startswith("%%"):  # a cell magic must follow directly
        source = source[source.index(first) :]
    return f"%%track {shlex.quote(name)}{flags}\n{source}"


def _bound_in(source: str, values: Mapping[str, Any]) -> list[str]:
    bound = names_of(parse_cell(source)).bound
    return [name for name in values if name in bound]


def replay_of(source: str) -> str:
    """What is replayed of a cell: the setup cell has loaded the extension, and records what is tracked."""
    return without_magic(without_track(source), ("load_ext", "jupyter_mlops"))


def is_code(source: str) -> bool:
    """Whether there is anything but comments in it."""
    return not all(map(BLANK.match, lines_of(source)))


def _check_syntax(submitted: str) -> None:
    if not is_code(submitted):
        raise PromotionRefused("The submitted cell is empty: put the code of the job below %%submit.")
    cell = parse_cell(f"%%track\n{submitted}")  # it is tracked, and so never a bare `cd data`
    if submits(cell):
        raise PromotionRefused("A job does not submit itself again: take the inner %%submit line out.")
    if problem := problem_of(cell):
        raise PromotionRefused(f"The submitted cell does not parse: {problem.msg} (line {problem.lineno}).")


def made_cell(source: str, role: str, cell: ExecutedCell | None = None) -> NotebookNode:
    """A code cell that says what it is there for."""
    about: dict[str, Any] = {"role": role}
    if cell is not None:
        about["number"] = cell.number
        if cell.cell_id:
            about["cell_id"] = cell.cell_id
    metadata = {"tags": [], "mlops": about}
    made: NotebookNode = new_code_cell(source, metadata=metadata)  # type: ignore[no-untyped-call]
    return made


def kernel_metadata() -> dict[str, Any]:
    """A Python notebook's."""
    return {
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": {"name": "python"},
        "papermill": {},
    }
