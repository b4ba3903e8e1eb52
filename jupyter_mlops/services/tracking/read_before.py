"""The registered versions that were read before a run began, and that what it runs depends on.

A read is a version that was loaded at a line of the user's code. Each read is given to the text that it is
of: an earlier cell, a statement that has run before in the same cell or file, or the statement that runs
now. ``notebooks.origins`` then says which of the earlier texts what is tracked depends on. For a block in
a function the question is asked once more for each function that is being called: what of it has run before,
and which of that does the block depend on?

They are found when somebody first asks, as a rule beside the user's code; what that needs is noted at once.
What cannot be told from the code's text counts: no true parent is lost.
"""

from __future__ import annotations

import ast
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from types import CodeType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...capture.history import ExecutedCell, Past, kernels
from ...capture.kinds import OfType, types_of
from ...capture.loaded import Call, Calls, Read, loaded
from ...entities import VersionRef
from .rounds import Rounds, lasts, tree_of

if TYPE_CHECKING:
    from ...notebooks.origins import InCell, Ran
    from ...notebooks.units import Block

CONTAINERS = (OfType(list), OfType(dict), OfType(set))

Namespace = Mapping[str, Any]

logger = logging.getLogger(__name__)


class _Unknown(Exception):
    """The texts do not tell what the code depends on."""


def before_cell(past: Past, namespace: Namespace, home: str) -> Callable[[], Sequence[VersionRef]] | None:
    """What the earlier cells have read that ``past.target`` depends on; None where nothing was read."""
    reads = loaded.reads(home)
    return partial(_versions, partial(_of_cell, past, types_of(namespace), reads), reads) if reads else None


def before_block(where: Calls, home: str, *, function: str = "") -> Callable[[], Sequence[VersionRef]] | None:
    """What was read before a tracked block that begins at this place; None where nothing was.

    None also in a function that a library or a thread calls, as a worker of Celery does, many times: what it
    was given cannot be told, and what others have read is not its data.

    ``function`` is the name of the tracked function that is called there, where it is one.
    """
    reads = loaded.reads(home) if where.rooted else []
    if not reads:
        return None
    main = sys.modules["__main__"].__dict__
    history = kernels[-1] if kernels else None
    block = _Block(
        where=where,
        function=function,
        reads=reads,
        ended=loaded.order_of_block(where),
        namespace=types_of(main),
        past=history.past("") if history is not None and history.running() else None,
        typed=tuple(main.get("_ih", ())),
    )
    return partial(_versions, block.find, reads)


def _versions(find: Callable[[], Sequence[Read]], everything: Sequence[Read]) -> list[VersionRef]:
    try:
        found = find()
    except _Unknown:
        found = everything
    except Exception:  # tracking never breaks the user's code, and what is not known counts
        logger.exception("What was read before a run could not be told apart")
        found = everything
    return list(dict.fromkeys(each.version for each in sorted(found, key=lambda each: each.order)))


def _of_cell(past: Past, namespace: Namespace, reads: Sequence[Read]) -> list[Read]:
    from ...notebooks.origins import reads_behind
    from ...notebooks.units import cell_steps

    known = _Attached.of(past, past.cells, reads)
    target = cell_steps(past.target.source, _containers(namespace))
    behind = reads_behind(target, past.cells, known.in_cells, of=past.target, namespace=namespace)
    return [*known.stray, *behind]


def _containers(namespace: Namespace) -> list[str]:
    """Names that stand for containers, and not for something like one that is the user's own."""
    return [name for name, value in namespace.items() if value in CONTAINERS]


@dataclass(frozen=True, slots=True)
class _Attached:
    """The reads by the cells that they are of. ``running`` are those of the cell that runs now."""

    in_cells: list[InCell]
    running: list[Read]
    stray: list[Read]

    @classmethod
    def of(cls, past: Past | None, cells: Sequence[ExecutedCell], reads: Sequence[Read]) -> _Attached:
        """Reads that no cell of ``past`` is known for are of the cells with the text that ran then."""
        from ...notebooks.origins import InCell, line_in

        made, homes = cls([], [], []), {each.home for each in reads}
        if past is not None:
            made.running.extend(each for each in past.target.reads if each.home in homes)
            made.stray.extend(each for each in past.stray if each.home in homes)
            made.in_cells.extend(
                InCell(each, place)
                for place, cell in enumerate(past.cells)
                for each in cell.reads
                if each.home in homes
            )
        known = {each.order for each in (*made.running, *made.stray, *(each.read for each in made.in_cells))}
        for read in reads:
            if read.order in known:
                continue
            places = [
                place for place, cell in enumerate(cells) if line_in(cell.source, read.where) is not None
            ]
            made.in_cells.extend(InCell(read, place) for place in places)
            made.stray.extend([] if places else [read])
        return made


