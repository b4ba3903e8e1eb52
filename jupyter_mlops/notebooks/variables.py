"""The names of a kernel's namespace: who bound them, and what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from . import purity
from .interpreter import Interpreter
from .seen import ITERATOR, LIBRARY, NONE, PLAIN, Frame, Seen, Variable, objects_of, of_live, root_of


class Variables:
    """Looks names up for a flow, and binds them."""

    def __init__(self, flow: Interpreter) -> None:
        self._flow = flow
        self._known: dict[str, Variable] = {}
        self._stars = 0
        self._star_modules: list[str] = []
        self._opaque_at = -1
        self.anything = 0
        """What code that cannot be seen may have made."""
        self.begin({}, {}, ok=True)

    def copy(self, flow: Interpreter) -> Variables:
        made = Variables(flow)
        made._known, made._star_modules = self._known.copy(), self._star_modules.copy()
        made._stars, made._opaque_at, made.anything = self._stars, self._opaque_at, self.anything
        return made

    def begin(self, binds: Mapping[str, int], last_bound: Mapping[str, int], *, ok: bool) -> None:
        """Another cell. ``binds`` counts how often it binds each name; ``last_bound`` is of all cells."""
        self._binds, self._last_bound, self._ok = binds, last_bound, ok
        self.own = Frame(None, None)
        """Values under names of ours, which begin with a dot."""

    def has(self, name: str, frame: Frame | None) -> bool:
        """Whether a function or a cell binds it."""
        while frame is not None:
            if name in frame.variables:
                return True
            frame = frame.parent
        return name in self._known

    # ------------------------------------------------------------ reading
    def get(self, name: str, frame: Frame | None) -> Seen:
        """What a name is where it is read: in a function, in those around it, else in the namespace."""
        while frame is not None:
            if name in frame.variables:
                return frame.variables[name]
            frame = frame.parent
        if name[0] == ".":
            return self.own.variables.get(name, Seen(0, None))
        return self._global(name)

    def _global(self, name: str) -> Seen:
        account = self._flow.account
        variable = self._known.get(name) or self._unbound(name)
        if isinstance(variable, Seen):
            return variable
        seen = self._live(name, variable)
        account.need(variable.binders, "sets", name)
        if seen.kind != PLAIN or seen.objects:
            account.need(self._flow.heap.changers_of(seen.objects), "may change", name)
        return seen

    def _unbound(self, name: str) -> Variable | Seen:
        """A name that no cell binds: a star import may, it is a builtin, or it came from elsewhere."""
        self._flow.account.need(self._stars, "may set", name)
        if name in purity.BUILTINS:
            return Seen(0, PLAIN, f"builtins.{name}")
        for module in self._star_modules:
            if root_of(module) in purity.KNOWN:
                return Seen(0, LIBRARY, f"{module}.{name}")
        namespace = self._flow.namespace
        live = None if namespace is None else namespace.get(name)
        if live is not None and (seen := of_live(live, 0)) is not None and (seen.path or seen == NONE):
            return seen
        self._known[name] = Variable(self._stars, Seen(self._flow.heap.new() | self.anything, None))
        return self._known[name]

    def _live(self, name: str, variable: Variable) -> Seen:
        """With what the living value tells, where it is still the one that is read here."""
        seen, namespace = variable.seen, self._flow.namespace
        if seen.path or namespace is None or seen.kind not in (None, LIBRARY, ITERATOR):
            return seen
        last = self._last_bound.get(name, -1)
        if last <= self._opaque_at or variable.binders != 1 << last or name not in namespace:
            return seen
        if last == self._flow.index and self._binds.get(name) != 1:
            return seen
        return of_live(namespace[name], seen.objects) or seen

    # ------------------------------------------------------------ binding
    def set(self, name: str, seen: Seen, certain: bool, frame: Frame | None, is_global: bool) -> None:
        """Bind a name; where that is not ``certain``, it may also be what it was."""
        if name[0] == ".":
            self._put(name, seen, frame or self.own)
        elif frame is not None and not is_global:
            self._set_local(name, seen, frame)
        else:
            before = self._known.get(name)
            if before is None or (certain and self._ok and frame is None):
                after = Variable(self._flow.bit, seen)
            else:
                both = self._flow.heap.join([before.seen, seen])
                after = Variable(before.binders | self._flow.bit, both)
            if after != before:
                self._known[name] = after
                self._flow.heap.state += 1

    def values_of(self, names: Sequence[str]) -> dict[str, Variable]:
        """What the names are now; those that no cell binds are left out."""
        return {name: self._known[name] for name in names if name in self._known}

    def may_be(self, values: Mapping[str, Variable]) -> None:
        """The names may still be what they were."""
        for name, before in values.items():
            now = self._known.get(name, before)
            seen = self._flow.heap.join([before.seen, now.seen])
            self._known[name] = Variable(before.binders | now.binders, seen)

    def _set_local(self, name: str, seen: Seen, frame: Frame) -> None:
        target: Frame | None = frame
        if frame.code is not None and name not in frame.code.local:  # nonlocal
            while target is not None and name not in target.variables:
                target = target.parent
        self.join_local(name, seen, target or frame)

    def join_local(self, name: str, seen: Seen, frame: Frame) -> None:
        """A variable of a function may be this as well."""
        before = frame.variables.get(name)
        self._put(name, seen if before is None else self._flow.heap.join([before, seen]), frame)
        if frame.holder:
            self._flow.heap.hold(frame.holder, seen.objects)

    def _put(self, name: str, seen: Seen, frame: Frame) -> None:
        if frame.variables.get(name) != seen:
            frame.variables[name] = seen
            self._flow.heap.state += 1

    # ------------------------------------------------------------ what cannot be seen
    def import_all(self, module: str | None) -> None:
        """The cell binds names that its text does not show: those of a module, or any."""
        self._stars |= self._flow.bit
        if module is not None:
            self._star_modules.append(module)

    def forget_kinds(self) -> None:
        """Any name may be another now, and may be what any other name is."""
        self._opaque_at = self._flow.index
        heap = self._flow.heap
        every = objects_of([each.seen for each in self._known.values()])
        self.anything = heap.made(("anything",), every & ~heap.modules)
        for name, variable in self._known.items():
            if variable.seen.path is None:
                seen = Seen(variable.seen.objects | self.anything, None)
                self._known[name] = Variable(variable.binders, seen)
