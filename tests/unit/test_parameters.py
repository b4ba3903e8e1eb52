"""Parameters: the grammar of -p, what a notebook declares, and what fits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from jupyter_mlops.entities import Distribution, Parameter
from jupyter_mlops.errors import InvalidInput, NotFound, ParameterError
from jupyter_mlops.notebooks.parameters import check_names, fit, fit_all, parameters_of, sweeps
from jupyter_mlops.notebooks.values import (
    Given,
    Values,
    expand,
    parse_parameter,
    parse_parameters,
    parse_value,
    source_of,
)


def values_of(text: str) -> Any:
    parsed = parse_value(text)
    return [each.value for each in parsed.each] if isinstance(parsed, Values) else parsed.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", 0.1),
        ("-3", -3),
        ("1e-3", 1e-3),
        ("True", True),
        ("None", None),
        ("adam", "adam"),
        ("", ""),
        ("'0.1'", "0.1"),
        ("'a,b'", "a,b"),
        ('"a,b"', "a,b"),
        ("[1,2]", [1, 2]),
        ("(1,2)", (1, 2)),
        ("{'a': 1, 'b': 2}", {"a": 1, "b": 2}),
        ("it's fine", "it's fine"),
        ("f(x)", "f(x)"),
        ("a=b", "a=b"),
        ("s3://bucket/key", "s3://bucket/key"),
    ],
)
def test_a_value_is_a_python_literal_else_a_string(text: str, value: Any) -> None:
    assert values_of(text) == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1,0.01", [0.1, 0.01]),
        ("adam, sgd", ["adam", "sgd"]),
        ("[64],[64,32]", [[64], [64, 32]]),
        ("'a,b',c", ["a,b", "c"]),
        ("(1,2),(3,4)", [(1, 2), (3, 4)]),
    ],
)
def test_commas_outside_of_quotes_and_brackets_make_a_sweep(text: str, values: list[Any]) -> None:
    assert values_of(text) == values


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("lr", "write -p NAME=VALUE"),
        ("1r=2", "no Python variable"),
        ("class=2", "no Python variable"),
        ("lr=1,", "missing between the commas"),
        ("lr=[1,2", "] is missing"),
        ("lr='abc", "' is missing"),
        ("lr=loguniform(1e-5)", "takes the lowest and the highest value"),
        ("lr=loguniform(0, 1)", "a logarithmic scale begins above 0, not at 0"),
        ("lr=uniform(1, 0)", "the lowest value comes first, and 1 is not below 0"),
        ("lr=uniform(a, 1)", "uniform takes numbers, and 'a' is none"),
        ("lr=uniform(0, inf)", "uniform takes numbers"),
        ("lr=uniform(0, 1, 0)", "the step must be above 0"),
        ("lr=uniform(0, 1),2", "uniform(0, 1) is a search of its own"),
        ("n=int(1.5, 3)", "int takes whole numbers, and 1.5 is none"),
        ("n=choice()", "has nothing to choose from"),
        ("n=choice([1], [2])", "not [1]. Choose a name"),
        ("lr=unifrom(0, 1)", "there is no unifrom(); did you mean uniform()?"),
        ("lr=normal(0, 1)", "there is no normal(); did you mean uniform()?"),
        ("n=randint(1,5)", "there is no randint(); did you mean int()?"),
    ],
)
def test_what_cannot_be_a_parameter_is_refused(argument: str, said: str) -> None:
    with pytest.raises(ParameterError, match=r".*") as refused:
        parse_parameter(argument)
    assert said in refused.value.message


def test_a_parameter_given_twice_is_refused() -> None:
    with pytest.raises(ParameterError, match="'lr' is given twice"):
        parse_parameters(["lr=1", "lr=2"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("uniform(0, 1)", Distribution(kind="uniform", low=0, high=1)),
        ("uniform(0,1,0.25)", Distribution(kind="uniform", low=0, high=1, step=0.25)),
        (" loguniform( 1e-5 , 1e-1 ) ", Distribution(kind="loguniform", low=1e-5, high=0.1)),
        ("int(1,8)", Distribution(kind="int", low=1, high=8)),
        ("logint(1, 512)", Distribution(kind="logint", low=1, high=512)),
    ],
)
def test_a_distribution_is_one(text: str, found: Distribution) -> None:
    assert parse_parameter(f"x={text}") == ("x", found)


def test_a_choice_has_values_as_they_are_typed() -> None:
    _, found = parse_parameter("x=choice(adam, 'a, b', 1, None)")
    text = Parameter(name="x", default="sgd", type="str")
    assert fit(found, text) == Distribution(kind="choice", choices=["adam", "a, b", "1", "None"])
    unknown = Parameter(name="x", default=None, type="unknown")
    assert fit(found, unknown) == Distribution(kind="choice", choices=["adam", "a, b", 1, None])


@pytest.mark.parametrize(
    "text", ["'uniform(0, 1)'", "f(x)", "count(1,2)", "a uniform(0, 1)", "int", "(1, 2)"]
)
def test_what_is_no_distribution_stays_a_value(text: str) -> None:
    _, found = parse_parameter(f"x={text}")
    assert isinstance(found, Given)


def test_a_distribution_of_numbers_does_not_fit_a_text() -> None:
    found = Distribution(kind="uniform", low=0, high=1)
    with pytest.raises(ParameterError, match=r"x=uniform\(0, 1\): x is of type str .*put quotes around it"):
        fit(found, Parameter(name="x", default="a", type="str"))
    assert fit(found, Parameter(name="x", default=1, type="int")) == found


@pytest.mark.parametrize(
    ("given", "default", "hint"),
    [
        ("""x='{"lr": 1}'""", {"lr": 2}, True),
        ("x='[1, 2]'", [3], True),
        ("x='0.5'", 0.1, True),
        ("x='a b'", {"lr": 2}, False),
        ("x=abc", 0.1, False),
    ],
)
def test_quotes_that_make_a_text_of_a_value_are_named(given: str, default: Any, hint: bool) -> None:
    (values,) = expand(parse_parameters([given]))
    with pytest.raises(ParameterError) as refused:
        fit(values["x"], Parameter(name="x", default=default, type=type(default).__name__))
    assert refused.value.message.endswith(" Its quotes make it a text: take them off.") is hint


def test_each_choice_has_to_fit() -> None:
    _, found = parse_parameter("x=choice(1, two)")
    with pytest.raises(ParameterError, match="x=two: x is of type int"):
        fit(found, Parameter(name="x", default=1, type="int"))


def test_a_sweep_expands_to_the_product_in_order() -> None:
    assert expand({"a": Values((1, 2)), "b": "x", "c": Values((3, 4))}) == [
        {"a": 1, "b": "x", "c": 3},
        {"a": 1, "b": "x", "c": 4},
        {"a": 2, "b": "x", "c": 3},
        {"a": 2, "b": "x", "c": 4},
    ]


plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
literals = st.recursive(
    plain,
    lambda inner: (
        st.lists(inner) | st.tuples(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
    ),
    max_leaves=10,
)


@given(literals)
def test_the_source_of_a_value_evaluates_to_it(value: Any) -> None:
    assert eval(source_of(value)) == value


def test_nan_has_a_source() -> None:
    assert math.isnan(eval(source_of(float("nan"))))


def parameter(default: Any, kind: str | None = None) -> Parameter:
    return Parameter(name="x", default=default, type=kind or type(default).__name__)


@pytest.mark.parametrize(
    ("default", "given_value", "fitted"),
    [
        (0.1, 1, 1.0),
        (0.1, Given("inf", "inf"), math.inf),
        (1, 3.0, 3),
        (1, Given("1e3", 1000.0), 1000),
        ("a", Given("001", 1), "001"),
        ("a", Given("'a,b'", "a,b"), "a,b"),
        (True, Given("false", "false"), False),
        ([1], (1, 2), [1, 2]),
        ((1,), [1, 2], (1, 2)),
        (1, 1.5, 1.5),
        (None, "anything", "anything"),
        (None, Given("5", 5), 5),
        ({"a": 1}, {"b": 2}, {"b": 2}),
    ],
)
def test_a_value_that_fits_takes_the_type_of_the_default(default: Any, given_value: Any, fitted: Any) -> None:
    found = fit(given_value, parameter(default))
    assert (found, type(found)) == (fitted, type(fitted))


@pytest.mark.parametrize(
    ("default", "given_value"),
    [(0.1, True), (1, True), (0.1, "fast"), (True, 1), ("a", 1), ([1], 1), ({}, [1]), (1, None)],
)
def test_a_value_of_another_type_is_refused_naming_both(default: Any, given_value: Any) -> None:
    with pytest.raises(ParameterError) as refused:
        fit(given_value, parameter(default))
    assert f"of type {type(default).__name__} (default {default!r})" in refused.value.message
    assert f"this is of type {type(given_value).__name__}" in refused.value.message


def test_an_unknown_name_is_refused_with_the_nearest_and_all() -> None:
    with pytest.raises(ParameterError) as refused:
        check_names(["epoch"], ["lr", "epochs"], where="train.ipynb")
    assert refused.value.message == (
        "No parameter 'epoch' in train.ipynb. Did you mean 'epochs'? Known: lr, epochs."
    )


def test_a_list_sweeps_unless_the_parameter_is_a_list() -> None:
    assert sweeps([1, 2], parameter(0)) == Values((1, 2))
    assert sweeps([1, 2], None) == Values((1, 2))
    assert sweeps([1, 2], parameter([0])) == [1, 2]
    with pytest.raises(ParameterError, match="empty list"):
        sweeps([], parameter(0))


def notebook(source: str, *, tag: str = "parameters") -> NotebookNode:
    cells = [new_code_cell("import os"), new_code_cell(source, metadata={"tags": [tag]})]
    return new_notebook(cells=cells)


def test_the_parameters_of_a_notebook_are_those_of_its_tagged_cell() -> None:
    source = "\n".join(
        [
            "# hyperparameters",
            "%matplotlib inline",
            "lr = -0.1  # learning rate",
            "epochs: int = 2 * 5",
            "layers = [",
            "    64,",
            "    32,",
            "]  # sizes",
            "name = 'a # b'",
            "seed: float = 1",
            "path = os.path.join('a', 'b')",
            "limit: int = max(1, 2)",
            "subset = None",
            "lr = 0.2  # again",
        ]
    )
    assert parameters_of(notebook(source)) == [
        Parameter(name="epochs", default=10, type="int"),
        Parameter(name="layers", default=[64, 32], type="list", help="sizes"),
        Parameter(name="name", default="a # b", type="str"),
        Parameter(name="seed", default=1, type="float"),
        Parameter(name="path", default=None, type="unknown"),
        Parameter(name="limit", default=None, type="int"),
        Parameter(name="subset", default=None, type="NoneType"),
        Parameter(name="lr", default=0.2, type="float", help="again"),
    ]


def test_a_notebook_without_a_tagged_cell_has_no_parameters() -> None:
    assert parameters_of(notebook("lr = 0.1", tag="other")) == []


def test_a_parameters_cell_that_does_not_parse_has_none() -> None:
    assert parameters_of(notebook("lr = = 1")) == []


def test_computed_defaults_take_anything() -> None:
    known = parameters_of(notebook("path = os.getcwd()"))
    assert fit_all({"path": Given("3", 3)}, known) == {"path": 3}


def test_a_missing_notebook_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="does not exist"):
        parameters_of(tmp_path / "none.ipynb")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}'])
def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.ipynb"
    path.write_text(content)
    with pytest.raises(InvalidInput, match="no notebook that can be read"):
        parameters_of(path)
