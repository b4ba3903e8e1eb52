"""For a notebook without a parameters cell: which literals could be its parameters, and how it gets one.

Nothing is written unless somebody agrees. The edits say what each cell was, so that whoever makes them, in
an open document say, sees whether they still fit.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from ..capture.literals import is_short
from ..capture.secret_names import is_secret_given
from ..entities import CellEdit, Parameter, ParametersCell, Proposal
from ..errors import Conflict, InvalidInput, NotFound
from . import languages
from .files import encoded, read_notebook
from .names import Binding, names_of
from .overrides import replaced
from .parameters import check_names, comments_of, parameters_cell
from .prepared import parameters_cell_of
from .removal import is_code, without
from .source import Cell, lines_of, literal, parse_cell
from .values import source_of

SHOWN = 6


def proposals_of(notebook: NotebookNode) -> list[Proposal]:
    """Literals that one cell assigns at its top level and no other place binds, in order.

    None for a notebook that has a parameters cell. Not proposed are secrets, long values, names that begin
    with ``_``, and what a star import, or the like, may set afterwards.
    """
    return [each.proposal for each in _candidates(notebook)]


def note_on_proposals(notebook: NotebookNode) -> str | None:
    """What to tell somebody who submits a notebook as it is; None where there is nothing to propose."""
    found = proposals_of(notebook)
    if not found:
        return None
    shown = ", ".join(f"{each.name} = {each.source} (cell {each.cell})" for each in found[:SHOWN])
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return (
        f"The notebook has no cell tagged 'parameters'; these could be its parameters: {shown}{more}. "
        "--write-parameters writes that cell into the notebook."
    )


def parameters_cell_for(notebook: NotebookNode, names: Collection[str] | None = None) -> ParametersCell:
    """The edits that give the notebook a parameters cell with these names; all proposed ones by default.

    The assignments leave their cells; a cell that held nothing else becomes the parameters cell itself.
    Raises Conflict where there is such a cell, ParameterError for a name that is not proposed, InvalidInput
    where nothing is.
    """
    if parameters_cell(notebook) is not None:
        raise Conflict("The notebook has a cell tagged 'parameters' already: add what you need there.")
    candidates = _candidates(notebook)
    if names is not None:
        check_names(names, [each.proposal.name for each in candidates], where="what could be parameters")
        candidates = [each for each in candidates if each.proposal.name in names]
    if not candidates:
        raise InvalidInput("No cell assigns a literal that could be a parameter, such as lr = 0.1.")
    edits = [
        CellEdit(index=index, before=notebook.cells[index].source, after=after)
        for index, after in _without_assignments(notebook, candidates)
    ]
    if len(edits) == 1 and edits[0].after is None:
        (edit,) = edits
        return ParametersCell(index=edit.index, edits=[replace(edit, after=edit.before)])
    made = _cell_source(notebook, [each.proposal for each in candidates])
    return ParametersCell(index=min(each.index for each in edits), source=made, edits=edits)


def write_parameters(
    path: Path, names: Collection[str] | None = None, *, at_least: Collection[str] = ()
) -> list[Proposal]:
    """Write a parameters cell into a notebook's file; returns what it holds.

    Raises as ``parameters_cell_for``, also for a name of ``at_least`` that is not proposed, and Conflict when
    the file changes meanwhile.
    """
    read_notebook(path)  # the messages for what is no notebook
    path = Path(os.path.realpath(path))
    before = path.read_bytes()
    notebook = nbformat.reads(before.decode(), as_version=4)  # type: ignore[no-untyped-call]
    if parameters_cell(notebook) is None:
        check_names(
            at_least, [each.name for each in proposals_of(notebook)], where="what could be parameters"
        )
    cell = parameters_cell_for(notebook, names)
    written = [each for each in proposals_of(notebook) if names is None or each.name in names]
    apply_edits(notebook, cell)
    _replace(path, before, encoded(notebook))
    return written


def apply_edits(notebook: NotebookNode, cell: ParametersCell) -> None:
    """Make the edits in place. Raises Conflict where a cell is not what it was."""
    for edit in cell.edits:
        if edit.index >= len(notebook.cells) or notebook.cells[edit.index].source != edit.before:
            raise Conflict(f"Cell {edit.index + 1} has changed meanwhile: nothing was written.")
    if cell.source is None:
        tags = notebook.cells[cell.index].metadata.setdefault("tags", [])
        tags.append("parameters")
        return
    for edit in sorted(cell.edits, key=lambda each: -each.index):
        if edit.after is None:
            del notebook.cells[edit.index]
        else:
            notebook.cells[edit.index].source = edit.after
    made = parameters_cell_of([])
    made.source = cell.source
    made.metadata = nbformat.from_dict({"tags": ["parameters"]})  # type: ignore[no-untyped-call]
    if (notebook.nbformat, notebook.nbformat_minor) < (4, 5):
        made.pop("id", None)
    notebook.cells.insert(cell.index, made)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A proposal with where it comes from: the cell's index, and its statement or line."""

    proposal: Proposal
    index: int
    binding: Binding | None = None
    line: str = field(default="")


