"""The files that an fsspec URL stands for: one, a folder's, or a glob's."""

from __future__ import annotations

import difflib
import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ...capture.redact import redact_text
from ...errors import Conflict, InvalidInput, MissingPackage, MlopsError, NotFound, Unavailable
from ...remote.folder import open_url
from . import tables

CHUNK_BYTES = 8 * 1024 * 1024
WEB = ("http", "https")
"""Where a question mark begins a query, and is no pattern."""
TOKENS = ("ETag", "etag", "md5Hash", "generation", "content_settings", "Content-MD5")
"""What servers call the identity of a content; times are too coarse for that."""

DATABASES = ("sqlite", "postgresql", "postgres", "mysql", "mariadb", "oracle", "mssql", "duckdb", "snowflake")
"""Schemes of SQLAlchemy's URLs."""

_PACKAGES = {
    "s3": "'jupyter-mlops[s3]'",
    "s3a": "'jupyter-mlops[s3]'",
    "http": "aiohttp",
    "https": "aiohttp",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
    "hdfs": "pyarrow",
    "smb": "smbprotocol",
    "oci": "ocifs",
    "hf": "huggingface_hub",
}
"""What installs the client of a protocol."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file behind a URL: its path below the folder (empty of a single file), where it lies, and its size.

    ``token`` changes with the content; empty where the server has none. A server may not tell a size.
    """

    relative: str
    place: str
    size: int | None
    token: str = ""


class RemoteFiles:
    """Reads them; work with it inside of ``reaching``, which makes libraries' errors ours."""

    def __init__(self, url: str) -> None:
        """Raises MissingPackage, InvalidInput for a URL that means nothing, and as ``reaching`` does."""
        self.url = url
        self.shown = redact_text(without_password(url))
        scheme = url.partition(":")[0]
        try:
            with self.reaching():  # an archive (zip://*::…) is opened at once
                self._fs, self._whole = open_url(url)
        except MissingPackage as error:
            package = _PACKAGES.get(scheme, scheme)
            raise MissingPackage(f"{self.shown} needs a package: pip install {package}") from error
        except InvalidInput as error:
            why = _words(error.__cause__ or error).replace(_password(url) or url, "…")
            raise InvalidInput(f"{self.shown!r} is no URL that can be read: {why}.{_hint(scheme)}") from error

    @property
    def name(self) -> str:
        """The last part of the path, that of the folder for a glob."""
        scheme, _, rest = _split(self.url)[0 if self._pattern else 2].partition("://")
        path = rest.partition("?")[0] if scheme in WEB else rest
        return path.rstrip("/").rpartition("/")[2]

    def check_referable(self) -> None:
        """Raises InvalidInput for a URL that must not be kept as it is."""
        if self.shown != self.url:
            raise InvalidInput(
                f"{self.shown} carries a password or a signature, which must not be kept. Use copy=True, or "
                "put it where the client looks for it (~/.config/fsspec/conf.json, ~/.aws/credentials, the "
                "environment)."
            )

    def listed(self) -> list[Remote]:
        """The files, sorted; none when there is nothing."""
        if self._pattern:
            return self._remotes(self._fs.glob(f"{self._root}/{self._pattern}", detail=True))
        info = self._info
        if info is None:
            return []
        if info["type"] != "directory":
            return [_remote("", info, self._root)]
        return self._remotes(self._fs.find(self._root, detail=True))

    def file(self, relative: str, size: int) -> Remote:
        """A file of a folder that is known already."""
        return Remote(relative, f"{self._root}/{relative}" if relative else self._root, size)

    def contents(self, files: Sequence[Remote]) -> list[bytes]:
        """Of small files, together. Raises Conflict when one is not as long as it was listed."""
        whole = [None] * len(files)
        # its brother cat() takes names with brackets for patterns
        found: list[bytes] = self._fs.cat_ranges(
            [file.place for file in files], whole, whole, on_error="raise"
        )
        for file, content in zip(files, found, strict=True):
            if len(content) != file.size:
                raise Conflict(f"{file.place} changed while it was fetched. Try again when that has ended.")
        return found

    def fetch(self, file: Remote, target: Path) -> None:
        """Into a new local file."""
        self._fs.get_file(file.place, str(target))

    def digest(self, file: Remote) -> tuple[str, int]:
        """Of its content, which is not kept, and how long it was. Raises Conflict when it changes."""
        from blake3 import blake3

        hasher, size = blake3(), 0
        with self._fs.open(file.place, "rb", block_size=CHUNK_BYTES) as opened:
            while chunk := opened.read(CHUNK_BYTES):
                hasher.update(chunk)
                size += len(chunk)
        now = _remote(file.relative, self._fs.info(file.place), file.place)
        if file.size not in (None, size) or now.token != file.token:
            raise Conflict(f"{file.place} changed while it was read. Try again when that has ended.")
        return str(hasher.hexdigest()), size

    def shape(self, file: Remote) -> tables.Shape | None:
        """Of a Parquet file, whose end alone is read; None of others, which would have to be fetched."""
        if not self.name.endswith(".parquet"):
            return None
        try:
            with self._fs.open(file.place, "rb") as opened:
                return tables.parquet_shape(opened)
        except (ValueError, OSError):  # it is no table then
            return None

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Whatever the file system's library raises becomes one of our errors: each has a tree of its own."""
        try:
            yield
        except MlopsError:
            raise
        except FileNotFoundError as error:
            if (why := _unreached(error)) is not None:
                raise Unavailable(f"{self.shown} cannot be reached: {_words(why)}.") from error
            raise NotFound(f"Nothing at {self.shown}: {_words(error)}.") from error
        except PermissionError as error:
            raise Unavailable(
                f"{self.shown} refuses access ({_words(error)}): check this machine's credentials for it."
            ) from error
        except ImportError as error:
            raise MissingPackage(f"{self.shown} needs a package: {_words(error)}") from error
        except Exception as error:
            raise Unavailable(
                f"{self.shown} cannot be reached: {type(error).__name__}: {_words(error)}."
            ) from error

    @cached_property
    def _info(self) -> dict[str, Any] | None:
        """What is there by exactly this name, if anything is."""
        try:
            info: dict[str, Any] = self._fs.info(self._whole)
        except FileNotFoundError as error:
            if _unreached(error) is not None:
                raise
            return None
        return info

    @cached_property
    def _pattern(self) -> str:
        """Of a glob; what exists is meant as it stands, also with a bracket in its name."""
        _, pattern, _ = _split(self.url)
        return pattern if pattern and self._info is None else ""

    @cached_property
    def _root(self) -> str:
        root: str = open_url(_split(self.url)[0])[1] if self._pattern else self._whole
        return root

    def _remotes(self, found: dict[str, dict[str, Any]]) -> list[Remote]:
        remotes = [
            _remote(place.removeprefix(self._root).lstrip("/"), info, place)
            for place, info in found.items()
            if info["type"] != "directory" and not place.endswith("/")
        ]
        return sorted((each for each in remotes if each.relative), key=lambda each: each.relative)


