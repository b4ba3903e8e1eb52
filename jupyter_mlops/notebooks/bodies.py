"""Following calls into the functions and classes that cells define."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .interpreter import Interpreter
from .seen import Frame, Seen, bits, join, objects_of
from .steps import Call, Code, Iterated

MAX_DEPTH = 12
CREATION = ("__new__", "__init__", "__post_init__", "__call__", "__init_subclass__", "__set_name__")


class Bodies:
    """The functions and classes by their objects, and which class an instance is of."""

    def __init__(self, flow: Interpreter) -> None:
        self._flow = flow
        self._codes: dict[int, tuple[Code, Frame]] = {}
        self._instances: dict[int, int] = {}
        self.begin()

    def copy(self, flow: Interpreter) -> Bodies:
        made = Bodies(flow)
        made._codes, made._instances = self._codes.copy(), self._instances.copy()
        return made

    def begin(self) -> None:
        """Another cell: what was called in the one before may be called again."""
        self._stack: list[int] = []
        self._called: dict[int, int] = {}
        """With which objects each function may have been called, by its number or its method's."""

    def define(self, code: Code, holds: int, scope: Frame) -> int:
        """A new function or class, whose free names are looked up in ``scope`` first."""
        heap = self._flow.heap
        made = heap.new(holds)
        self._codes[made.bit_length() - 1] = code, scope
        heap.codes |= made
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
        return join(given)

    def _create(self, index: int, value: Call, arguments: Sequence[Seen]) -> Seen:
        made = self._flow.heap.new((1 << index) | objects_of(arguments))
        self._instances[made.bit_length() - 1] = index
        instance = Seen(made, None)
        for where, method in self.methods(instance, lambda name: name in CREATION):
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
        if code.stateful:
            flow.change(Seen(function, None), f"{code.name}() keeps state", store=everything)
        if id(code) in self._stack or len(self._stack) >= MAX_DEPTH:
            return self._give_up(code, given, everything | function)
        frame = Frame(self._codes[index][1], code)
        self._pass(code, frame, value, arguments, instance, function)
        self._stack.append(id(code))
        for step in code.steps:
            flow.step(step, frame)
        self._stack.pop()
        if code.lazy:
            return Seen(flow.heap.new(function | everything | objects_of(frame.given)), None)
        return join(frame.given)

    def _give_up(self, code: Code, given: Sequence[Seen], objects: int) -> Seen:
        if id(code) not in self._stack:
            self._flow.see_nothing("its calls go too deep to be followed", reads=True)
        for each in given:
            self._flow.change(each, f"it is passed to {code.name}()", store=objects)
        return Seen(self._flow.heap.new(objects), None)

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
        if instance is not None and names:
            frame.variables[names.pop(0)] = instance
        named = None if value is None else _named(names, value, arguments)
        frame.variables.update(named or {})
        left = 0 if named is not None else objects_of(arguments)
        objects = left | (heap.held_by(function.bit_length() - 1) & ~heap.modules)
        container = heap.new(objects) if objects else 0
        for name in names:
            if name not in frame.variables:
                frame.variables[name] = Seen(objects | container, None)

    # ------------------------------------------------------------ methods
    def methods(self, seen: Seen, wanted: Callable[[str], bool]) -> list[tuple[int, Code]]:
        """The methods of the cells' own classes that the value may have."""
        found = []
        for index in bits(self._flow.heap.reach(seen.objects) & self._flow.heap.codes):
            code = self._codes[index][0]
            if code.is_class:
                found += [(index, method) for name, method in code.methods.items() if wanted(name)]
        return found

    def is_instance(self, seen: Seen) -> bool:
        """Whether it is an instance of a cell's class, or such a class itself, and nothing else."""
        return all(
            index in self._instances or (index in self._codes and self._codes[index][0].is_class)
            for index in bits(seen.objects)
        )

    def run_methods(self, seen: Seen, arguments: Sequence[Seen], wanted: Callable[[str], bool]) -> None:
        """Python calls methods by itself: those of them that the value may have."""
        heap = self._flow.heap
        if not seen.objects or not heap.reach(seen.objects) & heap.codes:
            return
        if not seen.objects & ~heap.codes:  # a function or class itself, and no instance
            return
        given = objects_of(arguments) | seen.objects
        for index, method in self.methods(seen, wanted):
            if self._is_news(-id(method), given):
                self.enter(index, method, arguments, None, seen)

    def instance_of(self, frame: Frame | None) -> Seen:
        """What ``super()`` stands for."""
        while frame is not None:
            if frame.code is not None and frame.code.parameters:
                return frame.variables.get(frame.code.parameters[0], Seen(0, None))
            frame = frame.parent
        return Seen(0, None)

    # ------------------------------------------------------------ whatever is reached
    def call_all(self, objects: int, arguments: Sequence[Seen]) -> int:
        """Every function and method that is reached may be called. The objects that they may give."""
        heap = self._flow.heap
        codes = heap.reach(objects) & heap.codes
        given = 0
        for index in bits(codes):
            anything = Seen(heap.reach(objects) & ~codes | objects_of(arguments), None)
            if not self._is_news(index, anything.objects):
                continue
            code = self._codes[index][0]
            if code.is_class:
                given |= heap.new(1 << index)
                for method in code.methods.values():
                    given |= self.enter(index, method, [anything], None, anything).objects
            else:
                given |= self.enter(index, code, [anything]).objects
        return given | codes

    def _is_news(self, key: int, objects: int) -> bool:
        """Whether this cell has not called it with all of these before."""
        known = self._called.get(key)
        if known is not None and not objects & ~known:
            return False
        self._called[key] = (known or 0) | objects
        return True


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
