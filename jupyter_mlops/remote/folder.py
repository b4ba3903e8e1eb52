"""A folder behind an fsspec URL: small objects by name, whole or not there, and honest errors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from ..errors import InvalidInput, MissingPackage, MlopsError, Unavailable

ATOMIC_PUT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "memory"})
"""Protocols whose objects appear whole or not at all; elsewhere a put goes through a rename."""
CONDITIONAL_PUT = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Protocols whose servers may create an object only where there is none; whether one does is probed."""
LOCAL = frozenset({"file", "local"})
INCOMING = "incoming"
AT_ONCE = 16
AGES = ("LastModified", "last_modified", "mtime", "updated", "created")
"""What file systems call the time of an object's last change."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Aged:
    """An object's name, and when the server says that it was written."""

    name: str
    written_at: float


def open_url(url: str) -> tuple[Any, str]:
    """The file system (fsspec keeps one a process, and makes anew in a forked child) and the root.

    Raises MissingPackage, or InvalidInput for a URL that means nothing.
    """
    from fsspec.core import url_to_fs

    try:
        fs, root = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        hint = ": pip install 'jupyter-mlops[s3]'" if urlsplit(url).scheme in ("s3", "s3a") else ""
        raise MissingPackage(f"{url!r} needs a package: {error}{hint}.") from error
    except ValueError as error:
        raise InvalidInput(f"{url!r} is no place for blobs: {error}.") from error
    return fs, root.rstrip("/")


def put_whole(fs: Any, root: str, source: str, place: str) -> None:
    """Put a local file at ``place`` below ``root`` so that nobody sees half of it."""
    fs.makedirs(fs._parent(place), exist_ok=True)
    if protocols_of(fs) & ATOMIC_PUT:
        fs.put_file(source, place)
        return
    temporary = f"{root}/{INCOMING}/{uuid4().hex}"
    fs.makedirs(fs._parent(temporary), exist_ok=True)
    fs.put_file(source, temporary)
    fs.mv(temporary, place)


