"""URLs without their secrets, and digests of streams while they are read."""

from __future__ import annotations

import io

import pytest
from blake3 import blake3

from jupyter_mlops.capture.reads.urls import Tee, is_url, local_path, shown_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.org/a.csv", "https://example.org/a.csv"),
        ("https://example.org/a.csv?year=2020&part=a%20b", "https://example.org/a.csv?year=2020&part=a%20b"),
        ("https://ada:hunter2@example.org/a.csv", "https://example.org/a.csv"),
        ("https://token1234@example.org/a.csv", "https://example.org/a.csv"),
        ("https://example.org/a?token=abc&x=1", "https://example.org/a?token=[redacted]&x=1"),
        ("https://example.org/a?x=1&api_key=abc", "https://example.org/a?x=1&api_key=[redacted]"),
        (
            "https://b.s3.amazonaws.com/a?X-Amz-Credential=AK%2F1&X-Amz-Signature=0f&X-Amz-Expires=60",
            "https://b.s3.amazonaws.com/a?X-Amz-Credential=[redacted]&X-Amz-Signature=[redacted]&X-Amz-Expires=60",
        ),
        (
            "https://a.blob.core.windows.net/c/a?sv=1&sig=Zm9v",
            "https://a.blob.core.windows.net/c/a?sv=1&sig=[redacted]",
        ),
        ("https://example.org/a#access_token=abc", "https://example.org/a#access_token=[redacted]"),
        ("memory://a.csv", "memory://a.csv"),
        ("https://example.org/ghp_0123456789abcdefghijABCDEFGHIJ/a", "https://example.org/[redacted]/a"),
    ],
)
def test_secrets_are_taken_out_of_urls(url, shown):
    assert shown_url(url) == shown


def test_urls_are_told_from_paths():
    assert [is_url(text) for text in ("s3://b/k", "simplecache::s3://b/k", "/a//b", "C:\\a", "a.csv")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert local_path("file:///data/a%20b.csv") == "/data/a b.csv"
    assert local_path("https://example.org/a") is None


class Stream(io.BytesIO):
    """As fsspec's files are: Python objects with a size."""

    size = 10


def teed(limit_bytes=100):
    stream = Stream(b"0123456789")
    tee = Tee(stream, limit_bytes=limit_bytes)
    tee.attach()
    return stream, tee


def read_whole(stream):
    stream.read()


def read_in_parts(stream):
    while stream.read(3):
        pass


def read_lines(stream):
    stream.readline()


def read_into_buffers(stream):
    while stream.readinto(bytearray(4)):
        pass


def read_the_beginning_twice(stream):
    stream.read(4)
    stream.seek(0)
    stream.read()


@pytest.mark.parametrize(
    "read", [read_whole, read_in_parts, read_lines, read_into_buffers, read_the_beginning_twice]
)
def test_a_content_that_was_read_whole_has_its_digest(read):
    stream, tee = teed()
    read(stream)
    assert (tee.digest, tee.problem) == (blake3(b"0123456789").hexdigest(), "")


def test_a_content_that_was_read_in_part_says_so():
    stream, tee = teed()
    stream.read(3)
    assert (tee.digest, tee.problem) == ("", "only 3 of its 10 bytes were read")


def test_a_content_that_was_read_out_of_order_has_no_digest():
    stream, tee = teed()
    stream.seek(5)
    stream.read()
    stream.seek(0)
    stream.read(5)
    assert tee.digest == ""
    assert tee.problem == "not read from beginning to end, so its content was not hashed"


def test_a_large_content_is_not_hashed():
    stream, tee = teed(limit_bytes=4)
    stream.read()
    assert (tee.digest, tee.problem) == ("", "larger than 4 bytes, so its content was not hashed")


def test_the_reader_gets_what_it_got():
    stream, _ = teed()
    assert (stream.read(2), stream.read1(2), stream.read()) == (b"01", b"23", b"456789")