class _Before(NamedTuple):
    """The cells that had ended, what was read in them, and the cell ``of`` which the block is."""

    cells: Sequence[ExecutedCell]
    in_cells: Sequence[InCell]
    of: ExecutedCell


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a block is in one of the texts around it: a cell, a file, or a function that is being called.

    ``line`` is the one of ``body`` that is running, ``reads`` were read by the same text, with their lines
    in it. ``level`` counts the functions that have been called by then, ``functions`` are those with their
    names, and ``outer`` is what has run before the calls.
    """

    body: Sequence[ast.stmt]
    line: int
    reads: Sequence[tuple[Read, int | None]]
    level: int = 0
    functions: Sequence[tuple[CodeType, Mapping[str, str]]] = ()
    outer: Sequence[Ran] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Block:
    """A block that begins. ``ended`` is when the last one at its place did, in the order of reads.

    ``past`` is that of a kernel in which the extension is loaded, ``typed`` what one keeps without it.
    """

    where: Calls
    function: str
    reads: Sequence[Read]
    ended: int
    namespace: Namespace
    past: Past | None
    typed: tuple[str, ...]

    def find(self) -> list[Read]:
        """Raises _Unknown."""
        from ...notebooks.origins import line_in

        if loaded.forked or not lasts(self.where, self.function):
            raise _Unknown
        if self.past is not None:
            line = line_in(self.past.target.source, self.where)
            if line is not None:
                return self._in_cell(self.past, line)
        return self._in_file()

    def _in_cell(self, past: Past, line: int) -> list[Read]:
        """In the cell that runs now."""
        from ...notebooks.origins import line_in
        from ...notebooks.source import parse_cell

        source = past.target.source
        tree = parse_cell(source).tree or ast.Module([], [])
        known = _Attached.of(past, past.cells, self.reads)
        reads = [(each, line_in(source, each.where)) for each in known.running]
        before = _Before(past.cells, known.in_cells, past.target)
        return known.stray + self._behind(_Place(body=tree.body, line=line, reads=reads), before)

    def _in_file(self) -> list[Read]:
        """In a script, or in a cell of which only IPython knows."""
        base = self.where.calls[0]
        cells = [_typed(number, source) for number, source in enumerate(self.typed[:-1]) if source.strip()]
        tree = tree_of(base.code) or ast.Module([], [])
        known = _Attached.of(None, cells, [each for each in self.reads if not _is_in(base, each)])
        reads = [(each, each.where.calls[0].line) for each in self.reads if _is_in(base, each)]
        before = _Before(cells, known.in_cells, _typed(len(self.typed), ""))
        return known.stray + self._behind(_Place(body=tree.body, line=base.line, reads=reads), before)

    def _behind(self, place: _Place, before: _Before) -> list[Read]:
        """First what the statement at the place depends on, then the same in the function that it calls."""
        from ...notebooks.origins import reads_behind
        from ...notebooks.units import block_at

        block = block_at(place.body, place.line, _containers(self.namespace))
        if block is None:
            raise _Unknown
        ran, inside = self._parted(place, block)
        since = [*place.outer, *ran]
        cells, in_cells, of = before
        found = reads_behind(block.steps, cells, in_cells, since, of=of, namespace=self.namespace)
        called = self._called(place, block, inside, since)
        if called is None:
            return found + inside
        followed = {each for each, _ in called.reads}
        others = [each for each in inside if each not in followed]
        return found + others + self._behind(called, before)

    def _parted(self, place: _Place, block: Block) -> tuple[list[Ran], list[Read]]:
        """What has run before the block's statement with what it has read, and the reads of the statement
        itself since it has begun.
        """
        from ...notebooks.origins import Ran

        rounds = Rounds(self.where, self.function, self.ended, [read for read, _ in place.reads], place.level)
        before, again = [Ran(unit, []) for unit in block.before], Ran(block.again, [])
        inside: list[Read] = []
        is_last = not self.function and place.level == len(self.where.calls) - 1
        for read, at in place.reads:
            holding = [index for index, each in enumerate(before) if at is not None and each.unit.has(at)]
            in_rounds = [index for index in holding if before[index].unit.again]
            present = [index for index in holding if not _is_old(rounds, block, index, read)]
            for index in {*in_rounds, *(present if in_rounds else holding)}:
                before[index].reads.append(read)
            if at is not None and block.again.has(at):
                old = is_last and block.body and at >= block.body
                old = old or rounds.is_replaced(read) or rounds.is_of_call_before(read)
                if old or not rounds.calls_once:
                    again.reads.append(read)
                if not old:
                    inside.append(read)
            elif not holding:
                inside.append(read)
        return [*before, *([again] if again.reads else [])], inside

    def _called(
        self, place: _Place, calling: Block, inside: Sequence[Read], since: Sequence[Ran]
    ) -> _Place | None:
        """The place in the function that the statement calls, which has the block in it.

        None where there is none, and where its text does not tell what flows in it. A function that the
        statement does not name is given what cannot be told.
        """
        from ...notebooks.functions import called_body, given, plain_name
        from ...notebooks.origins import Ran

        level = place.level + 1
        if level >= len(self.where.calls):
            return None
        code, line, module = self.where.calls[level]
        reads = [
            (each, call.line)
            for each in inside
            for call in each.where.calls[level : level + 1]
            if call.code == code
        ]
        tree = tree_of(code)
        is_named = code.co_name in {plain_name(each) for each in calling.names}
        if not reads or tree is None or not is_named or module != self.where.calls[0].module:
            return None
        called = called_body(tree, code, level, place.functions)
        if called is None:
            return None
        body, own = called
        outer = [*(each._replace(reads=[]) for each in since), Ran(given(code, own, calling.names), [])]
        functions = [*place.functions, (code, own)]
        return _Place(body=body, line=line, reads=reads, level=level, functions=functions, outer=outer)


def _is_old(rounds: Rounds, block: Block, place: int, read: Read) -> bool:
    """Whether a unit before the block has read it in another round than the present one."""
    once = block.before[place].once and rounds.is_replaced(read)
    return once or (place >= block.round and rounds.is_of_round_before(read))


def _is_in(base: Call, read: Read) -> bool:
    return read.where.rooted and read.where.calls[0].code.co_filename == base.code.co_filename


@lru_cache(maxsize=4096)
def _typed(number: int, source: str) -> ExecutedCell:
    """A cell of which it is not known how it ended; the same object each time."""
    return ExecutedCell(number, source, ok=False)
