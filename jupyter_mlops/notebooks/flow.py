"""How values flow from cell to cell: an abstract interpreter of steps.

Each value that a cell makes is an object here; a name points at objects, and objects hold others. What
may change an object is noted with it, so that whoever reads a name depends on the cells that bound it and
on those that may have changed anything that it reaches. Functions and classes of the cells are followed
into; what libraries do stands in ``purity``.

Taken for granted: reading attributes and items of libraries' objects, and operators on them, change
nothing but iterators and defaultdicts; and modules of the user's own keep state only in themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import purity
from .bodies import MAX_ROUNDS, Bodies
from .disk import Disk
from .evaluation import Evaluation
from .figures import Figures
from .heap import Heap
from .magic_lines import MACRO
from .outputs import Outputs
from .outside import Outside
from .queries import ONLY_OF_TEXTS
from .seen import (
    CONTAINER,
    LIBRARY,
    NONE,
    PLAIN,
    Account,
    Frame,
    Seen,
    is_installed,
    objects_of,
    root_of,
)
from .steps import (
    Bind,
    Call,
    CellSteps,
    Change,
    Do,
    Files,
    Forget,
    Give,
    Import,
    Lookup,
    Name,
    Opaque,
    Repeat,
    Setting,
    StarImport,
    Step,
    Store,
    Value,
)
from .variables import Variables

STORING = ("__setattr__", "__setitem__", "__set__", "__delattr__", "__delitem__", "__delete__")
OWN_MODULES = "."
"""Stands for all modules of the user's, where what one of them keeps may come from another."""
MAX_STEPS = 4000
"""So many steps are followed for one cell."""


