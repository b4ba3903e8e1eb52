"""The user's own modules that a definition imports: told by their content, since they may change."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from blake3 import blake3

from ...capture.modules import source_path
from ...errors import Conflict, MissingPackage

LINE = "# {name} is a module of the user's own, with the content blake3:{digest}\n"
IN_CODE = re.compile(r"^# (\S+) is a module of the user's own, with the content blake3:([0-9a-f]{64})$", re.M)


def digest_lines(names: Iterable[str]) -> str:
    """A comment for each module of the user's own among these and those that they import in turn."""
    paths: dict[str, Path] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        path = None if name in paths else _own(name)
        if path is not None:
            paths[name] = path
            waiting += _imports(name, path)
    return "".join(LINE.format(name=name, digest=_digest(paths[name])) for name in sorted(paths))


def require_same(code: str, what: str) -> None:
    """Raises MissingPackage for a module of ``code`` that is not here, Conflict for one that is another."""
    for name, digest in IN_CODE.findall(code):
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise MissingPackage(
                f"{what} uses the module {name!r}, which cannot be imported here: {error}. Run it where that "
                "module lies, or install it."
            ) from error
        path = _own(name)
        if path is None or _digest(path) != digest:
            raise Conflict(
                f"{what} was defined with another content of the module {name!r} than it has here. Define "
                "the view again, which makes a new version of it, or bring the module back."
            )


def _own(name: str) -> Path | None:
    path = source_path(sys.modules.get(name))
    return None if path is None or name == "__main__" else Path(path)


def _digest(path: Path) -> str:
    return blake3(path.read_bytes()).hexdigest()


def _imports(name: str, path: Path) -> Iterator[str]:
    """What the source imports by name, whole; of ``from a import b``, also ``a.b``."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: -(node.level - 1) or None] if node.level else []
            module = ".".join(filter(None, (*around, node.module)))
            yield module
            yield from (f"{module}.{each.name}" for each in node.names)