def protocols_of(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


def reaches_elsewhere(url: str | None) -> bool:
    """Whether other machines find the same behind it."""
    return bool(url) and urlsplit(url).scheme not in {"", "memory", *LOCAL}


class RemoteFolder:
    """Objects by names relative to ``url``. May be used by several threads.

    Every method raises Unavailable when the server does not answer or refuses: that may pass.
    """

    def __init__(self, url: str) -> None:
        """Raises InvalidInput for a URL that carries a password or that other hosts cannot see."""
        self.url = url.rstrip("/")
        parts = urlsplit(url)
        if parts.password:
            shown = url.replace(f":{parts.password}@", ":…@")
            raise InvalidInput(
                f"{shown} carries a password, which command lines and lists would show. Put it where the "
                "client looks for it (~/.config/fsspec/conf.json, ~/.aws/credentials, the environment)."
            )
        if parts.scheme == "memory":
            raise InvalidInput(
                f"{url} is seen by one process only. Give a folder that other hosts can reach."
            )
        open_url(self.url)

    def child(self, name: str) -> RemoteFolder:
        """A folder in this one."""
        return RemoteFolder(f"{self.url}/{name}")

    @property
    def is_local(self) -> bool:
        fs, _ = open_url(self.url)
        return bool(protocols_of(fs) & LOCAL)

    @property
    def puts_conditionally(self) -> bool:
        """Whether its kind of server may know how to create an object only where there is none."""
        fs, _ = open_url(self.url)
        return bool(protocols_of(fs) & CONDITIONAL_PUT)

    def get(self, name: str) -> bytes | None:
        """An object; None where there is none."""
        fs, root = open_url(self.url)
        with self._reaching():
            return _or_none(lambda: bytes(fs.cat_file(f"{root}/{name}")))
        raise AssertionError

    def get_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Several objects at once, in their order."""
        if len(names) == 1:
            return [self.get(names[0])]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.get, names))

    def fetch(self, name: str, target: Path) -> bool:
        """Stream an object into a local file; False where there is none."""
        fs, root = open_url(self.url)
        with self._reaching():
            return _or_none(lambda: fs.get_file(f"{root}/{name}", str(target)) or True) is not None
        raise AssertionError

    def size(self, name: str) -> int | None:
        fs, root = open_url(self.url)
        with self._reaching():
            return _or_none(lambda: int(fs.info(f"{root}/{name}")["size"]))
        raise AssertionError

    def put(self, name: str, data: bytes) -> None:
        """Write an object, over what was there."""
        fs, root = open_url(self.url)
        with self._reaching():
            if protocols_of(fs) & ATOMIC_PUT:
                fs.pipe_file(f"{root}/{name}", data)
                return
            place, temporary = f"{root}/{name}", f"{root}/{INCOMING}/{uuid4().hex}"
            for each in (place, temporary):
                self._make_folder(fs, fs._parent(each))
            fs.pipe_file(temporary, data)
            fs.mv(temporary, place)

    def put_file(self, name: str, path: Path) -> None:
        """Write an object from a local file, over what was there."""
        fs, root = open_url(self.url)
        with self._reaching():
            if self.is_local:
                self._make_folder(fs, f"{root}/{INCOMING}")
            put_whole(fs, root, str(path), f"{root}/{name}")

    def create(self, name: str, data: bytes) -> bool:
        """Write an object only where there is none, as far as the server knows how: see ``claims``."""
        fs, root = open_url(self.url)
        place = f"{root}/{name}"
        with self._reaching():
            if self.is_local:
                self._make_folder(fs, fs._parent(place))
                return _link(Path(place), data)
            try:
                fs.pipe_file(place, data, mode="create")
            except FileExistsError:
                return False
            return True
        raise AssertionError

    def names(self, folder: str = "") -> list[str]:
        """The names of all objects below a folder, however deep, relative to this one; sorted."""
        return sorted(each.name for each in self.aged(folder, any_age=True))

    def aged(self, folder: str, *, any_age: bool = False) -> list[Aged]:
        """The objects below a folder with their ages. Raises Unavailable where the server has none."""
        fs, root = open_url(self.url)
        with self._reaching():
            found = _or_none(lambda: fs.find(f"{root}/{folder}".rstrip("/"), detail=True)) or {}
        start = len(root) + 1
        return [
            Aged(path[start:], 0.0 if any_age else self._age(path, about))
            for path, about in found.items()
            if len(path) > start
        ]

    def delete(self, *names: str) -> None:
        """Take objects away, each by a request of its own: not every server knows how to take several."""
        if len(names) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self.delete, names))
            return
        fs, root = open_url(self.url)
        with self._reaching():
            for name in names:
                _or_none(lambda name=name: fs.rm_file(f"{root}/{name}"))  # type: ignore[misc]

    def delete_all(self) -> None:
        """Take the folder away with all that is in it."""
        self.delete(*self.names())
        if self.is_local:
            import shutil

            shutil.rmtree(open_url(self.url)[1], ignore_errors=True)

    def anyone_reads(self, name: str) -> bool:
        """Whether somebody without any credentials can read the object."""
        fs, root = open_url(self.url)
        if self.is_local:
            folder = Path(f"{root}/{name}").parent
            return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))
        stranger = _without_credentials(fs)
        if stranger is None:
            return False
        try:
            stranger.cat_file(f"{root}/{name}")
        except Exception:  # noqa: BLE001  # refused, in whatever words its library has for that
            return False
        return True

    def _age(self, path: str, about: dict[str, Any]) -> float:
        for key in AGES:
            if isinstance(value := about.get(key), datetime):
                return value.timestamp()
            if isinstance(value, (int, float)):
                return float(value)
        raise Unavailable(f"{self.url} does not say when {path} was written.")

    @staticmethod
    def _make_folder(fs: Any, folder: str) -> None:
        """Folders on a disk are the user's alone."""
        if protocols_of(fs) & LOCAL:
            os.makedirs(folder, mode=0o700, exist_ok=True)
        else:
            fs.makedirs(folder, exist_ok=True)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Whatever the file system's library raises is Unavailable: each has a tree of its own."""
        try:
            yield
        except MlopsError:
            raise
        except PermissionError as error:
            raise Unavailable(
                f"{self.url} refuses access ({error}): check the credentials of this machine for it."
            ) from error
        except Exception as error:
            raise Unavailable(f"{self.url} cannot be reached: {type(error).__name__}: {error}") from error


def _or_none(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _link(place: Path, data: bytes) -> bool:
    """``link`` is atomic on every POSIX file system; a name in use is the only thing that stops it."""
    temporary = place.with_name(f".{place.name}.{uuid4().hex}")
    try:
        temporary.write_bytes(data)
        os.link(temporary, place)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _without_credentials(fs: Any) -> Any:
    """The same server for a stranger; None where strangers are not known to be served."""
    options = {**fs.storage_options, "skip_instance_cache": True}
    if protocols_of(fs) & {"s3", "s3a"}:
        secrets = ("key", "secret", "token", "username", "password", "profile", "session")
        return type(fs)(**{k: v for k, v in options.items() if k not in secrets}, anon=True)
    if protocols_of(fs) & {"gs", "gcs"}:
        return type(fs)(**{**options, "token": "anon"})
    if protocols_of(fs) & {"abfs", "abfss", "az"}:
        kept = {k: v for k, v in options.items() if k in ("account_name", "account_host")}
        return type(fs)(**kept, anon=True)
    return None
