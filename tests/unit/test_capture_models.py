"""Which values are fitted models, how large they are, and whether they were fitted further."""

from __future__ import annotations

import numpy as np
import pytest

from jupyter_mlops.capture.models import MAX_VALUES, seen_model, state_of
from jupyter_mlops.entities import SeenModel
from tests.optional import optional


@pytest.fixture
def data():
    X = np.random.default_rng(0).random((60, 3))
    return X, (X[:, 0] > 0.5).astype(int)


def test_a_fitted_estimator_is_seen_with_class_and_size_and_one_that_is_not_fitted_is_none(data):
    optional("sklearn")
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(n_estimators=5)
    assert seen_model("model", model) is None
    found = seen_model("model", model.fit(*data))
    assert (found.name, found.class_name) == ("model", "sklearn.ensemble._forest.RandomForestClassifier")
    assert 500 < found.size_bytes < 100_000


def test_a_fitted_estimator_of_too_many_values_has_no_size(data):
    linear = optional("sklearn.linear_model")
    model = linear.LinearRegression().fit(*data)
    model.history_ = [f"step {number}" for number in range(MAX_VALUES - 100)]
    assert seen_model("m", model).size_bytes > 20_000
    model.history_ += [f"more {number}" for number in range(200)]
    assert seen_model("m", model).size_bytes is None


def test_a_pipeline_is_fitted_when_its_steps_are(data):
    optional("sklearn")
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    before = state_of(pipe)
    assert seen_model("p", pipe) is None
    assert seen_model("p", pipe.fit(*data)).class_name == "sklearn.pipeline.Pipeline"
    assert state_of(pipe) != before


def test_a_network_is_seen_with_its_parameters_and_a_loss_is_none():
    torch = optional("torch")
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3))
    assert seen_model("net", network) == SeenModel(
        name="net",
        class_name="torch.nn.modules.container.Sequential",
        size_bytes=(4 * 3 + 3 + 3 + 3) * 4 + (3 + 3) * 4 + 8,
        parameters=4 * 3 + 3 + 3 + 3,
    )
    assert seen_model("loss", torch.nn.MSELoss()) is None


def test_a_step_of_an_optimizer_changes_a_networks_state_and_a_prediction_does_not():
    torch = optional("torch")
    network = torch.nn.Linear(2, 1)
    before = state_of(network)
    loss = network(torch.ones(3, 2)).sum()
    assert state_of(network) == before
    loss.backward()
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    assert state_of(network) != before


def test_the_memory_of_a_booster_of_c_code_is_not_guessed(data):
    lightgbm, _ = optional("lightgbm"), optional("sklearn")
    model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1).fit(*data)
    assert seen_model("m", model).size_bytes is None
    assert seen_model("b", model.booster_).class_name == "lightgbm.basic.Booster"


class Keras:
    """As a built Keras model."""

    built = True

    def count_params(self):
        return 10

    def get_weights(self): ...

    def predict(self, x): ...


def test_a_keras_model_is_seen_by_its_interface():
    assert seen_model("k", Keras()).parameters == 10


class Broken:
    coef_ = 1

    def __init__(self):
        self.fitted_ = True

    def get_params(self):
        raise RuntimeError

    def fit(self): ...

    def __getattr__(self, name):
        raise RuntimeError(name)


@pytest.mark.parametrize("value", [3, "x", None, [1], np.ones(3), print, Keras, {"fit": 1}])
def test_other_things_are_no_models(value):
    assert (seen_model("x", value), state_of(value)) == (None, None)


def test_an_object_that_raises_at_every_touch_breaks_nothing():
    assert seen_model("x", Broken()) is None
