"""Aliases with gates that are wanted inside runs: gates look at runs, and whoever reads runs ingests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import jupyter_mlops as mlops
from jupyter_mlops import workspace as workspaces
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.services.registry.service import RegistryService
from jupyter_mlops.store.registry import SqlRegistryStore
from jupyter_mlops.workspace import Workspace
from tests.registries import settings_in

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Workspace]:
    """A home with a champion of accuracy 0.8 that only a better one may follow; it is in use."""
    here = Workspace(settings_in(tmp_path / "home", user="ada"))
    workspaces.use(here)
    mlops.register_dataset(pd.DataFrame({"x": [1, 2, 3]}), name="test")
    trained(0.8)
    mlops.gates("digits", "champion", better={"accuracy": "higher"})
    yield here
    workspaces.use(None)


def trained(accuracy: float, *, alias: str | None = "champion", more: int = 0) -> str:
    """A run that registers a version, and ``more`` of them after it without an alias."""
    with mlops.track("fit") as run:
        mlops.load_dataset("test")
        mlops.log(accuracy=accuracy)
        mlops.register_model({"accuracy": accuracy}, name="digits", alias=alias)
        for number in range(more):
            mlops.register_model({"more": number}, name="digits")
    run_id: str = run.id
    return run_id


def champion(here: Workspace) -> int | None:
    return here.registry.model("digits").aliases.get("champion")


def refusals(here: Workspace) -> list[object]:
    return [each.detail["to"] for each in here.registry.audit() if each.action == "alias.refuse"]


def test_a_better_version_takes_the_alias_within_its_run(here: Workspace) -> None:
    trained(0.9)
    assert (champion(here), refusals(here)) == (2, [])


def test_a_worse_version_is_registered_without_it_and_refused_once(here: Workspace) -> None:
    run_id = trained(0.7)
    assert (champion(here), refusals(here)) == (1, [2])
    here.ingestor.rebuild()
    assert [each.version for each in here.runs.detail(run_id).registered] == [2]
    assert (champion(here), refusals(here)) == (1, [2])


@pytest.mark.parametrize(("accuracy", "holder", "refused"), [(0.9, 2, []), (0.7, 1, [2])])
def test_whoever_reads_the_run_decides_where_the_registry_was_away(
    here: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    accuracy: float,
    holder: int,
    refused: list[int],
) -> None:
    with monkeypatch.context() as away:
        away.setattr(SqlRegistryStore, "register_model", _away)
        away.setattr(RegistryService, "apply", _away)
        run_id = trained(accuracy, more=2)
        assert [each.version for each in here.runs.detail(run_id).registered] == [None, None, None]
    later = Workspace(here.settings)
    assert [each.version for each in later.runs.detail(run_id).registered] == [2, 3, 4]
    assert (champion(later), refusals(later)) == (holder, refused)


def test_a_new_index_decides_what_nobody_has_taken_in(
    here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(SqlRegistryStore, "register_model", _away)
        away.setattr(RegistryService, "apply", _away)
        run_id = trained(0.9, more=1)
    here.ingestor.rebuild()
    assert [each.version for each in here.runs.detail(run_id).registered] == [2, 3]
    assert champion(here) == 2


def test_one_that_stays_pending_keeps_no_other(here: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as away:
        away.setattr(SqlRegistryStore, "register_model", _away)
        away.setattr(RegistryService, "apply", _away)
        stuck = trained(0.9)
    apply = RegistryService.apply

    def without(self: RegistryService, key: str, record: object, run_id: str, user: str) -> int:
        if run_id == stuck:
            _away()
        return apply(self, key, record, run_id, user)  # type: ignore[arg-type]

    monkeypatch.setattr(RegistryService, "apply", without)
    run_id = trained(0.95)
    assert [each.version for each in here.runs.detail(run_id).registered] == [2]
    assert champion(here) == 2


def _away(*args: object, **options: object) -> int:
    raise Unavailable("The registry cannot be reached: no route to host.")
