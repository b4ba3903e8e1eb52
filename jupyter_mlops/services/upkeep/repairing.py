"""Getting a damaged or missing content again, from wherever the same bytes still are."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...errors import MlopsError
from ...hashing import hash_file
from ...protocols.blobs import BlobStore
from ...protocols.upkeep import Content
from ..registry.folders import read_manifest

ASIDE = "damaged"

logger = logging.getLogger(__name__)


class Repairer:
    """Looks in the shared store, in the cache, and where registered data came from.

    What was damaged is kept aside, below ``<home>/damaged``.
    """

    def __init__(self, contents: Iterable[Content], blobs: BlobStore, local: BlobStore, home: Path) -> None:
        self._blobs = blobs
        self._local = local
        self._home = home
        self._sources: dict[str, list[Path]] = {}
        for content in contents:
            self._note(content)

    def repair(self, digest: str) -> str:
        """Where a good copy was found that lies in the blobs now; empty when there is none."""
        for source in self._candidates(digest):
            try:
                if hash_file(source)[0] != digest:
                    continue
                self._set_aside(digest)
                self._blobs.put_file(source)
            except (MlopsError, OSError) as error:
                logger.warning("%s is no help: %s", source, error)
                continue
            return f"taken again from {source}"
        return self._fetched(digest)

    def _fetched(self, digest: str) -> str:
        """Again from the team's blobs, where only the copy here is damaged."""
        if self._blobs is self._local or not self._blobs.exists(digest):
            return ""
        try:
            self._set_aside(digest)
            self._local.delete(digest)
            self._blobs.path(digest)
        except (MlopsError, OSError) as error:
            logger.warning("The blob %s cannot be fetched: %s", digest, error)
            return ""
        return "fetched again from the team's blobs"

    def _note(self, content: Content) -> None:
        uri = content.uri.removeprefix("file://")
        if not os.path.isabs(uri):
            return
        self._sources.setdefault(content.digest, []).append(Path(uri))
        if content.is_folder:
            with suppress(MlopsError, OSError):
                for path, digest in read_manifest(content.digest, self._blobs)[0].items():
                    self._sources.setdefault(digest, []).append(Path(uri, path))

    def _candidates(self, digest: str) -> Iterator[Path]:
        kept = self._home / "cache" / digest
        copies = sorted(kept.iterdir()) if kept.is_dir() else []
        for path in (*copies, *self._sources.get(digest, ())):
            if path.is_file():
                yield path

    def _set_aside(self, digest: str) -> None:
        """Keep what is there now: somebody may want to know what happened to it."""
        place = self._home / "blobs" / digest[:2] / digest
        if place.exists():
            aside = self._home / ASIDE
            aside.mkdir(mode=0o700, exist_ok=True)
            shutil.copy2(place, aside / digest)
