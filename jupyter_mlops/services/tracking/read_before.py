"""The registered versions that were read before a run began, and that what it runs depends on.

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
from typing import TYPE_CHECKING, Any

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
        from ...notebooks.source import parse_cell

        if loaded.forked or not lasts(self.where, self.function):
            raise _Unknown
        past = self.past
        if past is not None and (line := line_in(past.target.source, self.where)) is not None:
            tree = parse_cell(past.target.source).tree or ast.Module([], [])
            known = _Attached.of(past, past.cells, self.reads)
            lines = [(each, line_in(past.target.source, each.where)) for each in known.running]
            return known.stray + self._behind(tree.body, line, lines, past.cells, known.in_cells, past.target)
        return self._in_file()

    def _in_file(self) -> list[Read]:
        """In a script, or in a cell of which only IPython knows."""
        base = self.where.calls[0]
        cells = [_typed(number, source) for number, source in enumerate(self.typed[:-1]) if source.strip()]
        here = [each for each in self.reads if _is_in(base, each)]
        others = [each for each in self.reads if not _is_in(base, each)]
        known = _Attached.of(None, cells, others)
        lines = [(each, each.where.calls[0].line) for each in here]
        of = _typed(len(self.typed), "")
        tree = tree_of(base.code) or ast.Module([], [])
        return known.stray + self._behind(tree.body, base.line, lines, cells, known.in_cells, of)

    def _behind(
        self,
        body: Sequence[ast.stmt],
        line: int,
        here: Sequence[tuple[Read, int | None]],
        cells: Sequence[ExecutedCell],
        in_cells: Sequence[InCell],
        of: ExecutedCell,
        outer: Sequence[Ran] = (),
        level: int = 0,
        around: Sequence[tuple[CodeType, Mapping[str, str]]] = (),
    ) -> list[Read]:
        """``here`` are the reads in the same file, cell or function as the block, with their lines.

        ``level`` counts the functions that have been called by then, ``around`` are those with their names,
        and ``outer`` is what has run before the calls.
        """
        from ...notebooks.origins import Ran, reads_behind
        from ...notebooks.units import block_at

        block = block_at(body, line, _containers(self.namespace))
        if block is None:
            raise _Unknown
        rounds = Rounds(self.where, self.function, self.ended, [read for read, _ in here], level)
        before = [Ran(unit, []) for unit in block.before]
        again = Ran(block.again, [])
        inside: list[Read] = []
        is_last = not self.function and level == len(self.where.calls) - 1
        for read, at in here:
            holding = [place for place, each in enumerate(before) if at is not None and each.unit.has(at)]
            in_rounds = [place for place in holding if before[place].unit.again]
            present = [place for place in holding if not _is_old(rounds, block, place, read)]
            for place in {*in_rounds, *(present if in_rounds else holding)}:
                before[place].reads.append(read)
            if at is not None and block.again.has(at):
                old = is_last and block.body and at >= block.body
                old = old or rounds.is_replaced(read) or rounds.is_of_call_before(read)
                if old or not rounds.calls_once:
                    again.reads.append(read)
                if not old:
                    inside.append(read)
            elif not holding:
                inside.append(read)
        since = [*outer, *before, *([again] if again.reads else [])]
        found = reads_behind(block.steps, cells, in_cells, since, of=of, namespace=self.namespace)
        if level + 1 < len(self.where.calls):
            outer = [each._replace(reads=[]) for each in since]
            inside = self._in_function(inside, block, cells, of, outer, level + 1, around)
        return found + inside

    def _in_function(
        self,
        reads: list[Read],
        calling: Block,
        cells: Sequence[ExecutedCell],
        of: ExecutedCell,
        outer: Sequence[Ran],
        level: int,
        around: Sequence[tuple[CodeType, Mapping[str, str]]],
    ) -> list[Read]:
        """Of what was read since the statement began that has called the function with the block in it.

        Where the statement does not name the function, it is given what cannot be told: then all of it.
        """
        from ...notebooks.functions import called_body, given, plain_name
        from ...notebooks.origins import Ran

        code, line, module = self.where.calls[level]
        here = [
            each for each in reads if any(call.code == code for call in each.where.calls[level : level + 1])
        ]
        tree = tree_of(code)
        is_named = code.co_name in {plain_name(each) for each in calling.names}
        if not here or tree is None or not is_named or module != self.where.calls[0].module:
            return reads
        called = called_body(tree, code, level, around)
        if called is None:
            return reads
        body, own = called
        outer = [*outer, Ran(given(code, own, calling.names), [])]
        lines = [(each, each.where.calls[level].line) for each in here]
        others = [each for each in reads if each not in here]
        return others + self._behind(body, line, lines, cells, [], of, outer, level, [*around, (code, own)])


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
