"""What every store of feature views, and every online store, must do; give the fixture ``store``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ..entities import Column, FeatureViewVersion, Materialization, VersionRef, VersionStatus
from ..errors import Conflict, NotFound
from ..protocols.features import FeatureStore, OnlineRead, OnlineRow, OnlineStore, OnlineTable

RATING = [Column(name="rating", type="double")]


def view_version(name: str = "driver_stats", digest: str = "a" * 64, **changes: object) -> FeatureViewVersion:
    """A definition that no registry has seen."""
    version = FeatureViewVersion(
        name=name,
        version=None,
        digest=digest,
        source="rides",
        keys=["driver_id"],
        timestamp="ended_at",
        features=[],
        function="driver_stats",
        code="def driver_stats(rides):\n    return rides\n",
        created_at=1000.5,
        created_by="ada",
        ttl_s=3600.0,
        packages={"python": "3.11.7"},
        origin="here",
        status=VersionStatus.PENDING,
    )
    return replace(version, **changes)  # type: ignore[arg-type]


def materialization(
    view: FeatureViewVersion, source: int = 1, dataset: int = 1, **changes: object
) -> Materialization:
    """What a view gave from a version of ``rides``."""
    found = Materialization(
        view=VersionRef(kind="view", name=view.name, version=view.version, digest=view.digest),
        source=VersionRef(kind="dataset", name="rides", version=source, digest=f"{source}" * 64),
        dataset=VersionRef(kind="dataset", name=view.name, version=dataset, digest=f"{dataset}" * 64),
        rows=3,
        at=1000.0 + source,
        user="ada",
        duration_s=0.5,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


class FeatureStoreContract:
    """Inherit as ``class TestMine(FeatureStoreContract)`` with a fixture ``store`` that is empty."""

    def test_registered_view_is_numbered_and_comes_back_whole(self, store: FeatureStore) -> None:
        registered = store.register(view_version())
        assert registered == view_version(version=1, status=VersionStatus.READY)
        assert store.version("driver_stats") == store.version("driver_stats", 1) == registered
        assert store.of_digest("driver_stats", "a" * 64) == registered
        assert [each.versions for each in store.views()] == [[registered]]

    def test_same_definition_is_the_same_version_and_another_the_next(self, store: FeatureStore) -> None:
        first = store.register(view_version())
        assert store.register(view_version(created_by="bob", created_at=2000.0)) == first
        assert store.register(view_version(digest="b" * 64)).version == 2
        assert store.register(view_version("other")).version == 1
        assert [each.version for each in store.view("driver_stats").versions] == [2, 1]

    def test_proof_is_kept_beside_the_version_and_may_be_another_later(self, store: FeatureStore) -> None:
        registered = store.register(view_version(), proof="by me")
        store.register(view_version(), proof="by eve")
        store.register(view_version(digest="b" * 64))
        assert [store.proof("driver_stats", each) for each in (1, 2, 3, None)] == ["by me", "", "", ""]
        store.prove("driver_stats", "b" * 64, "later")
        store.prove("driver_stats", "c" * 64, "of nothing")
        assert [store.proof("driver_stats", each) for each in (1, 2)] == ["by me", "later"]
        assert store.version("driver_stats", 1) == registered

    def test_unknown_views_are_not_found(self, store: FeatureStore) -> None:
        store.register(view_version())
        assert store.of_digest("driver_stats", "f" * 64) is None
        for name, selector in (("driver_stat", None), ("driver_stats", 2), ("driver_stats", "gold")):
            with pytest.raises(NotFound):
                store.version(name, selector)
        with pytest.raises(NotFound, match="Did you mean 'driver_stats'"):
            store.view("driver_stat")

    def test_materialization_is_kept_once_and_gives_the_version_its_features(
        self, store: FeatureStore
    ) -> None:
        view = store.register(view_version())
        found = materialization(view)
        assert store.materialized(found, features=RATING) == found
        assert store.version("driver_stats").features == RATING
        again = materialization(view, dataset=2, at=2000.0)
        assert store.materialized(again, features=RATING) == found
        assert store.materialization(found.view, found.source) == found
        assert store.materialized(again, features=RATING, replace=True) == again
        assert store.materializations("driver_stats") == [again]

    def test_features_of_a_version_stay(self, store: FeatureStore) -> None:
        view = store.register(view_version())
        store.materialized(materialization(view), features=RATING)
        other = [Column(name="rating", type="string")]
        with pytest.raises(Conflict, match=r"rating \(double\).*rating \(string\)"):
            store.materialized(materialization(view, source=2), features=other)
        assert len(store.materializations("driver_stats")) == 1

    def test_materializations_are_listed_the_newest_source_first(self, store: FeatureStore) -> None:
        one = store.register(view_version())
        two = store.register(view_version(digest="b" * 64))
        computed = [
            store.materialized(materialization(view, source=source, dataset=dataset), features=RATING)
            for view, source, dataset in ((one, 1, 1), (one, 3, 3), (one, 2, 1), (two, 1, 4))
        ]
        first, third, second, other = computed
        assert store.materializations("driver_stats") == [other, third, second, first]
        assert store.materializations("driver_stats", 1) == [third, second, first]
        assert store.view("driver_stats").materializations == [other, third, second, first]
        assert [each.materializations for each in store.views()] == [[other, third, second, first]]
        assert store.materializations("driver_stats", 3) == store.materializations("people") == []

    def test_what_is_online_is_noted_with_the_materialization(self, store: FeatureStore) -> None:
        view = store.register(view_version())
        found = store.materialized(materialization(view), features=RATING)
        online = store.online(found.view, found.source, 2, user="bob")
        assert online == replace(found, online_rows=2)
        assert store.materialization(found.view, found.source) == online
        with pytest.raises(NotFound, match="was not materialised"):
            store.online(found.view, materialization(view, source=7).source, 2, user="bob")

    def test_a_view_changes_its_number_with_each_decision(self, store: FeatureStore) -> None:
        view = store.register(view_version())
        seen = [store.view("driver_stats").seq]
        found = store.materialized(materialization(view), features=RATING)
        seen.append(store.view("driver_stats").seq)
        store.online(found.view, found.source, 2, user="bob")
        seen.append(store.view("driver_stats").seq)
        store.materialized(found, features=RATING)
        assert store.view("driver_stats").seq == seen[-1]
        assert seen == sorted(set(seen))


def online_table(version: int = 1, source: int = 1, **changes: object) -> OnlineTable:
    """A table that no store has seen."""
    table = OnlineTable(
        view="driver_stats",
        version=version,
        source=VersionRef(kind="dataset", name="rides", version=source, digest="a" * 64),
        dataset=VersionRef(kind="dataset", name="driver_stats", version=source, digest="b" * 64),
        keys=["driver_id"],
        timestamp="ended_at",
        schema=b"\x00\xffschema",
        at=1000.0 + source,
        ttl_s=60.0,
    )
    return replace(table, **changes)  # type: ignore[arg-type]


def online_row(key: str, time_ns: int = 1, value: bytes = b"v") -> OnlineRow:
    return OnlineRow(key=key, time_ns=time_ns, value=value)


class OnlineStoreContract:
    """Inherit as ``class TestMine(OnlineStoreContract)`` with a fixture ``store`` that is empty."""

    def test_rows_are_read_by_their_keys_with_their_table(self, store: OnlineStore) -> None:
        put = store.replace(online_table(), [online_row("[1]"), online_row('["\\u00fc"]', 5, b"\x00")])
        read = store.read("driver_stats", None, ["[1]", "[9]", '["\\u00fc"]', "[1]"], now_ns=10)
        rows = {"[1]": online_row("[1]"), '["\\u00fc"]': online_row('["\\u00fc"]', 5, b"\x00")}
        assert read == OnlineRead(table=put, rows=rows)
        assert replace(put, generation=0) == online_table()
        assert store.tables() == [put]

    def test_a_row_of_the_future_is_not_read_before_its_time(self, store: OnlineStore) -> None:
        rows = [online_row("[1]", 5, b"a"), online_row("[1]", 9, b"b"), online_row("[2]", 9, b"c")]
        store.replace(online_table(), rows)

        def values(now_ns: int) -> dict[str, bytes]:
            read = store.read("driver_stats", 1, ["[1]", "[2]"], now_ns=now_ns)
            return {key: row.value for key, row in read.rows.items()}

        assert [values(4), values(5), values(8), values(9)] == [
            {},
            {"[1]": b"a"},
            {"[1]": b"a"},
            {"[1]": b"b", "[2]": b"c"},
        ]

    def test_a_table_takes_the_place_of_the_one_before_whole(self, store: OnlineStore) -> None:
        store.replace(online_table(), [online_row("[1]"), online_row("[2]")])
        put = store.replace(online_table(source=2), [online_row("[2]", value=b"new")])
        read = store.read("driver_stats", None, ["[1]", "[2]"], now_ns=10)
        assert read == OnlineRead(table=put, rows={"[2]": online_row("[2]", value=b"new")})

    def test_an_older_table_never_takes_the_place_of_a_newer_one(self, store: OnlineStore) -> None:
        store.replace(online_table(source=2), [online_row("[1]", value=b"new")])
        with pytest.raises(Conflict, match="online as of rides@2, which is newer than rides@1"):
            store.replace(online_table(source=1), [online_row("[1]", value=b"old")])
        assert store.read("driver_stats", None, ["[1]"], now_ns=10).rows["[1]"].value == b"new"
        again = online_table(source=2, at=5000.0)
        store.replace(again, [online_row("[1]", value=b"again")])
        assert store.read("driver_stats", None, ["[1]"], now_ns=10).rows["[1]"].value == b"again"

    def test_versions_of_a_view_are_served_side_by_side(self, store: OnlineStore) -> None:
        store.replace(online_table(2), [online_row("[1]", value=b"two")])
        store.replace(online_table(1), [online_row("[1]", value=b"one")])
        values = [
            store.read("driver_stats", version, ["[1]"], now_ns=10).rows["[1]"].value
            for version in (None, 1, 2)
        ]
        assert values == [b"two", b"one", b"two"]
        assert [(each.view, each.version) for each in store.tables()] == [
            ("driver_stats", 1),
            ("driver_stats", 2),
        ]

    def test_what_is_not_online_is_not_found(self, store: OnlineStore) -> None:
        with pytest.raises(NotFound, match="push_online"):
            store.read("driver_stats", None, ["[1]"], now_ns=10)
        store.replace(online_table(), [])
        assert store.read("driver_stats", None, ["[1]"], now_ns=10).rows == {}
        with pytest.raises(NotFound, match="Online are: driver_stats@1"):
            store.read("driver_stats", 3, [], now_ns=10)

    def test_many_keys_are_read_at_once(self, store: OnlineStore) -> None:
        keys = [f"[{number}]" for number in range(2000)]
        store.replace(online_table(), [online_row(key) for key in keys])
        read = store.read("driver_stats", None, [*keys, "[x]"], now_ns=10)
        assert sorted(read.rows) == sorted(keys)

    def test_a_table_that_cannot_be_written_whole_leaves_the_one_before(self, store: OnlineStore) -> None:
        store.replace(online_table(), [online_row("[1]")])

        def broken() -> Iterator[OnlineRow]:
            yield online_row("[2]")
            raise RuntimeError("power cut")

        with pytest.raises(RuntimeError):
            store.replace(online_table(source=2), broken())
        assert list(store.read("driver_stats", None, ["[1]", "[2]"], now_ns=10).rows) == ["[1]"]
