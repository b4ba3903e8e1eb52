"""What lies outside of the namespace: generators of random numbers, and files."""

from __future__ import annotations

from collections.abc import Sequence

from . import purity
from .seen import Account
from .steps import Call


class Outside:
    """Which cells have decided what the next random numbers are, and which have written which files."""

    def __init__(self) -> None:
        self._generators: dict[str, int] = {}
        self._written: dict[str, int] = {}
        self._figure = 0
        self.unknown_files = 0
        """Cells that may write any file."""

    def copy(self) -> Outside:
        made = Outside()
        made._generators, made._written = self._generators.copy(), self._written.copy()
        made.unknown_files, made._figure = self.unknown_files, self._figure
        return made

    # ------------------------------------------------------------ random numbers
    def call(self, value: Call, path: str, account: Account, cell: int) -> None:
        """A function of a module is called, which may seed or draw."""
        root = path.partition(".")[0]
        if path in purity.SEEDS:
            given = value.arguments or value.keywords
            for generator in purity.SEEDS[path]:  # without a number, the clock or the system decides
                self._generators[generator] = cell if given else 0
            account.always.append(f"{value.title} decides what random numbers are drawn")
        elif path.startswith("matplotlib.pyplot."):
            self._draw_figure(path.rpartition(".")[2], account, cell)
        elif path == "numpy.random.default_rng" and not value.arguments and not value.keywords:
            account.unseeded.append(value.title)
        elif path not in purity.NO_DRAWS and not value.true_keywords & purity.OWN_SEED:
            generators, explicit = _drawn_from(path, root)
            self.draw(generators, value.title, account, cell, explicit=explicit)

    def draw(
        self, generators: Sequence[str], title: str, account: Account, cell: int, *, explicit: bool
    ) -> None:
        """Random numbers are, or with ``explicit`` False may be, drawn.

        After a seed, those that were drawn before decide which; without one nothing does.
        """
        for generator in generators:
            state = self._generators.get(generator, 0)
            if state:
                account.need(state, "seeds or draws from", f"the generator of {generator}")
                self._generators[generator] = state | cell
            elif explicit:
                account.unseeded.append(title)

    # ------------------------------------------------------------ pyplot's current figure
    def _draw_figure(self, last: str, account: Account, cell: int) -> None:
        """What is drawn stays on a figure until another one is begun."""
        if last in purity.NEW_FIGURE:
            self._figure = cell
            return
        if purity.READS_FIGURE.match(last):
            account.need(self._figure, "draws on", "the current figure")
        self._figure |= cell

    # ------------------------------------------------------------ files
    def write(self, text: str, cell: int) -> None:
        name = _file_name(text)
        self._written[name] = self._written.get(name, 0) | cell

    def read(self, texts: Sequence[str], account: Account, cell: int) -> None:
        """A file is read, by a name that is written out, or by one that is not known."""
        files = self.unknown_files
        if not texts:
            for cells in self._written.values():
                files |= cells
        account.need(files & ~cell, "may write", "a file")

    def mention(self, texts: Sequence[str], written: Sequence[str], account: Account, cell: int) -> None:
        """Texts of a cell: those that name files, and are not only ``written`` there, are read."""
        if not self._written:
            return
        for text in set(texts):
            if texts.count(text) > written.count(text):
                writers = self._written.get(_file_name(text), 0) & ~cell
                account.need(writers, "writes", f"the file {text}")


def _drawn_from(path: str, root: str) -> tuple[Sequence[str], bool]:
    """The generators that a function of a module draws from, and whether it surely does."""
    if path.startswith("numpy.random."):
        return ("numpy.random",), True
    if path.startswith("random.") and path.count(".") == 1:
        return ("random",), True
    if purity.TORCH_DRAWS.match(path):
        return ("torch",), True
    if purity.SKLEARN_DRAWS.match(path):
        return ("numpy.random",), True
    if root in purity.DRAWS_INSIDE:
        return ("numpy.random", "tensorflow"), False
    return ((), False) if root in purity.KNOWN else (purity.GENERATORS, False)


def _file_name(text: str) -> str:
    return text.replace("\\", "/").rstrip("/").rpartition("/")[2]
