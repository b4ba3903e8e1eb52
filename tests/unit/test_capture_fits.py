"""Histories of fits, known by their form."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlops.capture.fits import MAX_POINTS, histories
from tests.optional import optional


class History:
    """As Keras' ``fit`` returns it."""

    def __init__(self, history):
        self.history, self.epoch = history, list(range(3))


class Estimator:
    def __init__(self, **attributes):
        self.__dict__.update(attributes)


def test_a_keras_history_has_a_series_for_each_metric():
    history = History({"loss": [3.0, 2.0], "val_loss": [np.float32(4.0), np.float32(3.0)]})
    assert histories("h", history) == {"loss": [3.0, 2.0], "val_loss": [4.0, 3.0]}


def test_the_results_of_evaluations_have_a_series_for_each_data_set_and_metric():
    results = {"train": {"auc": [0.5, 0.6]}, "valid": {"auc": [0.4, 0.5], "error": [0.3, 0.2]}}
    expected = {"train/auc": [0.5, 0.6], "valid/auc": [0.4, 0.5], "valid/error": [0.3, 0.2]}
    assert histories("anything", results) == expected
    assert histories("model", Estimator(evals_result_=results)) == expected
    assert histories("model", Estimator(_evals_result=results)) == expected


def test_curves_of_estimators_are_series():
    model = Estimator(
        loss_curve_=[2.0, 1.0], validation_scores_=[0.5, 0.6], train_score_=np.array([1.0, 2.0])
    )
    expected = {"loss": [2.0, 1.0], "validation_score": [0.5, 0.6], "train_score": [1.0, 2.0]}
    assert histories("m", model) == expected


@pytest.mark.parametrize("name", ["losses", "train_loss", "val_accs", "loss_history", "hist", "scores"])
def test_lists_that_a_loop_fills_are_series_by_what_people_call_them(name):
    assert histories(name, [1, 0.5, np.float64(0.25)]) == {name: [1.0, 0.5, 0.25]}


def test_dicts_of_lists_are_series_where_they_are_called_a_history():
    filled = {"loss": [1.0, 0.5], "acc": [0.5, 0.6]}
    assert histories("history", filled) == filled
    assert histories("columns", filled) == {}


@pytest.mark.parametrize(
    "value",
    [
        [1.0],
        [],
        [1.0, "x"],
        [1.0, None],
        [[1.0], [2.0]],
        [0.0] * (MAX_POINTS + 1),
        np.arange(9),
        "loss",
        3,
        None,
    ],
)
def test_other_things_are_no_series(value):
    assert histories("losses", value) == {}


@pytest.mark.filterwarnings("ignore:The argument 'eval_set'")
def test_real_boosters_leave_their_rounds():
    lightgbm, _ = optional("lightgbm"), optional("sklearn")
    X = np.random.default_rng(0).random((60, 3))
    y = (X[:, 0] > 0.5).astype(int)
    model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, y, eval_set=[(X, y)])
    ((name, points),) = histories("model", model).items()
    assert name.endswith("/binary_logloss")
    assert len(points) == 3
