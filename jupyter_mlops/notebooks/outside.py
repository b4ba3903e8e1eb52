"""What lies outside of the namespace: generators of random numbers, and what works beside the cells."""

from __future__ import annotations

from collections.abc import Sequence

from . import purity
from .seen import Account, Seen
from .steps import Call


class Outside:
    """Which cells have decided what the next random numbers are; what was replaced, and what runs beside."""

    def __init__(self) -> None:
        self._generators: dict[str, int] = {}
        self.stdout = 0
        """What stands for ``sys.stdout`` where cells have replaced it."""
        self.patches = 0
        """Objects that replace something else as long as they are started."""
        self.watched = 0
        """Objects whose end somebody sees."""
        self.tasks: tuple[Seen, ...] = ()
        """What runs beside the cells, whenever they wait for something."""

    def copy(self) -> Outside:
        made = Outside()
        made.__dict__.update(self.__dict__)
        made._generators = self._generators.copy()
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
