"""A kernel and a script in this process whose code loads registered datasets that it marks."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import jupyter_mlops
from jupyter_mlops.capture.history import History, kernels
from jupyter_mlops.capture.loaded import Calls, calls_of, loaded, note_read, on_read
from jupyter_mlops.entities import VersionRef
from jupyter_mlops.services.tracking.read_before import before_block, before_cell

_numbers = count(1)


class Loading:
    """A main module. ``load_dataset('d1')`` gives ``['<d1>']`` there; ``track()`` notes what is behind its block.
    Each ``load_dataset('new')`` loads another one.

    ``found`` are the names of the datasets behind each block, in the order of their beginnings.
    """

    def __init__(self) -> None:
        self.home = Path(f"/homes/{next(_numbers)}")
        self.module = ModuleType("__main__")
        self.namespace: dict[str, Any] = self.module.__dict__
        self.found: list[set[str]] = []
        self.open: list[tuple[set[str], int]] = []
        """What was found for the blocks that are open, and how many reads there were as each began."""
        self.offered: dict[str, Any] = {"load_dataset": self._load, "track": lambda: _Track(self)}
        """What ``jupyter_mlops`` offers."""
        self._new = count(1)

    @contextmanager
    def active(self) -> Iterator[None]:
        main = sys.modules["__main__"]
        before = {
            name: jupyter_mlops.__dict__[name] for name in self.offered if name in jupyter_mlops.__dict__
        }
        sys.modules["__main__"] = self.module
        jupyter_mlops.__dict__.update(self.offered)
        try:
            yield
        finally:
            sys.modules["__main__"] = main
            for name in self.offered:
                del jupyter_mlops.__dict__[name]
            jupyter_mlops.__dict__.update(before)

    def execute(self, source: str, name: str) -> None:
        """Run it as IPython does: the text can be looked up by the file's name."""
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        tree = ast.parse(source, name)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), self.namespace)
        if isinstance(last, ast.Expr):
            self.show(eval(compile(ast.Expression(last.value), name, "eval"), self.namespace))

    def show(self, value: Any) -> None:
        """A script shows nothing."""

    def _load(self, name: str) -> list[str]:
        name = f"new{next(self._new)}" if name == "new" else name
        note_read(VersionRef(kind="dataset", name=name, version=1, digest=name), self.home)
        return [f"<{name}>"]


class _Track:
    """What ``mlops.track`` asks and says, without a run."""

    def __init__(self, world: Loading) -> None:
        self._world, self._function = world, ""
        self._where: Calls | None = None

    def __enter__(self) -> None:
        self._where = calls_of(sys._getframe(1))
        find = before_block(self._where, str(self._world.home), function=self._function)
        names = {each.name for each in find()} if find else set()
        self._world.found.append(names)
        self._world.open.append((names, loaded.order))

    def __exit__(self, *error: object) -> None:
        assert self._where is not None
        self._world.open.pop()
        loaded.block_ended(self._where)

    def __call__(self, function: Any) -> Any:
        def tracked(*args: Any) -> Any:
            block = _Track(self._world)
            block._function = function.__name__
            with block:
                return function(*args)

        tracked.__code__ = _as_ours(tracked.__code__)
        return tracked


def _as_ours(code: CodeType) -> CodeType:
    """As if it stood in the package, and not in the user's code."""
    return code.replace(co_filename=jupyter_mlops.__file__)


Loading._load.__code__ = _as_ours(Loading._load.__code__)


class Script(Loading):
    """A main module that is a file."""

    def run(self, source: str) -> list[set[str]]:
        with self.active():
            self.execute(source, f"/project/{self.home.name}.py")
        return self.found


class Notebook(Loading):
    """A kernel: cells are executed, and it is asked what is behind a cell that is about to be."""

    def __init__(self, *, listening: bool = True) -> None:
        super().__init__()
        self.namespace["_oh"] = {}
        self.namespace["_ih"] = [""]
        self.history = History(namespace=self.namespace)
        self._listening = listening

    @contextmanager
    def active(self) -> Iterator[None]:
        with super().active():
            if self._listening:
                kernels.append(self.history)
                on_read.append(self.history.note_read)
            try:
                yield
            finally:
                if self._listening:
                    kernels.remove(self.history)
                    on_read.remove(self.history.note_read)

    def run(self, *sources: str) -> None:
        """Execute cells; one that raises is a cell that raised."""
        for source in sources:
            number = self._begin(source)
            with self.active():
                try:
                    self.execute(source, f"/cells/{self.home.name}/{number}.py")
                    ok = True
                except Exception:  # noqa: BLE001  whatever a random program raises
                    ok = False
            if self._listening:
                self.history.ended(ok=ok)

    def listen(self) -> None:
        """Load the extension."""
        self._listening = True
        self.history.seed(self.namespace["_ih"][1:])

    def behind(self, source: str) -> set[str]:
        """The names of the datasets behind a cell that is tracked as a whole."""
        self._begin(source)
        find = before_cell(self.history.past(source), self.namespace, str(self.home))
        self.history.ended(ok=False)
        self.history._cells.pop()
        return {each.name for each in find()} if find else set()

    def show(self, value: Any) -> None:
        """As IPython's display hook keeps what it shows."""
        if value is None:
            return
        space: Mapping[str, Any] = self.namespace
        shown = (value, space.get("_", ""), space.get("__", ""))
        self.namespace.update(zip(("_", "__", "___"), shown, strict=True))
        number = len(self.namespace["_ih"]) - 1
        self.namespace["_oh"][number] = self.namespace[f"_{number}"] = value
        self.namespace["Out"] = self.namespace["_oh"]

    def _begin(self, source: str) -> int:
        self.namespace["_ih"].append(source)
        number = len(self.namespace["_ih"]) - 1
        if self._listening:
            self.history.began(number, source, None)
        return number