class Flow:
    """Interprets cells one after the other; :meth:`copy` is for trying one out.

    With ``of_data`` for knowing where data comes from, and not what a replay needs. Then modules that are not
    known may keep what they are given, the user's own ones in common, and may write files; that a call is
    there for its effect matters only to those who use the same module; and a cell's value is known by its
    number, which it is not in a replay.
    """

    account: Account
    index: int
    bit: int
    context: tuple[int, ...]
    namespace: Mapping[str, Any] | None

    def __init__(self, *, of_data: bool = False) -> None:
        self.of_data = of_data
        self.accounts: list[Account] = []
        self.heap = Heap()
        self.outside = Outside()
        self.disk, self.figures = Disk(), Figures()
        self.variables = Variables(self)
        self.bodies = Bodies(self)
        self.outputs = Outputs()
        self._evaluation = Evaluation(self, self.bodies, self.variables, self.outputs)
        self._modules: dict[str, int] = {}
        self.submodules: dict[str, int] = {}

    def copy(self) -> Flow:
        made = Flow(of_data=self.of_data)
        made.accounts = self.accounts.copy()
        made.heap, made.outside, made.disk = self.heap.copy(), self.outside.copy(), self.disk.copy()
        made.figures = self.figures.copy()
        made.variables, made.bodies = self.variables.copy(made), self.bodies.copy(made)
        made.outputs = self.outputs.copy()
        made._evaluation = Evaluation(made, made.bodies, made.variables, made.outputs)
        made._modules, made.submodules = self._modules.copy(), self.submodules.copy()
        return made

    # ------------------------------------------------------------ cells
    def run(
        self,
        cell: CellSteps,
        *,
        ok: bool = True,
        namespace: Mapping[str, Any] | None = None,
        last_bound: Mapping[str, int] | None = None,
        number: int = 0,
        shown: Sequence[int] | None = None,
    ) -> Account:
        """Take a cell's steps; ``last_bound`` says which cell binds each name last.

        ``number`` and ``shown`` are those of the ExecutedCell.
        """
        self.index = len(self.accounts)
        self.bit = 1 << self.index
        self.namespace, self.context = namespace, ()
        self.variables.begin(cell.binds, last_bound or {}, ok=ok)
        self.heap.begin()
        self.bodies.begin()
        self.outputs.begin(number, shown)
        self._budget = MAX_STEPS
        self._written: list[str] = []
        self.account = Account()
        self.accounts.append(self.account)
        if cell.steps:  # any of them may print
            self.heap.mark_changed(self.outside.stdout, self.bit)
        for step in cell.steps:
            self.step(step, None)
        self.disk.mention(cell.texts, self._written, self.account, self.heap, self.bit)
        if cell.shows:
            self.outputs.end(self.bit, self.heap)
        return self.account

    def step(self, step: Step, frame: Frame | None) -> None:
        if self._budget <= 0:
            return
        self._budget -= 1
        if not self._budget:
            self.give_up("its calls are too many to be followed")
            return
        _STEPS[type(step)](self, step, frame)

    def made(self, value: Value, holds: int = 0, *, kind: str | None = None, explicit: bool = False) -> int:
        return self.heap.made((id(value), self.context), holds, kind=kind, explicit=explicit)

    def change(self, seen: Seen, title: str, *, store: int = 0, deep: bool = True) -> None:
        if self.heap.change(seen.objects, self.bit, store=store, deep=deep):
            self.account.changed[title] = None

    def write_files(self, names: Sequence[str], *, folders: bool = False) -> None:
        self.disk.write(names, self.account, self.bit, folders=folders)
        self._written += names

    # ------------------------------------------------------------ steps
    def _bind(self, step: Bind, frame: Frame | None) -> None:
        seen = self.value(step.value, frame)
        if self.outside.watched or self.bodies.finalizers:
            for before in self.variables.values_of([step.name] if frame is None else ()).values():
                if self._may_end(before.seen):
                    self._let_go(self.variables.get(step.name, frame))
        self.variables.set(step.name, seen, step.certain, frame, step.is_global)

    def _may_end(self, seen: Seen) -> bool:
        """Whether anybody sees the value's end."""
        return bool(seen.objects & self.outside.watched or self.bodies.methods(seen, ("__del__",)))

    def _let_go(self, seen: Seen) -> None:
        """A name stands for a value no longer, which may be the value's end."""
        self.heap.mark_changed(seen.objects & self.outside.watched, self.bit)
        if self.bodies.finalizers:
            self.bodies.run_methods(seen, [], ("__del__",))

    def _augment(self, step: Change, frame: Frame | None) -> None:
        before, more = self.value(Name(step.name), frame), self.value(step.value, frame)
        self.operate(before, more)
        if before.kind != PLAIN or before.objects:
            self.change(before, f"{step.name} is changed in place", store=more.objects)
        objects = before.objects | (more.objects if before.kind == PLAIN else 0)
        kind = before.kind if before.kind == more.kind or before.kind in (CONTAINER, LIBRARY) else None
        if before.kind == PLAIN and not before.objects:
            kind = more.kind
        elif before.kind is None:
            objects |= self.heap.made((id(step), self.context), self.heap.reach(more.objects))
        self.variables.set(step.name, Seen(objects, kind), step.certain, frame, step.is_global)

    def _store(self, step: Store, frame: Frame | None) -> None:
        base = self.value(step.base, frame)
        others = [self.value(each, frame) for each in step.others]
        if step.before is not None:
            others.append(self._item_changed(base, self.value(step.before, frame), others, step.title))
        held = objects_of(others)
        if base.path == "sys" and step.title.endswith((".stdout", ".stderr")):
            self.outside.stdout = held
        if base.path is not None:
            self.account.always.append(f"sets {step.title}, which other cells may depend on")
        self.change(base, f"{step.title} is set", store=held, deep=base.kind is None)
        self.bodies.run_methods(base, others, STORING)

    def _item_changed(self, base: Seen, item: Seen, others: Sequence[Seen], title: str) -> Seen:
        """An item that ``+=`` may change in place; that of a library's object is a part of the object."""
        self.operate(item, *others)
        if base.kind != LIBRARY:
            changed = item._replace(objects=item.objects & ~self.heap.codes)
            self.change(changed, f"{title} is changed in place", store=objects_of(others))
        return item

    def _repeat(self, step: Repeat, frame: Frame | None) -> None:
        """Once more as long as a round finds out more than the one before."""
        around = self.variables.values_of(step.targets) if frame is None else {}
        for _ in range(MAX_ROUNDS):
            before = self.heap.state
            for each in step.steps:
                self.step(each, frame)
            if self.heap.state == before:
                break
        else:
            self.give_up("what its loop carries on cannot be followed")
        self.variables.may_be(around)

    def _forget(self, step: Forget, frame: Frame | None) -> None:
        self._let_go(self.variables.get(step.name, frame))
        if frame is None or step.is_global:
            self.variables.set(step.name, NONE, step.certain, frame, True)

    def _do(self, step: Do, frame: Frame | None) -> None:
        seen = self.value(step.value, frame)
        if seen.path == MACRO:
            self.see_nothing("a macro may set any name", reads=True)
        if step.shown:
            self.outputs.value = seen
            self.bodies.run_methods(seen, [], _is_display)

    def _give(self, step: Give, frame: Frame | None) -> None:
        seen = self.value(step.value, frame)
        if frame is not None:
            result = seen if frame.result is None else self.heap.join([frame.result, seen])
            if result != frame.result:
                frame.result = result
                self.heap.state += 1

    def _import(self, step: Import, frame: Frame | None) -> None:
        root = root_of(step.module)
        module = self.module(root)
        if step.module != root:
            self._import_part(step, module)
        self._mention(f"{step.module.rpartition('.')[2]}.py", f"{root}.py")
        if self.of_data and root not in purity.KNOWN:
            self.heap.mark_changed(module, self.bit)
        kind = LIBRARY if root in purity.KNOWN else None
        objects = module if step.path == step.module or step.path == root else 0
        if not objects and kind is None:
            objects = module  # what a module holds may have to do with all else in it
        self.variables.set(step.name, Seen(objects, kind, step.path), step.certain, frame, step.is_global)

    def _import_part(self, step: Import, module: int) -> None:
        """A submodule becomes an attribute of its package: for whoever reads it there."""
        if root_of(step.module) not in purity.KNOWN:
            self.heap.mark_changed(module, self.bit)
        elif step.module not in self.submodules or not step.certain:
            self.submodules[step.module] = self.submodules.get(step.module, 0) | self.bit

    def _mention(self, *files: str) -> None:
        self.disk.mention(files, (), self.account, self.heap, self.bit)

    def module(self, root: str) -> int:
        if self.of_data and root not in purity.KNOWN and not is_installed(root):
            root = OWN_MODULES
        if root not in self._modules:
            self._modules[root] = self.heap.new()
            self.heap.modules |= self._modules[root]
        return self._modules[root]

    def _star_import(self, step: StarImport, frame: Frame | None) -> None:
        self.variables.import_all(step.module)
        self.account.always.append(f"imports names from {step.module} that its text does not show")
        self._mention(f"{step.module.rpartition('.')[2]}.py")
        if root_of(step.module) not in purity.KNOWN:
            self.variables.forget_kinds()

    def _lookup(self, step: Lookup, frame: Frame | None) -> None:
        text = self.value(step.text, frame)
        may_be = text.kind == PLAIN or (text.kind is None and text.objects & ~self.heap.codes)
        no_frames = step.by == "execute" and "duckdb" not in self._modules  # another database
        if not no_frames and (may_be or step.by in ONLY_OF_TEXTS):
            self.account.need(self.bit - 1, "comes before", "a text that may name any variable")

    def _opaque(self, step: Opaque, frame: Frame | None) -> None:
        self.see_nothing(f"{step.title} may set any name", reads=step.reads)

    def join_local(self, name: str, seen: Seen, frame: Frame) -> None:
        self.variables.join_local(name, seen, frame)

    def give_up(self, why: str) -> None:
        """Follow nothing more of this cell: it may do anything."""
        self._budget = 0
        self.see_nothing(why, reads=True)

    def see_nothing(self, why: str, *, reads: bool) -> None:
        self.account.always.append(why)
        self.account.undecided.append(why)
        if reads:
            self.account.need(self.bit - 1, "comes before", "code that may read any name")
        self.disk.unknown |= self.bit
        self.variables.import_all(None)
        self.variables.forget_kinds()

    def _setting(self, step: Setting, frame: Frame | None) -> None:
        self.account.always.append(step.why)
        self.disk.unknown |= self.bit
        if step.function and self.variables.has(step.function, frame):
            self.value(Call(Name(step.function), (), (), (), True, f"%{step.function}"), frame)

    def _named_files(self, step: Files, frame: Frame | None) -> None:
        self.write_files(step.names)

    # ------------------------------------------------------------ values
    def value(self, value: Value, frame: Frame | None) -> Seen:
        return self._evaluation.value(value, frame)

    def attribute(self, base: Seen, attribute: str) -> Seen:
        return self._evaluation.attribute(base, attribute)

    def iterate(self, seen: Seen, title: str) -> Seen:
        return self._evaluation.iterate(seen, title)

    def operate(self, *parts: Seen) -> None:
        self._evaluation.operate(*parts)


def _is_display(name: str) -> bool:
    return name in ("__repr__", "__str__", "__len__", "__iter__", "__getattr__") or name.startswith(
        ("_repr_", "_ipython_display_")
    )


_STEPS: dict[type, Callable[[Flow, Any, Frame | None], None]] = {
    Bind: Flow._bind,
    Change: Flow._augment,
    Store: Flow._store,
    Repeat: Flow._repeat,
    Forget: Flow._forget,
    Do: Flow._do,
    Give: Flow._give,
    Import: Flow._import,
    StarImport: Flow._star_import,
    Lookup: Flow._lookup,
    Opaque: Flow._opaque,
    Setting: Flow._setting,
    Files: Flow._named_files,
}
