"""Writing a run out, so that people can read it without this package and another workspace can take it in."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ....config import Settings
from ....entities import History, RunDetail
from ....errors import Conflict, MlopsError, NotFound
from ....journal import JournalKey, read_chunk
from ....journal.layout import output_tails
from ....ownership import workspace_id
from ....protocols.blobs import BlobStore
from ....protocols.clock import Clock
from ....protocols.sealing import RUN
from ....wire import to_json
from ...rows import iso_time
from ...sealing.elsewhere import Elsewhere
from ..service import RunService
from .manifest import FORMAT, NAME, FileEntry, Manifest
from .places import FolderTarget, Target, ZipTarget, chunks_of
from .readme import readme

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_ODD = re.compile(r"[^\w.+@= -]|^\.+|\.+$")


@dataclass(slots=True)
class RunExporter:
    """Writes runs out. ``job_notebook`` gives a job's executed notebook by its id, or raises NotFound."""

    runs: RunService
    blobs: BlobStore
    settings: Settings
    job_notebook: Callable[[str], Path]
    elsewhere: Elsewhere
    clock: Clock

    def write(self, run_id: str, path: Path) -> Path:
        """To a new folder, or to a new zip file where ``path`` ends so.

        Raises NotFound, Ambiguous, and Conflict where there is something already.
        """
        detail = self.runs.detail(run_id)
        if path.suffix.lower() != ".zip":
            self._write(detail, FolderTarget(path))
            return path
        if path.exists():
            raise Conflict(f"{path} is there already: name another file, or remove it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("xb") as file:
                self._write_zip(detail, file)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def write_zip(self, run_id: str, file: IO[bytes], *, without: Collection[str] = ()) -> None:
        """A zip into an open binary file, ``without`` contents of these digests that are no artifacts.

        Raises NotFound, Ambiguous.
        """
        self._write_zip(self.runs.detail(run_id), file, without)

    def _write_zip(self, detail: RunDetail, file: IO[bytes], without: Collection[str] = ()) -> None:
        target = ZipTarget(file)
        self._write(detail, target, without)
        target.close()

    def _write(self, detail: RunDetail, target: Target, without: Collection[str] = ()) -> None:
        files: dict[str, FileEntry] = {}

        def put(path: str, chunks: Iterable[bytes]) -> str:
            files[path] = target.write(path, chunks)
            return path

        journals, digests = self._write_journals(detail.run.id, put)
        tails = self._write_tails(detail.run.id, put)
        blobs, missing = self._write_blobs(detail, digests.difference(without), put)
        histories = self._histories(detail)
        self._write_readable(detail, histories, put)
        put("README.md", [readme(detail, missing).encode()])
        manifest = Manifest(
            format=FORMAT,
            run_id=detail.run.id,
            name=detail.run.name,
            exported_at=self.clock(),
            exported_by=f"{self.settings.user}@{self.settings.host}",
            origin=workspace_id(self.settings.home),
            version=_version(),
            files=files,
            journals=journals,
            tails=tails,
            blobs=blobs,
            missing=missing,
        )
        target.write(NAME, [_pretty(to_json(manifest))])

    # what another workspace takes in

    def _write_journals(
        self, run_id: str, put: Callable[[str, Iterable[bytes]], str]
    ) -> tuple[dict[str, str], set[str]]:
        """The journals up to their last complete lines, and the digests that they name."""
        journals, digests = {}, set()
        folder = JournalKey(run_id, "").path(self.settings.home).parent
        for path in self._files(run_id, lambda home: JournalKey(run_id, "").path(home).parent, "*.jsonl"):
            end = 0
            while (chunk := read_chunk(path, end)).end > end:
                end = chunk.end
                for record in chunk.records:
                    digests |= set(_digests_in(to_json(record)))
            journals[path.stem] = put(f"journal/{path.name}", chunks_of(path, until=end))
        if not journals:
            raise NotFound(f"Run {run_id} has no journal in {folder}: only its workspace can export it.")
        return journals, digests

    def _write_tails(self, run_id: str, put: Callable[[str, Iterable[bytes]], str]) -> dict[str, str]:
        paths = self._files(run_id, lambda home: output_tails(home, run_id), "*.json*")
        return {path.name: put(f"outputs/{path.name}", [path.read_bytes()]) for path in paths}

    def _files(self, run_id: str, folder_in: Callable[[Path], Path], pattern: str) -> list[Path]:
        """The files of a run that lie here, and those that only colleagues have, as they were sealed."""
        homes = [self.elsewhere.home_of(RUN, run_id), self.settings.home]
        found = {path.name: path for home in homes if home for path in folder_in(home).glob(pattern)}
        return [found[name] for name in sorted(found)]

    def _write_blobs(
        self, detail: RunDetail, digests: set[str], put: Callable[[str, Iterable[bytes]], str]
    ) -> tuple[dict[str, str], list[str]]:
        """Artifacts under their names, other contents under their digests; each content once."""
        blobs: dict[str, str] = {}
        missing: list[str] = []
        names = {each.digest: _file_name(each.name) for each in reversed(detail.artifacts)}
        taken: set[str] = set()
        for digest in [*names, *sorted(digests - set(names))]:
            path = f"artifacts/{names[digest]}" if digest in names else f"blobs/{digest}"
            path = path if path not in taken else f"blobs/{digest}"
            if not self.blobs.exists(digest):
                if digest in names or digest in _named_by(detail):
                    missing.append(digest)
                continue
            try:
                blobs[digest] = put(path, chunks_of(self.blobs.path(digest)))
            except (MlopsError, OSError):
                missing.append(digest)
                continue
            taken.add(path)
        return blobs, missing

    # what people read

    def _write_readable(
        self, detail: RunDetail, histories: list[History], put: Callable[[str, Iterable[bytes]], str]
    ) -> None:
        run = detail.run
        put("run.json", [_pretty(to_json(run))])
        put("params.json", [_pretty(to_json(run.params))])
        put("tags.json", [_pretty(run.tags)])
        put("context.json", [_pretty(to_json(detail.context))])
        put("source.py", [detail.source.encode()])
        put("requirements.txt", [self._lock_file(detail)])
        put("notebook.ipynb", self._notebook(detail))
        if histories:
            put("metrics.csv", _csv(histories))
            put("metrics.parquet", [_parquet(histories)])

    def _histories(self, detail: RunDetail) -> list[History]:
        names = [*detail.run.metrics, *detail.hardware]
        return [self.runs.history(detail.run.id, name) for name in names]

    def _lock_file(self, detail: RunDetail) -> bytes:
        """As it was captured, else made of the packages' versions."""
        lock = detail.context.get("lock")
        if isinstance(lock, Mapping) and (data := self._blob(lock.get("digest"))) is not None:
            return data
        packages = detail.context.get("packages") or {}
        return "".join(f"{name}=={version}\n" for name, version in sorted(packages.items())).encode()

    def _notebook(self, detail: RunDetail) -> Iterator[bytes]:
        from ....notebooks.portable import executed_notebook

        if detail.run.job_id:
            try:
                yield self.job_notebook(detail.run.job_id).read_bytes()
                return
            except (MlopsError, OSError):
                pass  # its folder is elsewhere, or gone
        title = f"# {detail.run.name}\n\nRun `{detail.run.id}`, {iso_time(detail.run.started_at)}"
        yield executed_notebook(detail, self._history(detail), title=title)

    def _history(self, detail: RunDetail) -> list[Mapping[str, Any]]:
        """The cells that ran before and that the run depended on, as far as that was recorded."""
        history = detail.context.get("history")
        data = self._blob(history.get("digest")) if isinstance(history, Mapping) else None
        try:
            cells = json.loads(data) if data is not None else []
        except ValueError:
            return []
        before = [cell for cell in cells if isinstance(cell, dict) and cell.get("needed", True)]
        own = detail.source.strip()
        return [cell for cell in before if str(cell.get("source", "")).strip() != own]

    def _blob(self, digest: Any) -> bytes | None:
        try:
            return self.blobs.get(digest) if isinstance(digest, str) else None
        except (MlopsError, OSError):
            return None


def _named_by(detail: RunDetail) -> set[str]:
    """Digests of contents that belong to the run itself, and not to a registry."""
    return {each.digest for each in detail.artifacts} | set(_digests_in(to_json(detail.context)))


def _digests_in(value: Any) -> Iterator[str]:
    """Every text in a record that is a digest; whether there is such a content is for the store to say."""
    if isinstance(value, str):
        if _DIGEST.match(value):
            yield value
        return
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for item in items:
        yield from _digests_in(item)


def _file_name(name: str) -> str:
    """An artifact's name as a path that every system can have."""
    parts = [_ODD.sub("_", part)[:120] for part in name.replace("\\", "/").split("/")]
    return "/".join(part or "_" for part in parts)


def _pretty(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=True, default=str).encode()


def _csv(histories: Iterable[History]) -> Iterator[bytes]:
    import csv
    import io

    for index, history in enumerate(histories):
        lines = io.StringIO()
        rows = csv.writer(lines, lineterminator="\n")
        if not index:
            rows.writerow(("metric", "step", "time", "value"))
        points = zip(history.steps, history.times, history.values, strict=True)
        rows.writerows((history.name, step, f"{time:.6f}", repr(value)) for step, time, value in points)
        yield lines.getvalue().encode()


def _parquet(histories: Iterable[History]) -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    found = list(histories)
    lengths = [len(history.values) for history in found]
    names = pa.array([history.name for history in found], pa.string())
    indexes = pa.array([i for i, length in enumerate(lengths) for _ in range(length)], pa.int32())
    table = pa.table(
        {
            "metric": pa.DictionaryArray.from_arrays(indexes, names),
            "step": pa.array([step for each in found for step in each.steps], pa.int64()),
            "time": pa.array(
                [int(time * 1e6) for each in found for time in each.times], pa.timestamp("us", "UTC")
            ),
            "value": pa.array([value for each in found for value in each.values], pa.float64()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _version() -> str:
    from ...._version import __version__

    return __version__
