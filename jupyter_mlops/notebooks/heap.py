"""The objects that values are, what they hold, and which cells may have changed them."""

from __future__ import annotations

from collections.abc import Sequence

from .seen import ITERATOR, NONE, Seen, bits, objects_of


class Heap:
    """Objects are numbered; a set of them is an integer with a bit for each, and so is a set of cells."""

    def __init__(self) -> None:
        self._holds: list[int] = []
        self._kinds: list[str | None] = []
        self._changers: list[int] = []
        self.explicit = 0
        """Containers that were written out: what they hold is known."""
        self.modules = 0
        self.codes = 0
        """Functions and classes of the cells."""
        self.stateless = 0
        """Those of them that a call does not change."""
        self._marked = 0
        """Objects that the present cell is known to change."""
        self._reached: dict[int, int] = {}
        self._changed_by: dict[int, int] = {}
        self._made: dict[tuple[object, ...], int] = {}
        self.iterators = 0
        """Objects that are used up by going through them."""
        self.state = 0
        """Counts what was found out: as long as it stays, following the same steps finds nothing new."""

    def copy(self) -> Heap:
        made = Heap.__new__(Heap)
        for name, value in self.__dict__.items():
            made.__dict__[name] = value.copy() if isinstance(value, (dict, list)) else value
        return made

    def begin(self) -> None:
        """Another cell."""
        self._marked = 0
        self._made = {}

    def held_by(self, index: int) -> int:
        """What one object holds itself."""
        return self._holds[index]

    def mark_changed(self, objects: int, cell: int) -> None:
        """The objects themselves, and nothing that they hold, may be changed by a cell."""
        new = objects & ~self._marked
        if not new:
            return
        self._marked |= new
        for index in bits(new):
            self._changers[index] |= cell
        self._changed_by.clear()

    def change(self, objects: int, cell: int, *, store: int = 0, deep: bool = True) -> bool:
        """A cell may change the objects, and with ``deep`` all that they reach; they may hold ``store`` now.

        Modules, and functions that keep nothing, are changed only where they are meant themselves. Whether
        there was anything to change.
        """
        reached = self.reach(objects) if deep else objects
        reached &= ~(self.modules | self.stateless) | objects
        if not reached:
            return False
        self.mark_changed(reached, cell)
        self.hold(objects if not deep else reached & ~self.explicit | objects, store)
        return True

    def new(self, holds: int = 0, *, kind: str | None = None, explicit: bool = False) -> int:
        """A new object. Of an ``explicit`` container, all that it holds is known."""
        self._holds.append(holds)
        self._kinds.append(kind)
        self._changers.append(0)
        made = 1 << (len(self._holds) - 1)
        if explicit:
            self.explicit |= made
        if kind == ITERATOR:
            self.iterators |= made
        return made

    def made(
        self, place: tuple[object, ...], holds: int = 0, *, kind: str | None = None, explicit: bool = False
    ) -> int:
        """The object that a place in a cell makes: the same each time when it is followed repeatedly."""
        found = self._made.get(place)
        if found is None:
            found = self._made[place] = self.new(holds, kind=kind, explicit=explicit)
            return found
        self.hold(found, holds)
        index = found.bit_length() - 1
        if self._kinds[index] != kind and self._kinds[index] is not None:
            self._kinds[index] = None
            self.state += 1
        return found

    def join(self, given: Sequence[Seen]) -> Seen:
        """One of several values."""
        if not given:
            return NONE
        first = given[0]
        if all(each == first for each in given):
            return first
        kinds = {each.kind for each in given}
        objects = objects_of(given)
        if any(each.path for each in given) and len({each.path for each in given}) > 1:
            place = ("one of", *(each.path for each in given if each.path))
            return Seen(objects | self.made(place), None)  # may be a function of a module: who knows which
        return Seen(objects, kinds.pop() if len(kinds) == 1 else None, first.path)

    def reach(self, objects: int) -> int:
        """The objects, and all that they hold."""
        known = self._reached.get(objects)
        if known is not None:
            return known
        found, waiting = objects, objects
        while waiting:
            low = waiting & -waiting
            waiting ^= low
            more = self._holds[low.bit_length() - 1] & ~found
            found |= more
            waiting |= more
        self._reached[objects] = found
        return found

    def inner(self, objects: int) -> int:
        """What an item or an attribute of the objects may be."""
        found = objects & ~self.explicit
        for index in bits(objects):
            found |= self._holds[index]
        return self.reach(found)

    def one_of(self, objects: int) -> Seen:
        """A value that is one of these objects, of the kind that all of them are of."""
        kinds = {self._kinds[index] for index in bits(objects)}
        return Seen(objects, kinds.pop() if len(kinds) == 1 else None)

    def hold(self, objects: int, held: int) -> None:
        """Each of the objects may hold these from now on."""
        if not held:
            return
        holds, more = self._holds, False
        for index in bits(objects):
            if held & ~holds[index]:
                holds[index] |= held
                more = True
        if more:
            self.state += 1
            self._reached.clear()
            self._changed_by.clear()

    def marked_by(self, objects: int) -> int:
        """The cells that may have changed the objects themselves."""
        found = 0
        for index in bits(objects):
            found |= self._changers[index]
        return found

    def changers_of(self, objects: int) -> int:
        """The cells that may have changed the objects, or what they reach."""
        known = self._changed_by.get(objects)
        if known is None:
            known = 0
            for index in bits(self.reach(objects)):
                known |= self._changers[index]
            self._changed_by[objects] = known
        return known