def _unreached(error: FileNotFoundError) -> OSError | None:
    """Why a server could not be asked: fsspec says of all that fails over HTTP that there is no such file."""
    cause = error.__cause__
    return cause if isinstance(cause, OSError) and not isinstance(cause, FileNotFoundError) else None


def _hint(scheme: str) -> str:
    """What a protocol of that name may have been meant to be."""
    if scheme.partition("+")[0] in DATABASES:
        return " Of a database it is a query that is registered: jupyter_mlops.sql('SELECT ...', url)."
    near = difflib.get_close_matches(scheme, _PACKAGES, n=1, cutoff=0.5)
    return f" Did you mean {near[0]}://?" if near else ""


def without_password(url: str) -> str:
    """A URL as it may be kept and shown, as far as its form tells; the user's name stays."""
    scheme, mark, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    who, at, host = place.rpartition("@")
    return f"{scheme}{mark}{who.partition(':')[0]}{at}{host}{slash}{path}"


def _password(url: str) -> str:
    """The one that stands before the host's name, as it is written; empty where there is none."""
    who = url.partition("://")[2].partition("/")[0].rpartition("@")[0]
    return who.partition(":")[2]


def _remote(relative: str, info: dict[str, Any], place: str) -> Remote:
    token = next((str(info[name]) for name in TOKENS if info.get(name)), "")
    size = info.get("size")
    return Remote(relative, place, None if size is None else int(size), token)


def _split(url: str) -> tuple[str, str, str]:
    """(the folder, the pattern below it, all): ``s3://bucket/2024/*.csv`` is of ``s3://bucket/2024``."""
    scheme, mark, rest = url.partition("://")
    if not glob.has_magic(rest.partition("?")[0] if scheme in WEB else rest):
        return url, "", url
    segments = rest.split("/")
    first = next(number for number, each in enumerate(segments) if glob.has_magic(each))
    return f"{scheme}{mark}{'/'.join(segments[:first])}", "/".join(segments[first:]), url


def _words(error: BaseException) -> str:
    return redact_text(" ".join(str(error).split()) or type(error).__name__)
