"""Models through the service: real pickles, aliases, and whose are loaded."""

from __future__ import annotations

import io
import json
import math
import os
import pickle
import platform
import sqlite3
import sys
import threading
import types
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlops.entities import Field, ModelVersion, Signature, VersionRef, VersionStatus
from jupyter_mlops.errors import Corrupt, InvalidInput, MissingPackage, NotFound, Untrusted
from jupyter_mlops.ownership import workspace_id
from jupyter_mlops.services.registry.trust import IMPORTED

from ..optional import optional
from ..registries import RUN, RecordedRun, Registry, open_registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return open_registry(tmp_path / "home")


def fitted() -> LogisticRegression:
    return LogisticRegression().fit([[0.0], [1.0]], [0, 1])


def test_model_is_registered_with_what_it_needs_and_predicts_again(registry: Registry) -> None:
    import cloudpickle
    import sklearn

    version = registry.service.register_model(
        fitted(),
        name="digits",
        alias="champion",
        metrics={"acc": 1, "loss": math.inf},
        description="first",
        flavour="cloudpickle",
    )
    assert (version.version, version.status, version.aliases) == (1, VersionStatus.READY, ["champion"])
    assert version.class_name == "sklearn.linear_model._logistic.LogisticRegression"
    assert (version.format, version.created_by, version.created_at) == ("cloudpickle", "ada", 1000.0)
    assert version.metrics == {"acc": 1.0, "loss": math.inf}
    expected = {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "cloudpickle": cloudpickle.__version__,
    }
    assert version.packages.items() >= expected.items()
    assert "numpy" in version.packages
    assert "pytest" not in version.packages
    for reference in ("digits", "digits@1", "digits@latest", "digits@champion"):
        assert registry.service.load_model(reference).predict([[0.0], [1.0]]).tolist() == [0, 1]


def test_parts_of_a_pipeline_and_closures_are_pickled(registry: Registry) -> None:
    offset = 3
    pipeline = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], [0, 1])
    registry.service.register_model(pipeline, name="pipeline")
    registry.service.register_model(lambda x: x + offset, name="closure")
    assert registry.service.load_model("pipeline").predict([[1.0]]).tolist() == [1]
    assert registry.service.load_model("closure")(4) == 7


def test_every_registration_is_a_version_and_aliases_move(registry: Registry) -> None:
    service = registry.service
    for _ in range(3):
        service.register_model(fitted(), name="digits")
    service.set_alias("digits", "champion", 1)
    moved = service.set_alias("digits", "champion", 3)
    assert moved.aliases == {"champion": 3}
    assert service.model_version("digits@champion").version == 3
    assert service.model_version("digits").aliases == ["champion"]
    assert service.delete_alias("digits", "champion").aliases == {}
    with pytest.raises(NotFound, match="champion"):
        service.load_model("digits@champion")
    moves = [entry.detail for entry in service.audit() if entry.action.startswith("alias.")]
    assert [(each["from"], each["to"]) for each in moves] == [(3, None), (1, 3), (None, 1)]
    assert service.verify_audit() == []


def test_alias_of_a_missing_version_is_refused(registry: Registry) -> None:
    registry.service.register_model(fitted(), name="digits")
    with pytest.raises(NotFound, match="versions are 1 to 1"):
        registry.service.set_alias("digits", "champion", 2)
    with pytest.raises(InvalidInput, match="latest"):
        registry.service.register_model(fitted(), name="digits", alias="latest")
    assert len(registry.service.model("digits").versions) == 1


def test_model_that_cannot_be_pickled_is_refused_with_the_reason(registry: Registry) -> None:
    with pytest.raises(InvalidInput, match=r"lock.*cannot be pickled"):
        registry.service.register_model(threading.Lock(), name="lock")
    assert registry.service.models() == []


def test_nothing_is_no_model(registry: Registry) -> None:
    with pytest.raises(
        InvalidInput, match=r"None is no model to register as 'm'\. Does the .* return the model\?"
    ):
        registry.service.register_model(None, name="m")
    assert registry.service.models() == []


def test_own_model_of_this_workspace_is_loaded(registry: Registry, tmp_path: Path) -> None:
    registry.service.register_model(fitted(), name="digits")
    again = open_registry(tmp_path / "home")
    assert again.service.load_model("digits").predict([[1.0]]).tolist() == [1]


