"""Models through the service: real pickles, aliases, and whose are loaded."""

from __future__ import annotations

import math
import os
import platform
import sys
import threading
import types
from dataclasses import replace
from pathlib import Path

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jupyter_mlops.entities import VersionStatus
from jupyter_mlops.errors import Corrupt, InvalidInput, MissingPackage, NotFound, Untrusted
from jupyter_mlops.services.registry.trust import workspace_id

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
        fitted(), name="digits", alias="champion", metrics={"acc": 1, "loss": math.inf}, description="first"
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


def test_own_model_of_this_workspace_is_loaded(registry: Registry, tmp_path: Path) -> None:
    registry.service.register_model(fitted(), name="digits")
    again = open_registry(tmp_path / "home")
    assert again.service.load_model("digits").predict([[1.0]]).tolist() == [1]


@pytest.mark.parametrize(("user", "home"), [("bob", "home"), ("bob", "other"), ("ada", "other")])
def test_anybody_elses_pickle_needs_trust(registry: Registry, tmp_path: Path, user: str, home: str) -> None:
    registry.service.register_model(fitted(), name="digits")
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
