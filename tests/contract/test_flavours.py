"""Every flavour of this package against the contract, and what each promises beyond it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from jupyter_mlops.entities import Field, Signature
from jupyter_mlops.errors import InvalidInput, MissingPackage, Untrusted
from jupyter_mlops.services.registry.flavours import known, storing
from jupyter_mlops.services.registry.flavours.flavour import Flavour, Saved
from jupyter_mlops.testing.flavours import FlavourContract, assert_equal, stored

from ..optional import optional

X = np.random.default_rng(1).random((60, 3))
Y = (X[:, 0] > 0.5).astype(int)
FRAME = pd.DataFrame(X, columns=["ä", "b c", "d"])


def own(name: str) -> Flavour:
    return known.named(name)


@pytest.fixture
def data() -> Any:
    return X[:5]


class TestCloudpickle(FlavourContract):
    takes_anything = True

    @pytest.fixture
    def flavour(self) -> Flavour:
        return own("cloudpickle")

    @pytest.fixture
    def model(self) -> Any:
        offset = 3
        return lambda rows: rows + offset


class TestJoblib(FlavourContract):
    modules = ("joblib",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        return own("joblib")

    @pytest.fixture
    def model(self) -> Any:
        return RandomForestClassifier(5, random_state=0).fit(X, Y)

    def test_its_own_models_are_taken_and_others_are_not(self, flavour: Flavour, model: Any) -> None:
        assert not flavour.accepts(model)  # only who asks for it gets it


class TestSkops(FlavourContract):
    modules = ("skops",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("skops")
        return own("skops")

    @pytest.fixture
    def model(self) -> Any:
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


class TestTorch(FlavourContract):
    modules = ("torch", "safetensors")

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("safetensors")
        optional("torch")
        return own("torch")

    @pytest.fixture
    def model(self) -> Any:
        return network()


class TestTorchScript(FlavourContract):
    modules = ("torch",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("torch")
        return own("torchscript")

    @pytest.fixture
    def model(self) -> Any:
        import torch

        return torch.jit.script(network())


class TestSafetensors(FlavourContract):
    modules = ("torch", "safetensors")
    predicts = False

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("safetensors")
        optional("torch")
        return own("safetensors")

    @pytest.fixture
    def model(self) -> Any:
        return dict(network().state_dict())


class TestOnnx(FlavourContract):
    modules = ("onnxruntime",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("onnxruntime")
        optional("onnx")
        return own("onnx")

    @pytest.fixture
    def model(self) -> Any:
        return onnx_model()


class TestOnnxFile(TestOnnx):
    @pytest.fixture
    def model(self, tmp_path: Path) -> Any:
        path = tmp_path / "model.onnx"
        path.write_bytes(onnx_model().SerializeToString())
        return path

    def assert_same(self, flavour: Flavour, loaded: Any, model: Any, data: Any) -> None:
        assert_equal(loaded.predict(data), flavour.predict(onnx_model(), data))


class TestXgboostBooster(FlavourContract):
    modules = ("xgboost",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("xgboost")
        return own("xgboost")

    @pytest.fixture
    def model(self) -> Any:
        import xgboost

        return xgboost.train({"max_depth": 2}, xgboost.DMatrix(X, Y), num_boost_round=3)


class TestXgboostClassifier(TestXgboostBooster):
    @pytest.fixture
    def model(self) -> Any:
        import xgboost

        return xgboost.XGBClassifier(n_estimators=3).fit(X, Y)

    def test_it_is_a_classifier_again(self, flavour: Flavour, model: Any, tmp_path: Path) -> None:
        loaded = flavour.load(stored(flavour, model, tmp_path), trusted=False)
        assert type(loaded) is type(model)
        assert_equal(loaded.predict_proba(X), model.predict_proba(X))
        assert_equal(loaded.classes_, model.classes_)


class TestLightgbmBooster(FlavourContract):
    modules = ("lightgbm",)

    @pytest.fixture
    def flavour(self) -> Flavour:
        optional("lightgbm")
        return own("lightgbm")

    @pytest.fixture
    def model(self) -> Any:
        import lightgbm

        params = {"verbose": -1, "min_data_in_leaf": 2, "num_threads": 1}
        return lightgbm.train(params, lightgbm.Dataset(X, Y), num_boost_round=3)


class TestLightgbmClassifier(TestLightgbmBooster):
    @pytest.fixture
    def model(self) -> Any:
        import lightgbm

        labels = np.array(["no", "yes"])[Y]
        return lightgbm.LGBMClassifier(n_estimators=3, verbose=-1, n_jobs=1).fit(FRAME, labels)

    @pytest.fixture
    def data(self) -> Any:
        return FRAME

    def test_it_is_a_classifier_again(self, flavour: Flavour, model: Any, tmp_path: Path) -> None:
        loaded = flavour.load(stored(flavour, model, tmp_path), trusted=False)
        assert loaded.get_params() == model.get_params()
        assert_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
        assert_equal(loaded.classes_, model.classes_)
        assert (loaded.n_classes_, loaded.n_features_in_, loaded.best_iteration_) == (
            model.n_classes_,
            model.n_features_in_,
            model.best_iteration_,
        )
        assert list(loaded.feature_names_in_) == list(model.feature_names_in_)


@pytest.fixture
def keras(monkeypatch: pytest.MonkeyPatch) -> Any:
    optional("torch")
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    return optional("keras")


class TestKeras(FlavourContract):
    modules = ("keras",)

    @pytest.fixture
    def flavour(self, keras: Any) -> Flavour:
        return own("keras")

    @pytest.fixture
    def model(self, keras: Any) -> Any:
        return keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2)])

    def test_it_tells_its_inputs_and_outputs(self, flavour: Flavour, model: Any) -> None:
        said = flavour.signature(model)
        assert said is not None
        assert ([each.shape for each in said.inputs], said.input_kind) == ([[None, 3]], "array")
        assert ([each.shape for each in said.outputs], said.output_kind) == ([[None, 2]], "array")

    def test_code_of_the_authors_is_run_with_trust_only(
        self, keras: Any, flavour: Flavour, tmp_path: Path
    ) -> None:
        doubling = keras.Sequential([keras.layers.Input((3,)), keras.layers.Lambda(lambda rows: rows * 2)])
        path = stored(flavour, doubling, tmp_path)
        with pytest.raises(Untrusted, match="code of its author"):
            flavour.load(path, trusted=False)
        loaded = flavour.load(path, trusted=True)
        assert_equal(flavour.predict(loaded, X[:2]), flavour.predict(doubling, X[:2]))

    @pytest.mark.parametrize("version", ["3.8.0", "3.12.3", "3.13.0", "3.15.0"])
    def test_version_whose_safe_mode_is_none_loads_nothing_untrusted(
        self,
        keras: Any,
        flavour: Flavour,
        model: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        version: str,
    ) -> None:
        path = stored(flavour, model, tmp_path)
        monkeypatch.setattr(keras, "__version__", version)
        with pytest.raises(Untrusted, match=rf"Keras {version}.*pip install 'jupyter-mlops\[keras\]'"):
            flavour.load(path, trusted=False)

    @pytest.mark.parametrize("version", ["3.12.4", "3.15.1", "3.16.0.dev2", "4.0"])
    def test_version_whose_safe_mode_is_safe_loads_untrusted(
        self, keras: Any, flavour: Flavour, model: Any, tmp_path: Path, monkeypatch: Any, version: str
    ) -> None:
        monkeypatch.setattr(keras, "__version__", version)
        assert flavour.load(stored(flavour, model, tmp_path), trusted=False).inputs


class TestFile(FlavourContract):
    predicts = False
    knows_damage = False

    @pytest.fixture
    def flavour(self) -> Flavour:
        return own("file")

    @pytest.fixture
    def model(self, tmp_path: Path) -> Any:
        path = tmp_path / "weights.bin"
        path.write_bytes(b"weights")
        return path


class TestFolder(FlavourContract):
    predicts = False
    knows_damage = False

    @pytest.fixture
    def flavour(self) -> Flavour:
        return own("folder")

    @pytest.fixture
    def model(self, tmp_path: Path) -> Any:
        path = tmp_path / "model of mine"
        (path / "parts").mkdir(parents=True)
        (path / "parts" / "ü.txt").write_text("a", encoding="utf-8")
        return path


def network() -> Any:
    import torch

    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 2)).eval()


def onnx_model() -> Any:
    """``y = x · w`` on 32-bit floats, for any number of rows of three."""
    import onnx
    from onnx import TensorProto, helper

    weights = np.arange(6, dtype=np.float32).reshape(3, 2)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 2])],
        [onnx.numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def chosen(model: Any) -> str:
    return next(known.candidates(model)).name


def test_flavour_is_found_for_each_kind_of_model(tmp_path: Path) -> None:
    lightgbm, xgboost, torch = optional("lightgbm"), optional("xgboost"), optional("torch")
    optional("onnx"), optional("skops")
    (tmp_path / "mlflow").mkdir()
    (tmp_path / "mlflow" / "MLmodel").write_text("flavors: {}")
    for name in ("m.onnx", "m.ubj", "m.keras", "m.safetensors", "m.txt"):
        (tmp_path / name).write_bytes(b"")
    models = {
        "skops": LogisticRegression(),
        "torch": torch.nn.Linear(1, 1),
        "torchscript": torch.jit.script(torch.nn.Linear(1, 1)),
        "safetensors": torch.nn.Linear(1, 1).state_dict(),
        "onnx": onnx_model(),
        "xgboost": xgboost.XGBRegressor(),
        "lightgbm": lightgbm.LGBMRegressor(),
        "cloudpickle": {"w": 1},
        "mlflow": tmp_path / "mlflow",
        "folder": tmp_path,
        "file": tmp_path / "m.txt",
    }
    assert {name: chosen(model) for name, model in models.items()} == {name: name for name in models}
    paths = {name: chosen(tmp_path / f"m.{name}") for name in ("onnx", "ubj", "keras", "safetensors")}
    assert paths == {"onnx": "onnx", "ubj": "xgboost", "keras": "keras", "safetensors": "safetensors"}


def test_model_of_keras_is_no_module_of_torch(keras: Any) -> None:
    assert chosen(keras.Sequential([keras.layers.Dense(1)])) == "keras"


def test_mlflow_folder_tells_its_signature_without_being_loaded(tmp_path: Path) -> None:
    """As MLflow 3.17 wrote it."""
    tensor = '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
    column = '[{"type": "double", "name": "a", "required": true}]'
    (tmp_path / "MLmodel").write_text(f"signature:\n  inputs: '{column}'\n  outputs: '{tensor}'\n")
    assert own("mlflow").signature(tmp_path) == Signature(
        inputs=[Field(name="a", dtype="float64")],
        outputs=[Field(name="", dtype="float64", shape=[None])],
        input_kind="table",
        output_kind="array",
    )


def test_asking_for_a_flavour_imports_no_framework() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from jupyter_mlops.services.registry.flavours import known\n"
        "assert [each.name for each in known.candidates({'w': 1})] == ['cloudpickle']\n"
        "heavy = {'torch', 'sklearn', 'onnx', 'onnxruntime', 'xgboost', 'lightgbm', 'keras', 'skops', 'mlflow',"
        " 'numpy', 'pandas', 'joblib', 'safetensors'}\n"
        "print(heavy & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert run.stdout.strip() == "set()", run.stderr


def test_unknown_flavour_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"No flavour 'pickle'.*cloudpickle"):
        storing.save({"w": 1}, tmp_path, flavour="pickle")
    with pytest.raises(MissingPackage, match=r"No flavour 'spacy'.*jupyter_mlops.flavours"):
        known.named("spacy")


def test_estimator_with_parts_that_skops_does_not_know_goes_to_the_next_flavour(tmp_path: Path) -> None:
    optional("skops")
    forest = RandomForestClassifier(2).fit(X, Y)
    transformer = FunctionTransformer(lambda rows: rows).fit(X)
    for number, model in enumerate((forest, transformer)):
        (tmp_path / str(number)).mkdir()
        assert storing.save(model, tmp_path / str(number))[0].name == "cloudpickle"
    (tmp_path / "asked").mkdir()
    with pytest.raises(
        InvalidInput, match=r"'skops' does not do.*skops does not know sklearn.tree._tree.Tree"
    ):
        storing.save(forest, tmp_path / "asked", flavour="skops")


def test_skops_file_with_foreign_types_is_refused_without_trust(tmp_path: Path) -> None:
    io = optional("skops.io")
    io.dump(RandomForestClassifier(2).fit(X, Y), tmp_path / "model")
    with pytest.raises(Untrusted, match=r"sklearn.tree._tree.Tree"):
        own("skops").load(tmp_path / "model", trusted=False)
    assert own("skops").load(tmp_path / "model", trusted=True).n_features_in_ == 3


def test_torch_module_keeps_ties_modes_buffers_and_what_is_not_trained(tmp_path: Path) -> None:
    torch = optional("torch")

    class Tied(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)
            self.b.weight = self.a.weight
            self.a.bias.requires_grad_(False)
            self.register_buffer("scale", torch.tensor(2.0))
            self.lookup = {"offset": torch.ones(3, dtype=torch.bfloat16)}
            self.phase = torch.ones(3, dtype=torch.complex64)

        def forward(self, rows: Any) -> Any:
            return self.b(self.a(rows)) * self.scale + self.lookup["offset"]

    model = Tied()
    flavour = own("torch")
    path = stored(flavour, model, tmp_path)
    loaded = flavour.load(path, trusted=True)
    assert loaded.b.weight is loaded.a.weight
    assert (loaded.a.bias.requires_grad, loaded.a.weight.requires_grad, loaded.training) == (
        False,
        True,
        True,
    )
    assert_equal(flavour.predict(loaded, X[:2]), flavour.predict(model, X[:2]))
    assert model.training  # predicting gives the mode back
    weights = own("safetensors").load(path / "weights.safetensors", trusted=False)
    assert {"a.weight", "a.bias", "b.bias", "scale"} <= set(weights)
    assert len((path / "module.pkl").read_bytes()) < 10_000


def test_torch_predicts_tensors_for_tensors_and_arrays_for_tables() -> None:
    torch = optional("torch")
    flavour, model = own("torch"), network()
    assert isinstance(flavour.predict(model, torch.ones(2, 3)), torch.Tensor)
    assert flavour.predict(model, FRAME).shape == (60, 2)
    assert flavour.predict(model.double(), FRAME).dtype == np.float64
    with pytest.raises(InvalidInput, match="Numbers are expected"):
        flavour.predict(model, pd.DataFrame({"a": ["x"]}))


def test_onnx_model_tells_its_inputs_and_outputs(tmp_path: Path) -> None:
    optional("onnx"), optional("onnxruntime")
    assert own("onnx").signature(onnx_model()) == Signature(
        inputs=[Field(name="x", dtype="float32", shape=[None, 3])],
        outputs=[Field(name="y", dtype="float32", shape=[None, 2])],
        input_kind="array",
        output_kind="array",
    )


def test_onnx_weights_that_lie_beside_the_file_come_along(tmp_path: Path) -> None:
    onnx = optional("onnx")
    (tmp_path / "given").mkdir()
    file = tmp_path / "given" / "m.onnx"
    onnx.save_model(onnx_model(), str(file), save_as_external_data=True, location="weights", size_threshold=0)
    assert (tmp_path / "given" / "weights").exists()
    path = stored(own("onnx"), file, tmp_path)
    (tmp_path / "given" / "weights").unlink()
    assert_equal(own("onnx").load(path, trusted=False).predict(X), own("onnx").predict(onnx_model(), X))


def test_model_too_large_for_one_onnx_file_becomes_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    optional("onnx")
    from jupyter_mlops.services.registry.flavours import onnx as module

    monkeypatch.setattr(module, "LARGEST_BYTES", 1)
    path = stored(own("onnx"), onnx_model(), tmp_path)
    assert path.is_dir()
    assert_equal(own("onnx").load(path, trusted=False).predict(X), own("onnx").predict(onnx_model(), X))


def test_features_of_boosters_are_told() -> None:
    xgboost, lightgbm = optional("xgboost"), optional("lightgbm")
    named = xgboost.train({}, xgboost.DMatrix(FRAME.rename(columns={"b c": "b"}), Y), num_boost_round=1)
    plain = lightgbm.train({"verbose": -1}, lightgbm.Dataset(X, Y), num_boost_round=1)
    said = own("xgboost").signature(named)
    assert said is not None
    assert ([each.name for each in said.inputs], said.input_kind) == (["ä", "b", "d"], "table")
    assert own("lightgbm").signature(plain) == Signature(
        inputs=[Field(name="", dtype="", shape=[None, 3])], outputs=[], input_kind="array"
    )


def test_lightgbm_estimator_of_ones_own_goes_to_the_next_flavour(tmp_path: Path) -> None:
    lightgbm = optional("lightgbm")

    class Mine(lightgbm.LGBMRegressor):  # type: ignore[name-defined, misc]
        pass

    assert storing.save(Mine(n_estimators=1, verbose=-1).fit(X, Y), tmp_path)[0].name != "lightgbm"


class Doubling:
    """Another's flavour, for models that are lists."""

    name = "doubling"
    runs_code = False
    deterministic = True
    packages: tuple[str, ...] = ()

    def accepts(self, model: Any) -> bool:
        return isinstance(model, list)

    def save(self, model: Any, folder: Path) -> Saved:
        path = folder / "list"
        path.write_text("\n".join(map(str, model)), encoding="utf-8")
        return Saved(path=path, class_name="list")

    def load(self, path: Path, *, trusted: bool) -> Any:
        if not (text := path.read_text(encoding="utf-8")).endswith("9"):
            raise ValueError("cut off")
        return [int(line) for line in text.splitlines()]

    def predict(self, model: Any, data: Any) -> Any:
        return [each * len(data) for each in model]

    def signature(self, model: Any) -> Signature | None:
        return None


