"""Values of a cell as objects: what a name, an attribute, a container, a function stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import purity
from .bodies import CREATION, Bodies
from .calls import Calls
from .expressions import OF_A_SHELL
from .interpreter import Interpreter
from .outputs import NUMBERED, Outputs
from .seen import (
    CONTAINER,
    DEFAULTING,
    ITERATOR,
    LIBRARY,
    NONE,
    PLAIN,
    Frame,
    Seen,
    objects_of,
    root_of,
)
from .steps import Call, Code, Give, Iterated, Made, Mixed, Name, Part, Plain, Value
from .variables import Variables

OF_AN_ITEM = ("__getitem__", "__missing__", "__class_getitem__")
SHELL = "IPython.get_ipython()"


class Evaluation:
    """Evaluates for a flow; what has to happen for it is done to the flow's cell."""

    def __init__(self, flow: Interpreter, bodies: Bodies, variables: Variables, outputs: Outputs) -> None:
        self._flow, self._bodies, self._variables, self._outputs = flow, bodies, variables, outputs
        self._calls = Calls(flow, bodies, variables)

    def value(self, value: Value, frame: Frame | None) -> Seen:
        seen: Seen = _VALUES[type(value)](self, value, frame)
        return seen

    def _named(self, value: Name, frame: Frame | None) -> Seen:
        name = value.name
        if name[0] in "_IO" and NUMBERED.fullmatch(name):
            root = name.partition("[")[0]
            if not self._variables.has(root, frame):
                return self._by_number(name)
            if root != name:
                return self.attribute(self._variables.get(root, frame), "[]")
        return self._variables.get(name, frame)

    def _by_number(self, name: str) -> Seen:
        """``_``, ``Out[3]``, ``_i3``: a cell's value or text by its place in the history."""
        flow, root = self._flow, name.partition("[")[0]
        what = "_ is the last value that was shown" if name == "_" else f"{root} names a cell by its number"
        flow.account.undecided.append(f"{what}: in another kernel it may be another")
        shown = self._outputs.named(name) if flow.of_data else self._outputs.last() if name == "_" else []
        if not flow.of_data and name != "_":
            flow.account.need(flow.bit - 1, "comes before", f"{root}, which names cells by number")
        for each in shown:
            flow.account.need(each.cell, "shows last", f"the value that {name} is")
        if not shown:
            return Seen(flow.heap.made(("by number", name)) | self._variables.anything, None)
        seen = flow.heap.join([each.value for each in shown])
        flow.account.need(flow.heap.changers_of(seen.objects), "may change", name)
        return seen

    def _part(self, value: Part, frame: Frame | None) -> Seen:
        base = self.value(value.base, frame)
        if value.attribute == "[:]" and base.kind == CONTAINER:
            held = self._flow.heap.inner(base.objects)
            return Seen(self._flow.made(value, held, kind=CONTAINER, explicit=True), CONTAINER)
        seen = self.attribute(base, "[]" if value.attribute == "[:]" else value.attribute)
        if value.attribute in purity.BOUND_CHANGES and base.path is None and base.objects:
            return Seen(seen.objects | base.objects | self._bound_method(value, base), None)
        return seen

    def _bound_method(self, value: Part, base: Seen) -> int:
        """``items.append`` as a value: whoever calls it changes the items."""
        scope = Frame(None, None)
        scope.variables["."] = base
        call = Call(Part(Name("."), value.attribute), (Name("x"),), (), (), False, f"{value.attribute}()")
        code = Code(value.attribute, ("x",), (Give(call),), frozenset("x"))
        return self._bodies.define(
            Made(code, ()), base.objects, scope, place=(id(value), self._flow.context, "bound")
        )

    def attribute(self, base: Seen, attribute: str) -> Seen:
        if base.path in ("sys.modules", "__main__") or (base.path == SHELL and attribute in OF_A_SHELL):
            self._flow.see_nothing(f"{base.path} may set any name", reads=True)
        if base.path is not None and attribute != "[]":
            if root_of(base.path) in purity.KNOWN:
                path = f"{base.path}.{attribute}"
                if path in self._flow.submodules:
                    self._flow.account.need(self._flow.submodules[path], "imports", path)
                return Seen(0, LIBRARY, path)
            return Seen(base.objects, None, f"{base.path}.{attribute}")
        if base.path == "sys.modules":
            return Seen(base.objects, None, "__main__")
        if base.path is not None and base.path.startswith(SHELL):
            return Seen(0, LIBRARY, f"{base.path}[]")
        if base.kind == PLAIN and not base.objects:
            return NONE
        wanted = OF_AN_ITEM if attribute == "[]" else (attribute, "__getattr__", "__getattribute__")
        self._bodies.run_methods(base, [], wanted)
        if attribute == "[]" and base.kind in (None, DEFAULTING):
            self._flow.change(base, "an item of it is looked for, and may be made", deep=False)
        inner = self._flow.heap.inner(base.objects)
        if base.kind == CONTAINER and attribute == "[]":
            return self._flow.heap.one_of(inner)
        return Seen(inner | base.objects, LIBRARY if base.kind in (LIBRARY, ITERATOR) else None)

    def _mixed(self, value: Mixed, frame: Frame | None) -> Seen:
        parts = [self.value(each, frame) for each in value.parts]
        held = objects_of(parts)
        if value.kind is not None:
            made = self._flow.made(value, held, kind=value.kind, explicit=value.kind == CONTAINER)
            return Seen(made, value.kind)
        if value.operator:
            self.operate(*parts)
            if all(each.kind == PLAIN and not each.objects for each in parts):
                return NONE
            kinds = {each.kind for each in parts} - {PLAIN}
            kind = CONTAINER if kinds == {CONTAINER} else LIBRARY if None not in kinds else None
            held = self._flow.heap.inner(held) if kind == CONTAINER else held
            return Seen(self._flow.made(value, held, kind=kind, explicit=kind == CONTAINER), kind)
        return self._flow.heap.join([each for each in parts if each != NONE])

    def _plain(self, value: Plain, frame: Frame | None) -> Seen:
        self.operate(*(self.value(each, frame) for each in value.parts))
        return NONE

    def operate(self, *parts: Seen) -> None:
        for each in parts:
            if each.objects:
                self._bodies.run_methods(each, parts, _is_special)

    def _iterated(self, value: Iterated, frame: Frame | None) -> Seen:
        seen = self.value(value.of, frame)
        return self.iterate(seen, f"{_titled(value.of)} is iterated over")

    def iterate(self, seen: Seen, title: str) -> Seen:
        if seen.kind == PLAIN and not seen.objects:
            return NONE
        if seen.kind in (None, ITERATOR):
            self._flow.change(seen, title, deep=False)
            self._bodies.go_through(seen)
        inner = self._flow.heap.inner(seen.objects)
        if seen.kind == CONTAINER:
            return self._flow.heap.one_of(inner) if inner else NONE
        return Seen(inner | seen.objects, LIBRARY if seen.kind == LIBRARY else None)

    def _made(self, value: Made, frame: Frame | None) -> Seen:
        flow = self._flow
        outside = [self.value(each, frame) for each in value.outside]
        scope = frame or self._variables.own
        held = objects_of(outside) | self._captured(frame)
        if frame is not None and frame.code is not None and frame.code.is_class:
            scope = frame.parent or self._variables.own  # methods do not see the class's own names
        made = self._bodies.define(value, held, scope, place=(id(value), flow.context))
        if "__del__" in value.code.methods:
            flow.account.undecided.append(f"{value.code.name}.__del__() runs when its last reference is gone")
            flow.account.always.append(f"{value.code.name}.__del__() may run at any time")
        if value.code.is_class:
            body = self._bodies.class_frame(made, value.code, scope)
            for step in value.code.steps:
                flow.step(step, body)
            self._bodies.run_at_definition(made, objects_of(outside))
        for each, of in zip(outside, value.outside, strict=True):
            if isinstance(of, Call) and each.kind == LIBRARY and "register" in of.title:
                flow.account.always.append(f"registers {value.code.name} with {of.title}")
            if each.path and purity.REGISTERS.match(each.path):
                flow.account.always.append(f"registers {value.code.name} with {each.path}")
        if value.decorated and not all(map(_is_of_library, outside, value.outside)):
            self._bodies.call_all(held, [Seen(made, None)])
            for each in outside:
                flow.change(each, f"a decorator of {value.code.name} is called", store=made)
            return Seen(flow.heap.made((id(value), flow.context, "decorated"), made | held), None)
        return Seen(made, None)

    def _captured(self, frame: Frame | None) -> int:
        """What stands for the variables around a function that is made in another one."""
        if frame is None:
            return 0
        if not frame.holder:
            frame.holder = self._flow.heap.new(objects_of(list(frame.variables.values())))
        return frame.holder


def _is_of_library(seen: Seen, of: Value) -> bool:
    if isinstance(of, Call) and seen.kind == LIBRARY and of.title.endswith("track()"):
        return True  # mlops.track("name")
    return seen == NONE or (seen.path is not None and root_of(seen.path) in purity.KNOWN)


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in CREATION


def _titled(value: Value) -> str:
    while isinstance(value, (Part, Call)):
        value = value.base if isinstance(value, Part) else value.function
    return value.name if isinstance(value, Name) and value.name[0] != "." else "it"


_VALUES: dict[type, Callable[[Any, Any, Frame | None], Seen]] = {
    Name: Evaluation._named,
    Part: Evaluation._part,
    Call: lambda evaluation, value, frame: evaluation._calls.call(value, frame),
    Mixed: Evaluation._mixed,
    Plain: Evaluation._plain,
    Iterated: Evaluation._iterated,
    Made: Evaluation._made,
}
