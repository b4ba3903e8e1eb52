"""The filter language: what it reads, and where it says that something is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import FilterError
from jupyter_mlops.protocols.runs import Sight
from jupyter_mlops.store.database import Database
from jupyter_mlops.store.filters import (
    All,
    Either,
    Field,
    Not,
    Order,
    Predicate,
    Value,
    parse_filter,
    parse_order,
)
from jupyter_mlops.store.index import SqlRunIndex

FIELDS = [
    "code",
    "output",
    "metrics.acc",
    "params.lr",
    "tags.team",
    "status",
    "name",
    "started",
    "duration",
    "params.`a b`",
]
WORDS = [
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "<>",
    "==",
    "in",
    "like",
    "is",
    "not",
    "null",
    "and",
    "or",
    "(",
    ")",
    ",",
]
VALUES = ["'text'", '"text"', "'lost'", "0.5", "-1", "1e9", "nan", "inf", "true", "false", "'2h ago'", "desc"]
NONSENSE = ["metrics.", "metrics.x.max", "nonsense", "\\", "é", "\0", "'", ".", "%"]
PIECES = st.sampled_from([*FIELDS, *WORDS, *VALUES, *NONSENSE])


def test_comparison_has_field_operator_and_value() -> None:
    assert parse_filter("metrics.acc > 0.9") == Predicate(
        Field("metrics", "acc", 1), ">", (Value(0.9, "0.9", 15),), 13
    )


def test_and_binds_closer_than_or_and_not_closest() -> None:
    tree = parse_filter("not name = 'a' and name = 'b' or name = 'c'")
    assert isinstance(tree, Either)
    both, third = tree.items
    assert isinstance(both, All)
    assert isinstance(both.items[0], Not)
    assert isinstance(third, Predicate)


def test_parentheses_change_what_belongs_together() -> None:
    tree = parse_filter("name = 'a' and (name = 'b' or name = 'c')")
    assert isinstance(tree, All)
    assert isinstance(tree.items[1], Either)


@pytest.mark.parametrize(
    ("text", "group", "name", "part"),
    [
        ("metrics.val/acc-1 > 1", "metrics", "val/acc-1", "last"),
        ("metrics.acc.max > 1", "metrics", "acc", "max"),
        ("metrics.max > 1", "metrics", "max", "last"),
        ("metrics.`acc.max` > 1", "metrics", "acc.max", "last"),
        ("metrics.`my acc`.min>1", "metrics", "my acc", "min"),
        ("params.model.depth=1", "params", "model.depth", "last"),
        ("params.`with ) and '`=1", "params", "with ) and '", "last"),
        ("TAGS.Team = 'x'", "tags", "Team", "last"),
        ("Status = 'lost'", "run", "status", "last"),
    ],
)
def test_field_names(text: str, group: str, name: str, part: str) -> None:
    tree = parse_filter(text)
    assert isinstance(tree, Predicate)
    assert tree.field == Field(group, name, 1, part)


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("1", 1.0),
        ("-1.5e-3", -0.0015),
        (".5", 0.5),
        ("-inf", float("-inf")),
        ("'it''s'", "it's"),
        (r"'it\'s'", "it's"),
        ('"a \\" b"', 'a " b'),
        ("'%_'", "%_"),
        ("True", True),
    ],
)
def test_values(literal: str, value: object) -> None:
    tree = parse_filter(f"params.x = {literal}")
    assert isinstance(tree, Predicate)
    assert tree.values[0].value == value
    assert type(tree.values[0].value) is type(value)


def test_empty_filter_is_none() -> None:
    assert parse_filter(" \n") is None
    assert parse_order("") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metrics.acc >", "expected a value after '>' at column 14"),
        ("metrics.acc >   ", "expected a value after '>' at column 14"),
        ("metrics.acc > and", "expected a value after '>' at column 15, found 'and'"),
        (
            "status = running",
            "expected a value after '=' at column 10, found 'running'; text stands in quotes: 'running'",
        ),
        (
            "metrics.acc",
            "expected a comparison (= != < <= > >= in, like, is null) after 'metrics.acc' at column 12",
        ),
        ("metrics. > 1", "expected a name after 'metrics.' at column 9"),
        ("> 1", "expected a field such as metrics.acc or status at column 1, found '>'"),
        ("name = 'a' name", "expected 'and', 'or' or the end after \"'a'\" at column 12, found 'name'"),
        ("(name = 'a'", "expected ')', 'and' or 'or' after \"'a'\" at column 12"),
        ("name = 'a", "the text that begins at column 8 has no closing '"),
        ("name in 'a'", "expected '(' after 'in' at column 9, found \"'a'\""),
        ("name in ('a' 'b')", "expected ',' or ')' after \"'a'\" at column 14, found \"'b'\""),
        ("name is 3", "expected 'null' or 'not null' after 'is' at column 9, found '3'"),
        ("name not = 3", "expected 'in' or 'like' after 'not' at column 10, found '='"),
        ("name = 'a' and", "expected a field such as metrics.acc or status after 'and' at column 15"),
        ("name = $x", "cannot read '$x' at column 8"),
        ("name = 'a'; drop table runs", "cannot read ';' at column 11"),
        ("name = '\0'", "a NUL character at column 9"),
        ("name = '\ud800'", "half a character at column 9"),
    ],
)
def test_error_says_what_was_expected_and_where(text: str, message: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_filter(text)
    assert refused.value.message == message


@pytest.mark.parametrize(
    ("text", "meant"), [("statsu = 'lost'", "status"), ("acc > 1", "params.acc, metrics.acc or tags.acc")]
)
def test_unknown_field_gets_a_suggestion(text: str, meant: str) -> None:
    with pytest.raises(FilterError, match=f"at column 1; did you mean {meant}\\?"):
        parse_filter(text)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("(" * 5000 + "name = 'a'" + ")" * 5000, "more than 50 levels at column 52"),
        ("not " * 5000 + "name = 'a'", "more than 50 levels"),
        (" or ".join(["name = 'a'"] * 5000), "more than 200 comparisons"),
        ("name in (" + ",".join(["'a'"] * 5000) + ")", "more than 1000 values"),
        ("name like '" + "a%" * 30_000 + "'", "a text of more than 10000 characters at column 11"),
    ],
)
def test_filter_too_large_for_a_database_is_refused(text: str, limit: str) -> None:
    with pytest.raises(FilterError, match=limit):
        parse_filter(text)


def test_order_has_keys_and_directions() -> None:
    assert parse_order("metrics.acc.max DESC, name asc, started") == [
        Order(Field("metrics", "acc", 1, "max"), descending=True),
        Order(Field("run", "name", 23), descending=False),
        Order(Field("run", "started", 33), descending=False),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acc desc", "no field 'acc' at column 1"),
        ("name, code desc", "cannot sort by code at column 7: it is searched for words"),
        ("name down", "expected ',', 'asc', 'desc' or the end after 'name' at column 6, found 'down'"),
        ("name,", "expected a field such as metrics.acc or status after ',' at column 6"),
    ],
)
def test_order_errors(text: str, message: str) -> None:
    with pytest.raises(FilterError) as refused:
        parse_order(text)
    assert refused.value.message.startswith(message)


@pytest.fixture(scope="module")
def index() -> SqlRunIndex:
    return SqlRunIndex(Database("sqlite://"))


@given(st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=60))
def test_any_text_is_either_a_filter_or_a_filter_error(index: SqlRunIndex, text: str) -> None:
    sight = Sight(1.7e9, 1.6e9, 1.5e9)
    for filter, order_by in ((text, ""), ("", text)):
        try:
            found = index.search(filter, order_by, sight, limit=10, offset=0, archived=False)
        except FilterError:
            continue
        assert found == ([], 0)