class TestAnothersFlavour(FlavourContract):
    @pytest.fixture
    def flavour(self) -> Flavour:
        return Doubling()

    @pytest.fixture
    def model(self) -> Any:
        return [1, 2, 9]


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    def offered(name: str, value: str) -> None:
        entry = EntryPoint(name, value, known.GROUP)
        monkeypatch.setattr(known, "_added", lambda: {name: entry} if name not in known.OWN else {})

    return offered


def test_flavour_of_an_entry_point_is_asked_before_this_packages_own(
    offer: Callable[[str, str], None], tmp_path: Path
) -> None:
    offer("doubling", f"{__name__}:Doubling")
    assert [each.name for each in known.candidates([1, 9])] == ["doubling", "cloudpickle"]
    assert [each.name for each in known.candidates({"w": 1})] == ["cloudpickle"]
    assert storing.save([1, 9], tmp_path, flavour="doubling")[0].name == "doubling"


@pytest.mark.parametrize("value", ["nowhere_to_be_found:X", f"{__name__}:X", "builtins:dict"])
def test_flavour_of_an_entry_point_that_fails_is_left_out(
    offer: Callable[[str, str], None], value: str
) -> None:
    offer("broken", value)
    assert [each.name for each in known.candidates([1])] == ["cloudpickle"]
    with pytest.raises(MissingPackage, match=r"'broken'.*cannot be made"):
        known.named("broken")


