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
        ("layers = [64, 32]; size = (3, 3)", {"layers": [64, 32], "size": [3, 3]}),
        ("cfg = {'lr': 1e-3, 'layers': [1, 2]}", {"cfg": {"lr": 1e-3, "layers": [1, 2]}}),
        ("weights = {0: 1.0, 1: 2.5}", {"weights": {0: 1.0, 1: 2.5}}),
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
        "n = []",
        "n = [[]]",
        "n = {'a': []}",
        "n = [f()]",
        "n = [1]; n.append(2)",
        "n = {'a': 1}; n['b'] = 2",
        "n = {'a': [1]}; n['a'].extend(x)",
        "n = {'a': 1}; del n['a']",
        "n = [[[1]]]",
        "n = {**x}",
        "n = {(1, 2): 3}",
        f"n = {list(range(21))}",
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


def test_readings_of_clocks_are_no_results_and_what_is_computed_of_them_is():
    found = facts(
        "t0 = time.time()\nt1 = perf_counter()\nns = time.monotonic_ns()\nelapsed = time.time() - t0\n"
        "t2 = time.time()\nt2 = time.time() - t2\nwhen = timeit.default_timer()"
    )
    assert found.computed == {"elapsed", "t2"}


def test_names_that_the_cell_reads_and_does_not_bind_come_from_earlier_cells():
    found = facts(
        "import numpy as np\na = lr * 2\nb = np.log(depth)\n[x for x in data if x > limit]\n"
        "def train(epochs, rate=base_rate):\n    seen = momentum\n    return seen + a\n"
        "class Net(Base):\n    width = size\n%time c = inside\nlambda q: q + shift\n_private"
    )
    names = {"lr", "depth", "data", "limit", "base_rate", "momentum", "Base", "size", "inside", "shift"}
    assert names <= found.read
    assert not found.read & {"a", "b", "np", "x", "epochs", "rate", "seen", "width", "q", "_private", "train"}


@pytest.mark.parametrize(
    ("source", "is_config"),
    [
        ("cfg = dict(lr=lr, depth=3)", True),
        ("cfg = {'lr': lr, 'opt': {'name': name}}", True),
        ("cfg = SimpleNamespace(a=1)", True),
        ("acc = f()\ncfg = {'acc': acc}", False),
        ("cfg = {'acc': f(x)}", False),
        ("cfg = {'loss': [], 'acc': []}", False),
        ("cfg = dict(a=1)\ncfg['b'] = f()", False),
        ("cfg = dict(a=1)\ncfg = f()", False),
    ],
)
def test_a_dict_that_puts_given_values_together_is_a_config(source, is_config):
    assert ("cfg" in facts(source).configs) is is_config


def test_the_keywords_that_are_given_to_a_class_are_known():
    found = facts("m = make_pipeline(Scaler(), Forest(depth=3, trees=f(n=1))).fit(X, y, sample_weight=w)")
    assert found.arguments == {"Forest": {"depth", "trees"}, "f": {"n"}, "fit": {"sample_weight"}}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("model.score(X, y)", "score"),
        ("accuracy_score(a, b)", "accuracy_score"),
        ("await evaluate()", "evaluate"),
        ("len(x)", None),
        ("x", None),
        ("1 + f()", None),
        ("f()\nx = 1", None),
        ("", None),
    ],
)
def test_the_function_that_the_last_line_calls_names_its_value(source, name):
    assert facts(source).result_name == name


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("search.best_params_", "best_params"),
        ("model.get_params()", "get_params"),
        ("params", "params"),
        ("search.best_score_", None),
        ("evaluate(params)", None),
        ("scores", None),
        ("params\nx = 1", None),
    ],
)
def test_a_last_line_says_by_its_name_that_it_shows_params(source, name):
    assert facts(source).result_params == name


def test_the_counter_of_a_loop_is_no_result():
    found = facts("step = 0; errors = 0\nfor x in xs:\n    step += 1\n    errors += 1\n    total = f(x)")
    assert found.computed == {"errors", "total"}
