"""What every store of schedules must do, as tests to inherit."""

from __future__ import annotations

from typing import Any

import pytest

from ..entities import CatchUp, Overlap, Schedule, ScheduleSpec, Timing, new_id
from ..errors import Ambiguous, Conflict, NotFound
from ..protocols.schedules import ScheduleStore
from .jobs import job_spec


def schedule_spec(*, created_at: float = 1_700_000_000.0, **changes: Any) -> ScheduleSpec:
    """Every day at 03:00 UTC; ``cron``, ``timezone``, ``catch_up`` and ``overlap`` are the timing's."""
    timing = {
        name: changes.pop(name) for name in ("cron", "timezone", "catch_up", "overlap") if name in changes
    }
    values: dict[str, Any] = {
        "id": new_id(created_at),
        "name": "nightly",
        "timing": Timing(**{"cron": "0 3 * * *", "timezone": "UTC", **timing}),
        "created_at": created_at,
        "template": job_spec(submitted_at=created_at),
        "user": "ada",
        **changes,
    }
    return ScheduleSpec(**values)


def active_schedule(**changes: Any) -> Schedule:
    """A schedule as it is when it has just been made; ``next_at`` is an hour later."""
    spec = schedule_spec(**changes)
    return Schedule(spec=spec, next_at=spec.created_at + 3600)


class ScheduleStoreContract:
    """Inherit as ``class TestMine(ScheduleStoreContract)`` with a fixture ``store`` that is empty."""

    def test_added_schedule_is_read_back_whole(self, store: ScheduleStore) -> None:
        schedule = active_schedule(
            cron="*/5 9-17 * * MON-FRI",
            timezone="Europe/Berlin",
            catch_up=CatchUp.ALL,
            overlap=Overlap.ALLOW,
        )
        added = store.add(schedule)
        assert added == store.get(schedule.id)
        assert added.spec == schedule.spec
        assert (added.enabled, added.next_at, added.last_at) == (True, schedule.next_at, None)
        assert (added.last_job_id, added.reason) == (None, "")
        assert added.seq > 0

    def test_whatever_was_said_is_kept_as_far_as_it_can_be(self, store: ScheduleStore) -> None:
        said = store.update(store.add(active_schedule(name="a\0b")), reason="bad '\0' in \udcff.csv")
        assert said is not None
        assert (said.reason, said.spec.name) == ("bad '\ufffd' in \ufffd.csv", "a\ufffdb")

    def test_same_id_twice_is_a_conflict(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        with pytest.raises(Conflict, match=schedule.id):
            store.add(schedule)

    def test_unique_end_of_an_id_finds_the_schedule(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        assert store.get(schedule.id[-6:].upper()) == schedule

    @pytest.mark.parametrize("unknown", ["nothing", "", "abc", "%%%%", "____"])
    def test_unknown_schedule_is_not_found(self, store: ScheduleStore, unknown: str) -> None:
        store.add(active_schedule())
        with pytest.raises(NotFound, match="%mlops schedules"):
            store.get(unknown)

    def test_end_of_several_ids_is_ambiguous(self, store: ScheduleStore) -> None:
        for each in ("0" * 20 + "aabbcc", "1" * 20 + "aabbcc"):
            store.add(active_schedule(id=each))
        with pytest.raises(Ambiguous):
            store.get("aabbcc")

    def test_update_sets_fields_and_a_new_seq(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        changed = store.update(schedule, next_at=5.0, last_at=4.0, last_job_id="j" * 26, reason="why")
        assert changed is not None
        assert changed == store.get(schedule.id)
        assert (changed.next_at, changed.last_at, changed.last_job_id) == (5.0, 4.0, "j" * 26)
        assert (changed.reason, changed.seq > schedule.seq) == ("why", True)

    def test_update_of_a_schedule_that_changed_meanwhile_is_refused(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        store.update(schedule, reason="first")
        assert store.update(schedule, reason="second") is None
        assert store.get(schedule.id).reason == "first"

    def test_paused_schedule_is_not_among_the_enabled_and_comes_back(self, store: ScheduleStore) -> None:
        schedule, other = store.add(active_schedule()), store.add(active_schedule())
        paused = store.switch(schedule, enabled=False, next_at=None, user="bob", time=7.0)
        assert paused is not None
        assert (paused.enabled, paused.next_at, paused.reason) == (False, None, "paused by bob")
        assert [each.id for each in store.enabled()] == [other.id]
        assert store.switch(schedule, enabled=True, next_at=8.0, user="bob", time=7.0) is None
        resumed = store.switch(paused, enabled=True, next_at=9.0, user="bob", time=8.0)
        assert resumed is not None
        assert (resumed.enabled, resumed.next_at, resumed.reason) == (True, 9.0, "")

    def test_run_that_somebody_asked_for_is_noted(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        ran = store.ran(schedule, "j" * 26, user="bob", time=7.0)
        assert ran is not None
        assert ran == store.get(schedule.id)
        assert (ran.last_job_id, ran.enabled, ran.next_at) == ("j" * 26, True, schedule.next_at)
        assert store.ran(schedule, "k" * 26, user="bob", time=8.0) is None

    def test_removed_schedule_is_gone_and_who_follows_changes_notices(self, store: ScheduleStore) -> None:
        schedule = store.add(active_schedule())
        before, _ = store.changes(0)
        assert store.remove(schedule, user="bob", time=7.0)
        assert not store.remove(schedule, user="bob", time=7.0)
        with pytest.raises(NotFound):
            store.get(schedule.id)
        after, ids = store.changes(before)
        assert (after > before, ids) == (True, [])

    def test_that_a_schedule_was_removed_is_remembered(self, store: ScheduleStore) -> None:
        schedule, other = store.add(active_schedule()), store.add(active_schedule())
        store.remove(schedule, user="bob", time=7.0)
        ids = (schedule.id, other.id, schedule.id[-6:], "0" * 26)
        assert [store.was_removed(each) for each in ids] == [True, False, False, False]

    def test_search_finds_newest_first_by_what_is_asked(self, store: ScheduleStore) -> None:
        schedules = [store.add(active_schedule(created_at=float(n))) for n in range(1, 4)]
        store.switch(schedules[1], enabled=False, next_at=None, user="ada", time=5.0)
        ids = [each.id for each in schedules]
        assert [each.id for each in store.search()] == ids[::-1]
        assert [each.id for each in store.search(limit=1, offset=1)] == [ids[1]]
        assert [each.id for each in store.search(enabled=False)] == [ids[1]]
        assert [each.id for each in store.search(enabled=True)] == [ids[2], ids[0]]
        assert [each.id for each in store.enabled()] == [ids[0], ids[2]]

    def test_changes_name_what_changed_since(self, store: ScheduleStore) -> None:
        first, second = store.add(active_schedule()), store.add(active_schedule())
        seq, ids = store.changes(0)
        assert (seq, ids) == (second.seq, [first.id, second.id])
        store.update(first, reason="why")
        later, ids = store.changes(seq)
        assert (later > seq, ids) == (True, [first.id])
        assert store.changes(later) == (later, [])
