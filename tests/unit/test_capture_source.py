"""Params and metrics as a cell's code tells them."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from jupyter_mlops.capture.source import cell_facts

to_python = TransformerManager().transform_cell


def facts(source):
    return cell_facts(to_python(source), to_python)


@pytest.mark.parametrize(
    ("source", "literals"),
    [
        ("lr = 0.1", {"lr": 0.1}),
        ("lr: float = 1e-3", {"lr": 1e-3}),
        ("a, b = 1, 'x'", {"a": 1, "b": "x"}),
        ("(a, [b, c]) = 1, (2, 3)", {"a": 1, "b": 2, "c": 3}),
        ("a = b = 5", {"a": 5, "b": 5}),
        ("n = -3; on = True; nothing = None", {"n": -3, "on": True, "nothing": None}),
        ("batch = 2 * 64", {"batch": 128}),
        ("with open('x') as f:\n    k = 3", {"k": 3}),
        ("%time n = 4", {"n": 4}),
        ("%%time\nn = 5\nm = n", {"n": 5}),
        ("async def f(): pass\nawait f()\nn = 6", {"n": 6}),
    ],
)
def test_literals_assigned_once_are_params(source, literals):
    assert facts(source).literals == literals


@pytest.mark.parametrize(
    "source",
    [
        "lr = 0.1\nlr = 0.2",
        "n = 0\nn += 1",
        "n = 1\nfor n in range(3): pass",
        "if x:\n    n = 1",
        "for i in y:\n    n = 1",
        "def f():\n    n = 1",
        "class A:\n    n = 1",
        "[n := 1 for _ in y]",
        "n = 1\ndel n",
        "n = 1\nimport x as n",
        "n = 1\ntry:\n    pass\nexcept E as n:\n    pass",
        "n = [1]",
        "n = f'{x}'",
        "_n = 1",
        "n = 'x' * 9",
        "a, *b = 1, 2, 3",
        "n, m = 'xy'",
        "(m, n), *rest = (1, 2), 3",
        "n = " + repr("x" * 2000),
        "n = 9 ** 9 ** 9",
        "n = 1 / 0",
        "this is no python",
    ],
)
def test_what_is_rebound_or_not_sure_or_no_scalar_is_no_param(source):
    assert "n" not in facts(source).literals


def test_computed_names_are_candidates_for_metrics():
    found = facts(
        "lr = 0.1\nacc = score()\nloss, f1 = evaluate()\ncorrect = 0\nfor i in x:\n    correct += 1\n    late = i * 2\n"
        "_hidden = f()\nimport numpy as np\ndef g(): pass\nwith open('f') as h: inner = h.read()\n"
        "for acc2 in y: pass\nacc2 = 3 * z\nif (m := f()) > 1: pass\n"
    )
    assert found.computed == {"acc", "loss", "f1", "correct", "late", "inner", "m"}
    assert found.certain == {"acc", "loss", "f1", "inner"} | {"correct"}


def test_match_captures_are_no_metrics():
    assert facts("match x:\n    case [a, *b]: pass\n    case {'k': c, **d}: pass").computed == frozenset()
