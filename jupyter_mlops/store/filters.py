"""The filter language: text to a tree, with the position of whatever does not fit.

    filter      = all ("or" all)*
    all         = one ("and" one)*
    one         = "not" one | "(" filter ")" | predicate
    predicate   = field ("=" | "!=" | "<" | "<=" | ">" | ">=") value
                | field ["not"] "in" "(" value ("," value)* ")"
                | field ["not"] "like" text
                | field "is" ["not"] "null"
    field       = "params." name | "tags." name | "metrics." name [".last" | ".min" | ".max"] | one of FIELDS
    name        = anything without spaces, quotes, commas, parentheses and operators | "`" anything "`"
    value       = number | text in single or double quotes | "true" | "false"

Keywords may be written in capitals. Columns in messages count from 1.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Union

from ..errors import FilterError

MAX_TESTS = 200
MAX_VALUES = 1000
MAX_DEPTH = 50
MAX_TEXT = 10_000

FIELDS = (
    "id",
    "name",
    "experiment",
    "status",
    "kind",
    "notebook",
    "started",
    "ended",
    "duration",
    "user",
    "host",
    "note",
    "parent",
    "job",
    "sweep",
    "code",
    "output",
)
SEARCHED = ("code", "output")
"""The fields that are searched for words: only = (all of these), !=, in, like and null go with them."""
PARTS = ("last", "min", "max")
KEYWORDS = ("and", "or", "not", "in", "like", "is", "null", "true", "false")


@dataclass(frozen=True, slots=True)
class Field:
    """``group`` is params, metrics, tags or run; ``part`` is which number of a metric."""

    group: str
    name: str
    column: int
    part: str = "last"

    def __str__(self) -> str:
        return self.name if self.group == "run" else f"{self.group}.{self.name}"


@dataclass(frozen=True, slots=True)
class Value:
    """A literal, and how it was written."""

    value: float | str | bool
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Predicate:
    """``operator`` is = != < <= > >= in, like or null; only ``in`` has several values, ``null`` none."""

    field: Field
    operator: str
    values: tuple[Value, ...]
    column: int
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    item: Tree


@dataclass(frozen=True, slots=True)
class All:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    items: tuple[Tree, ...]


Tree = Union[Predicate, Not, All, Either]


@dataclass(frozen=True, slots=True)
class Order:
    """One key of a sort."""

    field: Field
    descending: bool


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def column(self) -> int:
        return self.start + 1

    @property
    def word(self) -> str:
        return self.text.lower() if self.kind == "word" else ""


_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<grouped>(?:params|metrics|tags)\.(?:`[^`]+`(?:\.(?:last|min|max)\b)?|[^\s()<>=!,'"`]+))
    |(?P<nameless>(?:params|metrics|tags)\.)
    |(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<number_word>[+-]?(?:inf|nan)\b)
    |(?P<text>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<operator><=|>=|!=|<>|==|=|<|>)
    |(?P<punctuation>[(),])
    |(?P<word>[^\W\d]\w*)
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def parse_filter(text: str) -> Tree | None:
    """The tree of a filter; None for an empty one. Raises FilterError."""
    parser = _Parser(text)
    return None if parser.at_end else parser.whole_filter()


def parse_order(text: str) -> list[Order]:
    """``"metrics.acc desc, started"`` as sort keys. Raises FilterError."""
    parser = _Parser(text)
    return [] if parser.at_end else parser.whole_order()


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKENS.match(text, position)
        if match is None:
            raise FilterError(_unreadable(text, position))
        if match.lastgroup == "nameless":
            column = match.end() + 1
            raise FilterError(f"expected a name after {match.group()!r} at column {column}")
        if match.lastgroup != "space":
            kind = str(match.lastgroup).removesuffix("_word")
            yield _Token(kind, match.group(), position)
        position = match.end()
    yield _Token("end", "", len(text.rstrip()))


def _unreadable(text: str, position: int) -> str:
    rest = text[position:].split()[0]
    if rest[0] in "'\"":
        return f"the text that begins at column {position + 1} has no closing {rest[0]}"
    return f"cannot read {rest[:20]!r} at column {position + 1}"


class _Parser:
    def __init__(self, text: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise FilterError(f"half a character at column {error.start + 1}") from None
        if "\0" in text:
            raise FilterError(f"a NUL character at column {text.index(chr(0)) + 1}")
        self._tokens = list(_tokens(text))
        self._position = 0
        self._tests = 0

    # ------------------------------------------------------------ the grammar
    def whole_filter(self) -> Tree:
        tree = self._either(0)
        if not self.at_end:
            raise self._failure("'and', 'or' or the end")
        return tree

    def whole_order(self) -> list[Order]:
        orders = [self._order()]
        while self._take(","):
            orders.append(self._order())
        if not self.at_end:
            raise self._failure("',', 'asc', 'desc' or the end")
        return orders

    def _order(self) -> Order:
        field = self._field()
        if field.group == "run" and field.name in SEARCHED:
            raise FilterError(f"cannot sort by {field} at column {field.column}: it is searched for words")
        descending = self._take("desc") is not None
        if not descending:
            self._take("asc")
        return Order(field, descending)

    def _either(self, depth: int) -> Tree:
        items = [self._all(depth)]
        while self._take("or"):
            items.append(self._all(depth))
        return items[0] if len(items) == 1 else Either(tuple(items))

    def _all(self, depth: int) -> Tree:
        items = [self._one(depth)]
        while self._take("and"):
            items.append(self._one(depth))
        return items[0] if len(items) == 1 else All(tuple(items))

    def _one(self, depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise FilterError(f"more than {MAX_DEPTH} levels at column {self._next.column}")
        if self._take("not"):
            return Not(self._one(depth + 1))
        if self._take("("):
            tree = self._either(depth + 1)
            if not self._take(")"):
                raise self._failure("')', 'and' or 'or'")
            return tree
        return self._test()

    def _test(self) -> Predicate:
        field = self._field()
        self._tests += 1
        if self._tests > MAX_TESTS:
            raise FilterError(f"more than {MAX_TESTS} comparisons at column {field.column}")
        column = self._next.column
        if self._next.kind == "operator":
            operator = {"==": "=", "<>": "!="}.get(self._next.text, self._next.text)
            self._advance()
            return Predicate(field, operator, (self._value(),), column)
        if self._take("is"):
            negated = self._take("not") is not None
            if not self._take("null"):
                raise self._failure("'null'" if negated else "'null' or 'not null'")
            return Predicate(field, "null", (), column, negated)
        negated = self._take("not") is not None
        if self._take("like"):
            return Predicate(field, "like", (self._value(),), column, negated)
        if self._take("in"):
            return Predicate(field, "in", self._values(), column, negated)
        raise self._failure(
            "'in' or 'like'" if negated else "a comparison (= != < <= > >= in, like, is null)"
        )

    def _values(self) -> tuple[Value, ...]:
        if not self._take("("):
            raise self._failure("'('")
        values = [self._value()]
        while self._take(","):
            values.append(self._value())
            if len(values) > MAX_VALUES:
                raise FilterError(f"more than {MAX_VALUES} values at column {values[-1].column}")
        if not self._take(")"):
            raise self._failure("',' or ')'")
        return tuple(values)

    def _field(self) -> Field:
        token = self._next
        if token.kind == "grouped":
            self._advance()
            return _grouped(token)
        if token.kind != "word" or token.word in KEYWORDS:
            raise self._failure("a field such as metrics.acc or status")
        if token.word not in FIELDS:
            raise FilterError(_no_such_field(token))
        self._advance()
        return Field("run", token.word, token.column)

    def _value(self) -> Value:
        token = self._next
        if token.kind == "number":
            value: float | str | bool = float(token.text)
        elif token.kind == "text":
            value = _unquote(token.text)
            if len(value) > MAX_TEXT:  # SQLite's LIKE takes no pattern of more than 50,000 bytes
                raise FilterError(f"a text of more than {MAX_TEXT} characters at column {token.column}")
        elif token.word in ("true", "false"):
            value = token.word == "true"
        else:
            is_text = token.kind == "word" and token.word not in KEYWORDS
            raise self._failure("a value", f"; text stands in quotes: '{token.text}'" if is_text else "")
        self._advance()
        return Value(value, token.text if isinstance(value, float) else str(value), token.column)

    # ------------------------------------------------------------ the tokens
    @property
    def at_end(self) -> bool:
        return self._next.kind == "end"

    @property
    def _next(self) -> _Token:
        return self._tokens[self._position]

    def _advance(self) -> None:
        self._position += 1

    def _take(self, text: str) -> _Token | None:
        token = self._next
        if token.kind in ("word", "punctuation") and token.text.lower() == text:
            self._advance()
            return token
        return None

    def _failure(self, expected: str, hint: str = "") -> FilterError:
        after = f" after {self._tokens[self._position - 1].text!r}" if self._position else ""
        found = "" if self.at_end else f", found {self._next.text!r}"
        return FilterError(f"expected {expected}{after} at column {self._next.column}{found}{hint}")


def _grouped(token: _Token) -> Field:
    group, name = token.text.split(".", 1)
    group, part = group.lower(), "last"
    if group == "metrics":
        head, _, tail = name.rpartition(".")
        if head and tail.lower() in PARTS:
            name, part = head, tail.lower()
    return Field(group, name.strip("`"), token.column, part)


def _no_such_field(token: _Token) -> str:
    close = difflib.get_close_matches(token.word, FIELDS, n=1)
    meant = f"{close[0]}" if close else f"params.{token.text}, metrics.{token.text} or tags.{token.text}"
    return (
        f"no field {token.text!r} at column {token.column}; did you mean {meant}? "
        f"Fields: {', '.join(FIELDS)}, params.NAME, metrics.NAME, tags.NAME"
    )


def _unquote(text: str) -> str:
    quote, inner = text[0], text[1:-1]
    return re.sub(r"\\(.)|" + quote * 2, lambda match: match.group(1) or quote, inner, flags=re.DOTALL)
