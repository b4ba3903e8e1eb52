"""What users say of datasets becomes expectations, or is refused with what to write instead."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jupyter_mlops.entities import Expectation, Severity
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.expectations.stating import state


def test_each_thing_that_is_said_is_one_expectation() -> None:
    said = state(
        "train",
        columns=["id", "age"],
        types={"age": int, "name": "string"},
        not_null="id",
        unique=["id", ("user", "day")],
        between={"age": (0, np.int64(120)), "at": (dt.date(2024, 1, 1), None)},
        one_of={"sex": ["f", "m", None]},
        matches={"email": re.compile(".+@.+")},
        rows=(10, None),
        files=3,
        on_fail="warn",
    )
    assert [(each.name, each.check, each.columns, each.arguments) for each in said] == [
        ("columns", "columns", ["id", "age"], {}),
        ("type: age", "type", ["age"], {"type": "integer"}),
        ("type: name", "type", ["name"], {"type": "string"}),
        ("not_null: id", "not_null", ["id"], {}),
        ("unique: id", "unique", ["id"], {}),
        ("unique: user, day", "unique", ["user", "day"], {}),
        ("between: age", "between", ["age"], {"min": 0, "max": 120}),
        ("between: at", "between", ["at"], {"min": "2024-01-01", "max": None}),
        ("one_of: sex", "one_of", ["sex"], {"values": ["f", "m"]}),
        ("matches: email", "matches", ["email"], {"regex": ".+@.+"}),
        ("rows", "rows", [], {"min": 10, "max": None}),
        ("files", "files", [], {"min": 3, "max": 3}),
    ]
    assert {each.severity for each in said} == {Severity.WARN}
    assert said[0] == Expectation(
        dataset="train", name="columns", check="columns", columns=["id", "age"], severity=Severity.WARN
    )


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"on_fail": "stop"}, "on_fail is 'refuse' or 'warn', not 'stop'"),
        ({"not_null": 5}, r"not_null takes names of columns, such as not_null=\['age', 'sex'\], not 5"),
        ({"not_null": []}, "not_null takes names of columns"),
        ({"between": {"age": 5}}, r"takes two ends such as \(0, 120\)"),
        ({"between": {"age": (5, 1)}}, "ends before it begins: 5 to 1"),
        ({"between": {"age": (None, float("inf"))}}, "has no end"),
        ({"between": {"age": ("a", 1)}}, "ends of two kinds"),
        ({"between": {"age": (float("nan"), 1)}}, "NaN is no value"),
        ({"between": ["age"]}, r"between takes a dict by column, such as between=\{'age': \(0, 120\)\}"),
        ({"one_of": {"sex": "fm"}}, "takes a list of values, not 'fm'"),
        ({"one_of": {"sex": []}}, "takes 1 to 10000 values, not 0"),
        ({"one_of": {"sex": ["f", 1]}}, "has texts beside other values"),
        ({"one_of": {"sex": [object()]}}, "is no number, text, truth, date or time"),
        ({"matches": {"email": 5}}, "takes a regular expression as text"),
        ({"types": {"age": 5}}, "types of 'age': 5 is no type. Say integer, real, number"),
        ({"types": {"age": list}}, "types of 'age': 'list' is no type"),
        ({"types": {"age": "integr"}}, "'integr' is no type. Did you mean 'integer'?"),
        (
            {"types": {"age": "int46"}},
            r"'int46' is no type\. Did you mean 'int64'\? .* int8, int16, .* date32",
        ),
        ({"types": {"age": "list<int64"}}, "'list<int64' is no type"),
        ({"types": {"age": ""}}, "'' is no type"),
        ({"unique": 5}, r"unique takes columns, such as unique='id', .* not 5"),
        ({"unique": []}, "unique takes columns"),
        ({"unique": {"id": 1}}, "unique takes columns"),
        ({"unique": [5]}, "unique takes names of columns"),
        ({"matches": {"email": re.compile("a", re.IGNORECASE)}}, r"the flags of .* '\(\?i\)yes\|no'"),
        ({"matches": {"email": re.compile(b"a")}}, "takes a regular expression as text"),
        ({"between": {"age": np.array([0, 1])}}, "takes two ends such as"),
        ({"between": {"age": b"ab"}}, "takes two ends such as"),
        ({"rows": {1, 2}}, "is no number, text, truth, date or time"),
        ({"rows": True}, "rows takes two ends"),
        ({"rows": (-1, None)}, "rows takes whole numbers that are not negative"),
        ({"rows": (0.5, 2)}, "rows takes whole numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        state("train", **given)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("integer", "integer"),
        ("float64", "float64"),
        ("date32", "date32[day]"),
        ("Int64", "int64"),
        ("decimal128(5,2)", "decimal128(5, 2)"),
        ("timestamp[ns, tz=Europe/Berlin]", "timestamp[ns, tz=Europe/Berlin]"),
        ("list<element: int64>", "list<element: int64>"),
        ("dictionary<values=string, indices=int8, ordered=0>",) * 2,
        ("fixed_size_list<item: float>[4]",) * 2,
        (np.int64, "int64"),
        (np.dtype("uint8"), "uint8"),
        (pa.timestamp("us"), "timestamp[us]"),
        (bool, "boolean"),
    ],
    ids=str,
)
def test_types_are_kept_by_the_names_that_columns_have(given: Any, kept: str) -> None:
    [said] = state("train", types={"age": given})
    assert said.arguments == {"type": kept}


@pytest.mark.parametrize("rows", [5, np.int64(5), (5, 5), (np.int32(5), 5)], ids=repr)
def test_a_number_of_rows_may_be_numpys(rows: Any) -> None:
    [said] = state("train", rows=rows)
    assert said.arguments == {"min": 5, "max": 5}


def test_names_of_datasets_are_checked() -> None:
    with pytest.raises(InvalidInput, match="must not contain"):
        state("../train", not_null="id")
