"""Random programs, made of a grammar: names, mutation, aliases, functions, closures, classes, and the rest.

A template's ``{symbol}`` stands for any template of that symbol, ``{block}`` and ``{body}`` for indented
statements (of a cell, and of a function). Names are typed, so that few statements raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

SETUP = """
import collections, contextlib, copy, functools, itertools, math, operator, random, types
random.seed(3)
a, b, d, e, n, m = [1], [[2], 3], {'k': [4]}, {'k': 5, 'j': []}, 0, 2
def f(x=None): return x
def g(x=None): return [x]
class C:
    shared = []
    def __init__(self, x=None): self.items, self.n = [x], 0
    def grow(self, x=None):
        self.items.append(x)
        return self
class D(C): pass
o, u, i = C(1), D(2), iter([1, [2], 3])
def wrap(function): return function
"""

GRAMMAR: dict[str, Sequence[str]] = {
    "L": ("a", "b"),
    "M": ("d", "e"),
    "N": ("n", "m"),
    "O": ("o", "u"),
    "F": ("f", "g"),
    "K": ("0", "1", "2"),
    "S": ("'k'", "'j'"),
    "class": ("C", "D"),
    "name": ("a", "b", "d", "e", "n", "m", "o", "u", "i", "f", "g"),
    "num": (
        "{K}", "{N}", "{N}", "len({list})", "{N} + {K}", "{O}.n", "({N} := {K})", "({N} if {test} else {K})",
        "max({N}, {K})", "sum(1 for x in {list})", "sum([x for x in {list} if isinstance(x, int)])", "len({O})",
        "int({test})", "random.randint(0, 9)", "{map}.get({S}, {K})", "len(f'{{ {N} }}')", "math.floor({N})",
        "functools.reduce(lambda x, y: x + 1, {list}, {K})", "hash({N})", "-{N}", "{N} * {K}",
    ),
    "list": (
        "{L}", "{L}", "{L}", "[{any}, {num}]", "[{any}]", "list({list})", "{list}[:1]", "{L} + {L}", "{O}.items",
        "[x for x in {list}]", "[[x] for x in {list}]", "[x for y in [{list}] for x in y if {test}]",
        "sorted({map})", "list({map}.values())", "{map}.setdefault({S}, [])", "[*{list}, {any}]",
        "list(map({func}, tuple({list})))", "list(zip({list}, {list}))", "{L}.copy()", "copy.copy({L})",
        "copy.deepcopy({L})", "list(filter(None, {list}))", "list(reversed({list}))", "{class}.shared",
        "list(itertools.chain({list}, {list}))", "({L} if {test} else {list})", "({list} or {list})",
        "list(i)", "[x for x in i]", "list({O})", "getattr({O}, 'items')", "vars({O})['items']", "{L}[-1:]",
        "collections.deque({list})", "list({map}.items())", "operator.itemgetter(0)([{list}])", "(y := {list})",
        "list(enumerate({list}))", "next(iter([{list}]))", "(lambda x: x)({list})", "sorted({list}, key=lambda x: 0)",
    ),
    "map": (
        "{M}", "{M}", "{M}", "{{'k': {any}, 'j': {num}}}", "dict({M})", "dict(k={any})", "{{**{M}, {S}: {any}}}",
        "{{x: {any} for x in ('k', 'j')}}", "vars({O})", "{O}.__dict__", "collections.defaultdict(list)",
        "collections.OrderedDict(k={any})", "{M}.copy()", "{M} | {M}", "dict(zip(('k', 'j'), {list}))",
        "types.SimpleNamespace(k={any}).__dict__", "collections.ChainMap({M}, {M})",
    ),
    "object": (
        "{O}", "{O}", "{O}", "{class}({any})", "{class}({any})", "{O}.grow({any})", "{O}.grow({any})",
        "copy.copy({O})", "copy.deepcopy({O})", "type({O})({any})", "next(x for x in [{O}])", "({O}, {any})[0]",
    ),
    "func": (
        "{F}", "{F}", "lambda x=None: {any}", "lambda x={any}: x", "(lambda *x: {any})", "{O}.grow", "{class}",
        "functools.partial({F}, {any})", "{L}.append", "wrap({F})", "({F} if {test} else {F})",
        "functools.partial(setattr, {O}, 'n')", "operator.attrgetter('n')",
    ),
    "any": (
        "{name}", "{name}", "{name}", "{num}", "{list}", "{map}", "{object}", "{func}", "{F}()", "{F}({any})",
        "{F}(x={any})", "{F}(*[{any}])", "{F}(**{{'x': {any}}})", "{list}[0]", "{map}[{S}]", "{L}[0]", "{M}['k']",
        "next(i, None)", "{O}.other", "{L}.pop()", "{M}.pop({S}, {any})", "{class}.shared", "({any}, {any})",
        "{L}[0]()", "{M}['k']()", "iter(tuple({list}))", "(x for x in tuple({list}))", "{O}({any})", "{O}[{K}]", "{any} + {any}",
        "functools.reduce({func}, tuple({list}), {any})", "map({func}, tuple({list}))", "({any}, i)[1]", "{L}.__getitem__(0)",
        "max(tuple({list}), key={func})", "[{any} for x in {list}]", "{O}.view", "{class}.make({any})", "None", "'text'",
    ),
    "test": (
        "{N} > {K}", "{list}", "{O} == {O}", "{any} is {any}", "not {L}", "{K} in {L}", "isinstance({any}, list)",
        "{S} in {M}", "callable({any})", "any(x for x in tuple({list}))", "hasattr({O}, 'other')", "{N} and {L}", "{K}",
    ),
    "statement": (
        "{L} = {list}", "{L} = {list}", "{M} = {map}", "{M} = {map}", "{N} = {num}", "{N} = {num}", "{O} = {object}",
        "{O} = {object}", "{F} = {func}", "{name} = {any}", "{name} = {any}", "{name} = {name} = {any}",
        "{L}, {N} = {list}, {num}", "{name}, {name} = {name}, {name}", "{name}, *{L} = {list}", "i = iter(tuple({list}))",
        "({name}, [{name}, {name}]) = {any}, [{any}, {any}]", "{name}: object = {any}", "{L}[0], {N} = {any}, {num}",
        "{L} += {list}", "{N} += {num}", "{M} |= {map}", "{name} += {any}", "{O}.n += 1", "{O} += {any}",
        "{L}.append({any})", "{L}.append({any})", "{L}.extend({list})", "{L}.insert(0, {any})", "{L}.clear()",
        "{list}.append({any})", "{L}.reverse()", "{L}[0] = {any}", "{L}[:] = {list}", "{L}[0].append({any})",
        "{M}[{S}] = {any}", "{M}['k'].append({any})", "{M}.update({map})", "{M}.update(k={any})", "{M}[{S}] += {any}",
        "{M}.setdefault({S}, []).append({any})", "{map}[{S}] = {any}", "{O}.items = {list}", "{O}.other = {any}",
        "{O}.items.append({any})", "{O}.grow({any})", "{O}.grow({any}).grow({any})", "setattr({O}, 'other', {any})",
        "vars({O})['other'] = {any}", "{O}.__dict__.update({map})", "{class}.shared.append({any})", "{O} @= {any}",
        "{class}.shared = {list}", "{class}.grow = lambda self, x=None: {any}", "{O}.grow = {func}", "{F}.tag = {any}",
        "{class}.other = property(lambda self: {any})", "{O}.__class__ = {class}", "del {L}[0]", "del {M}[{S}]",
        "del {name}", "del {O}.other", "{any}", "{F}({any})", "{F}()", "{F}({name})", "print({any})", "assert {test}",
        "[x.append({any}) for x in {list}]", "list(map({func}, tuple({list})))", "for x in {list}: x.append({any})",
        "for {name} in {list}:\n{block}", "for i, {name} in enumerate({list}):\n{block}", "if {test}:\n{block}",
        "if {test}:\n{block}\nelse:\n{block}", "while {test}:\n{block}\n    break", "{O}[{any}] = {any}",
        "for x in {list}:\n{block}\nelse:\n{block}", "for {L}[0] in {list}: pass", "for {O}.other in {list}: pass",
        "try:\n{block}\nexcept Exception:\n{block}", "try:\n{block}\nfinally:\n{block}", "raise ValueError({any})",
        "try:\n    raise ValueError({any})\nexcept ValueError as x:\n    {name} = x.args", "random.seed({K})",
        "with contextlib.suppress(Exception):\n{block}", "with {object} as {name}:\n{block}", "random.shuffle({L})",
        "with contextlib.nullcontext({any}) as {name}:\n{block}", "math.tau = {any}", "{name} = math.tau",
        "match {any}:\n    case [{name}, *_]:\n        pass\n    case {{'k': {name}}}:\n        pass",
        "match {any}:\n    case C(items={name}) if {test}:\n        pass\n    case {name}:\n        pass",
        "{function}", "{function}", "{function}", "{function}", "{definition}", "{definition}",
        "(lambda: {L}.append({any}))()", "functools.partial({L}.append, {any})()", "{name} = {F}.tag",
        "collections.deque(map({func}, tuple({list})))", "operator.setitem({M}, {S}, {any})", "C = {class}",
        "{name} = [{func} for x in {list}]", "{L} = [lambda x=None: x, {func}]", "{O} = types.SimpleNamespace(items={list}, n=0)",
        "i = iter(range({N}, 9))", "i, {L} = itertools.tee(tuple({list}))", "{name} = next(i)", "i = zip(tuple({list}), {list})",
        "i = ({any} for x in tuple({list}))", "i = map({func}, tuple({list}))", "i = enumerate(tuple({list}))", "i = iter({O})",
        "C.__call__ = lambda self, x=None: {any}", "len = lambda x: {num}", "del len", "list = {F}", "del list",
        "exec('{N} = {K}')", "{name} = eval('{name}')", "globals()['{name}'] = {any}", "import random as {name}",
    ),
    "function": (
        "def {F}(x=None):\n{body}\n    return {inner}", "def {F}(x=None):\n{body}\n    return {inner}",
        "def {F}(x={any}):\n{body}\n    return x", "def {F}(*x):\n{body}\n    return x", "def {F}(**x):\n{body}\n    return x",
        "def {F}(x=None):\n    global {name}\n    {name} = {inner}", "def {F}(x=None):\n    global {N}\n    {N} += 1\n    return {N}",
        "def {F}(x=[]):\n    x.append({any})\n    return x", "def {F}(x=None):\n    yield {inner}\n{body}\n    yield x",
        "def {F}(x=None):\n    y = []\n    def inner(x=None):\n        y.append({inner})\n        return y\n    return inner",
        "def {F}(x=None):\n    y = {any}\n    def inner(x=None):\n        nonlocal y\n        y = [y, x]\n        return y\n    return inner",
        "@wrap\ndef {F}(x=None):\n{body}\n    return {inner}", "@functools.lru_cache\ndef {F}(x=None):\n    return {inner}",
        "def wrap(function):\n    def wrapped(*args, **kwargs):\n{deeper}\n        return function(*args, **kwargs)\n    return wrapped",
        "def wrap(function):\n    {L}.append(function)\n    return function", "def {F}(x=None):\n    yield from tuple({list})",
        "def {F}(x=None):\n    if x:\n        return {inner}\n    return {F}(1)", "def {F}(x=None):\n    del {L}[0]\n    return {inner}",
        "def {F}(x=None):\n    global {name}\n    del {name}", "def {F}(x=None, *, y={any}):\n    return [x, y]",
        "@contextlib.contextmanager\ndef {F}(x=None):\n    {L}.append({any})\n    yield {any}",
        "def {F}(x=None):\n    class C:\n        items = [x]\n        def grow(self, y=None):\n            self.items.append({any})\n            return {inner}\n    return C()",
        "def {F}(x=None):\n    global {F}\n    def {F}(x=None):\n        return {any}\n    return {inner}",
    ),
    "body": (
        "    y = {inner}", "    y = {inner}\n    y.append({inner})", "    x.append({inner})", "    x = y = {inner}", "    y = x\n    y += [{any}]",
        "    {L}.append({inner})", "    {M}['k'] = {inner}", "    {O}.other = {inner}", "    y = {inner}\n    for x in y: x.append({any})",
        "    y = {F}", "    y = [x for x in {list}]", "    y = (x for x in tuple({list}))", "    pass", "    x.items.append({inner})",
        "    y = {O}.grow(x)", "    {O}.items = x", "    global z\n    z = {inner}\n    y = z",
        "    y = lambda: {inner}\n    {L}.append(y)", "    with {O} as y: pass", "    try:\n        y = {inner}\n    except Exception:\n        y = x",
    ),
    "deeper": ("        {L}.append({any})", "        {N} = args", "        pass", "        {O}.other = args", "        function.tag = {any}"),
    "inner": ("x", "x", "y", "{any}", "{any}", "[x, {any}]", "{F}(x)", "lambda: x", "lambda: {any}", "{L}.append(x)", "x or {any}"),
    "definition": (
        "class {class}:\n    shared = {list}\n    def __init__(self, x=None): self.items, self.n = [x], {num}\n{method}\n{method}",
        "class {class}:\n    items, n, shared = {list}, 0, []\n{method}\n{method}\n{method}", "class {class}(C):\n{method}\n{method}",
        "class D(C):\n    def grow(self, x=None):\n        self.other = {any}\n        return super().grow(x)\n{method}",
        "class D(C):\n    def __init__(self, x=None):\n        super().__init__({any})\n        {L}.append(self)\n{method}",
        "class C:\n    items, n = [], 0\n    def __new__(cls, x=None):\n        {L}.append(x)\n        return object.__new__(cls)\n{method}",
        "class M(type):\n    def __call__(cls, *x):\n        {L}.append(x)\n        return super().__call__(*x)\nclass D(C, metaclass=M):\n{method}",
        "class C:\n    items, n = [], 0\n    def __init_subclass__(cls): {L}.append({num})\n{method}",
        "class Field:\n    def __get__(self, instance, owner): return {any}\n    def __set__(self, instance, value): {L}.append(value)\nC.other = Field()",
    ),
    "method": (
        "    def grow(self, x=None):\n        self.items.append(x)\n        return self", "    def __len__(self): return len({list})",
        "    def grow(self, x=None):\n        {L}.append(x)\n        return {any}", "    def __iter__(self): return iter(tuple({list}))",
        "    def __getitem__(self, x): return {any}", "    def __setitem__(self, x, y): {L}.append(y)", "    def __eq__(self, x): {L}.append(2)",
        "    def __add__(self, x): return {any}", "    def __iadd__(self, x):\n        self.items += [x]\n        return self",
        "    def __call__(self, x=None): return {any}", "    def __getattr__(self, x): return {list}", "    def __bool__(self): {L}.append(1); return True",
        "    def __setattr__(self, x, y):\n        {M}['k'] = y\n        object.__setattr__(self, x, y)", "    def __contains__(self, x): return {any}",
        "    @property\n    def view(self): return {any}", "    @staticmethod\n    def make(x=None): return {any}",
        "    @classmethod\n    def make(cls, x=None):\n        cls.shared.append({any})\n        return cls(x)", "    def __imatmul__(self, x): return {any}",
        "    def __enter__(self):\n        self.items.append({any})\n        return {any}\n    def __exit__(self, *x): {L}.append({num})",
        "    def __delattr__(self, x): {L}.append(x)", "    other = {list}", "    @functools.cached_property\n    def view(self): return {any}",
        "    def __format__(self, x): {L}.append({num}); return ''", "    def __repr__(self): {L}.append(3); return 'C'", "    x = [{any} for x in {list}]",
    ),
    "target": ("{name}", "{name}, {name}", "{F}()", "{O}.grow(1)", "{list}, {list}", "{class}.shared", "{O}.items, {name}", "{any}"),
}  # fmt: skip
SYMBOL = re.compile(r"(?<!\{)\{(\w+)\}(?!\})|\{\{|\}\}")
FLAT = {
    "num": "{N}",
    "list": "{L}",
    "map": "{M}",
    "object": "{O}",
    "func": "{F}",
    "any": "{name}",
    "test": "{N}",
}
"""What stands for a symbol where an expression is deep enough."""

Pick = Callable[[Sequence[str]], str]


def written(symbol: str, pick: Pick, depth: int = 4) -> str:
    """A text of a symbol; ``pick`` chooses among templates."""
    if symbol == "block":
        lines = written("statement", pick, depth - 1).splitlines()
        return "\n".join(f"    {line}" for line in lines)
    template = FLAT[symbol] if depth <= 0 and symbol in FLAT else pick(GRAMMAR[symbol])

    def filled(match: re.Match[str]) -> str:
        return match[0][0] if match[1] is None else written(match[1], pick, depth - 1)

    return SYMBOL.sub(filled, template)
