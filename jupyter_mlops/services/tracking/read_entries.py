"""What a run has read, as it becomes ``Data`` records."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ...capture.reads.columns import Contents
from ...capture.reads.digests import Stamp
from ...capture.reads.tables import Facts
from ...capture.reads.urls import Tee
from ...capture.values import encodable
from ...journal.records import Data
from .folder_reads import MAX_FILES

WRITTEN = "written while the run ran"
"""Said of a file whose last change is younger than the run."""
CHANGED = "the file changed before its content was hashed"


@dataclass(slots=True, eq=False)
class FileEntry:
    """A file, as it was when it was read."""

    path: str
    stamp: Stamp
    reader: str
    uri: str = ""
    """The path as it is shown."""
    problem: str = ""
    digest: str = ""
    facts: Facts | None = None
    contents: Contents | None = None
    written: Data | None = None
    left_out: bool = False
    """It has become a part of a folder's entry."""
    settled: bool = False
    """Its content is no longer needed."""
    waiting: threading.Event | None = None
    """Set then; made by who waits for that."""

    def record(self) -> Data:
        rows, columns = _shape(self.facts, self.contents)
        return Data(
            uri=encodable(self.uri or self.path),
            reader=self.reader,
            size_bytes=self.stamp.size,
            mtime_ns=self.stamp.mtime_ns,
            digest=self.digest,
            rows=rows,
            columns=columns,
            column_digests=self.contents.digests if self.contents else {},
            problem=self.problem,
        )


@dataclass(slots=True, eq=False)
class FolderEntry:
    """A folder: given to a library as a whole, or so many files of it that they are not listed."""

    path: str
    reader: str
    whole: bool = False
    size_bytes: int = 0
    newest_ns: int = 0
    digest: str = ""
    problem: str = ""
    files: int = 0
    _seen: set[int] = field(default_factory=set)
    """Hashes of their paths: there may be very many."""
    facts: Facts | None = None
    written: Data | None = None

    def __contains__(self, path: str) -> bool:
        return hash(path) in self._seen

    def add(self, path: str, stamp: Stamp) -> None:
        """Count a file once; beyond the number that anybody looks through they are not counted."""
        name = hash(path)
        if name not in self._seen and len(self._seen) <= MAX_FILES:
            self._seen.add(name)
            self._count(1, stamp.size, stamp.mtime_ns)

    def take(self, part: FolderEntry) -> None:
        """The folder ``part`` lies in this one."""
        self._seen |= part._seen
        self._count(part.files, part.size_bytes, part.newest_ns)

    def _count(self, files: int, size_bytes: int, newest_ns: int) -> None:
        self.files += files
        self.size_bytes += size_bytes
        self.newest_ns = max(self.newest_ns, newest_ns)

    def record(self) -> Data:
        rows, columns = _shape(self.facts, None)
        return Data(
            uri=encodable(self.path.rstrip("/") + "/"),
            reader=self.reader,
            size_bytes=self.size_bytes,
            mtime_ns=self.newest_ns,
            digest=self.digest,
            files=self.files,
            rows=rows,
            columns=columns,
            problem=self.problem,
        )


@dataclass(slots=True, eq=False)
class UrlEntry:
    """A URL without its secrets, and the stream that its content comes from."""

    uri: str
    reader: str
    tee: Tee | None = None
    facts: Facts | None = None
    written: Data | None = None

    def record(self) -> Data:
        rows, columns = _shape(self.facts, None)
        size, digest, problem = None, "", "read by the library itself, so its content was not hashed"
        if self.tee is not None:
            size, digest, problem = self.tee.size, self.tee.digest, ""
            if digest:
                size = self.tee.read_bytes
            else:
                problem = self.tee.problem
        return Data(
            uri=encodable(self.uri),
            reader=self.reader,
            size_bytes=size,
            digest=digest,
            rows=rows,
            columns=columns,
            problem=problem,
        )


def _shape(facts: Facts | None, contents: Contents | None) -> tuple[int | None, dict[str, str]]:
    """Rows and columns: as the code got them, else as they lie in the file."""
    rows = facts.rows if facts else contents.rows if contents else None
    columns = facts.columns if facts and facts.columns else contents.columns if contents else {}
    return rows, {encodable(name): kind for name, kind in columns.items()}
