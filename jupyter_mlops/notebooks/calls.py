"""Calls of what cells do not define: functions of modules, builtins, methods, and what is not known."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from . import purity
from .bodies import Bodies
from .figures import DRAWS
from .file_calls import FileCalls
from .interpreter import Interpreter
from .seen import (
    CONTAINER,
    DEFAULTING,
    ITERATOR,
    LIBRARY,
    NONE,
    PLAIN,
    Frame,
    Seen,
    is_installed,
    objects_of,
    root_of,
)
from .steps import NOTHING, Call, Part
from .variables import Variables

MUTABLE_TYPES = frozenset(
    f"builtins.{name}" for name in ("dict", "list", "set", "bytearray", "object", "type")
)
LATER = frozenset({"filter", "map", "zip", "enumerate", "iter", "reversed"})
"""Builtins that go through what they are given only when somebody takes their items."""
CONSUMING = frozenset({"all", "any", "bytes", "sum", "frozenset"})
STARTS_TASK = re.compile(r"asyncio\.(.+\.)?(create_task|ensure_future|run_coroutine_threadsafe)$")
ITEMS = ("[]", "[:]")
NEVER_CALL = frozenset({"print", "type", "isinstance", "id"})


class Calls:
    """Interprets one call after the other for a flow."""

    def __init__(self, flow: Interpreter, bodies: Bodies, variables: Variables) -> None:
        self._flow, self._bodies, self._variables = flow, bodies, variables
        self._files = FileCalls(flow)

    def call(self, value: Call, frame: Frame | None) -> Seen:
        """The call's value. What is called is evaluated first, then the arguments."""
        flow, function = self._flow, value.function
        if isinstance(function, Part) and function.attribute not in ITEMS:
            base = flow.value(function.base, frame)
            if base.path is None or base.path.startswith("builtins."):
                return self._method(value, base, function.attribute, self._arguments(value, frame))
            seen = flow.attribute(base, function.attribute)
        else:
            seen = flow.value(function, frame)
        arguments = self._arguments(value, frame)
        if seen.path is not None:
            result = self._known(value, seen.path, arguments, frame)
            self._files.function(value, seen.path.removeprefix("builtins."), arguments, result)
            return self._beside(value, seen.path, arguments, result)
        if seen.objects and not seen.objects & ~flow.heap.codes:
            return self._bodies.enter_each(seen, value, arguments)
        return self._unknown(value, seen, arguments)

    def _arguments(self, value: Call, frame: Frame | None) -> list[Seen]:
        found = [self._flow.value(each, frame) for each in value.arguments]
        return found + [self._flow.value(each, frame) for _, each in value.keywords]

    # ------------------------------------------------------------ objects
    def _unknown(self, value: Call, seen: Seen, arguments: Sequence[Seen]) -> Seen:
        """Something is called of which nothing is known but whether it is a library's."""
        flow, held = self._flow, objects_of(arguments)
        flow.change(seen, f"{value.title} is called", store=held)
        if seen.kind != LIBRARY:
            self._change_all(value, arguments, held | seen.objects)
        self._draw(value, purity.GENERATORS if seen.kind != LIBRARY else ("torch", "tensorflow"))
        given = self._bodies.call_all(seen.objects | held, arguments)
        kind = LIBRARY if seen.kind == LIBRARY else None
        return Seen(flow.made(value, held | seen.objects | given), kind)

    def _method(self, value: Call, base: Seen, name: str, arguments: Sequence[Seen]) -> Seen:
        bodies = self._bodies
        if base.path in MUTABLE_TYPES:
            return self._of_type(value, name, arguments)
        own = bodies.methods(base, (name,)) if base.kind is None else []
        if own and bodies.is_instance(base):
            return self._flow.heap.join(
                [bodies.enter(index, code, arguments, value, base) for index, code in own]
            )
        if base.kind == PLAIN and not base.objects:
            result = self._plain_method(value, arguments)
        elif base.kind in (LIBRARY, CONTAINER, ITERATOR, DEFAULTING):
            result = self._library_method(value, base, name, arguments)
        else:
            result = self._unknown(value, Seen(base.objects, None), arguments)
        if base.kind != CONTAINER:
            self._files.method(value, base, name, arguments, result)
            self._by_method(value, base, name, result)
        return result

    def _of_type(self, value: Call, name: str, arguments: Sequence[Seen]) -> Seen:
        """A function of a builtin type: ``dict.fromkeys(names)``, ``list.append(items, 1)``."""
        if name not in ("__new__", "fromkeys", "__getattribute__"):
            self._change_all(value, arguments[:1], objects_of(arguments))
        held = objects_of(arguments) | self._bodies.call_all(objects_of(arguments), arguments)
        return Seen(self._flow.made(value, held), None)

    def _plain_method(self, value: Call, arguments: Sequence[Seen]) -> Seen:
        """A method of a text or a number: ``", ".join(items)``."""
        for each in arguments:
            if each.kind in (None, ITERATOR):
                self._flow.iterate(each, f"it is passed to {value.title}")
        self._bodies.call_all(objects_of(arguments), arguments)
        return NONE

    def _library_method(self, value: Call, base: Seen, name: str, arguments: Sequence[Seen]) -> Seen:
        heap, held = self._flow.heap, objects_of(arguments)
        pure = name in purity.PURE_METHODS and base.kind != ITERATOR
        if not pure or value.true_keywords & (purity.CHANGES_BY_KEYWORD - {"copy"}):
            self._flow.change(base, value.title, store=held, deep=base.kind != CONTAINER)
        self._use_up(value, arguments)
        self._fill(value, arguments)
        if name in purity.CHANGE_THEIR_ARGUMENTS:
            self._change_all(value, arguments, held)
        called = held if base.kind == CONTAINER else held | base.objects
        alone = pure and len(arguments) == 1 and not held & ~heap.codes  # a function is not given to itself
        given = self._bodies.call_all(called, [base] if alone else [*arguments, base])
        if base.kind == CONTAINER and name in ("keys", "values", "items"):
            return Seen(self._flow.made(value, heap.inner(base.objects) | base.objects), None)
        if base.kind == CONTAINER:
            inner = heap.inner(base.objects) | held | given
            return Seen(inner | self._flow.made(value, inner), None)
        if name in purity.DRAWING_METHODS and not value.true_keywords & purity.OWN_SEED:
            self._draw(value, ("numpy.random", "torch"), explicit=name in purity.ALWAYS_DRAWS)
        shared = 0 if name in purity.FRESH_METHODS else base.objects | held | given
        if pure:  # what is mapped over a table is not kept by the result
            shared &= ~heap.codes
        made = self._flow.made(value, shared, kind=LIBRARY)
        return Seen(made | base.objects if name in purity.VIEWS else made, LIBRARY)

    # ------------------------------------------------------------ modules
    def _known(self, value: Call, path: str, arguments: Sequence[Seen], frame: Frame | None) -> Seen:
        """A function of a module, or a builtin."""
        root, last = root_of(path), path.rpartition(".")[2]
        if root == "builtins":
            return self._builtin(value, path.partition(".")[2], arguments, frame)
        flow, held, library = self._flow, objects_of(arguments), root in purity.KNOWN
        flow.outside.call(value, path, flow.account, flow.bit)
        if path in ("importlib.reload", "importlib.import_module"):
            modules = [*value.texts, *(each.path for each in arguments if each.path)]
            names = [f"{each.rpartition('.')[2]}.py" for each in modules]
            flow.disk.mention(names, (), flow.account, flow.heap, flow.bit)
        if not library and (flow.of_data or flow.namespace is None or not is_installed(root)):
            flow.change(Seen(flow.module(root), None), f"{value.title} may keep state", store=held)
        if flow.of_data and not library:
            flow.disk.unknown |= flow.bit
        if not library or _changes_arguments(value, path):
            self._change_all(value, arguments, held)
        self._use_up(value, arguments)
        self._fill(value, arguments)
        given = self._bodies.call_all(held, arguments)
        if value.alone and _is_setting(path, last) and (not flow.of_data or _may_carry(root)):
            flow.account.always.append(f"calls {value.title} for what it does")
        if path == "copy.deepcopy":
            held = flow.heap.reach(held) & (flow.heap.codes | flow.heap.modules)
        kind = _kind_of_result(value, path) if library else None
        if library and purity.GIVES_GLOBALS.match(path):
            return Seen(flow.module(root), LIBRARY, f"{path}()")
        if library and (last in purity.VIEWS or purity.WRAPPERS.match(path)):
            whole = last == "ChainMap"
            shared = objects_of([each for each in arguments if whole or each.kind == LIBRARY])
            return Seen(flow.made(value, held | given, kind=kind) | shared, kind)
        return Seen(flow.made(value, held | given, kind=kind), kind)

    def _builtin(self, value: Call, name: str, arguments: Sequence[Seen], frame: Frame | None) -> Seen:
        flow, held = self._flow, objects_of(arguments)
        flow.operate(*arguments)
        self._fill(value, arguments)
        if name == "get_ipython":
            return Seen(0, LIBRARY, "IPython.get_ipython()")
        if name == "memoryview":
            return Seen(held, LIBRARY)
        if name == "super" and not arguments:
            return self._bodies.instance_of(frame)
        if name == "open":
            return Seen(flow.made(value, held, kind=ITERATOR), ITERATOR)
        if name == "type" and len(arguments) == 1:
            return self._bodies.class_of(arguments[0])
        if name == "input":
            flow.account.undecided.append("input() asks somebody")
            return NONE
        if name in ("setattr", "delattr"):
            return self._set_attribute(value, arguments)
        if name == "getattr":
            return Seen(flow.heap.inner(held) | held, None)
        if name in purity.PURE_BUILTINS:
            return self._pure_builtin(name, arguments)
        if name in purity.PASSES_ON:
            return self._passed_on(value, name, arguments)
        if name in purity.SEES_ALL:
            return Seen(flow.made(value, held) | self._variables.anything, None)
        if name[:1].isupper() or name == "help":  # an exception holds what it is given
            return Seen(flow.made(value, held), None) if held else NONE
        return self._unknown(value, Seen(0, None), arguments)

    def _set_attribute(self, value: Call, arguments: Sequence[Seen]) -> Seen:
        for each in arguments[:1]:
            self._flow.change(each, value.title, store=objects_of(arguments))
            if each.path:
                self._flow.account.always.append(f"sets an attribute of {each.path}")
        return NONE

    def _pure_builtin(self, name: str, arguments: Sequence[Seen]) -> Seen:
        if name in CONSUMING:
            for each in arguments:
                self._flow.iterate(each, f"it is passed to {name}()")
        if name not in NEVER_CALL:
            self._bodies.call_all(objects_of(arguments), arguments)
        return NONE

    def _passed_on(self, value: Call, name: str, arguments: Sequence[Seen]) -> Seen:
        """A builtin whose value holds items of what it was given."""
        flow, held = self._flow, objects_of(arguments)
        if name == "next":
            for each in arguments[:1]:
                flow.change(each, "next() takes of it")
        inner = self._bodies.call_all(held, arguments) | (held if name in LATER else 0)
        for each in arguments:
            inner |= flow.iterate(each, f"it is passed to {name}()").objects
        if name in purity.CONTAINERS:
            return Seen(flow.made(value, inner, kind=CONTAINER, explicit=True), CONTAINER)
        if name in purity.ITERATORS:
            return Seen(flow.made(value, inner | held, kind=ITERATOR), ITERATOR)
        return Seen(inner | held, None)

    # ------------------------------------------------------------ effects
    def _beside(self, value: Call, path: str, arguments: Sequence[Seen], result: Seen) -> Seen:
        """What a function does to what is there beside the namespace: figures, patches, tasks."""
        flow = self._flow
        if path.startswith("unittest.mock.patch"):
            flow.outside.patches |= result.objects
        elif path.startswith("weakref."):
            flow.outside.watched |= objects_of(arguments)
        elif STARTS_TASK.search(path):
            flow.outside.tasks = (*flow.outside.tasks, Seen(objects_of(arguments), None))
        keywords = {keyword for keyword, _ in value.keywords}
        if path.startswith("seaborn.") and purity.ONLY_SHOWS.match(path) and "ax" not in keywords:
            flow.figures.draw(0, result.objects, flow.heap, flow.bit)
        root, _, last = path.rpartition(".")
        if root != "matplotlib.pyplot":
            return result
        another = "num" not in keywords and not (last == "figure" and value.arguments)
        objects, account = objects_of(arguments), flow.account
        more = flow.figures.pyplot(
            last, objects, result.objects, account, flow.heap, flow.bit, another=another
        )
        return Seen(result.objects | more, result.kind, result.path)

    def _by_method(self, value: Call, base: Seen, name: str, result: Seen) -> None:
        """What a method does to what is there beside the namespace."""
        flow, function = self._flow, value.function
        if name in ("start", "stop") and base.objects & flow.outside.patches:
            flow.account.always.append(f"{value.title} replaces something for other cells")
        if name == "__await__":
            for task in flow.outside.tasks:
                self._bodies.call_all(task.objects, [])
        if name == "create_task":
            flow.outside.tasks = (*flow.outside.tasks, Seen(flow.heap.reach(result.objects), None))
        accessor = isinstance(function, Part) and isinstance(function.base, Part)
        of_plot = accessor and function.base.attribute == "plot"  # type: ignore[union-attr]
        if name in DRAWS and any(
            each != NOTHING for each in value.arguments
        ):  # more likely axes than a table
            flow.heap.mark_changed(base.objects, flow.bit)
        if (name in DRAWS or of_plot) and all(keyword != "ax" for keyword, _ in value.keywords):
            flow.figures.draw(base.objects, result.objects, flow.heap, flow.bit)

    def _change_all(self, value: Call, arguments: Sequence[Seen], store: int) -> None:
        for each in arguments:
            self._flow.change(each, f"it is passed to {value.title}", store=store)

    def _fill(self, value: Call, arguments: Sequence[Seen]) -> None:
        """What is given by a keyword such as ``out`` or ``file`` is there to be changed."""
        for (keyword, _), seen in zip(value.keywords, arguments[len(value.arguments) :], strict=True):
            if keyword in purity.TO_BE_FILLED:
                self._flow.change(seen, f"it is the {keyword} of {value.title}")

    def _use_up(self, value: Call, arguments: Sequence[Seen]) -> None:
        for each in arguments:
            if each.kind == ITERATOR or each.objects & self._flow.heap.iterators:
                self._flow.iterate(each, f"it is passed to {value.title}")

    def _draw(self, value: Call, generators: Sequence[str], *, explicit: bool = False) -> None:
        flow = self._flow
        flow.outside.draw(generators, value.title, flow.account, flow.bit, explicit=explicit)


def _changes_arguments(value: Call, path: str) -> bool:
    in_place = path.endswith("_") and path.startswith("torch.")
    return (
        in_place or path in purity.CHANGES_ARGUMENTS or bool(value.true_keywords & purity.CHANGES_BY_KEYWORD)
    )


def _may_carry(root: str) -> bool:
    """Whether data may get from call to call by what a module of Python's own does."""
    return root in purity.CARRIES or (root in sys.stdlib_module_names and root not in purity.KNOWN)


def _is_setting(path: str, last: str) -> bool:
    """Whether a call, whose value nobody takes, is there for an effect that others may depend on."""
    if path in purity.SEEDS or purity.ONLY_SHOWS.match(path) or purity.GIVES_NEW.match(path):
        return False
    return not purity.WRITES_FILE.match(last) or path == "os.chdir"


def _kind_of_result(value: Call, path: str) -> str | None:
    if path == "collections.defaultdict":
        return DEFAULTING
    if purity.GIVES_ANYTHING.match(path):
        return None
    if purity.GIVES_ITERATORS.match(path) or "chunksize" in value.true_keywords:
        return ITERATOR
    return LIBRARY
