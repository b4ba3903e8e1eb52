"""Cells as Python: magics set aside, IPython's own syntax translated."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.inputtransformer2 import TransformerManager

RUNS_BODY = frozenset({"track", "time", "capture", "prun", "debug"})
"""Cell magics whose body runs as code in the user's namespace."""
HEADER = re.compile(r"\s*%%(\w+)")
BLANK = re.compile(r"\s*(#.*)?$")
LINE_END = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
AUTOMAGIC = re.compile(r"(?P<name>[a-z_]+)(?=\s|$)(?!\s*=)")
"""IPython takes a cell of one line for a magic when it begins with the name of one."""
MAGIC_NAMES = (
    "alias autoreload bookmark cat cd conda config cp env gui ldir less lf lk ll load load_ext ls lx magic "
    "mamba man matplotlib micromamba mkdir mlops more mv pip popd precision prun pushd pycat pylab "
    "reload_ext reset reset_selective rm rmdir run sc set_env store submit sx system time timeit "
    "unalias unload_ext uv who whos xmode"
)
MAGICS = frozenset(MAGIC_NAMES.split())


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell's source in two parts: ``head`` (magics that run their body) and ``body``, line by line.

    ``python`` is the body as IPython hands it to Python; ``tree`` is None where the body is no Python
    (another cell magic such as ``%%bash``, whose name is ``foreign``) or does not parse (``problem``).
    """

    head: str
    body: str
    python: str
    tree: ast.Module | None
    foreign: str | None = None
    problem: SyntaxError | None = None

    @property
    def source(self) -> str:
        return self.head + self.body


@lru_cache(maxsize=1024)  # a sweep looks at the same cells for each of its jobs
def parse_cell(source: str) -> Cell:
    """A cell, never an exception: what is wrong with it stands in ``problem``.

    A whole cell such as ``cd data`` or ``pip install x`` is the magic that IPython makes of it.
    """
    found = _parse(source)
    if found.problem is not None and _is_automagic(source):
        automatic = _parse(f"%{source.strip()}")
        return replace(automatic, body=source)
    return found


def lines_of(source: str) -> list[str]:
    """The lines as Python counts them, with their ends: ``str.splitlines`` also parts at form feeds
    and at U+2028, which may stand in the midst of a line.
    """
    return [line for line in LINE_END.split(source) if line]


def _is_automagic(source: str) -> bool:
    text = source.strip()
    match = AUTOMAGIC.match(text)
    return match is not None and match["name"] in MAGICS and len(text.splitlines()) == 1


def _parse(source: str) -> Cell:
    head, body = split_head(source)
    if match := HEADER.match(body):
        return Cell(head, body, "", None, foreign=match[1])
    try:
        if (plain := _plain_python(body)) is not None:
            return Cell(head, body, *plain)
        python = to_python(body)
        return Cell(head, body, python, ast.parse(python))
    except (SyntaxError, ValueError) as error:  # ValueError: NUL characters
        problem = error if isinstance(error, SyntaxError) else SyntaxError(str(error))
        return Cell(head, body, "", None, problem=problem)


def _plain_python(body: str) -> tuple[str, ast.Module] | None:
    """What parses as it is means the same to IPython, whose translation takes far longer than the parser."""
    if "\r" in body or "\f" in body:
        return None
    python = body if body.endswith("\n") else body + "\n"
    try:
        return python, ast.parse(python)
    except (SyntaxError, ValueError):
        return None


def split_head(source: str) -> tuple[str, str]:
    """The lines up to the last magic of a chain that runs its body (``%%time``), and what follows."""
    lines = lines_of(source)
    end = 0
    for index, line in enumerate(lines):
        match = HEADER.match(line)
        if match and match[1] in RUNS_BODY:
            end = index + 1
        elif not BLANK.match(line):
            break
    return "".join(lines[:end]), "".join(lines[end:])


def without_track(source: str) -> str:
    """The cell without its ``%%track`` line; a cell magic that follows then stands first, as it must."""
    head, body = split_head(source)
    kept = [line for line in lines_of(head) if not ((match := HEADER.match(line)) and match[1] == "track")]
    if len(kept) == len(lines_of(head)):
        return source
    text = "".join(kept) + body
    first_code = next((line for line in text.splitlines() if not BLANK.match(line)), "")
    if first_code.lstrip().startswith("%%"):
        return text[text.index(first_code) :]
    return text


def is_tracked(source: str) -> bool:
    """Whether the cell begins with ``%%track``."""
    return any(
        match[1] == "track" for line in split_head(source)[0].splitlines() if (match := HEADER.match(line))
    )


@cache
def _transformer() -> TransformerManager:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager()  # type: ignore[no-untyped-call]


def to_python(source: str) -> str:
    """What IPython makes of it: line magics, shell escapes and prompts become Python."""
    return str(_transformer().transform_cell(source))


def syntax_problem(source: str) -> SyntaxError | None:
    """What Python would refuse before running the cell; top-level ``await`` is allowed."""
    return problem_of(parse_cell(source))


def problem_of(cell: Cell) -> SyntaxError | None:
    """What Python would refuse before running a parsed cell."""
    if cell.tree is None:
        return cell.problem
    try:
        compile(cell.python, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return error
    return None


def literal(node: ast.expr) -> tuple[bool, Any]:
    """Whether an expression is a literal or arithmetic of literal numbers (``2 * 60``), and its value."""
    try:
        return True, ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        pass
    if not isinstance(node, ast.BinOp) or not all(_is_arithmetic(each) for each in ast.walk(node)):
        return False, None
    try:
        return True, eval(compile(ast.Expression(node), "<literal>", "eval"), {"__builtins__": {}})
    except (ArithmeticError, TypeError, ValueError):
        return False, None


def _is_arithmetic(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and abs(node.value) < 1e9
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        power = node.right.value if isinstance(node.right, ast.Constant) else None
        return isinstance(power, int) and abs(power) <= 64
    return isinstance(node, (ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)) and not isinstance(
        node, (ast.LShift, ast.MatMult)
    )


def code_of(cells: Any) -> str:
    """The code of a notebook as one text, cells parted as editors do (``# %%``)."""
    return "\n\n".join(f"# %%\n{cell.source}" for cell in cells if cell.cell_type == "code" and cell.source)
