"""What every sweep store must do; subclass it and give the fixture ``store``. And sweeps to test with."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ..entities import Distribution, Goal, Sweep, SweepSpec, SweepStatus, new_id
from ..errors import Ambiguous, Conflict, NotFound
from ..protocols.sweeps import SweepStore
from .jobs import job_spec


def sweep_spec(*, submitted_at: float = 1_700_000_000.0, **changes: Any) -> SweepSpec:
    """A random search for the greatest ``acc`` over ``lr``; ``gpus`` and ``cpus`` are the template's."""
    wanted = {name: changes.pop(name) for name in ("gpus", "cpus", "cwd") if name in changes}
    values: dict[str, Any] = {
        "id": new_id(submitted_at),
        "name": "search",
        "experiment": "digits",
        "submitted_at": submitted_at,
        "space": {"lr": Distribution(kind="loguniform", low=1e-5, high=0.1)},
        "trials": 4,
        "sampler": "random",
        "template": job_spec(submitted_at=submitted_at, **wanted),
        "goal": Goal(metric="acc", direction="maximize"),
        "seed": 7,
        "user": "ada",
        **changes,
    }
    return SweepSpec(**values)


def running_sweep(**changes: Any) -> Sweep:
    """A sweep as it is when it has just been submitted."""
    return Sweep(spec=sweep_spec(**changes), status=SweepStatus.RUNNING)


class SweepStoreContract:
    """Inherit as ``class TestMine(SweepStoreContract)`` with a fixture ``store`` that is empty."""

    def test_added_sweep_is_read_back_whole(self, store: SweepStore) -> None:
        sweep = running_sweep(
            space={
                "lr": Distribution(kind="loguniform", low=1e-5, high=0.1),
                "layers": Distribution(kind="int", low=1, high=8, step=2),
                "kind": Distribution(kind="choice", choices=["a", 1, 0.5, True, None]),
            },
            pruner="median",
            parallel=2,
        )
        added = store.add(sweep)
        assert added == store.get(sweep.id)
        assert added.spec == sweep.spec
        assert (added.status, added.counts, added.best, added.best_params) == ("running", {}, None, {})
        assert added.seq > 0

    def test_same_id_twice_is_a_conflict(self, store: SweepStore) -> None:
        sweep = store.add(running_sweep())
        with pytest.raises(Conflict, match=sweep.id):
            store.add(sweep)

    def test_unique_end_of_an_id_finds_the_sweep(self, store: SweepStore) -> None:
        sweep = store.add(running_sweep())
        assert store.get(sweep.id[-6:].upper()) == sweep

    @pytest.mark.parametrize("unknown", ["nothing", "", "abc", "%%%%", "____"])
    def test_unknown_sweep_is_not_found(self, store: SweepStore, unknown: str) -> None:
        store.add(running_sweep())
        with pytest.raises(NotFound, match="%mlops sweeps"):
            store.get(unknown)

    def test_end_of_several_ids_is_ambiguous(self, store: SweepStore) -> None:
        ids = ["0" * 20 + "aabbcc", "1" * 20 + "aabbcc"]
        for each in ids:
            store.add(running_sweep(id=each))
        with pytest.raises(Ambiguous) as caught:
            store.get("aabbcc")
        assert all(each in caught.value.message for each in ids)

    @pytest.mark.parametrize("value", [0.5, -3.0, math.inf, -math.inf])
    def test_update_sets_fields_and_a_new_seq(self, store: SweepStore, value: float) -> None:
        sweep = store.add(running_sweep())
        changed = store.update(
            sweep,
            status=SweepStatus.FINISHED,
            reason="why",
            ended_at=5.0,
            counts={"finished": 2},
            best=1,
            best_value=value,
            best_params={"lr": 0.1},
        )
        assert changed is not None
        assert changed == store.get(sweep.id)
        assert (changed.status, changed.reason, changed.ended_at) == (SweepStatus.FINISHED, "why", 5.0)
        assert (changed.counts, changed.best, changed.best_value) == ({"finished": 2}, 1, value)
        assert changed.best_params == {"lr": 0.1}
        assert changed.seq > sweep.seq

    def test_whatever_was_said_is_kept_as_far_as_it_can_be(self, store: SweepStore) -> None:
        said = store.update(store.add(running_sweep()), reason="bad '\0' in \udcff.csv")
        assert said is not None
        assert said.reason == "bad '\ufffd' in \ufffd.csv"

    def test_update_of_a_sweep_that_changed_meanwhile_is_refused(self, store: SweepStore) -> None:
        sweep = store.add(running_sweep())
        store.update(sweep, reason="first")
        assert store.update(sweep, reason="second") is None
        assert store.get(sweep.id).reason == "first"

    def test_cancelling_marks_the_sweep(self, store: SweepStore) -> None:
        sweep = store.add(running_sweep())
        cancelled = store.request_cancel(sweep, user="bob", time=7.0)
        assert cancelled is not None
        assert (cancelled.status, cancelled.cancel_requested) == (SweepStatus.RUNNING, True)
        assert cancelled.reason == "cancelled by bob"
        assert store.request_cancel(sweep, user="bob", time=8.0) is None

    def test_search_finds_newest_first_by_what_is_asked(self, store: SweepStore) -> None:
        sweeps = [store.add(running_sweep(submitted_at=float(n))) for n in range(3)]
        store.update(sweeps[1], status=SweepStatus.FAILED)
        ids = [sweep.id for sweep in sweeps]
        assert [sweep.id for sweep in store.search()] == ids[::-1]
        assert [sweep.id for sweep in store.search(limit=1, offset=1)] == [ids[1]]
        assert [sweep.id for sweep in store.search(status=SweepStatus.FAILED)] == [ids[1]]
        assert [sweep.id for sweep in store.open()] == [ids[0], ids[2]]

    def test_changes_name_what_changed_since(self, store: SweepStore) -> None:
        first, second = store.add(running_sweep()), store.add(running_sweep())
        seq, ids = store.changes(0)
        assert (seq, ids) == (second.seq, [first.id, second.id])
        store.update(first, reason="why")
        later, ids = store.changes(seq)
        assert (later > seq, ids) == (True, [first.id])
        assert store.changes(later) == (later, [])