@pytest.mark.parametrize(("user", "home"), [("bob", "home"), ("bob", "other"), ("ada", "other")])
def test_anybody_elses_pickle_needs_trust(registry: Registry, tmp_path: Path, user: str, home: str) -> None:
    registry.service.register_model(fitted(), name="digits", flavour="cloudpickle")
    shared = {"database": tmp_path / "home" / "registry.sqlite", "blobs": tmp_path / "home" / "blobs"}
    stranger = open_registry(tmp_path / home, user=user, **shared)
    with pytest.raises(Untrusted, match=r"'ada'.*trust=True.*trusted_users"):
        stranger.service.load_model("digits")
    assert stranger.service.load_model("digits", trust=True).predict([[1.0]]).tolist() == [1]
    trusting = open_registry(tmp_path / home, user=user, trusted_users=("ada",), **shared)
    assert trusting.service.load_model("digits").predict([[1.0]]).tolist() == [1]


def test_untrusted_pickle_runs_nothing(registry: Registry, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "evil"),)

    registry.service.register_model(Evil(), name="evil")
    shared = {"database": tmp_path / "home" / "registry.sqlite", "blobs": tmp_path / "home" / "blobs"}
    with pytest.raises(Untrusted):
        open_registry(tmp_path / "other", user="bob", **shared).service.load_model("evil")
    assert not (tmp_path / "evil").exists()


def test_damaged_model_is_never_unpickled(registry: Registry) -> None:
    version = registry.service.register_model(fitted(), name="digits")
    blob = registry.blobs.path(version.digest)
    os.chmod(blob, 0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt, match=version.digest):
        registry.service.load_model("digits", trust=True)


