"""Cells as a kernel runs them, without one."""

from __future__ import annotations

import itertools
import linecache
from typing import Any

_numbers = itertools.count(1)


class Cells:
    """A namespace called ``__main__`` in which cells are run, with their lines where Python looks for them."""

    def __init__(self) -> None:
        self.namespace: dict[str, Any] = {"__name__": "__main__"}

    def run(self, source: str) -> None:
        file = f"<cell {next(_numbers)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec", dont_inherit=True), self.namespace)

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]
