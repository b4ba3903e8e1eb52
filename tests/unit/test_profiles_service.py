"""Profiles of versions: computed once a content, asked for in the background, failed and tried again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from jupyter_mlops.api.profiles import DatasetProfile
from jupyter_mlops.entities import Profile, ProfileStatus
from jupyter_mlops.errors import NotFound
from jupyter_mlops.services.expectations.stating import state
from jupyter_mlops.services.profiles import service as services
from jupyter_mlops.services.profiles.background import Request, Requests, is_locked, locked
from jupyter_mlops.workspace import Workspace
from tests.datasets import workspace_in


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = workspace_in(tmp_path)
    workspace.registry.register_dataset(pd.DataFrame({"x": [1.0, 2.0]}), name="train")
    return workspace


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[Requests]:
    """Who wanted a process to be started; none is."""
    wanted: list[Requests] = []
    monkeypatch.setattr(Requests, "_spawn", lambda self: wanted.append(self))
    return wanted


def test_index_without_a_name_is_named_so_in_profiles_diffs_and_expectations(workspace: Workspace) -> None:
    for frame in (
        pd.DataFrame({"age": [1, 2, 3]}, index=[5, 8, 1]),
        pd.DataFrame({"age": [1, 2, 4, 3]}, index=[5, 8, 1, 9]),
    ):
        workspace.registry.register_dataset(frame, name="people")
        pd.testing.assert_frame_equal(workspace.registry.load_dataset("people"), frame)
    profile = workspace.profiles.of("people")
    assert [(each.name, each.type, each.max) for each in profile.columns] == [
        ("age", "int64", 4),
        ("index", "int64", 9),
    ]
    diff = workspace.diffs.diff("people@1", "people@2", ["index"])
    assert diff.rows is not None
    assert (diff.rows.added, diff.rows.changed, diff.rows.changed_columns) == (1, 1, {"age": 1})
    workspace.expectations.set("people", state("people", unique="index", between={"index": (0, 8)}))
    report = workspace.expectations.check("people")
    assert [(each.name, each.passed) for each in report.results] == [
        ("unique: index", True),
        ("between: index", False),
    ]


def test_profile_is_computed_once_a_content(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    first = workspace.profiles.of("train")
    assert (first.status, first.rows, [each.mean for each in first.columns]) == (
        ProfileStatus.READY,
        2,
        [1.5],
    )
    assert workspace.profiles.known(first.digest) == first

    def never(*_: object, **__: object) -> Profile:
        raise AssertionError("it was computed again")

    monkeypatch.setattr(services, "compute", never)
    workspace.registry.register_dataset(pd.DataFrame({"x": [1.0, 2.0]}), name="same")
    assert workspace.profiles.of("same@1") == workspace.profiles.of("train@1", wait=False) == first


def test_profile_that_is_not_waited_for_is_pending_and_asked_for_once(
    workspace: Workspace, spawned: list[Requests]
) -> None:
    digest = workspace.registry.dataset_version("train").digest
    for _ in range(2):
        pending = workspace.profiles.of("train", wait=False)
        assert pending == Profile(digest=digest, status=ProfileStatus.PENDING)
    requests = workspace.profiles.requests
    assert requests.next() == Request(digest=digest, reference="train@1", attempts=1)
    assert workspace.profiles.work() == 1
    assert workspace.profiles.of("train", wait=False).status is ProfileStatus.READY
    assert (requests.next(), requests.waiting()) == (None, False)


def test_registering_asks_for_a_profile_and_never_fails_for_it(
    tmp_path: Path, spawned: list[Requests], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_in(tmp_path, profile_when_registered=1)
    workspace.registry.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    assert (len(spawned), workspace.profiles.requests.waiting()) == (1, True)
    workspace.profiles.work()
    workspace.registry.register_dataset(pd.DataFrame({"x": [1]}), name="train")
    assert (len(spawned), workspace.profiles.requests.waiting()) == (1, False)

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Requests, "add", full)
    assert workspace.registry.register_dataset(pd.DataFrame({"x": [2]}), name="train").version == 2


def test_failure_is_kept_with_its_reason_and_tried_again_when_it_is_waited_for(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:

        def fail(*_: object, **__: object) -> Profile:
            raise MemoryError("no memory left")

        broken.setattr(services, "compute", fail)
        failed = workspace.profiles.of("train")
        assert (failed.status, failed.problem) == (ProfileStatus.FAILED, "MemoryError: no memory left")
        assert workspace.profiles.of("train", wait=False) == failed
    assert workspace.profiles.of("train").status is ProfileStatus.READY


def test_content_that_is_gone_is_a_failure_with_its_reason(workspace: Workspace) -> None:
    digest = workspace.registry.dataset_version("train").digest
    workspace.blobs.delete(digest)
    failed = workspace.profiles.of("train")
    assert failed.status is ProfileStatus.FAILED
    assert digest in failed.problem


def test_content_that_kills_its_process_again_and_again_is_given_up(
    workspace: Workspace, spawned: list[Requests]
) -> None:
    version = workspace.registry.dataset_version("train")
    requests = workspace.profiles.requests
    requests.add(version.digest, "train@1")
    for _ in range(2):  # each time the process dies before it says that it is done
        assert requests.next() is not None
    assert workspace.profiles.work() == 1
    given_up = workspace.profiles.of("train", wait=False)
    assert given_up.status is ProfileStatus.FAILED
    assert "was killed 2 times" in given_up.problem


def test_request_for_a_version_that_is_gone_does_not_hold_up_others(
    workspace: Workspace, spawned: list[Requests]
) -> None:
    version = workspace.registry.dataset_version("train")
    workspace.profiles.requests.add("b" * 64, "no such dataset@1")
    (next(iter((workspace.settings.runtime_dir).glob("profiles-*/"))) / ("c" * 64)).write_text("no JSON")
    workspace.profiles.ensure(version)
    assert workspace.profiles.work() == 2
    assert workspace.profiles.known(version.digest) is not None


def test_profile_of_an_older_format_is_computed_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = workspace.profiles.of("train")
    monkeypatch.setattr(services, "FORMAT", 99)
    assert workspace.profiles.known(first.digest) is None
    again = workspace.profiles.of("train")
    assert again == replace(first, computed_at=again.computed_at, duration_s=again.duration_s)


def test_lock_is_one_at_a_time_and_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "a.lock"
    with locked(path) as mine, locked(path, wait=False) as other:
        assert (mine, other, is_locked(path)) == (True, False, True)
    assert (is_locked(path), path.exists()) == (False, False)


def test_an_unknown_version_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        workspace.profiles.of("no")


def test_profile_shows_itself_without_letting_data_into_the_page(workspace: Workspace) -> None:
    evil = "<img src=x onerror=alert(1)>"
    frame = pd.DataFrame({evil: ["a", "a", None], "n": [1, 2, 3], "t": [evil] * 3})
    workspace.registry.register_dataset(frame, name="evil")
    shown = DatasetProfile(workspace.profiles.of("evil"), "evil@1")
    assert evil not in shown._repr_html_()
    assert "<svg" in shown._repr_html_()
    assert "1 (33.3%)" in repr(shown)
    assert (shown.rows, shown.status, shown.columns["n"].max) == (3, "ready", 3)
    assert list(shown.to_frame().index) == [evil, "n", "t"]
    assert shown.to_dict()["columns"][1]["mean"] == 2.0
