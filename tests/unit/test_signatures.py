"""What examples show, how they are kept, and how data is brought into the form of a signature."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.entities import Field, Signature
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.services.registry.conforming import conformed
from jupyter_mlops.services.registry.examples import decoded, encoded, first_rows
from jupyter_mlops.services.registry.signatures import described, signature_of

from ..optional import optional

FRAME = pd.DataFrame({"age": [1, 2], "name": ["a", "b"], "ok": [True, False], "w": [0.5, 1.5]})
TABLE = signature_of(FRAME)


def array_of(*shape: int | None, dtype: str = "float64") -> Signature:
    return Signature(inputs=[Field(name="", dtype=dtype, shape=list(shape))], outputs=[], input_kind="array")


@pytest.mark.parametrize(
    ("value", "kind", "fields"),
    [
        (FRAME[["age", "ok"]], "table", [Field(name="age", dtype="int64"), Field(name="ok", dtype="bool")]),
        (np.zeros((3, 4), np.float32), "array", [Field(name="", dtype="float32", shape=[None, 4])]),
        (np.float64(3.0), "array", [Field(name="", dtype="float64", shape=[])]),
        (pd.Series([1, 2], name="y"), "array", [Field(name="y", dtype="int64", shape=[None])]),
        ([[1.0, 2.0]], "array", [Field(name="", dtype="float64", shape=[None, 2])]),
        ({"a": np.zeros(2)}, "object", [Field(name="a", dtype="float64", shape=[None])]),
        (["a", "b"], "object", [Field(name="", dtype="list")]),
        ([[1], [2, 3]], "object", [Field(name="", dtype="list")]),
        ("text", "object", [Field(name="", dtype="str")]),
        ([], "object", [Field(name="", dtype="list")]),
    ],
)
def test_value_is_described(value: Any, kind: str, fields: list[Field]) -> None:
    assert described(value) == (kind, fields)


def test_tensor_and_table_of_polars_are_described_as_theirs() -> None:
    torch, polars = optional("torch"), optional("polars")
    assert described(torch.zeros(3, 2, dtype=torch.bfloat16)) == (
        "array",
        [Field(name="", dtype="bfloat16", shape=[None, 2])],
    )
    assert described(polars.DataFrame({"a": [1]})) == ("table", [Field(name="a", dtype="int64")])


@pytest.mark.parametrize(
    ("example", "name"),
    [
        (FRAME, "example.parquet"),
        (np.arange(6).reshape(3, 2), "example.npy"),
        ([[1.0, 2.0]], "example.npy"),
        ({"a": np.arange(3), "b": np.zeros((3, 2))}, "example.npz"),
        (["wörter", "mehr"], "example.json"),
        ({"question": "why?"}, "example.json"),
        (np.array(["a", None], dtype=object), "example.json"),
    ],
)
def test_example_is_kept_without_pickles_and_read_again(example: Any, name: str) -> None:
    found_name, data = encoded(first_rows(example))
    again = decoded(found_name, data)
    assert found_name == name
    if isinstance(example, pd.DataFrame):
        pd.testing.assert_frame_equal(again, example)
    elif name == "example.npz":
        assert {key: each.tolist() for key, each in again.items()} == {
            key: each.tolist() for key, each in example.items()
        }
    else:
        assert np.asarray(again).tolist() == np.asarray(example).tolist()


def test_example_with_a_pickle_in_it_is_not_read() -> None:
    import io

    with io.BytesIO() as file:
        np.save(file, np.array([object()]), allow_pickle=True)
        with pytest.raises(ValueError, match="allow_pickle=False"):
            decoded("example.npy", file.getvalue())


def test_only_the_first_rows_of_an_example_are_kept() -> None:
    assert len(first_rows(pd.DataFrame({"x": range(1000)}))) == 100
    assert first_rows(np.zeros((1000, 2))).shape == (100, 2)
    assert {key: len(each) for key, each in first_rows({"a": np.zeros(1000)}).items()} == {"a": 100}
    assert len(first_rows(list(range(1000)))) == 100
    with pytest.raises(InvalidInput, match="too large to keep"):
        encoded(np.zeros((100, 100_000)))


def test_columns_are_put_in_order_and_others_are_left_out() -> None:
    mixed = FRAME.assign(label=1)[["w", "label", "ok", "name", "age"]]
    pd.testing.assert_frame_equal(conformed(mixed, TABLE, what="It"), FRAME)


def test_missing_columns_are_named() -> None:
    with pytest.raises(
        InvalidInput, match=r"It needs the columns 'age', 'w', which the data lacks.*'name', 'ok'"
    ):
        conformed(FRAME[["name", "ok"]], TABLE, what="It")


def test_numbers_take_the_signatures_types_where_nothing_is_lost() -> None:
    given = pd.DataFrame(
        {"age": [1.0, 2.0], "name": ["a", "b"], "ok": [1, 0], "w": pd.Series([1, 2], dtype="int8")}
    )
    found = conformed(given, TABLE, what="It")
    assert found.dtypes.astype(str).to_dict() == {**FRAME.dtypes.astype(str).to_dict()}
    assert found.values.tolist() == [[1, "a", True, 1.0], [2, "b", False, 2.0]]
    assert given.age.dtype == "float64", "the user's own table is left alone"


@pytest.mark.parametrize(
    ("column", "values", "why"),
    [
        ("age", [1.5, 2.0], "'age' is float64, not int64 (some values have no equal there)"),
        ("age", [None, 2.0], "'age' is float64, not int64 (it holds nulls, NaN or infinities)"),
        ("age", ["1", "2"], "not int64 (it holds texts)"),
        ("w", ["x", "y"], "not float64 (it holds texts)"),
        ("ok", [2, 0], "'ok' is int64, not bool (some values have no equal there)"),
        ("age", pd.to_datetime(["2020-01-01", "2020-01-02"]), "(that would change its meaning)"),
    ],
)
def test_column_that_would_lose_something_is_named(column: str, values: Any, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        conformed(FRAME.assign(**{column: values}), TABLE, what="It")
    assert caught.value.message.startswith("It cannot take these columns:")
    assert why in caught.value.message


def test_all_wrong_columns_are_named_at_once() -> None:
    with pytest.raises(InvalidInput, match=r"'age'.*'w'"):
        conformed(FRAME.assign(age="x", w="y"), TABLE, what="It")


def test_floats_may_lose_digits_but_not_their_size() -> None:
    narrow = signature_of(pd.DataFrame({"x": np.zeros(1, np.float32)}))
    found = conformed(pd.DataFrame({"x": [0.1, np.nan]}), narrow, what="It")
    assert found.x.dtype == np.float32
    with pytest.raises(InvalidInput, match="'x'"):
        conformed(pd.DataFrame({"x": [1e300]}), narrow, what="It")


@pytest.mark.parametrize(
    "data",
    [
        {"a": [1, 2], "b": [3, 4]},
        [{"b": 3, "a": 1}, {"a": 2, "b": 4}],
        np.array([[1, 3], [2, 4]]),
        [[1, 3], [2, 4]],
    ],
)
def test_what_is_a_table_in_other_words_becomes_one(data: Any) -> None:
    signature = signature_of(pd.DataFrame({"a": [0], "b": [0]}))
    expected = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    pd.testing.assert_frame_equal(conformed(data, signature, what="It"), expected)


def test_one_row_as_a_dict_and_tables_of_others_become_tables() -> None:
    polars = optional("polars")
    signature = signature_of(pd.DataFrame({"a": [0], "b": [0]}))
    one = pd.DataFrame({"a": [1], "b": [3]})
    pd.testing.assert_frame_equal(conformed({"b": 3, "a": 1}, signature, what="It"), one)
    pd.testing.assert_frame_equal(
        conformed(polars.DataFrame({"b": [3], "a": [1]}), signature, what="It"), one
    )


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"takes a table with the columns 'age'.*not a ndarray of shape \(2, 3\)"
    ):
        conformed(np.zeros((2, 3)), TABLE, what="It")
    with pytest.raises(InvalidInput, match="not a str"):
        conformed("rows", TABLE, what="It")


def test_arrays_are_brought_into_shape_and_type() -> None:
    wanted = array_of(None, 2, dtype="float32")
    for data in (np.ones((3, 2)), np.ones((3, 2), int), [[1, 2]], pd.DataFrame({"a": [1], "b": [2]})):
        assert conformed(data, wanted, what="It").dtype == np.float32


def test_array_of_another_shape_is_refused_and_one_row_is_explained() -> None:
    with pytest.raises(InvalidInput, match=r"an array of shape \(any, 3\), not \(2, 2\)\.$"):
        conformed(np.ones((2, 2)), array_of(None, 3), what="It")
    with pytest.raises(InvalidInput, match=r"not \(3,\)\. For one row give data\[None, :\]"):
        conformed([1.0, 2.0, 3.0], array_of(None, 3), what="It")


def test_array_that_would_lose_something_is_refused() -> None:
    with pytest.raises(InvalidInput, match="It takes int64, not float64: some values have no equal there"):
        conformed([[1.5]], array_of(None, 1, dtype="int64"), what="It")
    with pytest.raises(InvalidInput, match="there are texts"):
        conformed(np.array([["1"]], dtype=object), array_of(None, 1), what="It")
    with pytest.raises(InvalidInput, match="It takes an array of numbers, not a str"):
        conformed("x", array_of(None, 1), what="It")


def test_tensors_stay_tensors_and_are_measured() -> None:
    torch = optional("torch")
    data = torch.ones(2, 3)
    assert conformed(data, array_of(None, 3), what="It") is data
    with pytest.raises(InvalidInput, match=r"\(any, 2\), not \(2, 3\)"):
        conformed(data, array_of(None, 2), what="It")


def test_named_arrays_must_all_be_there() -> None:
    signature = signature_of({"a": np.zeros(1), "b": np.zeros(1)})
    assert list(conformed({"b": 1, "a": 2, "c": 3}, signature, what="It")) == ["a", "b"]
    with pytest.raises(InvalidInput, match="needs the columns 'b'"):
        conformed({"a": 1}, signature, what="It")


@pytest.mark.parametrize("data", ["text", object(), {"any": "thing"}])
def test_without_a_signature_data_is_left_alone(data: Any) -> None:
    assert conformed(data, None, what="It") is data
    assert conformed(data, Signature(inputs=[], outputs=[]), what="It") is data
    assert conformed(data, signature_of("text"), what="It") is data


def test_column_is_cast_under_the_label_that_the_data_has() -> None:
    signature = signature_of(pd.DataFrame({"0": [1.5], "1": [2.5]}))
    data = pd.DataFrame({0: [1], 1: [2]})
    pd.testing.assert_frame_equal(conformed(data, signature, what="It"), pd.DataFrame({0: [1.0], 1: [2.0]}))
    assert data.dtypes.tolist() == [np.int64, np.int64]


def test_name_with_spaces_is_found_where_lightgbm_wrote_underscores() -> None:
    signature = signature_of(pd.DataFrame({"b_c": [1.0], "d": [2.0]}))
    data = pd.DataFrame({"d": [2], "b c": [1.0]})
    assert list(conformed(data, signature, what="It").columns) == ["b c", "d"]
    both = pd.DataFrame({"b c": [3.0], "b_c": [1.0], "d": [2.0]})
    assert list(conformed(both, signature, what="It").columns) == ["b_c", "d"]
    with pytest.raises(InvalidInput, match="needs the columns 'a_b_c'"):
        conformed(
            pd.DataFrame({"a b_c": [1.0], "a_b c": [1.0]}),
            signature_of(pd.DataFrame({"a_b_c": [1.0]})),
            what="It",
        )
