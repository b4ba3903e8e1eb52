"""Folders behind URLs, on the local disk and on a real S3 server, and claims on them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.config import Settings, load_settings
from jupyter_mlops.errors import InvalidInput, MissingPackage, Unavailable
from jupyter_mlops.remote import claims
from jupyter_mlops.remote.claims import claim
from jupyter_mlops.remote.folder import RemoteFolder, reaches_elsewhere
from jupyter_mlops.services.staging_check import check_staging
from tests import s3


@pytest.fixture(scope="module")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with s3.server(tmp_path_factory.mktemp("s3") / "log") as url:
        s3.make_bucket(url)
        yield url


@pytest.fixture
def on_s3(s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> RemoteFolder:
    for name, value in s3.credentials(s3_url).items():
        monkeypatch.setenv(name, value)
    s3.forget_servers()
    return RemoteFolder(f"s3://{s3.BUCKET}/{tmp_path.name}")


@pytest.fixture(params=["file", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> RemoteFolder:
    if request.param == "file":
        return RemoteFolder(f"file://{tmp_path}/remote")
    found: RemoteFolder = request.getfixturevalue("on_s3")
    return found


def test_objects_are_written_read_listed_and_taken_away(folder: RemoteFolder, tmp_path: Path) -> None:
    folder.put("a/one", b"1")
    folder.put("a/one", b"11")
    (tmp_path / "two").write_bytes(b"2" * 3_000_000)
    folder.put_file("a/b/two", tmp_path / "two")
    assert folder.names() == ["a/b/two", "a/one"]
    assert folder.child("a").names() == ["b/two", "one"]
    assert (folder.get("a/one"), folder.size("a/b/two")) == (b"11", 3_000_000)
    assert folder.get_many(["a/one", "a/none", "none"]) == [b"11", None, None]
    assert folder.fetch("a/b/two", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == (tmp_path / "two").read_bytes()
    folder.delete("a/one", "a/one", "never/there")
    assert folder.names() == ["a/b/two"]
    folder.delete_all()
    assert folder.names() == []


def test_what_is_not_there_is_none_and_no_error(folder: RemoteFolder, tmp_path: Path) -> None:
    assert (folder.get("x"), folder.size("x"), folder.names("x")) == (None, None, [])
    assert not folder.fetch("x", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    folder.delete_all()


def test_an_object_is_created_once(folder: RemoteFolder) -> None:
    assert folder.create("once", b"first")
    assert not folder.create("once", b"second")
    assert folder.get("once") == b"first"


def test_a_private_folder_is_not_read_by_strangers(folder: RemoteFolder) -> None:
    folder.put("secret", b"s")
    assert not folder.anyone_reads("secret")


def test_a_folder_on_a_disk_that_all_may_enter_is_read_by_strangers(tmp_path: Path) -> None:
    folder = RemoteFolder(f"file://{tmp_path}/open")
    folder.put("secret", b"s")
    for each in (tmp_path / "open", tmp_path, *tmp_path.parents):
        if not each.stat().st_mode & 0o001:
            if each != tmp_path / "open" and not str(each).startswith("/tmp"):
                pytest.skip(f"{each} is closed to others")
            each.chmod(each.stat().st_mode | 0o011)
    assert folder.anyone_reads("secret")
    (tmp_path / "open").chmod(0o700)
    assert not folder.anyone_reads("secret")


def test_one_of_many_gets_a_claim(folder: RemoteFolder) -> None:
    won: list[str] = []

    def ask(token: str) -> None:
        if claim(folder, "claim", token):
            won.append(token)

    threads = [threading.Thread(target=ask, args=(f"worker-{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert claim(folder, "claim", won[0])  # asked again, as after an answer that got lost
    assert not claim(folder, "claim", "late")


def test_where_conditions_are_ignored_the_oldest_claim_wins(
    on_s3: RemoteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on servers that take ``If-None-Match`` and write all the same."""

    def ignore(self: RemoteFolder, name: str, data: bytes) -> bool:
        self.put(name, data)
        return True

    monkeypatch.setattr(RemoteFolder, "create", ignore)
    assert not claims.creates_once(on_s3, "probe")
    test_one_of_many_gets_a_claim(on_s3)
    assert [name for name in on_s3.names() if "probe" in name] == []


