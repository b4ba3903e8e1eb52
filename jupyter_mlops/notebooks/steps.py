"""What a cell does, step by step, as far as its text says: the language that slicing interprets.

A step binds a name, changes a value, calls something, imports, or does what cannot be seen from the text.
The bodies of functions and classes are steps as well, taken when something calls them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Union


class Name(NamedTuple):
    """A variable that is read."""

    name: str


class Part(NamedTuple):
    """An attribute of a value; ``[]`` stands for an item or a slice."""

    base: Value
    attribute: str


class Call(NamedTuple):
    """``texts`` are the literal texts among the arguments; ``alone`` says that nobody takes the value."""

    function: Value
    arguments: tuple[Value, ...]
    keywords: tuple[tuple[str | None, Value], ...]
    texts: tuple[str, ...]
    alone: bool
    title: str
    true_keywords: frozenset[str] = frozenset()


class Mixed(NamedTuple):
    """A value that holds its parts: a container, a choice, the result of an operator."""

    parts: tuple[Value, ...]
    kind: str | None = None
    operator: bool = False


class Plain(NamedTuple):
    """A value that holds nothing of what it was computed from: a comparison, an f-string, a number."""

    parts: tuple[Value, ...] = ()


class Iterated(NamedTuple):
    """The items of a value, one after the other."""

    of: Value


class Made(NamedTuple):
    """A function or class that is made; ``outside`` is evaluated at once (defaults, decorators, bases)."""

    code: Code
    outside: tuple[Value, ...]
    decorated: bool = False


Value = Union[Name, Part, Call, Mixed, Plain, Iterated, Made]
NOTHING = Plain()


class Bind(NamedTuple):
    """``certain``: on every way through the code. ``scope``: ``global`` from within a function."""

    name: str
    value: Value
    certain: bool
    is_global: bool = False


class Change(NamedTuple):
    """``name += value``: in place where the value allows it."""

    name: str
    value: Value
    certain: bool
    is_global: bool = False


class Store(NamedTuple):
    """``base.x = …``, ``base[k] = …``, ``del base[k]``; the others are stored in it, or looked up by.

    ``before`` is what ``base[k] += …`` finds there, and changes in place where that allows it.
    """

    base: Value
    others: tuple[Value, ...]
    title: str
    before: Value | None = None


class Repeat(NamedTuple):
    """The steps of a loop's round: what a later one finds may come from what an earlier one did."""

    steps: tuple[Step, ...]
    targets: tuple[str, ...] = ()
    """Variables that each round sets anew before all else, and nothing else in it does."""


class Forget(NamedTuple):
    """``del name``"""

    name: str
    certain: bool
    is_global: bool = False


class Do(NamedTuple):
    """Evaluate, for what it does. ``shown``: a cell's last line, whose value is displayed."""

    value: Value
    shown: bool = False


class Give(NamedTuple):
    """``return`` and ``yield``."""

    value: Value


class Import(NamedTuple):
    """``name`` is bound to ``path``; ``module`` is what is imported (``a.b`` binds ``a``)."""

    name: str
    path: str
    module: str
    certain: bool
    is_global: bool = False


class StarImport(NamedTuple):
    module: str


class Lookup(NamedTuple):
    """A function, whose name is ``by``, may look up variables for a text that is not written out."""

    text: Value
    by: str


class Opaque(NamedTuple):
    """May bind any name; ``reads``: it may read any, too."""

    title: str
    reads: bool


class Setting(NamedTuple):
    """Has effects that its text does not show, such as a shell line; ``why`` says which.

    ``function`` is the name of a function of the cells that it may call: a magic of their own.
    """

    why: str
    function: str = ""


class Files(NamedTuple):
    """Files that are read or written by their names."""

    names: tuple[str, ...]
    writes: bool


Step = Union[
    Bind, Change, Store, Repeat, Forget, Do, Give, Import, StarImport, Lookup, Opaque, Setting, Files
]


class Code(NamedTuple):
    """A function's or a class's body. ``methods`` are those of a class."""

    name: str
    parameters: tuple[str, ...]
    steps: tuple[Step, ...]
    local: frozenset[str]
    is_class: bool = False
    methods: Mapping[str, Code] = {}
    has_bases: bool = False
    stateful: bool = False
    """Calling it may change itself: mutable defaults, attributes of a class that are no methods."""
    binding: str = ""
    """``classmethod`` or ``staticmethod``: what its first parameter is."""
    remembers: bool = False
    """It gives the same object again for the same arguments."""
    lazy: bool = False
    """Its body runs when its items are taken, or when it is awaited."""


class CellSteps(NamedTuple):
    """A cell as slicing sees it. ``binds`` counts how often it binds each name by itself."""

    steps: tuple[Step, ...]
    binds: Mapping[str, int]
    shows: bool = False
    """Its last line is an expression, whose value IPython keeps as ``_``."""
    texts: tuple[str, ...] = ()
    """Literal texts that may be names of files."""
    problem: str = ""
    """Why nothing of it can run."""
