"""The files that sources name, and what they do with them; and the modules that they import."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from .constant_paths import PATHS, Dotted, Names, Texts, several, texts_of
from .file_functions import (
    BY_MODE,
    CHANGES_FOLDER,
    FILE_ARGUMENTS,
    GLOBS,
    HARMLESS,
    LISTS,
    LOADS_MODULES,
    MOVES,
    READS_PERHAPS,
    RUNS_LINE,
    SHELL,
    STANDS_FOR,
    WRITES,
    is_file_name,
    known_readers,
)
from .source import parse_cell

READ, WRITE, NAMED, FOLDER, PATTERN = "read", "write", "named", "folder", "pattern"


@dataclass(frozen=True, slots=True)
class Use:
    """A file as the code names it. ``certain``: a function that reads files gets it, and nothing before it
    in its source, at top level, calls anything that might make the file.
    """

    path: str
    kind: str
    certain: bool = False
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """``import a.b`` is ``("a.b", ())``; ``from .a import b`` is ``("a", ("b",), 1)``."""

    module: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(slots=True)
class FileNames:
    """What sources, read one after the other, name.

    ``moves``: they change the working folder, so that relative names may mean another one.
    ``dynamic``: they import modules whose names the texts do not tell; ``commands``: they run programs.
    """

    uses: list[Use] = field(default_factory=list)
    imports: list[Imported] = field(default_factory=list)
    added_paths: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    moves: bool = False
    dynamic: bool = False
    commands: bool = False


def file_names(sources: Sequence[str], *, file: str | None = None, executed: bool = True) -> FileNames:
    """What cells name, in the order in which they run; ``file`` is a module's own path.

    ``executed``: all but the last were executed here, so that what they make is there. Then only uses of the
    last source may be certain; else those before the first call of anything.
    """
    reader = _Reader(file)
    for index, source in enumerate(sources):
        if executed:
            reader.certain = index == len(sources) - 1
        with suppress(RecursionError):  # a sum of thousands of terms, which a program has written
            cell = parse_cell(source)
            if cell.tree is not None:
                reader.statements(cell.tree.body, straight=True)
            elif cell.foreign:
                reader.foreign(cell.foreign, cell.body)
    with suppress(RecursionError):
        reader.finish()
    return reader.found


class _Reader:
    """Walks through statements in order, with what is known of names."""

    def __init__(self, file: str | None) -> None:
        self.found = FileNames()
        self.certain = True
        self._names: dict[str, Texts] = {"__file__": (file,)} if file else {}
        self._modules: dict[str, str] = dict(STANDS_FOR)
        self._deferred: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda] = []

    def finish(self) -> None:
        """The bodies of functions see what names stand for in the end."""
        self.certain = False
        outer = self._names
        while self._deferred:
            function = self._deferred.pop()
            self._names = {**outer, **_defaults(function, outer, self._dotted)}
            if isinstance(function, ast.Lambda):
                self._expression(function.body)
            else:
                self.statements(function.body, straight=False)
        self._names = outer

    def foreign(self, magic: str, body: str) -> None:
        """A cell of another language, or one that is written to a file."""
        first, _, rest = body.lstrip().partition("\n")
        self.certain = False
        if magic in ("writefile", "file"):
            self.found.uses += [Use(word, WRITE) for word in first.split()[1:] if not word.startswith("-")]
        else:
            self._shell(first.partition(" ")[2] + "\n" + rest)

    # statements

    def statements(self, body: Iterable[ast.stmt], *, straight: bool) -> None:
        for statement in body:
            self._statement(statement, straight)

    def _statement(self, node: ast.stmt, straight: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                self._expression(decorator)
            self._deferred.append(node)
            self._forget(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, ast.Assign):
            self._expression(node.value)
            for target in node.targets:
                self._bind(target, node.value, straight)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self._expression(node.value)
                self._bind(node.target, node.value, straight)
        else:
            self._other(node, straight)

    def _other(self, node: ast.stmt, straight: bool) -> None:
        """Loops, branches and all else: their expressions first, then the blocks in them."""
        if not straight or not isinstance(node, (ast.Expr, ast.With, ast.Pass)):
            self.certain = False
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child)
            elif isinstance(child, ast.withitem):
                self._expression(child.context_expr)
                self._forget_all(child.optional_vars)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self._bind_each(node.target, node.iter)
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            for each in getattr(node, name, []):
                if isinstance(each, ast.stmt):
                    self._statement(each, straight and isinstance(node, ast.With))
                else:
                    self.statements(each.body, straight=False)
        if isinstance(node, (ast.AugAssign, ast.Delete)):
            self._forget_all(node)

    def _bind(self, target: ast.expr, value: ast.expr, straight: bool) -> None:
        if not isinstance(target, ast.Name):
            self._forget_all(target)
            return
        texts = several(value, self._names, self._dotted)
        before = self._names.get(target.id, ()) if not straight else ()
        keeps_itself = isinstance(value, ast.Name) and value.id == target.id
        if not keeps_itself:
            self._forget(target.id)
        if texts:
            self._names[target.id] = tuple(dict.fromkeys(before + texts))
            for text in texts:
                self._use(text, NAMED)

    def _bind_each(self, target: ast.expr, iterated: ast.expr) -> None:
        self._forget_all(target)
        if isinstance(target, ast.Name) and (texts := several(iterated, self._names, self._dotted)):
            self._names[target.id] = texts

    def _forget_all(self, node: ast.AST | None) -> None:
        for each in ast.walk(node) if node is not None else ():
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                self._forget(each.id)

    def _forget(self, name: str) -> None:
        self._names.pop(name, None)
        self._modules[name] = f"?.{name}"  # no builtin function any more

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.found.imports.append(Imported(alias.name))
                top = alias.name.partition(".")[0]
                self._modules[alias.asname or top] = alias.name if alias.asname else top
            return
        names = tuple(alias.name for alias in node.names)
        self.found.imports.append(Imported(node.module or "", names, node.level))
        for alias in node.names:
            self._names.pop(alias.asname or alias.name, None)
            self._modules[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"

    # expressions

    def _expression(self, node: ast.expr) -> None:
        """Inner calls come before outer ones, as they are called."""
        if isinstance(node, ast.Lambda):
            self._deferred.append(node)
            return
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            self._comprehension(node)
            return
        if isinstance(node, (ast.BoolOp, ast.IfExp)):  # not all of it is evaluated
            self.certain = False
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child)
            elif isinstance(child, ast.keyword):
                self._expression(child.value)
        if isinstance(node, ast.Call):
            self._call(node)
        elif isinstance(node, ast.NamedExpr):
            self._bind(node.target, node.value, straight=False)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        names, certain = dict(self._names), self.certain
        self.certain = False
        for part in node.generators:
            self._expression(part.iter)
            self._bind_each(part.target, part.iter)
            for condition in part.ifs:
                self._expression(condition)
        for each in (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,):
            self._expression(each)
        self._names, self.certain = names, certain and not any(map(_calls, ast.walk(node)))

    def _call(self, node: ast.Call) -> None:
        name = self._dotted(node.func) or ""
        last = name.rpartition(".")[2] or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
        files = self._files(node)
        if name.startswith("get_ipython."):
            self._magic(last, node)
        elif name in CHANGES_FOLDER:
            self.found.moves = True
        elif name in LOADS_MODULES:
            self._load_module(files)
        elif name in ("sys.path.append", "sys.path.insert"):
            self.found.added_paths += self._texts(node.args[-1]) if node.args else ()
        elif name in BY_MODE:
            self._opened(name, _mode(node, 1), files)
        elif name in known_readers():
            self._read(name, files)
        elif name in LISTS or name in GLOBS:
            self._all(files, FOLDER if name in LISTS else PATTERN)
        elif isinstance(node.func, ast.Attribute) and (own := self._texts(node.func.value)):
            self._method(node, last, own)
        else:
            self._unknown(node, name, last, files)

    def _method(self, node: ast.Call, name: str, own: Texts) -> None:
        """Of a path whose text is known; or of a plain text, which does nothing with a file."""
        if name == "open":
            self._opened("Path.open", _mode(node, 0), own)
        elif name in ("read_text", "read_bytes"):
            self._read(f"Path.{name}", own)
        elif name in ("glob", "rglob"):
            patterns = self._texts(node.args[0]) if node.args else ()
            deeper = "**" if name == "rglob" else ""
            self._all([os.path.join(a, deeper, b) for a in own for b in patterns], PATTERN)
        elif name == "iterdir":
            self._all(own, FOLDER)
        elif WRITES.fullmatch(name) or name in MOVES:
            self._all((*own, *self._files(node)), WRITE)

    def _unknown(self, node: ast.Call, name: str, last: str, files: Sequence[str]) -> None:
        every = [text for each in _arguments(node) for text in several(each, self._names, self._dotted)]
        if last in MOVES and len(node.args) > 1:
            self._all(files, NAMED)
            self._all([text for each in node.args[1:] for text in self._texts(each)], WRITE)
        elif WRITES.fullmatch(last):
            self._all(every, WRITE)
        elif READS_PERHAPS.fullmatch(last):
            self._all(files, READ)
            self._all([text for text in every if text not in files], NAMED)
        else:
            self._all(every, NAMED)
        if name not in HARMLESS and name not in PATHS and not name.startswith("os.path."):
            self.certain = False

    def _opened(self, reader: str, mode: str | None, files: Sequence[str]) -> None:
        if mode is not None and not set(mode) & set("wax+"):
            self._read(reader, files)
            return
        self._all(files, WRITE)
        if mode is None or "w" not in mode:
            self._all(files, NAMED)
        self.certain = False

    def _read(self, reader: str, files: Sequence[str]) -> None:
        for text in files:
            self._use(text, READ, certain=self.certain and len(files) == 1, reader=reader)

    def _load_module(self, files: Sequence[str]) -> None:
        self.found.imports += [Imported(text) for text in files]
        self.found.dynamic |= not files
        self.certain = False

    def _magic(self, name: str, node: ast.Call) -> None:
        texts = [text for each in node.args for text in self._texts(each)]
        self.certain = False
        if name == "run_line_magic" and texts[:1] == ["cd"]:
            self.found.moves = True
        elif texts[:1] and texts[0] in RUNS_LINE and (tree := parse_cell(" ".join(texts[1:])).tree):
            self.statements(tree.body, straight=False)
        elif name in SHELL or texts[:1] in (["run"], ["sx"], ["sc"], ["system"], ["load"], ["loadpy"]):
            self._shell(" ".join(texts))

    def _shell(self, text: str) -> None:
        """Of a command all words may be files; one that changes its folder does so for itself alone."""
        for word in re.split(r"[\s;|&<>()=]+", text):
            word = word.strip("'\"")
            if word.endswith(".py"):
                self.found.scripts.append(word)
            self._use(word, NAMED)
        self.found.commands = True

    def _all(self, files: Iterable[str], kind: str) -> None:
        for text in files:
            self._use(text, kind)

    def _use(self, path: str, kind: str, *, certain: bool = False, reader: str = "") -> None:
        if not is_file_name(path):
            return
        if kind == READ and re.search(r"[*?\[]", path):
            kind, certain = PATTERN, False
        self.found.uses.append(Use(path, kind, certain, reader))

    def _files(self, node: ast.Call) -> Texts:
        """What the first argument may be, or the one that is named like a file."""
        named = [each.value for each in node.keywords if each.arg in FILE_ARGUMENTS]
        first = node.args[0] if node.args else named[0] if named else None
        return () if first is None else several(first, self._names, self._dotted)

    def _texts(self, node: ast.expr) -> Texts:
        return texts_of(node, self._names, self._dotted)

    def _dotted(self, node: ast.expr) -> str | None:
        """``pandas.read_csv`` for ``pd.read_csv``; None for what is no name of names."""
        if isinstance(node, ast.Name):
            return self._modules.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            inner = self._dotted(node.value)
            return None if inner is None else f"{inner}.{node.attr}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "get_ipython":
            return "get_ipython"
        return None


def _arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(each.value for each in node.keywords)]


def _mode(node: ast.Call, position: int) -> str | None:
    """The mode in which a file is opened; None where that is not known."""
    given = node.args[position] if len(node.args) > position else None
    given = next((each.value for each in node.keywords if each.arg == "mode"), given)
    if given is None:
        return "r"
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _calls(node: ast.AST) -> bool:
    return isinstance(node, ast.Call)


def _defaults(
    function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, names: Names, dotted: Dotted
) -> dict[str, Texts]:
    """The arguments by their defaults: what callers give is not known."""
    own = function.args
    positional = [*own.posonlyargs, *own.args]
    found: dict[str, Texts] = {each.arg: () for each in [*positional, *own.kwonlyargs]}
    pairs = [*zip(reversed(positional), reversed(own.defaults), strict=False)]
    pairs += [(a, b) for a, b in zip(own.kwonlyargs, own.kw_defaults, strict=True) if b is not None]
    for argument, default in pairs:
        found[argument.arg] = texts_of(default, names, dotted)
    return found