def test_a_server_that_does_not_understand_the_condition_is_asked_without(
    on_s3: RemoteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: RemoteFolder, name: str, data: bytes) -> bool:
        raise Unavailable("501 Not Implemented")

    monkeypatch.setattr(RemoteFolder, "create", refuse)
    test_one_of_many_gets_a_claim(on_s3)


def test_who_claims_in_one_way_heeds_who_has_claimed_in_the_other(
    on_s3: RemoteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert claim(on_s3, "a", "with-condition")
    with monkeypatch.context() as patched:
        patched.setattr(claims, "creates_once", lambda folder, probe: False)
        assert not claim(on_s3, "a", "without")
        assert claim(on_s3, "b", "without")
    assert not claim(on_s3, "b", "with-condition")


def test_a_server_without_ages_is_not_trusted(on_s3: RemoteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_mlops.remote.folder.CONDITIONAL_PUT", frozenset())
    monkeypatch.setattr("jupyter_mlops.remote.folder.AGES", ())
    monkeypatch.setattr(claims, "SETTLE_S", 0)
    with pytest.raises(Unavailable, match="does not say when"):
        claim(on_s3, "claim", "a")


def test_a_server_that_refuses_is_unavailable_with_a_hint_at_the_credentials(on_s3: RemoteFolder) -> None:
    import s3fs

    on_s3.put("x", b"x")
    place = on_s3.url.removeprefix("s3://")
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{place}/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    server = s3fs.S3FileSystem(skip_instance_cache=True)
    server.call_s3("put_bucket_policy", Bucket=s3.BUCKET, Policy=policy)
    try:
        with pytest.raises(Unavailable, match=r"refuses access .*: check the credentials"):
            on_s3.get("x")
    finally:
        server.call_s3("delete_bucket_policy", Bucket=s3.BUCKET)


def test_a_server_that_is_away_is_unavailable(on_s3: RemoteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    program = textwrap.dedent(
        f"""
        from jupyter_mlops.errors import Unavailable
        from jupyter_mlops.remote.folder import RemoteFolder
        try:
            RemoteFolder({on_s3.url!r}).get("x")
        except Unavailable as error:
            print(error)
        """
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3.free_port()}")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert f"{on_s3.url} cannot be reached: EndpointConnectionError" in done.stdout


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("sftp://ada:secret@host/folder", InvalidInput, "carries a password"),
        ("memory://x", InvalidInput, "seen by one process only"),
        ("nonsense://x", InvalidInput, "nonsense"),
        ("gs://bucket/x", MissingPackage, "needs a package"),
    ],
)
def test_urls_that_cannot_be_used_are_refused(url: str, error: type[Exception], words: str) -> None:
    if url.startswith("gs:"):
        try:
            import gcsfs  # noqa: F401
        except ImportError:
            pass
        else:
            pytest.skip("gcsfs is installed")
    with pytest.raises(error, match=words) as raised:
        RemoteFolder(url)
    assert "secret" not in str(raised.value)


def test_without_s3fs_the_error_is_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.registry import _registry

    monkeypatch.setitem(sys.modules, "s3fs", None)
    for name in ("s3", "s3a"):
        monkeypatch.delitem(_registry, name, raising=False)
    with pytest.raises(MissingPackage, match=r"pip install 'jupyter-mlops\[s3\]'"):
        RemoteFolder("s3://bucket/folder")


def test_urls_that_mean_the_same_on_other_machines() -> None:
    assert reaches_elsewhere("s3://bucket/x")
    assert [url for url in (None, "", "/data", "file:///data", "memory://x") if reaches_elsewhere(url)] == []


def test_the_doctor_writes_and_reads_there_and_leaves_nothing(on_s3: RemoteFolder, tmp_path: Path) -> None:
    found = check_staging(settings_with(on_s3.url, tmp_path))
    assert found.ok, found
    assert "written and read in" in found.message
    assert found.message.endswith("one worker an attempt by conditional writes")
    assert on_s3.names() == []


def test_the_doctor_says_that_nothing_is_set_and_that_strangers_read(
    on_s3: RemoteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "JUPYTER_MLOPS_STAGING" in check_staging(settings_with(None, tmp_path)).message
    monkeypatch.setattr(RemoteFolder, "anyone_reads", lambda self, name: True)
    found = check_staging(settings_with(on_s3.url, tmp_path))
    assert (found.ok, found.fix) == (False, "take public access away from it")


def settings_with(staging: str | None, tmp_path: Path) -> Settings:
    return load_settings({"home": tmp_path / "home", "staging": staging}, environ={})
