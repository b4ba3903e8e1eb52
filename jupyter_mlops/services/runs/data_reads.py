"""The data that a run read, as its page shows it: each once, with the registered version it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields, replace

from ...entities import DataRead, VersionRef, reference_text
from ...errors import MlopsError
from ...protocols.runs import Stamped
from ..quantities import counted, size_text

logger = logging.getLogger(__name__)

Recognise = Callable[[Collection[str]], Mapping[str, Sequence[VersionRef]]]
"""The registered dataset versions by these digests, the newest first."""

_FIELDS = {field.name for field in fields(DataRead)} - {"time", "version"}


def nothing_recognised(digests: Collection[str]) -> Mapping[str, Sequence[VersionRef]]:
    return {}


def data_reads(
    details: Mapping[str, Stamped], inputs: Sequence[VersionRef], recognise: Recognise
) -> list[DataRead]:
    """What the details of kind ``data`` say, in the order of reading.

    Files that count in a folder's entry are left out, and so is what the run read through
    ``load_dataset``: that is among its ``inputs``.
    """
    reads = [
        DataRead(
            **{name: stamped.value[name] for name in _FIELDS if name in stamped.value}, time=stamped.stamp[0]
        )
        for stamped in details.values()
    ]
    reads = _recognised(_outside_folders(reads), inputs, recognise)
    loaded = {(each.kind, each.name, each.version) for each in inputs}
    kept = [read for read in reads if not read.version or _key(read.version) not in loaded]
    return sorted(kept, key=lambda read: (read.time, read.uri))


def _key(version: VersionRef) -> tuple[str, str, int | None]:
    return version.kind, version.name, version.version


def _outside_folders(reads: Sequence[DataRead]) -> list[DataRead]:
    """Of one folder's entries the last: it was written when all had been read."""
    folders: dict[str, DataRead] = {}
    for read in sorted(reads, key=lambda each: each.time):
        if read.files is not None:
            folders[read.uri] = read
    above = tuple(folders)
    return [
        read
        for read in reads
        if (read.files is not None and folders[read.uri] is read and not _is_within(read.uri, above))
        or (read.files is None and not read.uri.startswith(above))
    ]


def _is_within(uri: str, folders: tuple[str, ...]) -> bool:
    return any(uri != folder and uri.startswith(folder) for folder in folders)


def _recognised(
    reads: Sequence[DataRead], inputs: Sequence[VersionRef], recognise: Recognise
) -> list[DataRead]:
    """With several names for one content, the one that the run knows it by."""
    digests = {read.digest for read in reads if read.digest and not read.sampled}
    if not digests:
        return list(reads)
    try:
        known = recognise(digests)
    except MlopsError as error:  # a registry that is away must not keep anybody from reading runs
        logger.info("Registered datasets are not recognised: %s", error)
        return list(reads)
    loaded = {_key(each) for each in inputs}
    found: list[DataRead] = []
    for read in reads:
        versions = sorted(known.get(read.digest, ()), key=lambda each: _key(each) not in loaded)
        found.append(replace(read, version=versions[0]) if versions else read)
    return found


def shown_data(reads: Sequence[DataRead]) -> list[tuple[str, str, str, str, str]]:
    """A row for each: where, read with what, how many rows or files, how large, and which content."""
    return [(read.uri, read.reader, _extent(read), _size(read), _content(read)) for read in reads]


DATA_COLUMNS = ("data", "read with", "rows", "size", "content")


def _extent(read: DataRead) -> str:
    if read.files is not None:
        return counted(read.files, "file")
    return "" if read.rows is None else f"{read.rows:,}"


def _size(read: DataRead) -> str:
    return "" if read.size_bytes is None else size_text(read.size_bytes)


def _content(read: DataRead) -> str:
    """The registered version or the digest, and what there is to say about it."""
    version = reference_text(read.version) if read.version else ""
    digest = f"{'sampled ' if read.sampled else ''}{read.digest[:12]}"
    known = version or (digest if read.digest else "")
    if not known and not read.problem:
        return "not hashed yet"
    return " · ".join(part for part in (known, read.problem) if part)