def _candidates(notebook: NotebookNode) -> list[_Candidate]:
    if parameters_cell(notebook) is not None:
        return []
    code = [(index, cell.source) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
    if languages.is_python(notebook):
        return list(_of_python([(index, parse_cell(source)) for index, source in code]))
    return list(_of_lines(code, languages.language_of(notebook)))


def _of_python(cells: Sequence[tuple[int, Cell]]) -> Iterator[_Candidate]:
    names = [(index, cell, names_of(cell)) for index, cell in cells]
    opaque = max((index for index, _, found in names if found.opaque), default=-1)
    bound = [each.name for _, _, found in names for each in found.bindings]
    for index, cell, found in names:
        if index <= opaque or cell.head or len(lines_of(cell.body)) != len(lines_of(cell.python)):
            continue
        comments = comments_of(cell.python)
        for each in found.bindings:
            if each.alone is None or each.value is None or bound.count(each.name) > 1:
                continue
            _, default = literal(each.value)
            about = comments.get(each.alone.end_lineno or 0, "")
            if _is_parameter(each.name, default):
                yield _Candidate(_proposal(each.name, default, about, index), index, each)


def _of_lines(cells: Sequence[tuple[int, str]], language: str) -> Iterator[_Candidate]:
    lines = [(index, line) for index, source in cells for line in source.splitlines()]
    declared = [(index, line, each) for index, line in lines for each in languages.declared(line, language)]
    bound = [each.name for _, _, each in declared]
    for index, line, each in declared:
        if each.type == languages.UNKNOWN or bound.count(each.name) > 1:
            continue
        if _is_parameter(each.name, each.default):
            yield _Candidate(_proposal(each.name, each.default, each.help, index), index, line=line)


def _is_parameter(name: str, default: Any) -> bool:
    """Not what is a placeholder, a document, internal or secret."""
    if name.startswith("_") or default is None or not is_short(default):
        return False
    return not (isinstance(default, str) and ("\n" in default or is_secret_given(name, default)))


def _proposal(name: str, default: Any, about: str, index: int) -> Proposal:
    kind = type(default).__name__
    return Proposal(
        name=name, default=default, type=kind, help=about, source=source_of(default), cell=index + 1
    )


def _without_assignments(
    notebook: NotebookNode, candidates: Sequence[_Candidate]
) -> Iterator[tuple[int, str | None]]:
    """Each cell that changes, by its index; None for one of which nothing is left."""
    for index in sorted({each.index for each in candidates}):
        chosen = [each for each in candidates if each.index == index]
        source = notebook.cells[index].source
        left = _python_left(source, chosen) if chosen[0].binding else _lines_left(source, chosen)
        yield index, left


def _python_left(source: str, chosen: Sequence[_Candidate]) -> str | None:
    cell = parse_cell(source)
    bindings = [each.binding for each in chosen if each.binding]
    left = without(cell.body, [each.alone for each in bindings if each.alone])
    if left is None:
        edits = [(each.value, each.name) for each in bindings if each.value]
        return cell.head + replaced(cell.body, edits)
    return cell.head + left if is_code(left) else None


def _lines_left(source: str, chosen: Sequence[_Candidate]) -> str | None:
    lines = {each.line for each in chosen}
    left = [line for line in source.splitlines() if line not in lines]
    return "\n".join(left) if any(line.strip() and line.strip()[0] not in "#%/" for line in left) else None


def _cell_source(notebook: NotebookNode, proposals: Sequence[Proposal]) -> str:
    if not languages.is_python(notebook):
        return languages.translated(notebook, {each.name: each.default for each in proposals})
    parameters = [
        Parameter(name=each.name, default=each.default, type=each.type, help=each.help) for each in proposals
    ]
    source: str = parameters_cell_of(parameters).source
    return source


def _replace(path: Path, before: bytes, after: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(after)
        os.chmod(temporary, path.stat().st_mode & 0o777)
        if path.read_bytes() != before:
            raise Conflict(f"{path.name} has changed on disk meanwhile: nothing was written. Try again.")
        os.replace(temporary, path)
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone: nothing was written.") from error
    finally:
        temporary.unlink(missing_ok=True)
