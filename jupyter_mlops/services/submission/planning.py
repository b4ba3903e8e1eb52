"""From cells or a notebook and a request to a plan; everything that can be refused is refused here."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ...entities import Carried
from ...errors import Conflict, InvalidInput
from ..jobs.origin import Origin
from .plan import Plan, Told
from .request import Request, Search
from .searching import as_distributions, as_values, combinations, is_varied, search_over

if TYPE_CHECKING:
    from ...capture.history import ExecutedCell
    from ...notebooks.promotion import Promotion
    from ...notebooks.selection import Carried as CarriedCell
    from ..files.packing import Packing, Registered

MOST_LISTED = 12
"""So many cells are named by their numbers."""


class Carrying(Protocol):
    """What planning needs of the service that packs objects."""

    def pack(self, namespace: Mapping[str, Any], names: Sequence[str]) -> list[Carried]:
        """Put the objects into blobs. Raises InvalidInput for what cannot be carried."""
        ...


class Planner:
    """Makes plans for one workspace.

    ``shares_files`` says whether the jobs of an executor see this file system; ``recorded`` which files
    cells of a notebook were seen to read, ``registered`` which versions of datasets and models go along.
    """

    def __init__(
        self,
        carrying: Callable[[], Carrying] | None,
        shares_files: Callable[[str], bool],
        *,
        files_cap_bytes: int,
        recorded: Callable[[Sequence[str], str | None], Sequence[str]] = lambda sources, notebook: (),
        registered: Callable[[Sequence[str]], tuple[Registered, list[str]]] | None = None,
    ) -> None:
        self._recorded = recorded
        self._registered = registered
        self._carrying = carrying
        self._shares_files = shares_files
        self._files_cap_bytes = files_cap_bytes

    def cell(
        self,
        cells: Sequence[ExecutedCell],
        source: str,
        origin: Origin,
        request: Request,
        namespace: Mapping[str, Any] | None,
    ) -> Plan:
        """The cell ``source`` with what it needs of ``cells``."""
        from ...notebooks.carried import check_returns
        from ...notebooks.kernels import KernelChoice
        from ...notebooks.parameters import sweeps
        from ...notebooks.promotion import check_submitted, made_of, notes_on_undefined
        from ...notebooks.selection import select
        from ..carrying.service import notes as notes_of
        from ..carrying.service import weighing

        check_submitted(source)
        name = request.name or (Path(origin.notebook).stem if origin.notebook else "job")
        spread = {key: sweeps(value, None) for key, value in request.params.items()}
        search, given = _shape(request.search, spread)
        carried, loading = self._carried(request.carry, namespace)
        selection = select(cells, source, namespace=namespace, whole=request.whole, carried=loading)
        promotions = [made_of(selection, source, name=name, params=each, carried=loading) for each in given]
        first = promotions[0]
        sources = _sources(first.notebook)
        check_returns(request.returns, sources, request.carry)
        many = len(given) > 1 or search is not None
        notes, files = self._files(sources, origin, request, namespace, executed=True, many=many)
        told = Told(
            taken="" if request.whole else _taken(first),
            left_out=first.left_out,
            undecided=first.undecided,
            carried=weighing(carried),
            notes=[*first.notes, *notes_on_undefined(sources, namespace), *notes_of(carried), *notes],
        )
        return Plan(
            origin=origin,
            name=name,
            notebooks=[(each.notebook, each.values) for each in promotions],
            kernel=KernelChoice(name=origin.kernel_name, argv=origin.kernel_argv),
            source_notebook=origin.notebook,
            promoted=True,
            varied=_varied(spread),
            space=first.space,
            search=search,
            carried=carried,
            files=files,
            told=told,
        )

    def notebook(
        self, path: Path, origin: Origin, request: Request, namespace: Mapping[str, Any] | None
    ) -> Plan:
        """A whole notebook from disk."""
        from ...notebooks.carried import check_returns
        from ...notebooks.files import read_notebook
        from ...notebooks.injection import is_python
        from ...notebooks.kernels import kernel_of, worker_of
        from ...notebooks.prepared import check_notebook, prepared, spread, with_loading
        from ...notebooks.proposals import note_on_proposals
        from ..carrying.service import notes as notes_of
        from ..carrying.service import weighing

        path = Path(path).expanduser().absolute()
        _check_no_recursion(path, origin)
        notebook = read_notebook(path)
        check_notebook(notebook)
        asked = request.params or request.write_parameters
        proposed = filter(None, [None if asked else note_on_proposals(notebook)])
        values = spread(notebook, request.params)
        search, given = _shape(request.search, values)
        carried, loading = self._carried(request.carry, namespace)
        ready = [prepared(notebook, each, where=path.name) for each in given]
        if loading is not None:
            ready = [replace(each, notebook=with_loading(each.notebook, loading.source)) for each in ready]
        interpreter, kernel = worker_of(
            kernel_of(notebook, interpreter=origin.interpreter), interpreter=origin.interpreter
        )
        origin = replace(origin, interpreter=interpreter)
        sources = _sources(ready[0].notebook)
        if is_python(notebook):
            check_returns(request.returns, sources, request.carry)
        elif request.returns:
            raise InvalidInput("--return keeps variables of Python notebooks.")
        notes: list[str] = []
        files = None
        if is_python(notebook):
            many = len(given) > 1 or search is not None
            notes, files = self._files(sources, origin, request, executed=False, many=many)
        return Plan(
            origin=origin,
            name=request.name or path.stem,
            notebooks=[(each.notebook, each.values) for each in ready],
            kernel=kernel,
            source_notebook=str(path),
            promoted=False,
            varied=_varied(values),
            space=ready[0].space,
            search=search,
            carried=carried,
            files=files,
            told=Told(carried=weighing(carried), notes=[*notes_of(carried), *notes, *proposed]),
        )

    def _carried(
        self, names: Sequence[str], namespace: Mapping[str, Any] | None
    ) -> tuple[list[Carried], CarriedCell | None]:
        """The objects in their blobs, and the cell that loads them."""
        if not names:
            return [], None
        from ...notebooks.carried import carrying_cell
        from ...notebooks.selection import Carried as CarriedCell

        if namespace is None or self._carrying is None:
            raise InvalidInput(
                "--carry sends objects of the kernel that submits, and there is none here: use %%submit or "
                "%submit in a notebook."
            )
        items = self._carrying().pack(namespace, names)
        return items, CarriedCell(carrying_cell(items), tuple(names))

    def _files(
        self,
        sources: Sequence[str],
        origin: Origin,
        request: Request,
        namespace: Mapping[str, Any] | None = None,
        *,
        executed: bool,
        many: bool,
    ) -> tuple[list[str], Packing | None]:
        """What to say of files that the sources read, and what has to go along with them.

        ``executed``: all sources but the last ran in this kernel. ``many``: there are several jobs.
        """
        from ..files.finding import find
        from ..files.packing import plan_packing

        shared = all(self._shares_files(each) for each in request.places)
        found = find(
            sources,
            cwd=origin.cwd,
            python_path=origin.python_path,
            namespace=namespace,
            recorded=() if shared else self._recorded(sources, origin.notebook),
            executed=executed,
            travelling=not shared,
        )
        if not (request.after or request.after_any):  # a job that runs before may make them
            found.check()
        if shared:
            several = _in_each_others_way(found.written) if many else []
            return [*found.notes(), *several, *_needless(request)], None
        packing = plan_packing(
            found, include=request.include, exclude=request.exclude, limit_bytes=self._files_cap_bytes
        )
        notes = [*found.notes(), *found.unclear, *packing.notes]
        if self._registered is not None:
            registered, more = self._registered([*sources, *_assignments(request.params)])
            packing, notes = replace(packing, registered=registered), [*notes, *more]
        return notes, packing


def _assignments(params: Mapping[str, Any]) -> list[str]:
    """The parameters as code that sets them to each of their values: one may name a dataset."""
    return [
        f"{name} = {getattr(each, 'value', each)!r}"
        for name, value in params.items()
        for each in getattr(value, "each", value if isinstance(value, list) else [value])
        if isinstance(getattr(each, "value", each), str)
    ]


def _in_each_others_way(written: Sequence[Path]) -> list[str]:
    if not written:
        return []
    names = ", ".join(path.name for path in written[:3]) + (", ..." if len(written) > 3 else "")
    return [
        f"Each of the jobs writes {names} in the same place, and they run at the same time: one may read "
        "what another is writing. Put a parameter into the name, or write it before and leave that cell out."
    ]


def _needless(request: Request) -> list[str]:
    flags = [
        flag for flag, globs in (("--include", request.include), ("--exclude", request.exclude)) if globs
    ]
    if not flags:
        return []
    return [
        f"{' and '.join(flags)}: nothing has to travel, {' and '.join(request.places)} jobs see the files "
        "themselves."
    ]


def _shape(search: Search | None, params: Mapping[str, Any]) -> tuple[Search | None, list[dict[str, Any]]]:
    """The search, if it is one, and the values of each notebook that has to be made."""
    found = search_over(search, params)
    if found is not None:
        return found, [as_distributions(params)]
    return None, combinations(as_values(params))


def _varied(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in params.items() if is_varied(value)}


def _sources(notebook: Any) -> list[str]:
    """The code of a notebook without the cells that only load what is ours."""
    from ...notebooks.carried import ROLE

    ours = ("setup", ROLE)
    return [
        cell.source
        for cell in notebook.cells
        if cell.cell_type == "code" and cell.metadata.get("mlops", {}).get("role") not in ours
    ]


def _taken(promotion: Promotion) -> str:
    kept, executed = promotion.kept, len(promotion.kept) + len(promotion.left_out)
    if not executed:
        return ""
    if not kept:
        return f"The job takes none of the {executed} executed cells: it needs none."
    numbers = ", ".join(map(str, kept)) if len(kept) <= MOST_LISTED else f"{kept[0]} to {kept[-1]}"
    return f"The job takes {len(kept)} of the {executed} executed cells: {numbers}."


def _check_no_recursion(path: Path, origin: Origin) -> None:
    running = origin.running_notebook
    if running and os.path.realpath(running) == os.path.realpath(path):
        raise Conflict(f"{path.name} is what this job runs: a job does not submit itself again.")
