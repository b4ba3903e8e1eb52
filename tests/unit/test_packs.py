"""What happens to packs while others read, write and delete them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.artifacts.digests import digest_of
from jupyter_mlops.artifacts.local import INCOMING, PACKS, LocalBlobStore
from jupyter_mlops.artifacts.packs import Packs, _Pack

CONTENTS = [b"content %d" % number for number in range(20)]
DIGESTS = [digest_of(content) for content in CONTENTS]


@pytest.fixture
def blobs(tmp_path: Path) -> LocalBlobStore:
    store = LocalBlobStore(tmp_path)
    store.put_many(CONTENTS)
    return store


def _packs(blobs: LocalBlobStore) -> list[Path]:
    return list((blobs.root / PACKS).glob("*.pack"))


def _rewritten(pack: Path, old: bytes, new: bytes) -> None:
    os.chmod(pack, 0o644)
    pack.write_bytes(pack.read_bytes().replace(old, new))


def _stored(blobs: LocalBlobStore) -> dict[str, float]:
    listed = list(blobs.stored())
    found = {each.digest: each.stored_at for each in listed}
    assert len(found) == len(listed), "each is told once"
    return found


def test_content_in_a_file_and_in_a_pack_is_as_old_as_the_younger_of_the_two(blobs: LocalBlobStore) -> None:
    place, (pack,) = blobs.path(DIGESTS[0]), _packs(blobs)
    for loose, packed in ((1000.0, 2000.0), (2000.0, 1000.0)):
        os.utime(place, (loose, loose))
        os.utime(pack, (packed, packed))
        assert _stored(blobs)[DIGESTS[0]] == 2000.0


def test_putting_again_renews_a_copy_which_keeps_both(blobs: LocalBlobStore) -> None:
    place, (pack,) = blobs.path(DIGESTS[0]), _packs(blobs)
    for path in (place, pack):
        os.utime(path, (1000.0, 1000.0))
    blobs.put(CONTENTS[0])
    assert _stored(blobs)[DIGESTS[0]] > 1000.0
    assert blobs.delete_many(DIGESTS[:1], before=2000.0) == []
    assert place.exists()
    assert pack.exists()


def test_young_copy_of_either_kind_keeps_a_content(blobs: LocalBlobStore) -> None:
    place, (pack,) = blobs.path(DIGESTS[0]), _packs(blobs)
    for old in (place, pack):
        os.utime(place, (3000.0, 3000.0))
        os.utime(pack, (3000.0, 3000.0))
        os.utime(old, (1000.0, 1000.0))
        assert blobs.delete_many(DIGESTS[:1], before=2000.0) == []
        assert place.exists()
    os.utime(place, (1000.0, 1000.0))
    assert blobs.delete_many(DIGESTS[:1], before=2000.0) == DIGESTS[:1]
    assert not blobs.exists(DIGESTS[0])


def test_content_that_leaves_its_pack_while_it_is_listed_is_told(blobs: LocalBlobStore) -> None:
    listing = blobs.stored()
    first = next(listing)
    for digest in DIGESTS:
        LocalBlobStore(blobs.root).path(digest)
    shutil.rmtree(blobs.root / PACKS)
    assert {first.digest, *(each.digest for each in listing)} == set(DIGESTS)


def test_pack_that_is_written_anew_while_packs_are_listed_is_told(
    blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored_at, other = _Pack.stored_at, LocalBlobStore(blobs.root)

    def delete_first(pack: _Pack) -> float:
        monkeypatch.setattr(_Pack, "stored_at", stored_at)
        other.delete_many(DIGESTS[:15], before=float("inf"))
        return stored_at(pack)

    monkeypatch.setattr(_Pack, "stored_at", delete_first)
    assert set(_stored(blobs)) == set(DIGESTS[15:])


@pytest.mark.parametrize("count", [15, 20])
def test_deleted_content_is_missing_to_who_has_opened_its_pack_before(
    blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    listed, other = Packs._listed, LocalBlobStore(blobs.root)
    blobs.delete(DIGESTS[0])
    assert blobs.missing(DIGESTS) == {DIGESTS[0]}

    def delete_then(packs: Packs) -> list[_Pack]:
        monkeypatch.setattr(Packs, "_listed", listed)
        found = listed(packs)
        other.delete_many(DIGESTS[:count], before=float("inf"))
        return found

    monkeypatch.setattr(Packs, "_listed", delete_then)
    assert blobs.missing(DIGESTS) == set(DIGESTS[:count])


def test_damaged_index_holds_nothing_until_its_contents_are_put_again(blobs: LocalBlobStore) -> None:
    (pack,) = _packs(blobs)
    _rewritten(pack, bytes.fromhex(DIGESTS[0]), bytes(32))
    again = LocalBlobStore(blobs.root)
    assert again.missing(DIGESTS) == set(DIGESTS)
    assert again.unreadable() == [pack]
    again.put_many(CONTENTS)
    assert [again.get(digest) for digest in DIGESTS] == CONTENTS
    assert again.missing(DIGESTS) == set()


def test_pack_whose_contents_were_cut_holds_nothing(blobs: LocalBlobStore) -> None:
    (pack,) = _packs(blobs)
    _rewritten(pack, CONTENTS[0], b"")
    assert LocalBlobStore(blobs.root).missing(DIGESTS) == set(DIGESTS)


def test_pack_named_by_its_digest_alone_is_read(blobs: LocalBlobStore) -> None:
    (pack,) = _packs(blobs)
    pack.rename(pack.with_name(f"{pack.stem.partition('-')[0]}.pack"))
    assert LocalBlobStore(blobs.root).get(DIGESTS[0]) == CONTENTS[0]


def test_many_are_deleted_by_one_write(blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write, publish = os.write, Packs.publish

    def noted(fd: int, data: bytes) -> int:
        written.append(len(data))
        return write(fd, data)

    def published(*given: Any) -> None:
        written.append(0)
        publish(*given)

    monkeypatch.setattr("os.write", noted)
    monkeypatch.setattr(Packs, "publish", published)
    assert blobs.delete_many(DIGESTS[:5], before=float("inf")) == DIGESTS[:5]
    assert written == [5 * 32]
    assert blobs.delete_many(DIGESTS[:15], before=float("inf")) == DIGESTS[5:15]
    assert written == [5 * 32, 10 * 32, 0]
    assert blobs.delete_many(DIGESTS, before=float("inf")) == DIGESTS[15:]
    assert written == [5 * 32, 10 * 32, 0], "a pack of which nothing is left is only removed"
    assert [path for path in blobs.root.rglob("*") if path.is_file()] == []


def test_deletion_that_a_full_disk_cut_off_does_not_hide_the_next(blobs: LocalBlobStore) -> None:
    (pack,) = _packs(blobs)
    pack.with_suffix(".gone").write_bytes(bytes.fromhex(DIGESTS[0])[:10])
    blobs.delete(DIGESTS[1])
    assert LocalBlobStore(blobs.root).missing(DIGESTS) == {DIGESTS[1]}


def test_same_contents_published_again_are_not_removed_with_their_old_pack(blobs: LocalBlobStore) -> None:
    """One removes a pack of which nothing is left while another puts the same contents."""
    (old,) = _packs(blobs)
    aside = old.rename(blobs.root / "aside")
    LocalBlobStore(blobs.root).put_many(CONTENTS)
    (new,) = _packs(blobs)
    aside.rename(old)
    assert new != old
    _Pack(old, b"").remove()
    assert blobs.missing(DIGESTS) == set()


def test_two_who_write_one_pack_anew_do_not_disturb_each_other(
    blobs: LocalBlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, other, begun = _Pack.at, LocalBlobStore(blobs.root), list[Path]()

    def other_first(pack: _Pack, offset: int, size: int) -> bytes:
        monkeypatch.setattr(_Pack, "at", at)
        begun.extend((blobs.root / INCOMING).iterdir())
        other.delete_many(DIGESTS[:15], before=float("inf"))
        return at(pack, offset, size)

    monkeypatch.setattr(_Pack, "at", other_first)
    blobs.delete_many(DIGESTS[:14], before=float("inf"))
    assert len(begun) == 1, "where it is swept away when its writer is killed"
    assert LocalBlobStore(blobs.root).missing(DIGESTS) == set(DIGESTS[:15])
    assert sorted(path.parent.name for path in blobs.root.rglob("*") if path.is_file()) == [PACKS]


def test_good_copy_in_a_pack_is_used_for_a_damaged_file(blobs: LocalBlobStore) -> None:
    place = blobs.path(DIGESTS[0])
    _rewritten(place, CONTENTS[0], b"CONTENT 0")
    assert LocalBlobStore(blobs.root).get(DIGESTS[0]) == CONTENTS[0]
    assert LocalBlobStore(blobs.root).path(DIGESTS[0]).read_bytes() == CONTENTS[0]
