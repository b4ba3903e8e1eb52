"""Which blobs somebody refers to: rows, files of the home, and what their contents name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ...errors import MlopsError, NotFound, Unavailable
from ...protocols.blobs import BlobStore
from ...protocols.upkeep import Rows
from ..sealing.packing import digests_in, digests_in_file

NOT_SCANNED = frozenset({"blobs", "cache", "damaged", "sealing", "sending"})
"""Folders of a home that refer to no blob, or are the blobs."""
NOT_READ = (".sqlite", ".sqlite-wal", ".sqlite-shm", ".pkl", ".lock", ".damaged")
"""Files that are read as rows, or that say nothing of blobs."""


def referred_to(rows: Rows, blobs: BlobStore, home: Path) -> set[str]:
    """The digests of every content that anything refers to.

    Rows of the registry and the index are read, and every file of the home: journals that no index has yet,
    folders of jobs, of sweeps and of schedules. Whatever looks like a digest counts. Raises Unavailable
    when something cannot be read: then it is not known what is needed.
    """
    found = {each.digest for each in rows.named()}
    found |= digests_of_home(home)
    return found | _of_manifests(rows, blobs)


def digests_of_home(home: Path) -> set[str]:
    """Every digest that a file of this home names."""
    found: set[str] = set()
    for path in files_of(home):
        try:
            found |= digests_in_file(path)
        except FileNotFoundError:
            continue  # a file that was replaced, or a tail whose cell has ended
        except OSError as error:
            raise Unavailable(
                f"{path} cannot be read, so that it is not known which blobs it needs: {error.strerror}."
            ) from error
    return found


def files_of(home: Path) -> Iterator[Path]:
    """The files of a home that may name blobs."""
    for folder, folders, names in os.walk(home, onerror=_refuse):
        if folder == str(home):
            folders[:] = [name for name in folders if name not in NOT_SCANNED]
        for name in names:
            if not name.endswith(NOT_READ) and not os.path.islink(path := os.path.join(folder, name)):
                yield Path(path)


def _of_manifests(rows: Rows, blobs: BlobStore) -> set[str]:
    found: set[str] = set()
    for content in rows.contents():
        if not content.is_folder:
            continue
        try:
            found |= digests_in(blobs.get(content.digest))
        except NotFound as error:
            if not content.referred:
                raise _unknown(content.what) from error
        except (MlopsError, OSError) as error:
            raise _unknown(content.what) from error
    return found


def _unknown(what: str) -> Unavailable:
    return Unavailable(
        f"The list of files of {what} cannot be read, so that it is not known which blobs it needs. "
        "Look into it with: jupyter mlops fsck"
    )


def _refuse(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise Unavailable(
            f"{error.filename} cannot be read, so that it is not known which blobs it needs: "
            f"{error.strerror}."
        ) from error
