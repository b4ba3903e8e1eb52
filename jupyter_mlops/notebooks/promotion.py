"""From the cells that a kernel has executed to a notebook that runs as a job.

The notebook is: parameters with their defaults, the injected values, a setup cell that starts the
replay, the cells that are replayed, the carried objects, and last the submitted cell, which alone is the
job's run.
"""

from __future__ import annotations

import builtins
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbformat import NotebookNode, from_dict
from nbformat.v4 import new_notebook

from ..capture.history import ExecutedCell
from ..entities import Distribution, Parameter
from ..errors import ParameterError, PromotionRefused
from .candidates import THE_SUBMITTED, first_line, only_submits, submits
from .carried import ROLE
from .injection import inject
from .names import names_of, without_magic
from .overrides import Code, Overridden, override
from .prepared import parameters_cell_of
from .removal import is_code
from .selection import Carried, Selection, select
from .source import is_tracked, parse_cell, problem_of, without_track

SETUP = "%load_ext jupyter_mlops\n%mlops replay"
KNOWN_ANYWHERE = frozenset({*dir(builtins), "display", "get_ipython"})
TRACK_LINE = re.compile(r"^[ \t]*%%track\b[^\n]*?(?=[ \t]*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A notebook that is ready to run, and what became of each cell.

    ``values`` are the overrides in their types; of what is searched over (``space``) they are examples.
    ``kept`` are the numbers of the replayed cells, ``left_out`` the others as lines with their reasons;
    ``notes`` and ``undecided`` are lines to show before anything is queued.
    """

    notebook: NotebookNode
    parameters: list[Parameter]
    values: dict[str, Any]
    kept: list[int]
    space: dict[str, Distribution] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)


def promote(
    cells: Sequence[ExecutedCell],
    submitted: str,
    *,
    name: str,
    params: Mapping[str, Any],
    namespace: Mapping[str, Any] | None = None,
    whole: bool = False,
    carried: Carried | None = None,
) -> Promotion:
    """The notebook that replays what ``submitted`` needs of ``cells``, and then runs it as the run ``name``.

    ``namespace`` is the kernel's, as far as it is known; ``whole`` replays all cells that can be. Raises
    PromotionRefused when the submitted cell does not parse or a cell needs what was left out, and
    ParameterError for an override that cannot win.
    """
    check_submitted(submitted)
    selection = select(cells, submitted, namespace=namespace, whole=whole, carried=carried)
    return made_of(selection, submitted, name=name, params=params, carried=carried)


def made_of(
    selection: Selection,
    submitted: str,
    *,
    name: str,
    params: Mapping[str, Any],
    carried: Carried | None = None,
) -> Promotion:
    """The notebook of what was selected. Raises ParameterError."""
    kept = [(cell, why, replay_of(cell.source)) for cell, why in selection.kept]
    _check_needed(params, selection, submitted, carried)
    codes = [Code(f"cell {cell.number}", source) for cell, _, source in kept]
    result = override([*codes, Code(THE_SUBMITTED, submitted)], params, where="the cells that the job takes")
    *replayed, last = result.sources
    loading = [made_cell(carried.source, ROLE)] if carried else []
    notebook: NotebookNode = new_notebook(metadata=kernel_metadata())  # type: ignore[no-untyped-call]
    notebook.cells = [
        parameters_cell_of(result.parameters),
        made_cell(SETUP, "setup"),
        *(
            made_cell(source, "replay", cell, why)
            for (cell, why, _), source in zip(kept, replayed, strict=True)
            if is_code(source)
        ),
        *loading,
        made_cell(tracked(last, name, _bound_in(submitted, result.values)), "submitted"),
    ]
    if result.values:
        inject(notebook, result.values)
    return _promotion(notebook, result, selection)


def _promotion(notebook: NotebookNode, result: Overridden, selection: Selection) -> Promotion:
    return Promotion(
        notebook=notebook,
        parameters=result.parameters,
        values=result.values,
        space=result.space,
        kept=[cell.number for cell, _ in selection.kept if is_code(replay_of(cell.source))],
        left_out=[
            f"cell {cell.number} ({first_line(cell)}): {reason}"
            for cell, reason in selection.left_out
            if not only_submits(cell)
        ],
        notes=selection.notes,
        undecided=selection.undecided,
    )


def _check_needed(
    params: Mapping[str, Any], selection: Selection, submitted: str, carried: Carried | None
) -> None:
    """Refuse an override of what is carried, and of what only cells assign that are left out."""
    taken = [
        names_of(parse_cell(source)) for source in [*(cell.source for cell, _ in selection.kept), submitted]
    ]
    used = {name for each in taken for name in each.bound | each.reads | each.deferred}
    for name in params:
        if carried and name in carried.names:
            raise ParameterError(
                f"{name} cannot be overridden: --carry {name} sends its present value. Take one of them out."
            )
        for cell, why in reversed(selection.left_out):
            if name not in used and name in names_of(parse_cell(cell.source)).bound:
                raise ParameterError(
                    f"{name} cannot be overridden: cell {cell.number} ({first_line(cell)}) assigns it, and "
                    f"that cell is left out: {why}. Neither the submitted cell nor what it needs uses {name}."
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


def notes_on_undefined(sources: Sequence[str], namespace: Mapping[str, Any] | None) -> list[str]:
    """Names that the last source, the submitted cell, reads and that neither the others nor the kernel have.

    It is no refusal: the cell may count on the NameError.
    """
    taken = [names_of(parse_cell(source)) for source in sources]
    if namespace is None or any(each.opaque for each in taken):
        return []
    bound = {name for each in taken for name in each.bound}
    missing = taken[-1].reads - bound - namespace.keys() - KNOWN_ANYWHERE
    return [
        f"{name} is defined neither by the cells that the job takes nor in this kernel."
        for name in sorted(missing)
    ]


def check_submitted(submitted: str) -> None:
    """Raise PromotionRefused when there is nothing to submit, or nothing that can run."""
    if not is_code(submitted):
        raise PromotionRefused("The submitted cell is empty: put the code of the job below %%submit.")
    cell = parse_cell(f"%%track\n{submitted}")  # it is tracked, and so never a bare `cd data`
    if submits(cell):
        raise PromotionRefused("A job does not submit itself again: take the inner %%submit line out.")
    if problem := problem_of(cell):
        raise PromotionRefused(f"The submitted cell does not parse: {problem.msg} (line {problem.lineno}).")


def made_cell(source: str, role: str, cell: ExecutedCell | None = None, why: str = "") -> NotebookNode:
    """A code cell that says what it is there for."""
    about: dict[str, Any] = {"role": role}
    if why:
        about["why"] = why
    if cell is not None:
        about["number"] = cell.number
        if cell.cell_id:
            about["cell_id"] = cell.cell_id
    # nbformat's new_code_cell takes a millisecond to check each; the notebook is checked when it is written
    made: NotebookNode = from_dict(  # type: ignore[no-untyped-call]
        {
            "id": secrets.token_hex(4),
            "cell_type": "code",
            "metadata": {"tags": [], "mlops": about},
            "execution_count": None,
            "source": source,
            "outputs": [],
        }
    )
    return made


def kernel_metadata() -> dict[str, Any]:
    """A Python notebook's."""
    return {
        "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
        "language_info": {"name": "python"},
        "papermill": {},
    }