def test_model_of_a_package_that_is_gone_says_which(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("vanishing_package")
    exec("class Model: pass", module.__dict__)
    monkeypatch.setitem(sys.modules, "vanishing_package", module)
    registry.service.register_model(module.Model(), name="digits")
    monkeypatch.delitem(sys.modules, "vanishing_package")
    with pytest.raises(MissingPackage, match=r"digits@1 needs 'vanishing_package'.*cloudpickle=="):
        registry.service.load_model("digits")


def test_run_that_registers_and_reads_is_linked(registry: Registry) -> None:
    registry.run = run = RecordedRun()
    version = registry.service.register_model(fitted(), name="digits", alias="champion")
    registry.service.load_model("digits@champion")
    assert version.run_id == RUN
    ((key, record),) = run.registered
    assert (key, record.kind, record.alias) == (f"{RUN}/writer/1", "model", "champion")
    assert run.inputs == [("model", "digits", 1, version.digest)]
    assert replace(version, run_id=None) != version


def test_run_that_has_ended_is_no_obstacle(registry: Registry) -> None:
    registry.run = run = RecordedRun(ended=True)
    version = registry.service.register_model(fitted(), name="digits")
    registry.service.load_model("digits")
    assert (version.version, version.run_id) == (1, RUN)
    assert (run.registered, run.inputs) == ([], [])


def test_workspace_id_is_one_a_home_and_stays(tmp_path: Path) -> None:
    found: set[str] = set()
    threads = [threading.Thread(target=lambda: found.add(workspace_id(tmp_path / "home"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
    assert found != {workspace_id(tmp_path / "other")}
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["workspace-id"]


def beside(registry: Registry, tmp_path: Path) -> Registry:
    """The same registry, as another user with a home of her own sees it."""
    database, blobs = tmp_path / "home" / "registry.sqlite", tmp_path / "home" / "blobs"
    return open_registry(tmp_path / "other", user="bob", database=database, blobs=blobs)


def test_what_runs_no_code_is_loaded_by_anybody(registry: Registry, tmp_path: Path) -> None:
    torch = optional("torch")
    optional("skops"), optional("lightgbm")
    from lightgbm import LGBMRegressor

    models = {
        "skops": fitted(),
        "safetensors": {"w": torch.ones(2)},
        "lightgbm": LGBMRegressor(n_estimators=1, verbose=-1, n_jobs=1).fit(np.eye(30), range(30)),
    }
    for name, model in models.items():
        assert registry.service.register_model(model, name=name).format == name
        assert type(beside(registry, tmp_path).service.load_model(name)) is type(model)


def test_torch_module_needs_trust_and_comes_back(registry: Registry, tmp_path: Path) -> None:
    torch = optional("torch")
    version = registry.service.register_model(torch.nn.Linear(2, 1), name="net")
    assert (version.format, version.is_folder) == ("torch", True)
    assert version.packages.keys() >= {"python", "torch", "safetensors", "cloudpickle"}
    with pytest.raises(Untrusted, match="Its flavour is torch"):
        beside(registry, tmp_path).service.load_model("net")
    loaded = beside(registry, tmp_path).service.load_model("net", trust=True)
    assert loaded.in_features == 2


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "flavour",
    ["onnx", "skops", "safetensors", "xgboost", "lightgbm", "keras", "file", "folder", "sklearn", ""],
)
def test_row_that_names_another_flavour_never_leads_to_unpickling(
    registry: Registry, tmp_path: Path, flavour: str
) -> None:
    blob = registry.blobs.put(pickle.dumps(Evil(tmp_path / "ran")))
    forged = ModelVersion(
        name="forged",
        version=None,
        digest=blob.digest,
        size_bytes=blob.size_bytes,
        class_name="x",
        format=flavour,
        file_name="../../model.pkl",
        created_at=0.0,
        created_by="eve",
    )
    for is_folder in (False, True):
        registry.store.register_model(replace(forged, is_folder=is_folder))
        if flavour in ("file", "folder") and not is_folder:
            path = registry.service.load_model("forged")
            assert path.is_relative_to(tmp_path / "home" / "cache")
        else:
            with pytest.raises((InvalidInput, MissingPackage, Corrupt, Untrusted)):
                registry.service.load_model("forged")
    assert not (tmp_path / "ran").exists()


def test_imported_pickle_needs_trust_whoever_it_says_made_it(registry: Registry) -> None:
    version = registry.service.register_model({"w": 1}, name="digits")
    registry.store.register_model(replace(version, version=None, origin=IMPORTED))
    with pytest.raises(Untrusted, match="in another workspace"):
        registry.service.load_model("digits")


def test_file_and_folder_come_back_read_only_under_their_own_names(
    registry: Registry, tmp_path: Path
) -> None:
    folder = tmp_path / "model of ü"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights.bin").write_bytes(b"weights")
    whole = registry.service.register_model(str(folder), name="whole")
    part = registry.service.register_model(folder / "deep" / "weights.bin", name="part")
    assert (whole.format, whole.is_folder, whole.file_name, whole.size_bytes) == (
        "folder",
        True,
        folder.name,
        7,
    )
    assert (part.format, part.is_folder, part.file_name, part.size_bytes) == ("file", False, "weights.bin", 7)
    (folder / "deep" / "weights.bin").write_bytes(b"changed")
    loaded = registry.service.load_model("whole")
    assert (loaded.name, (loaded / "deep" / "weights.bin").read_bytes()) == (folder.name, b"weights")
    assert registry.service.load_model("part").read_bytes() == b"weights"
    assert (loaded / "deep" / "weights.bin").stat().st_mode & 0o222 == 0
    with pytest.raises(InvalidInput, match="A folder as it is does not predict by itself"):
        registry.service.predict("whole", [[1.0]])


def test_path_that_is_none_is_not_found(registry: Registry) -> None:
    with pytest.raises(NotFound, match=r"No file or folder '.*nowhere.onnx' to register as model 'digits'"):
        registry.service.register_model("nowhere.onnx", name="digits")
    assert registry.service.models() == []


def test_example_is_kept_and_shows_the_signature(registry: Registry) -> None:
    frame = pd.DataFrame({"age": range(200), "weight": 0.5})
    model = LogisticRegression().fit(frame, frame.age > 100)
    version = registry.service.register_model(model, name="digits", example=frame)
    assert version.signature == Signature(
        inputs=[Field(name="age", dtype="int64"), Field(name="weight", dtype="float64")],
        outputs=[Field(name="", dtype="bool", shape=[None])],
        input_kind="table",
        output_kind="array",
    )
    assert version.example_name == "example.parquet"
    pd.testing.assert_frame_equal(registry.service.model_example("digits"), frame.head(100))
    assert registry.service.model_version("digits") == version


def test_model_that_changes_its_input_changes_neither_the_example_nor_the_users(registry: Registry) -> None:
    def spoiling(rows: np.ndarray) -> np.ndarray:
        rows[:] = 0
        return rows

    rows = np.ones((2, 2))
    registry.service.register_model(spoiling, name="spoiling", example=rows)
    assert rows.all()
    assert registry.service.model_example("spoiling").all()


def test_example_that_cannot_be_predicted_costs_a_warning(registry: Registry) -> None:
    with pytest.warns(UserWarning, match="outputs are unknown.*4 features"):
        version = registry.service.register_model(fitted(), name="digits", example=np.ones((1, 4)))
    assert version.signature == Signature(
        inputs=[Field(name="", dtype="float64", shape=[None, 4])], outputs=[], input_kind="array"
    )


def test_example_that_cannot_be_kept_costs_a_warning(registry: Registry) -> None:
    with pytest.warns(UserWarning, match="A set is no example that can be kept"):
        version = registry.service.register_model(fitted(), name="digits", example={1, 2})
    assert (version.example_digest, version.signature) == (
        None,
        Signature(inputs=[Field(name="", dtype="", shape=[None, 1])], outputs=[], input_kind="array"),
    )
    with pytest.raises(NotFound, match="without an example"):
        registry.service.model_example("digits")


def test_what_is_installed_is_kept_as_a_lock_file(registry: Registry) -> None:
    import sklearn

    version = registry.service.register_model({"w": 1}, name="digits")
    assert version.requirements_digest is not None
    lines = registry.blobs.get(version.requirements_digest).decode().splitlines()
    assert f"scikit-learn=={sklearn.__version__}" in lines
    assert lines[0].startswith(f"# Python {platform.python_version()}")


def test_version_is_linked_to_what_made_it(registry: Registry) -> None:
    registry.run = RecordedRun(job_id="job", made_in="train.ipynb", source="fit()")
    data = registry.service.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    registry.service.register_model({"w": 0}, name="before")
    registry.service.load_dataset("train")
    registry.service.load_model("before")
    version = registry.service.register_model({"w": 1}, name="digits", tags={"stage": "trial"})
    assert version.code_digest is not None
    assert registry.blobs.get(version.code_digest) == b"fit()"
    assert (version.run_id, version.job_id, version.notebook) == (RUN, "job", "train.ipynb")
    assert version.datasets == [VersionRef(kind="dataset", name="train", version=1, digest=data.digest)]
    assert version.tags == {"stage": "trial"}
    assert registry.service.model_version("digits") == version
    recorded = registry.run.registered[-1][1].version
    assert {key: recorded[key] for key in ("tags", "job_id", "code_digest", "requirements_digest")} == {
        "tags": {"stage": "trial"},
        "job_id": "job",
        "code_digest": version.code_digest,
        "requirements_digest": version.requirements_digest,
    }


def test_tags_of_a_version_are_edited_later(registry: Registry) -> None:
    registry.service.register_model({"w": 1}, name="digits", tags={"stage": "trial", "team": "a"})
    registry.service.describe("model", "digits", 1, tags={"stage": None, "size": "small"})
    assert registry.service.model_version("digits").tags == {"team": "a", "size": "small"}
    assert registry.service.verify_audit() == []


def test_row_of_the_first_versions_is_loaded_as_before(registry: Registry) -> None:
    """It has no proof, and lies in the registry of the home."""
    import cloudpickle

    with io.BytesIO() as file:
        cloudpickle.dump({"w": 1}, file)
        blob = registry.blobs.put(file.getvalue())
    old = {
        "name": "old",
        "version": None,
        "digest": blob.digest,
        "size_bytes": blob.size_bytes,
        "class_name": "builtins.dict",
        "format": "cloudpickle",
        "created_at": 1.0,
        "created_by": "ada",
        "origin": workspace_id(registry.settings.home),
    }
    from jupyter_mlops.wire import from_json

    registry.store.register_model(from_json(json.loads(json.dumps(old)), ModelVersion))
    with pytest.raises(Untrusted):  # as a row that this version has made
        registry.service.load_model("old")
    with closing(sqlite3.connect(registry.settings.home / "registry.sqlite")) as database, database:
        database.execute("UPDATE model_versions SET proof = NULL")
    assert registry.service.load_model("old") == {"w": 1}


def test_damaged_file_of_a_folder_is_never_loaded(registry: Registry) -> None:
    torch = optional("torch")
    registry.service.register_model(torch.nn.Linear(2, 1), name="net")
    for blob in registry.blobs.root.glob("??/*"):
        os.chmod(blob, 0o644)
        blob.write_bytes(blob.read_bytes()[:-1] + b"!")
    with pytest.raises(Corrupt):
        open_registry(registry.settings.home).service.load_model("net")


def test_file_of_anybodys_runs_its_code_with_trust_only(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "MLmodel").write_text("flavors: {}")
    version = registry.service.register_model(str(tmp_path / "given"), name="given")
    assert version.format == "mlflow"
    trusting = open_registry(tmp_path / "home", trusted_users=("ada",))
    for each in (registry, trusting):
        with pytest.raises(Untrusted, match=r"whose author may be anybody.*given@1', trust=True"):
            each.service.load_model("given")


def test_lightgbm_predicts_columns_by_the_names_that_they_were_given(registry: Registry) -> None:
    lightgbm = optional("lightgbm")
    frame = pd.DataFrame({"b c": np.arange(60.0), "d": np.ones(60)})
    params = {"verbose": -1, "min_data_in_leaf": 2, "num_threads": 1}
    booster = lightgbm.train(params, lightgbm.Dataset(frame, frame["b c"]), num_boost_round=2)
    estimator = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1).fit(frame, frame["b c"])
    for model in (booster, estimator):
        assert registry.service.register_model(model, name="spaced").format == "lightgbm"
        found = registry.service.predict("spaced", frame[["d", "b c"]])
        np.testing.assert_array_equal(found, model.predict(frame))
