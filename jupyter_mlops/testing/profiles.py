"""What every store of profiles must do; subclass it and give the fixture ``store``."""

from __future__ import annotations

import math
from dataclasses import replace

from ..entities import ColumnProfile, Histogram, Profile, ProfileStatus, ValueCount
from ..protocols.profiles import ProfileStore

DIGEST = "a" * 64


def ready_profile() -> Profile:
    """A profile with a value in most fields."""
    return Profile(
        digest=DIGEST,
        status=ProfileStatus.READY,
        rows=3,
        columns=[
            ColumnProfile(
                name='a "quoted"; DROP TABLE profiles --',
                type="double",
                kind="number",
                nulls=1,
                distinct=2,
                min=-1.5,
                max=2.5,
                mean=0.5,
                std=math.inf,
                quantiles={"0.5": 0.5},
                histogram=Histogram(edges=[-1.5, 0.5, 2.5], counts=[1, 1]),
                top=[ValueCount(value="größer", count=1)],
                approximate=["distinct"],
            )
        ],
        engine="duckdb 1.4",
        computed_at=1000.5,
        duration_s=0.25,
    )


class ProfileStoreContract:
    """Inherit as ``class TestMine(ProfileStoreContract)`` with a fixture ``store`` that is empty."""

    def test_content_without_a_profile_has_none(self, store: ProfileStore) -> None:
        assert store.get(DIGEST, format=1) is None

    def test_profile_comes_back_whole(self, store: ProfileStore) -> None:
        store.put(ready_profile(), format=1)
        assert store.get(DIGEST, format=1) == ready_profile()
        assert store.get("b" * 64, format=1) is None

    def test_profile_of_another_format_is_as_good_as_none(self, store: ProfileStore) -> None:
        store.put(ready_profile(), format=1)
        assert store.get(DIGEST, format=2) is None

    def test_new_profile_takes_the_place_of_the_old_one(self, store: ProfileStore) -> None:
        failed = Profile(digest=DIGEST, status=ProfileStatus.FAILED, problem="No memory.", computed_at=1.0)
        store.put(failed, format=1)
        store.put(ready_profile(), format=2)
        assert store.get(DIGEST, format=2) == ready_profile()
        assert store.get(DIGEST, format=1) is None

    def test_texts_that_a_database_cannot_hold_do_not_lose_the_profile(self, store: ProfileStore) -> None:
        odd = ColumnProfile(
            name="text",
            type="string",
            kind="text",
            nulls=0,
            top=[ValueCount(value="nul \0 here", count=2)],
        )
        store.put(replace(ready_profile(), columns=[odd]), format=1)
        found = store.get(DIGEST, format=1)
        assert found is not None
        assert [each.count for each in found.columns[0].top] == [2]
