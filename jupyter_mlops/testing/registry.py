"""What every registry store must do; subclass it and give the fixture ``store``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ..entities import (
    Column,
    DatasetKind,
    DatasetVersion,
    Details,
    ModelVersion,
    VersionRef,
    VersionStatus,
)
from ..errors import Conflict, NotFound
from ..protocols.registry import RegistryChanges, RegistryStore

RUN = "01hzzzzzzzzzzzzzzzzzzzzzz1"
OTHER_RUN = "01hzzzzzzzzzzzzzzzzzzzzzz2"


def dataset_version(name: str = "train", digest: str = "a" * 64, **changes: object) -> DatasetVersion:
    """A dataset version that no registry has seen."""
    version = DatasetVersion(
        name=name,
        version=None,
        kind=DatasetKind.FILE,
        digest=digest,
        size_bytes=12,
        file_name="train.csv",
        created_at=1000.5,
        created_by="ada",
        rows=3,
        columns=[Column(name="x", type="int64")],
        source="/data/train.csv",
        status=VersionStatus.PENDING,
    )
    return replace(version, **changes)  # type: ignore[arg-type]


def model_version(name: str = "digits", digest: str = "b" * 64, **changes: object) -> ModelVersion:
    """A model version that no registry has seen."""
    version = ModelVersion(
        name=name,
        version=None,
        digest=digest,
        size_bytes=34,
        class_name="sklearn.svm.SVC",
        format="cloudpickle",
        created_at=1001.5,
        created_by="ada",
        packages={"scikit-learn": "1.5"},
        metrics={"acc": 0.9, "loss": float("inf")},
        origin="here",
        status=VersionStatus.PENDING,
    )
    return replace(version, **changes)  # type: ignore[arg-type]


class RegistryStoreContract:
    """Inherit as ``class TestMine(RegistryStoreContract)`` with a fixture ``store`` that is empty."""

    def test_empty_registry_lists_nothing(self, store: RegistryStore) -> None:
        assert (store.datasets(), store.models(), store.audit(), store.verify_audit()) == ([], [], [], [])
        assert store.changes(0) == RegistryChanges(seq=0)

    def test_registered_dataset_is_numbered_and_comes_back_whole(self, store: RegistryStore) -> None:
        registered = store.register_dataset(dataset_version(run_id=RUN))
        assert registered == dataset_version(run_id=RUN, version=1, status=VersionStatus.READY)
        assert store.dataset_version("train", 1) == registered
        assert store.dataset_version("train") == registered
        assert store.dataset_of_digest("train", "a" * 64) == registered
        assert [each.versions for each in store.datasets()] == [[registered]]

    def test_contents_are_found_under_any_name_newest_first(self, store: RegistryStore) -> None:
        first = store.register_dataset(dataset_version(created_at=1.0))
        copy = store.register_dataset(dataset_version("copy", created_at=2.0))
        other = store.register_dataset(dataset_version(digest="c" * 64, created_at=3.0))
        assert store.datasets_of_digests(["a" * 64]) == [copy, first]
        assert store.datasets_of_digests({"a" * 64, "c" * 64, "d" * 64}) == [other, copy, first]
        assert store.datasets_of_digests([]) == []
        assert store.datasets_of_digests([f"{number:064x}" for number in range(2000)]) == []

    def test_same_content_under_one_name_is_the_existing_version(self, store: RegistryStore) -> None:
        first = store.register_dataset(dataset_version())
        assert store.register_dataset(dataset_version(created_by="bob", created_at=2000.0)) == first
        assert store.register_dataset(dataset_version("other")).version == 1
        assert [entry.action for entry in store.audit()] == ["dataset.register"] * 2

    def test_versions_count_up_and_are_listed_newest_first(self, store: RegistryStore) -> None:
        for digit in "123":
            store.register_dataset(dataset_version(digest=digit * 64))
        assert [each.version for each in store.dataset("train").versions] == [3, 2, 1]
        assert store.dataset_version("train").digest == "3" * 64

    def test_same_model_content_twice_is_two_versions(self, store: RegistryStore) -> None:
        assert [store.register_model(model_version()).version for _ in range(2)] == [1, 2]
        found = store.model_of_digest("digits", "b" * 64)
        assert found is not None
        assert found.version == 2

    def test_model_comes_back_whole_with_its_non_finite_metrics(self, store: RegistryStore) -> None:
        registered = store.register_model(model_version(run_id=RUN), alias="champion")
        expected = model_version(run_id=RUN, version=1, status=VersionStatus.READY, aliases=["champion"])
        assert registered == expected
        assert store.model_version("digits", "champion") == expected

    def test_proof_is_kept_beside_the_version_and_not_in_it(self, store: RegistryStore) -> None:
        proved = store.register_model(model_version(), proof="by me", key=f"{RUN}/w1/7")
        assert store.register_model(model_version(), proof="by eve", key=f"{RUN}/w1/7") == proved
        store.register_model(model_version())
        assert [store.model_proof("digits", each) for each in (1, 2, 3, None)] == ["by me", "", "", ""]
        assert store.model_proof("other", 1) == ""

    def test_key_is_applied_once(self, store: RegistryStore) -> None:
        key = f"{RUN}/w1/7"
        first = store.register_model(model_version(), key=key)
        assert store.register_model(model_version(), key=key) == first
        assert store.register_dataset(dataset_version(), key=f"{RUN}/w1/8").version == 1
        assert store.register_dataset(dataset_version(), key=f"{RUN}/w1/8").version == 1
        assert [len(each.versions) for each in store.models()] == [1]

    def test_replayed_key_does_not_move_an_alias_back(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="champion", key=f"{RUN}/w1/7")
        store.register_model(model_version(), alias="champion")
        store.register_model(model_version(), alias="champion", key=f"{RUN}/w1/7")
        assert store.model("digits").aliases == {"champion": 2}

    def test_model_whose_alias_was_moved_meanwhile_is_not_registered_at_all(
        self, store: RegistryStore
    ) -> None:
        store.register_model(model_version(), alias="champion", expected=None)
        before = (store.models(), store.audit(), store.changes(0))
        for expected in (None, 2):
            with pytest.raises(Conflict, match="points at version 1 now"):
                store.register_model(model_version(), alias="champion", expected=expected, key=f"{RUN}/w1/7")
        assert (store.models(), store.audit(), store.changes(0)) == before
        assert store.applied(f"{RUN}/w1/7") is None
        store.register_model(model_version(), alias="champion", expected=1, key=f"{RUN}/w1/7")
        assert store.model("digits").aliases == {"champion": 2}
        assert store.applied(f"{RUN}/w1/7") == ("digits", 2)
        assert store.keys("model", "digits", 2) == [f"{RUN}/w1/7"]
        assert store.keys("model", "digits", 1) == []

    def test_model_that_changed_since_it_was_judged_keeps_its_alias(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="new", seq=0)
        judged = store.model("digits").seq
        store.describe("model", "digits", 1, Details(card="# Digits"), user="ada")
        before = (store.models(), store.audit(), store.changes(0))
        with pytest.raises(Conflict, match="Something was decided about model 'digits' meanwhile"):
            store.move_alias("model", "digits", "champion", 1, user="bob", expected=None, seq=judged)
        for seen in (judged, 0):
            with pytest.raises(Conflict, match="Something was decided"):
                store.register_model(model_version(), alias="champion", seq=seen, key=f"{RUN}/w1/7")
        assert (store.models(), store.audit(), store.changes(0)) == before
        assert store.applied(f"{RUN}/w1/7") is None
        now = store.model("digits").seq
        assert store.move_alias("model", "digits", "champion", 1, user="bob", seq=now)
        store.register_model(model_version(), alias="champion", seq=store.model("digits").seq)
        assert store.model("digits").aliases == {"champion": 2, "new": 1}

    def test_dataset_gets_its_alias_with_its_number(self, store: RegistryStore) -> None:
        key = f"{RUN}/w1/7"
        store.register_dataset(dataset_version(created_by="bob"), alias="gold", expected=None, key=key)
        assert store.dataset("train").aliases == {"gold": 1}
        assert [(move.user, move.after) for move in store.moves("dataset", "train", "gold")] == [("bob", 1)]
        before = (store.datasets(), store.audit(), store.changes(0))
        with pytest.raises(Conflict, match="points at version 1 now"):
            store.register_dataset(dataset_version(digest="c" * 64), alias="gold", expected=None)
        assert (store.datasets(), store.audit(), store.changes(0)) == before
        store.register_dataset(dataset_version(digest="c" * 64), alias="gold", expected=1)
        store.register_dataset(dataset_version(), alias="gold", key=key)  # applied before
        assert store.dataset("train").aliases == {"gold": 2}
        seen = store.changes(0).seq
        store.register_dataset(dataset_version(), alias="gold")  # a version that is there already
        assert store.dataset("train").aliases == {"gold": 1}
        assert store.changes(seen).datasets == ["train"]

    def test_latest_is_the_newest_that_was_registered_here(self, store: RegistryStore) -> None:
        def latest() -> int | None:
            return store.dataset_version("train").version

        for digit in "12":
            store.register_dataset(dataset_version(digest=digit * 64, imported=True))
        assert latest() == 2, "only imports brought the name"
        store.register_dataset(dataset_version(digest="3" * 64))
        store.register_dataset(dataset_version(digest="4" * 64, imported=True))
        assert latest() == 3
        assert store.dataset_version("train", 4).imported
        assert [each.version for each in store.dataset("train").versions] == [4, 3, 2, 1]
        store.register_dataset(dataset_version(digest="3" * 64, imported=True))
        assert latest() == 3, "an import takes nothing away from what is here"

    def test_imported_content_that_is_registered_here_is_the_homes_own(self, store: RegistryStore) -> None:
        store.register_dataset(dataset_version(digest="1" * 64))
        store.register_dataset(dataset_version(digest="2" * 64, imported=True, created_by="bob"))
        seen = store.changes(0).seq
        mine = store.register_dataset(dataset_version(digest="2" * 64, created_by="eve"))
        assert (mine.version, mine.imported, mine.created_by) == (2, False, "bob")
        assert store.dataset_version("train") == mine
        assert store.changes(seen).datasets == ["train"]
        entry = store.audit(limit=1)[0]
        assert (entry.action, entry.subject, entry.user) == ("dataset.register", "dataset:train@2", "eve")
        trail = store.audit()
        assert store.register_dataset(dataset_version(digest="2" * 64)) == mine
        assert store.audit() == trail

    def test_dataset_gets_its_tags_with_its_number(self, store: RegistryStore) -> None:
        key = f"{RUN}/w1/7"
        first = store.register_dataset(dataset_version(tags={"a": "1"}), key=key)
        assert (first.version, first.tags) == (1, {"a": "1"})
        store.describe("dataset", "train", 1, Details(description="clean", tags={"a": "2"}), user="bob")
        store.register_dataset(dataset_version(tags={"a": "1"}), key=key)  # applied before
        assert store.details("dataset", "train", 1) == Details(description="clean", tags={"a": "2"})
        store.register_dataset(dataset_version(tags={"b": "3"}, created_by="eve"))
        assert store.details("dataset", "train", 1) == Details(description="clean", tags={"a": "2", "b": "3"})
        entry = store.audit(limit=1)[0]
        assert (entry.user, entry.action, entry.subject) == ("eve", "dataset.describe", "dataset:train@1")
        with pytest.raises(Conflict):
            store.register_dataset(
                dataset_version(digest="c" * 64, tags={"c": "4"}), alias="gold", expected=1
            )
        assert [each.version for each in store.dataset("train").versions] == [1]

    def test_model_names_a_dataset_by_the_number_that_its_content_has_by_now(
        self, store: RegistryStore
    ) -> None:
        ref = VersionRef(kind="dataset", name="train", version=None, digest="c" * 64)
        store.register_model(model_version(datasets=[ref]))
        assert store.model_version("digits").datasets == [ref]
        store.register_dataset(dataset_version())
        assert store.model_version("digits").datasets == [ref], "another content"
        store.register_dataset(dataset_version(digest="c" * 64))
        known = [VersionRef(kind="dataset", name="train", version=2, digest="c" * 64)]
        assert store.model_version("digits", 1).datasets == known
        assert store.model("digits").versions[0].datasets == known
        assert [each.versions[0].datasets for each in store.models()] == [known]
        same = store.model_of_digest("digits", "b" * 64)
        assert same is not None
        assert same.datasets == known

    def test_applied_key_asks_not_where_the_alias_is(self, store: RegistryStore) -> None:
        first = store.register_model(model_version(), alias="champion", expected=None, key=f"{RUN}/w1/7")
        again = store.register_model(model_version(), alias="champion", expected=None, key=f"{RUN}/w1/7")
        assert again.version == first.version

    def test_card_is_in_the_trail_by_its_digest(self, store: RegistryStore) -> None:
        store.register_model(model_version())
        store.describe("model", "digits", 1, Details(card="# Digits", description="x" * 2000), user="ada")
        (entry,) = store.audit(limit=1)
        assert entry.detail["card"]["from"] is None
        assert entry.detail["card"]["to"]["characters"] == 8
        assert entry.detail["description"]["to"]["characters"] == 2000
        assert len(str(entry.detail)) < 500

    def test_alias_points_at_one_version_and_its_moves_are_audited(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="champion")
        store.register_model(model_version(digest="c" * 64))
        assert store.move_alias("model", "digits", "champion", 2, user="bob", reason="better")
        moved = store.model("digits")
        assert moved.aliases == {"champion": 2}
        assert [(each.version, each.aliases) for each in moved.versions] == [(2, ["champion"]), (1, [])]
        entry = store.audit(limit=1)[0]
        assert (entry.user, entry.action, entry.subject, entry.detail) == (
            "bob",
            "alias.set",
            "model:digits@champion",
            {"alias": "champion", "from": 1, "to": 2, "reason": "better"},
        )

    def test_alias_set_where_it_points_is_no_decision(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="champion")
        before = store.changes(0)
        assert not store.move_alias("model", "digits", "champion", 1, user="bob")
        assert len(store.audit()) == 2
        assert store.changes(before.seq).models == []

    def test_deleted_alias_is_gone_and_audited(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="champion")
        assert store.move_alias("model", "digits", "champion", None, user="bob")
        assert store.model("digits").aliases == {}
        assert store.audit(limit=1)[0].detail == {"alias": "champion", "from": 1, "to": None}
        with pytest.raises(NotFound, match="champion"):
            store.move_alias("model", "digits", "champion", None, user="bob")

    def test_aliases_of_two_models_are_apart(self, store: RegistryStore) -> None:
        store.register_model(model_version("a"), alias="champion")
        store.register_model(model_version("b"))
        store.register_model(model_version("b"), alias="champion")
        assert [each.aliases for each in store.models()] == [{"champion": 1}, {"champion": 2}]

    def test_datasets_have_aliases_of_their_own(self, store: RegistryStore) -> None:
        store.register_dataset(dataset_version("digits"))
        store.register_dataset(dataset_version("digits", digest="c" * 64))
        store.register_model(model_version("digits"), alias="gold")
        assert store.move_alias("dataset", "digits", "gold", 2, user="ada")
        assert (store.dataset("digits").aliases, store.model("digits").aliases) == ({"gold": 2}, {"gold": 1})
        assert store.dataset_version("digits", "gold").digest == "c" * 64
        assert [each.aliases for each in store.datasets()[0].versions] == [["gold"], []]
        assert store.audit(limit=1)[0].subject == "dataset:digits@gold"

    def test_alias_that_was_moved_meanwhile_is_a_conflict(self, store: RegistryStore) -> None:
        store.register_model(model_version(), alias="champion")
        store.register_model(model_version(digest="c" * 64))
        assert store.move_alias("model", "digits", "champion", 2, user="bob", expected=1)
        before = store.audit()
        with pytest.raises(Conflict, match="points at version 2 now, not at version 1"):
            store.move_alias("model", "digits", "champion", 1, user="eve", expected=1)
        with pytest.raises(Conflict, match="not at no version"):
            store.move_alias("model", "digits", "champion", 1, user="eve", expected=None)
        assert store.audit() == before
        assert store.move_alias("model", "digits", "new", 1, user="eve", expected=None)

    def test_moves_of_an_alias_are_told_newest_first(self, store: RegistryStore) -> None:
        for digit in "12":
            store.register_model(model_version(digest=digit * 64))
        store.move_alias("model", "digits", "best", 1, user="ada", reason="first")
        store.move_alias("model", "digits", "best", 2, user="bob")
        store.move_alias("model", "digits", "best", 1, user="eve", rollback=True)
        store.move_alias("model", "digits", "best", None, user="eve")
        store.move_alias("model", "digits", "other", 1, user="eve")
        told = [
            (each.user, each.before, each.after, each.reason, each.rollback)
            for each in store.moves("model", "digits", "best")
        ]
        assert told == [
            ("eve", 1, None, "", False),
            ("eve", 2, 1, "", True),
            ("bob", 1, 2, "", False),
            ("ada", None, 1, "first", False),
        ]
        assert store.moves("model", "digits", "none") == []

    def test_what_is_said_may_change_and_the_trail_says_what(self, store: RegistryStore) -> None:
        store.register_dataset(dataset_version(description="as registered"))
        seen = store.changes(0)
        store.describe("dataset", "train", None, Details(owner="ada", licence="MIT"), user="ada")
        store.describe("dataset", "train", 1, Details(description="cleaned", tags={"a": "1"}), user="bob")
        found = store.dataset("train")
        assert found.details == Details(owner="ada", licence="MIT")
        assert (found.versions[0].description, found.versions[0].tags) == ("cleaned", {"a": "1"})
        assert store.dataset_version("train") == found.versions[0]
        assert store.datasets() == [found]
        assert store.details("dataset", "train", 1).tags == {"a": "1"}
        assert store.details("dataset", "train", None) == found.details
        assert store.changes(seen.seq).datasets == ["train"]
        last, first = store.audit(limit=2)
        assert (first.action, first.subject, first.user) == ("dataset.describe", "dataset:train", "ada")
        assert first.detail == {"owner": {"from": "", "to": "ada"}, "licence": {"from": "", "to": "MIT"}}
        assert last.subject == "dataset:train@1"

    def test_saying_the_same_again_is_no_decision(self, store: RegistryStore) -> None:
        store.register_model(model_version())
        store.describe("model", "digits", 1, Details(card="# Digits"), user="ada")
        before = store.audit()
        store.describe("model", "digits", 1, Details(card="# Digits"), user="bob")
        assert store.audit() == before

    def test_decisions_that_change_no_row_are_recorded(self, store: RegistryStore) -> None:
        store.register_model(model_version())
        recorded = store.record("alias.refuse", "model:digits@champion", user="eve", detail={"why": "no"})
        assert store.audit(limit=1) == [recorded]
        assert store.audit(subject="model:digits@champion") == [recorded]
        assert [each.seq for each in store.audit(before=2)] == [1]
        assert store.moves("model", "digits", "champion") == []
        assert store.verify_audit() == []

    def test_what_is_not_there_is_not_found(self, store: RegistryStore) -> None:
        store.register_model(model_version())
        store.register_dataset(dataset_version())
        for lookup in (
            lambda: store.dataset("trian"),
            lambda: store.dataset_version("trian"),
            lambda: store.dataset_version("train", 2),
            lambda: store.model("nothing"),
            lambda: store.model_version("digits", 0),
            lambda: store.model_version("digits", "champion"),
            lambda: store.model_version("nothing", "champion"),
            lambda: store.move_alias("model", "digits", "champion", 2, user="bob"),
            lambda: store.move_alias("model", "nothing", "champion", 1, user="bob"),
            lambda: store.move_alias("model", "nothing", "champion", None, user="bob"),
            lambda: store.move_alias("dataset", "digits", "champion", 1, user="bob"),
            lambda: store.details("dataset", "train", 2),
            lambda: store.describe("model", "nothing", None, Details(owner="ada"), user="ada"),
        ):
            with pytest.raises(NotFound):
                lookup()
        assert store.dataset_of_digest("train", "f" * 64) is None
        with pytest.raises(NotFound, match="Did you mean 'train'"):
            store.dataset("trian")
        assert len(store.audit()) == 2

    def test_changes_name_what_changed_since(self, store: RegistryStore) -> None:
        store.register_dataset(dataset_version("a"))
        seen = store.changes(0)
        assert (seen.datasets, seen.models) == (["a"], [])
        store.register_dataset(dataset_version("b"))
        store.register_model(model_version("m"))
        later = store.changes(seen.seq)
        assert (later.datasets, later.models) == (["b"], ["m"])
        store.move_alias("model", "m", "champion", 1, user="ada")
        last = store.changes(later.seq)
        assert (last.datasets, last.models) == ([], ["m"])
        assert store.changes(last.seq) == RegistryChanges(seq=last.seq)

    def test_any_unicode_name_is_kept_apart_exactly(self, store: RegistryStore) -> None:
        names = ["Ünï 数据 🚀", "train", "TRAIN", "100%_", "it's"]
        for name in names:
            store.register_dataset(dataset_version(name))
        assert sorted(each.name for each in store.datasets()) == sorted(names)
        assert store.dataset_version("TRAIN").name == "TRAIN"

    def test_audit_chain_is_whole(self, store: RegistryStore) -> None:
        for digit in "123":
            store.register_model(model_version(digest=digit * 64), alias="champion")
        entries = store.audit()
        assert [entry.seq for entry in entries] == [6, 5, 4, 3, 2, 1]
        assert [entry.previous for entry in entries[:-1]] == [entry.hash for entry in entries[1:]]
        assert store.verify_audit() == []
