"""The contents of versions, as local files and folders that are what was registered."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...entities import DatasetKind, DatasetVersion, Storage, reference_text
from ...errors import Conflict, ContentChanged, InvalidInput, NotFound
from ...hashing import hash_file
from ...protocols.blobs import BlobStore
from .cache import DatasetCache
from .folders import manifest_of
from .hashes import HashMemory
from .remote_files import RemoteFiles
from .sources.paths import digest_at, group_at, is_glob
from .sources.urls import is_url

PLACES = "places"
MOST_PLACES = 8
"""Of so many places where a content was seen the newest are kept."""


class Contents:
    """Finds what a version consists of: in the blobs, or where it was left.

    A reference is looked at each time: what is known of unchanged files is not read again. The place may hold
    something else by now; then the blobs are asked, and the other places at which the same content was
    registered. What was fetched from a URL once is kept, and taken from there.
    """

    def __init__(self, blobs: BlobStore, cache: DatasetCache, hashes: HashMemory, home: Path) -> None:
        self._blobs = blobs
        self._cache = cache
        self._hashes = hashes
        self._places = home / "cache" / PLACES

    def path(self, version: DatasetVersion) -> Path:
        """A local file or folder with the content, to be read only.

        Raises NotFound, Corrupt, ContentChanged when a reference holds something else, Unavailable.
        """
        if version.storage is Storage.COPY or version.uri is None:
            try:
                return self._copy(version)
            except NotFound as error:
                raise error if version.storage is Storage.COPY else _left_behind(version) from error
        problem: NotFound | ContentChanged | None = None
        for uri in dict.fromkeys((version.uri, *self._seen(version.digest))):
            try:
                return self._fetched(version, uri) if is_url(uri) else self._original(version, uri)
            except (NotFound, ContentChanged) as error:
                problem = problem or error
        assert problem is not None
        if self._is_stored(version):
            return self._copy(version)
        raise problem

    def note(self, digest: str, uri: str) -> None:
        """A place where this content lies, for the time when the first one is gone."""
        place = self._places / digest
        with suppress(OSError, UnicodeError):
            seen = self._seen(digest)
            if "\n" in uri or uri in seen[:1]:
                return
            known = [each for each in seen if each != uri][: MOST_PLACES - 1]
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = place.with_name(f".{digest}.{os.getpid()}")
            temporary.write_bytes(b"\n".join(os.fsencode(each) for each in (uri, *known)))
            os.replace(temporary, place)

    def _seen(self, digest: str) -> list[str]:
        try:
            return os.fsdecode((self._places / digest).read_bytes()).split("\n")
        except OSError:
            return []

    def _copy(self, version: DatasetVersion) -> Path:
        if version.kind is DatasetKind.FOLDER:
            return self._cache.folder(version.digest, version.file_name)
        return self._cache.file(version.digest, version.file_name)

    def _is_stored(self, version: DatasetVersion) -> bool:
        """Whether the blobs happen to have the content as well."""
        if version.kind is not DatasetKind.FOLDER:
            return self._blobs.exists(version.digest)
        manifest = manifest_of(version.digest, self._blobs)
        return not self._blobs.missing({digest for digest, _ in manifest.files.values()})

    def _original(self, version: DatasetVersion, uri: str) -> Path:
        path = Path(uri)
        try:
            found = digest_at(path, version.kind, self._hashes)
        except (FileNotFoundError, NotADirectoryError, NotFound):
            raise _gone(version, uri) from None
        except (InvalidInput, Conflict, OSError) as error:
            why = error.message if isinstance(error, (InvalidInput, Conflict)) else str(error)
            raise _changed(version, uri, f"It is no longer what it was: {why}") from error
        if found != version.digest:
            raise _changed(version, uri, f"It has the digest {found} now, and had {version.digest}.")
        return self._linked(version, path) if version.kind is DatasetKind.FOLDER and is_glob(path) else path

    def _linked(self, version: DatasetVersion, path: Path) -> Path:
        """A folder of links to the files of a glob: next to them others may lie."""
        targets = {file.relative: file.path for file in group_at(path).files}
        return self._cache.links(version.digest, version.file_name, targets)

    def _fetched(self, version: DatasetVersion, uri: str) -> Path:
        kept = self._cache.kept(version.digest, version.file_name)
        if kept is not None:
            return kept
        there = RemoteFiles(uri)

        def fetch(relative: str, digest: str, size: int, target: Path) -> None:
            with there.reaching():
                there.fetch(there.file(relative, size), target)
            if (found := hash_file(target)[0]) != digest:
                place = f"{uri}: {relative}" if relative else uri
                raise _changed(version, place, f"It has the digest {found} now, and had {digest}.")
            os.chmod(target, 0o444)

        try:
            if version.kind is DatasetKind.FOLDER:
                return self._cache.folder(version.digest, version.file_name, fetch)
            return self._cache.fetched(
                version.digest,
                version.file_name,
                lambda target: fetch("", version.digest, version.size_bytes, target),
            )
        except NotFound as error:
            raise NotFound(f"{_gone(version, uri).message} {error.message}") from error


def _left_behind(version: DatasetVersion) -> NotFound:
    """Of a dataset that came with a model only what is known of it is here."""
    return NotFound(
        f"The content of dataset {reference_text(version)} is not here: it stayed where a model that "
        "was made from it was exported. Register the same data here, or export the model with its data: "
        "jupyter mlops export MODEL FILE --with-data"
    )


def _gone(version: DatasetVersion, uri: str) -> NotFound:
    return NotFound(
        f"The dataset {reference_text(version)} refers to {uri!r}, which is not there any more. Put it back, "
        "or register its new place under the same name: the same content is the same version."
    )


def _changed(version: DatasetVersion, uri: str, how: str) -> ContentChanged:
    return ContentChanged(
        f"The dataset {reference_text(version)} refers to {uri!r}, whose content has changed since. {how} "
        "Put the old content back, or register the new one: it will be the next version of "
        f"{version.name!r}. With copy=True a version keeps a copy of its own."
    )
