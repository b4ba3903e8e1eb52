"""Params of estimators, optimizers and configs, known by what their objects are made of."""

from __future__ import annotations

import argparse
import enum
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.capture.objects import MAX_FIELDS, config_params, object_params
from tests.optional import optional


class Kind(enum.Enum):
    FAST = "fast"


@dataclass
class Inner:
    width: int = 8


@dataclass
class Config:
    lr: float = 0.1
    layers: tuple[int, ...] = (64, 32)
    inner: Inner = field(default_factory=Inner)
    out: Path = Path("runs/a")
    kind: Kind = Kind.FAST
    rate: Any = field(default_factory=lambda: np.float32(0.5))
    callback: Any = print
    _private: int = 1


class Ridge:
    """With scikit-learn's interface, and a default in a base class as XGBoost's classes have them."""

    def __init__(self, alpha=1.0, *, fit_intercept=True, tol=1e-3, missing=np.nan, inner=None):
        self.given = {"alpha": alpha, "fit_intercept": fit_intercept, "tol": tol, "missing": missing}
        self.given["inner"] = inner

    def fit(self, X, y):
        return self

    def get_params(self, deep=True):
        assert not deep
        return self.given


class Failing(Ridge):
    def get_params(self, deep=True):
        raise RuntimeError("not today")


def test_of_an_estimator_the_arguments_that_differ_from_their_defaults_are_params():
    assert object_params("model", Ridge(alpha=0.5)) == {"model": "Ridge", "model.alpha": 0.5}
    assert object_params("model", Ridge(alpha=np.float64(0.5))) == {"model": "Ridge", "model.alpha": 0.5}


def test_an_argument_that_the_cell_gives_is_a_param_also_where_it_is_the_default():
    found = object_params("model", Ridge(alpha=1.0), {"Ridge": frozenset({"alpha"})})
    assert found == {"model": "Ridge", "model.alpha": 1.0}


def test_estimators_inside_of_estimators_have_params_by_their_path():
    found = object_params("search", Ridge(inner=Ridge(alpha=3)))
    assert found == {"search": "Ridge", "search.inner": "Ridge", "search.inner.alpha": 3}


def test_an_estimator_that_raises_or_a_class_has_no_params():
    assert object_params("model", Failing()) == {}
    assert object_params("model", Ridge) == {}


def test_the_steps_of_a_pipeline_go_by_their_names():
    optional("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipe = make_pipeline(StandardScaler(), LogisticRegression(C=3))
    named = {
        "p": "Pipeline",
        "p.standardscaler": "StandardScaler",
        "p.logisticregression": "LogisticRegression",
    }
    assert object_params("p", pipe) == {**named, "p.logisticregression.C": 3}
    search = GridSearchCV(LogisticRegression(), {"C": [1, 10]}, cv=3)
    assert object_params("s", search) == {
        "s": "GridSearchCV",
        "s.estimator": "LogisticRegression",
        "s.param_grid.C": [1, 10],
        "s.cv": 3,
    }


def test_of_a_torch_optimizer_what_it_was_made_with_is_kept():
    torch = optional("torch")
    weights = [torch.nn.Parameter(torch.ones(2))]
    assert object_params("opt", torch.optim.SGD(weights, lr=0.5)) == {"opt": "SGD", "opt.lr": 0.5}


def test_configs_are_flat():
    assert object_params("cfg", Config()) == {
        "cfg.lr": 0.1,
        "cfg.layers": (64, 32),
        "cfg.inner.width": 8,
        "cfg.out": "runs/a",
        "cfg.kind": "Kind.FAST",
        "cfg.rate": 0.5,
    }


@pytest.mark.parametrize(
    "config", [SimpleNamespace(lr=0.1, opt=SimpleNamespace(name="adam")), argparse.Namespace(lr=0.1, opt={"name": "adam"})]
)  # fmt: skip
def test_namespaces_are_configs(config):
    assert object_params("args", config) == {"args.lr": 0.1, "args.opt.name": "adam"}


def test_an_omegaconf_config_is_resolved_as_far_as_it_can_be():
    conf = optional("omegaconf").OmegaConf
    config = conf.create({"model": {"depth": 3, "width": "${model.depth}"}, "layers": [1, 2]})
    assert object_params("cfg", config) == {"cfg.model.depth": 3, "cfg.model.width": 3, "cfg.layers": [1, 2]}
    assert object_params("cfg", conf.create({"a": "${nowhere}", "b": 1})) == {
        "cfg.a": "${nowhere}",
        "cfg.b": 1,
    }


def test_a_pydantic_model_is_a_config():
    class Model:  # as pydantic's metaclass makes it
        __pydantic_fields__ = {"lr": object(), "name": object()}

        @classmethod
        def construct(cls): ...

    model = Model()
    model.__dict__.update(lr=0.1, name="x", cache=1)
    assert object_params("cfg", model) == {"cfg.lr": 0.1, "cfg.name": "x"}


def test_what_is_called_a_result_is_no_config():
    @dataclass
    class EvalOutput:
        acc: float = 0.9

    assert object_params("cfg", EvalOutput()) == {}
    assert object_params("result", Config()) == {}


def test_of_a_config_with_very_many_fields_only_choices_are_kept():
    from dataclasses import make_dataclass

    many = make_dataclass("Many", [(f"f{n}", int, field(default=0)) for n in range(MAX_FIELDS + 1)])
    assert object_params("cfg", many(f3=7)) == {"cfg.f3": 7}


@pytest.mark.parametrize("other", [np.arange(3), {"a": 1}, [1, 2], print, object(), None, 3, "text"])
def test_other_things_have_no_params(other):
    assert object_params("x", other) == {}


def test_a_dict_of_short_values_is_flat_and_long_ones_are_left_out():
    given = {"lr": 0.1, "data": list(range(100)), "deep": {"a": {"b": 1}}, "f": print, "text": "x" * 2000}
    assert config_params("c", given) == {"c.lr": 0.1, "c.deep.a.b": 1}
    assert config_params("w", {0: 1.0, 1: 2.0}) == {"w": {0: 1.0, 1: 2.0}}