def test_error_of_saving_names_the_model_and_another_way(tmp_path: Path) -> None:
    xgboost = optional("xgboost")
    with pytest.raises(
        InvalidInput, match=r"XGBClassifier cannot be stored as xgboost.*flavour=\"cloudpickle\""
    ):
        storing.save(xgboost.XGBClassifier(), tmp_path)


def test_pickle_of_an_older_version_is_loaded_as_before(tmp_path: Path) -> None:
    path = tmp_path / "blob"
    path.write_bytes(cloudpickle.dumps(LinearRegression().fit(X, Y)))
    loaded = storing.load(own("cloudpickle"), path, what="It", trusted=True)
    assert_equal(loaded.predict(X), LinearRegression().fit(X, Y).predict(X))


@pytest.mark.parametrize("flavour", ["joblib", "cloudpickle"])
def test_path_is_not_pickled(tmp_path: Path, flavour: str) -> None:
    (tmp_path / "m.joblib").write_bytes(b"a model")
    with pytest.raises(InvalidInput, match=rf"'{flavour}' does not do: '.*m.joblib' is a path"):
        storing.save(tmp_path / "m.joblib", tmp_path, flavour=flavour)
    assert not own(flavour).accepts(tmp_path / "m.joblib")


def test_onnx_weights_of_inner_graphs_come_along(tmp_path: Path) -> None:
    onnx = optional("onnx")
    from onnx import TensorProto, helper, numpy_helper

    def branch(name: str, value: float) -> Any:
        weights = numpy_helper.from_array(np.full((2,), value, np.float32), f"w{name}")
        node = helper.make_node("Identity", [f"w{name}"], [name])
        told = helper.make_tensor_value_info(name, TensorProto.FLOAT, [2])
        return helper.make_graph([node], name, [], [told], [weights])

    node = helper.make_node("If", ["c"], ["y"], then_branch=branch("yes", 1.0), else_branch=branch("no", 2.0))
    told = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    graph = helper.make_graph(
        [node], "g", [told], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])]
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (tmp_path / "given").mkdir()
    file = tmp_path / "given" / "m.onnx"
    onnx.save_model(proto, str(file), save_as_external_data=True, location="weights", size_threshold=0)
    assert (tmp_path / "given" / "weights").exists()
    path = stored(own("onnx"), file, tmp_path)
    (tmp_path / "given" / "weights").unlink()
    assert_equal(own("onnx").load(path, trusted=False).predict(np.array(False)), np.full(2, 2, np.float32))
