"""Scalars of many libraries, without importing any."""

from __future__ import annotations

import enum
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from jupyter_mlops.capture.metrics import metric_step, metric_values
from jupyter_mlops.capture.values import both_ends, number, param_value, scalar
from jupyter_mlops.errors import InvalidInput


class Level(enum.IntEnum):
    HIGH = 3


class Tensor:
    """As torch's: 0-d, known by ``shape`` and ``item``."""

    def __init__(self, value, shape=()):
        self.value, self.shape = value, shape

    def item(self):
        return self.value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1),
        (0.5, 0.5),
        ("x", "x"),
        (True, True),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(2.5), 2.5),
        (np.float64(1.5), 1.5),
        (Tensor(0.25), 0.25),
        (Fraction(1, 4), 0.25),
        (Decimal("0.5"), 0.5),
        (Level.HIGH, 3),
        (np.array([1.0]), None),
        ([1], None),
        (None, None),
        (1j, None),
        (print, None),
    ],
)
def test_a_scalar_becomes_plain(value, expected):
    found = scalar(value)
    assert found == expected
    assert type(found) is type(expected)


def test_bools_and_texts_are_no_numbers():
    assert [number(value) for value in (True, np.bool_(False), "1.0", 10**400)] == [None] * 4


def test_metrics_may_be_any_number_of_one_element():
    given = {"a": 1, "b": np.float32(0.5), "c": Tensor(2.0, shape=(1,)), "d": True, "e": math.nan}
    found = metric_values(given)
    assert {key: value for key, value in found.items() if key != "e"} == {
        "a": 1.0,
        "b": 0.5,
        "c": 2.0,
        "d": 1.0,
    }
    assert math.isnan(found["e"])
    assert {type(value) for value in found.values()} == {float}


@pytest.mark.parametrize("bad", ["0.5", None, [1, 2], np.zeros(3), object(), 10**400])
def test_what_is_no_number_is_refused_by_its_name(bad):
    with pytest.raises(InvalidInput, match="loss"):
        metric_values({"ok": 1.0, "loss": bad})


def test_a_step_is_a_whole_number():
    assert metric_step(np.int64(7)) == 7
    assert metric_step(7.0) == 7
    for bad in (0.5, "7", math.nan, None):
        with pytest.raises(InvalidInput, match="step"):
            metric_step(bad)


def test_params_are_json_and_short():
    class Model:
        def __str__(self):
            return "Model()"

    assert param_value({"a": [1, np.float64(2)], "b": None}) == {"a": [1, 2.0], "b": None}
    assert param_value(math.inf) == "Infinity"
    assert param_value(Model()) == "Model()"
    assert param_value(np.arange(3)) == "[0 1 2]"
    assert len(param_value("x" * 100_000)) < 20_000


def test_texts_that_utf_8_cannot_carry_are_marked():
    assert param_value({"file\udc80": "\ud800.csv"}) == {"file?": "?.csv"}
    assert metric_values({"\udc80": 1.0}) == {"?": 1.0}


def test_of_a_long_text_both_ends_are_kept():
    assert both_ends("short", 10) == "short"
    assert both_ends("begin" + "." * 100 + "final", 10) == "begin\n…\nfinal"
