"""Jobs that Slurm's controller has forgotten, on a real Slurm that keeps accounts in a real database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.entities import Cause
from jupyter_mlops.protocols.jobs import Begun, Presence, Sighting
from tests.slurm import Cluster, cluster
from tests.slurm_desk import PATIENCE_S, Desk, executor_of
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    with cluster(accounts=True, min_job_age_s=2) as made:
        yield made


@pytest.fixture
def desk(slurm: Cluster, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(slurm, tmp_path)
    yield made
    made.go.touch()


def test_accounts_tell_how_forgotten_jobs_ended_and_a_new_agent_reads_them(desk: Desk) -> None:
    cancelled, failed, unheard = (desk.start(options={"slurm": {"nodelist": "n1"}}) for _ in range(3))
    for each in (cancelled, failed, unheard):
        desk.wait_for(each, Presence.ALIVE)
    numbers = [desk.number(each) for each in (cancelled, failed, unheard)]
    desk.slurm.ask("scancel", numbers[0])
    desk.slurm.ask("scancel", "--signal=KILL", "--batch", numbers[1])
    desk.slurm.ask("scancel", numbers[2])
    _forget_the_answer(desk, unheard)
    wait_until(lambda: not set(numbers) & set(desk.slurm.states()), timeout_s=PATIENCE_S)
    taker = executor_of(desk.slurm, desk.folder)
    assert desk.wait_for(cancelled, Presence.GONE, taker) == Sighting(
        presence=Presence.GONE,
        reason=f"it was cancelled in Slurm by root: job {numbers[0]} of Slurm (n1)",
        cause=Cause.USER,
    )
    sighting = desk.wait_for(failed, Presence.GONE, taker)
    assert (sighting.cause, "SIGKILL" in sighting.reason) == (Cause.START, True)
    sighting = desk.wait_for(unheard, Presence.GONE, taker)
    assert (sighting.cause, f"job {numbers[2]} of Slurm" in sighting.reason) == (Cause.USER, True)


def test_job_that_only_the_accounts_know_is_not_given_up_while_they_are_away(desk: Desk) -> None:
    begun = desk.start()
    number = desk.number(begun)
    desk.slurm.ask("scancel", number)
    wait_until(lambda: number not in desk.slurm.states(), timeout_s=PATIENCE_S)
    desk.slurm.kill_accounts()
    taker = executor_of(desk.slurm, desk.folder)
    assert desk.wait_for(begun, Presence.WAITING, taker).reason == f"was handed over to Slurm as job {number}"
    wait_until(lambda: _asked_again(desk, begun, taker))
    desk.slurm.start_accounts()
    assert desk.wait_for(begun, Presence.GONE, taker).cause is Cause.USER


def _asked_again(desk: Desk, begun: Begun, taker) -> bool:
    """It waits, though Slurm has answered since."""
    snapshot = taker._desk.snapshot
    return (
        desk.see(begun, taker).presence is Presence.WAITING and snapshot is not None and not snapshot.entries
    )


def _forget_the_answer(desk: Desk, begun: Begun) -> None:
    path = begun.folder / "attempts" / "1" / "executor.json"
    path.write_text(json.dumps({**desk.receipt(begun), "id": None}))
