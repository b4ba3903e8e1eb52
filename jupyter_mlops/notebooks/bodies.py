"""Following calls into the functions and classes that cells define."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .interpreter import Interpreter
from .seen import ITERATOR, NONE, Frame, Seen, bits, objects_of
from .steps import Call, Code, Iterated, Made

MAX_DEPTH = 12
MAX_ROUNDS = 10
Wanted = tuple[str, ...] | Callable[[str], bool]
INDIRECT = 0
"""Whoever calls a function without a call in a cell's text."""
CREATION = ("__new__", "__init__", "__post_init__", "__call__", "__init_subclass__", "__set_name__")


class Bodies:
    """The functions and classes by their objects, and which class an instance is of."""

    def __init__(self, flow: Interpreter) -> None:
        self._flow = flow
        self._codes: dict[int, tuple[Code, Frame]] = {}
        self._instances: dict[int, int] = {}
        self._tables: dict[int, dict[str, list[tuple[int, Code]]]] = {}
        self._simple = 0
        """Instances of classes that have no bases."""
        self.finalizers = False
        """Whether some class has a ``__del__``."""
        self.begin()

    def copy(self, flow: Interpreter) -> Bodies:
        made, frames = Bodies(flow), dict[int, Frame]()
        made._codes = {index: (code, scope.copy(frames)) for index, (code, scope) in self._codes.items()}
        made._instances, made._simple = self._instances.copy(), self._simple
        made.finalizers = self.finalizers
        return made

    def begin(self) -> None:
        """Another cell: what was called in the one before may be called again."""
        self._depth = 0
        self._frames: dict[tuple[object, ...], Frame] = {}

    def define(self, value: Made, holds: int, scope: Frame, *, place: tuple[object, ...]) -> int:
        """A function or class, whose free names are looked up in ``scope`` first."""
        heap, code = self._flow.heap, value.code
        made = heap.made(place, holds)
        self._codes[made.bit_length() - 1] = code, scope
        heap.codes |= made
        self.finalizers |= "__del__" in code.methods
        if not code.stateful:
            heap.stateless |= made
        return made

    # ------------------------------------------------------------ known callees
    def enter_each(self, seen: Seen, value: Call, arguments: Sequence[Seen]) -> Seen:
        """A call of something that is one of the cells' own functions or classes."""
        given = []
        for index in bits(seen.objects):
            code = self._codes[index][0]
            if code.is_class:
                given.append(self._create(index, value, arguments))
            else:
                given.append(self.enter(index, code, arguments, value))
        return self._flow.heap.join(given)

    def class_frame(self, made: int, code: Code, scope: Frame) -> Frame:
        """The names of a class's body."""
        return self._frames.setdefault(("class", made), Frame(scope, code, made))

    def _create(self, index: int, value: Call, arguments: Sequence[Seen]) -> Seen:
        made = self._flow.made(value, (1 << index) | objects_of(arguments))
        self._instances[made.bit_length() - 1] = index
        if not self._codes[index][0].has_bases:
            self._simple |= made
        instance = Seen(made, None)
        for where, method in self.methods(instance, CREATION):
            self.enter(where, method, arguments, value, instance)
        return instance

    def enter(
        self,
        index: int,
        code: Code,
        arguments: Sequence[Seen],
        value: Call | None = None,
        instance: Seen | None = None,
    ) -> Seen:
        """Follow a call into a function; one that is being followed already is taken to do its worst."""
        flow, function = self._flow, 1 << index
        given = [*([instance] if instance is not None else []), *arguments]
        everything = objects_of(given)
        instance = self._bound(code, instance)
        if code.stateful:
            flow.change(Seen(function, None), f"{code.name}() keeps state", store=everything)
        context = (INDIRECT,) if value is None else (*flow.context[-1:], id(value))
        key = (index, id(code), context)
        frame = self._frames.get(key)
        if frame is None:
            frame = self._frames[key] = Frame(self._codes[index][1], code, context=context)
        self._pass(code, frame, value, arguments, instance, function)
        if frame.active:
            frame.recursive = True
        elif frame.settled != flow.heap.state:
            self._follow(frame, code)
        result = frame.result or NONE
        if code.remembers:
            flow.heap.hold(function, result.objects)
            if flow.of_data:
                flow.change(Seen(function, None), f"{code.name}() remembers what it gave")
            result = Seen(result.objects | flow.heap.held_by(index), None)
        if code.lazy:
            held = function | everything | result.objects
            return Seen(flow.heap.made(("lazy", *key), held, kind=ITERATOR), None)
        return result

    def _bound(self, code: Code, instance: Seen | None) -> Seen | None:
        """What the first parameter of a method is; None where it is the first argument."""
        if instance is None or code.binding == "staticmethod":
            return None
        if code.binding == "classmethod":
            return Seen(self.class_of(instance).objects | instance.objects, None)
        heap = self._flow.heap
        is_class = not instance.objects & ~heap.codes and bool(instance.objects)
        return None if is_class else instance

    def _follow(self, frame: Frame, code: Code) -> None:
        """Take the steps of a body; once more where it called itself and that found out more."""
        flow, heap = self._flow, self._flow.heap
        if self._depth >= MAX_DEPTH:
            flow.give_up("its calls go too deep to be followed")
            return
        around, flow.context = flow.context, frame.context
        self._depth += 1
        frame.active = True
        for _ in range(MAX_ROUNDS):
            before, frame.recursive = heap.state, False
            for step in code.steps:
                flow.step(step, frame)
            if heap.state == before:
                frame.settled = before
                break
            if not frame.recursive:
                break
        else:
            flow.give_up(f"what {code.name}() does to itself cannot be followed")
        frame.active = False
        self._depth -= 1
        flow.context = around

    def _pass(
        self,
        code: Code,
        frame: Frame,
        value: Call | None,
        arguments: Sequence[Seen],
        instance: Seen | None,
        function: int,
    ) -> None:
        """Give the parameters their values; those of which it is not plain which may have any."""
        heap = self._flow.heap
        names = list(code.parameters)
        passed: dict[str, Seen] = {}
        if instance is not None and names:
            passed[names.pop(0)] = instance
        named = None if value is None else _named(names, value, arguments)
        passed.update(named or {})
        left = 0 if named is not None else objects_of(arguments)
        objects = left | (heap.held_by(function.bit_length() - 1) & ~heap.modules)
        container = heap.made(("arguments", id(code), frame.context), objects) if objects else 0
        for name in names:
            if name not in passed:
                passed[name] = Seen(objects | container, None)
        for name, seen in passed.items():
            self._flow.join_local(name, seen, frame)

    # ------------------------------------------------------------ methods
    def methods(self, seen: Seen, wanted: Wanted) -> list[tuple[int, Code]]:
        """The methods of the cells' own classes that the value may have: by names, or by a test."""
        codes = self._flow.heap.reach(seen.objects) & self._flow.heap.codes
        if not codes:
            return []
        table = self._tables.get(codes)
        if table is None:
            table = self._tables[codes] = self._table(codes)
        if isinstance(wanted, tuple):
            return [each for name in wanted for each in table.get(name, ())]
        return [each for name, methods in table.items() if wanted(name) for each in methods]

    def _table(self, codes: int) -> dict[str, list[tuple[int, Code]]]:
        """The methods of classes, by their names."""
        table: dict[str, list[tuple[int, Code]]] = {}
        for index in bits(codes):
            for name, method in self._codes[index][0].methods.items():
                table.setdefault(name, []).append((index, method))
        return table

    def run_at_definition(self, made: int, bases: int) -> None:
        """What Python calls when a class is made: of its bases, its metaclass, and what it holds."""
        names = ("__init_subclass__", "__new__", "__init__", "__prepare__")
        itself = Seen(made, None)
        for index, method in self.methods(Seen(bases), names) if bases else ():
            self.enter(index, method, [itself], None, Seen(made | 1 << index, None))
        self.run_methods(Seen(self._flow.heap.held_by(made.bit_length() - 1)), [itself], ("__set_name__",))

    def class_of(self, seen: Seen) -> Seen:
        """What ``type()`` gives: the cells' own classes among what it may be."""
        heap, found = self._flow.heap, 0
        for index in bits(heap.reach(seen.objects) & heap.codes):
            if self._codes[index][0].is_class:
                found |= 1 << index
        return Seen(found, None) if found else NONE

    def is_instance(self, seen: Seen) -> bool:
        """Whether it is an instance of a cell's class, or such a class itself, and nothing else."""
        return all(
            index in self._instances or (index in self._codes and self._codes[index][0].is_class)
            for index in bits(seen.objects)
        )

    def run_methods(self, seen: Seen, arguments: Sequence[Seen], wanted: Wanted) -> None:
        """Python calls methods by itself: those of them that the value may have."""
        heap = self._flow.heap
        if not seen.objects or not heap.reach(seen.objects) & heap.codes:
            return
        if not seen.objects & ~heap.codes:  # a function or class itself, and no instance
            return
        for index, method in self.methods(seen, wanted):
            self.enter(index, method, arguments, None, Seen(seen.objects, None))

    def instance_of(self, frame: Frame | None) -> Seen:
        """What ``super()`` stands for."""
        while frame is not None:
            if frame.code is not None and frame.code.parameters:
                return frame.variables.get(frame.code.parameters[0], Seen(0, None))
            frame = frame.parent
        return Seen(0, None)

    # ------------------------------------------------------------ whatever is reached
    def go_through(self, seen: Seen) -> None:
        """Somebody takes the items of a value."""
        if seen.objects & ~(self._simple | self._flow.heap.codes | self._flow.heap.explicit):
            self.call_all(seen.objects, [seen])
        else:
            self.run_methods(seen, [], ("__iter__", "__next__", "__getitem__", "__len__", "__getattr__"))

    def call_all(self, objects: int, arguments: Sequence[Seen]) -> int:
        """Every function and method that is reached may be called. The objects that they may give."""
        heap = self._flow.heap
        codes = heap.reach(objects) & heap.codes
        given = 0
        for index in bits(codes):
            anything = Seen(heap.reach(objects) & ~codes | objects_of(arguments), None)
            code = self._codes[index][0]
            if code.is_class:
                given |= heap.made(("instance", index), 1 << index)
                for method in code.methods.values():
                    given |= self.enter(index, method, [anything], None, anything).objects
            else:
                given |= self.enter(index, code, [anything]).objects
        return given | codes


def _named(names: Sequence[str], value: Call, arguments: Sequence[Seen]) -> dict[str, Seen] | None:
    """The arguments by the parameters' names; None where they are unpacked, or do not fit."""
    keywords = [name for name, _ in value.keywords]
    count = len(value.arguments)
    if any(isinstance(each, Iterated) for each in value.arguments) or count > len(names):
        return None
    found = dict(zip(names, arguments[:count], strict=False))
    for keyword, seen in zip(keywords, arguments[count:], strict=True):
        if keyword not in names:
            return None
        found[str(keyword)] = seen
    return found
