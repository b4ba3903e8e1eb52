"""What every blob store must do; subclass it and give the fixture ``blobs``."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ..errors import NotFound
from ..protocols.blobs import Blob, BlobStore

HELLO = b"hello world"
HELLO_DIGEST = "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"
EMPTY_DIGEST = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
UNKNOWN = "0" * 64


class BlobStoreContract:
    """Inherit as ``class TestMine(BlobStoreContract)`` with a fixture ``blobs`` that is empty."""

    def test_put_returns_digest_and_size(self, blobs: BlobStore) -> None:
        assert blobs.put(HELLO) == Blob(HELLO_DIGEST, 11)

    def test_what_was_put_can_be_read(self, blobs: BlobStore) -> None:
        digest = blobs.put(HELLO).digest
        assert blobs.exists(digest)
        assert blobs.get(digest) == HELLO
        assert blobs.path(digest).read_bytes() == HELLO

    def test_empty_content_is_a_content(self, blobs: BlobStore) -> None:
        assert blobs.put(b"") == Blob(EMPTY_DIGEST, 0)
        assert blobs.get(EMPTY_DIGEST) == b""

    def test_putting_again_is_the_same_blob(self, blobs: BlobStore) -> None:
        assert blobs.put(HELLO) == blobs.put(HELLO)
        assert blobs.get(HELLO_DIGEST) == HELLO

    def test_file_and_bytes_have_one_identity(self, blobs: BlobStore, tmp_path: Path) -> None:
        content = bytes(range(256)) * 40_000
        file = tmp_path / "a file"
        file.write_bytes(content)
        blob = blobs.put_file(file)
        assert blob == blobs.put(content)
        assert blobs.path(blob.digest).read_bytes() == content

    def test_stored_content_does_not_follow_its_source(self, blobs: BlobStore, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(HELLO)
        blobs.put_file(file)
        file.write_bytes(b"changed")
        assert blobs.get(HELLO_DIGEST) == HELLO

    def test_path_is_read_only(self, blobs: BlobStore) -> None:
        assert blobs.path(blobs.put(HELLO).digest).stat().st_mode & 0o222 == 0

    @pytest.mark.parametrize("digest", [UNKNOWN, "", "../../etc/passwd", HELLO_DIGEST.upper(), "d7"])
    def test_unknown_digest_is_not_found(self, blobs: BlobStore, digest: str) -> None:
        assert not blobs.exists(digest)
        with pytest.raises(NotFound):
            blobs.get(digest)
        with pytest.raises(NotFound):
            blobs.path(digest)

    def test_missing_source_file_stores_nothing(self, blobs: BlobStore, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            blobs.put_file(tmp_path / "none")

    def test_all_that_is_stored_is_listed_and_can_be_deleted(self, blobs: BlobStore) -> None:
        assert list(blobs.stored()) == []
        blobs.put(HELLO)
        blobs.put(b"")
        found = {each.digest: each for each in blobs.stored()}
        assert {digest: each.size_bytes for digest, each in found.items()} == {
            HELLO_DIGEST: 11,
            EMPTY_DIGEST: 0,
        }
        assert all(abs(each.stored_at - time.time()) < 3600 for each in found.values())
        blobs.delete(HELLO_DIGEST)
        blobs.delete(HELLO_DIGEST)
        blobs.delete(UNKNOWN)
        blobs.delete("../../etc/passwd")
        assert [each.digest for each in blobs.stored()] == [EMPTY_DIGEST]
        assert not blobs.exists(HELLO_DIGEST)
        with pytest.raises(NotFound):
            blobs.get(HELLO_DIGEST)

    def test_only_what_was_stored_before_a_time_is_deleted(self, blobs: BlobStore) -> None:
        digests = [each.digest for each in (blobs.put(HELLO), *blobs.put_many([b"", b"a", b"b"]))]
        wanted = [UNKNOWN, "../../etc/passwd", *digests[:3]]
        assert blobs.delete_many(wanted, before=time.time() - 3600) == []
        assert all(blobs.exists(digest) for digest in digests)
        assert blobs.delete_many(wanted, before=time.time() + 3600) == digests[:3]
        assert blobs.delete_many(wanted, before=time.time() + 3600) == []
        assert [each.digest for each in blobs.stored()] == digests[3:]
        assert blobs.unreadable() == []

    def test_many_small_contents_are_stored_at_once(self, blobs: BlobStore) -> None:
        contents = [b"%d" % number for number in range(700)]
        stored = blobs.put_many([*contents, b"7", HELLO, b""])
        assert stored[:700] == blobs.put_many(iter(contents))
        assert stored[-3:] == [stored[7], Blob(HELLO_DIGEST, 11), Blob(EMPTY_DIGEST, 0)]
        assert blobs.put_many([]) == []
        assert blobs.missing({each.digest for each in stored}) == set()
        assert blobs.missing([HELLO_DIGEST, UNKNOWN]) == {UNKNOWN}
        assert blobs.get(stored[7].digest) == b"7"
        assert blobs.path(HELLO_DIGEST).read_bytes() == HELLO
        assert blobs.put(HELLO) == Blob(HELLO_DIGEST, 11)
        assert len(list(blobs.stored())) == 702
        for each in stored[:600]:
            blobs.delete(each.digest)
        assert not blobs.exists(stored[7].digest)
        with pytest.raises(NotFound):
            blobs.get(stored[7].digest)
        assert blobs.get(stored[650].digest) == b"650"
        assert len(list(blobs.stored())) == 102
