"""``track`` around blocks and functions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jupyter_mlops.api.tracking import track
from jupyter_mlops.config import load_settings
from jupyter_mlops.entities import RunStatus
from jupyter_mlops.errors import InvalidInput
from jupyter_mlops.workspace import Workspace, use


def batches() -> Iterator[int]:
    yield 1


async def arriving_batches() -> AsyncIterator[int]:
    yield 1


@pytest.mark.parametrize("function", [batches, arriving_batches])
def test_a_generator_is_refused_by_name_when_it_is_decorated(function: object) -> None:
    with pytest.raises(InvalidInput, match=r"generator (arriving_)?batches"):
        track("epoch")(function)  # type: ignore[type-var]


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    workspace = Workspace(load_settings({"home": tmp_path}, environ={}))
    use(workspace)
    yield workspace
    use(None)


@track("decorated")
def train() -> str:
    return "trained"


@track()
async def train_later() -> str:
    return "trained"


def test_a_tracked_function_is_recorded_with_its_code(workspace: Workspace) -> None:
    assert train() == "trained"
    assert asyncio.run(train_later()) == "trained"
    details = {run.name: workspace.runs.detail(run.id) for run in workspace.runs.search().runs}
    assert details["decorated"].source == '@track("decorated")\ndef train() -> str:\n    return "trained"\n'
    assert details["train_later"].source.startswith("@track()\nasync def train_later()")
    assert {detail.run.status for detail in details.values()} == {RunStatus.FINISHED}


def test_a_tracked_block_is_recorded_with_the_code_around_it(workspace: Workspace) -> None:
    with track("block", params={"lr": 0.1}, tags={"team": "a"}) as run:
        run.log({"loss": 1.0})
    detail = workspace.runs.detail(run.id)
    assert 'with track("block"' in detail.source
    assert (detail.run.params, detail.run.tags, detail.run.metrics["loss"].last) == (
        {"lr": 0.1},
        {"team": "a"},
        1.0,
    )


def test_a_block_that_raises_ends_its_run_as_failed_and_goes_on(workspace: Workspace) -> None:
    with pytest.raises(ZeroDivisionError), track("block"):
        _ = 1 / 0
    (run,) = workspace.runs.search().runs
    error = workspace.runs.detail(run.id).error
    assert (run.status, error.name if error else None) == (RunStatus.FAILED, "ZeroDivisionError")
