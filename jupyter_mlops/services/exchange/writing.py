"""Writing a model version out with all that it came from."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...config import Settings
from ...entities import DatasetKind, DatasetVersion, ModelVersion, Profile, RunDetail, VersionRef
from ...errors import Conflict, Corrupt, MlopsError, NotFound
from ...ownership import workspace_id
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.profiles import ProfileStore
from ...protocols.registry import RegistryStore
from ...wire import to_json
from ..profiles.computing import FORMAT as PROFILE_FORMAT
from ..registry.deciding import Access
from ..registry.folders import read_manifest
from ..registry.names import parse_reference
from ..runs.export.manifest import FileEntry
from ..runs.export.places import ZipTarget, chunks_of
from .bundle import DATASETS, FORMAT, KIND, MODEL, NAME, RUN, Bundle, DatasetRow, DatasetRows, ModelRow
from .readme import readme
from .seams import Cards, RunExports, Runs

Put = Callable[[str, Iterable[bytes]], FileEntry]


@dataclass(slots=True, kw_only=True)
class ModelExporter:
    """Writes versions out; the parts around it are asked for when they are needed."""

    store: RegistryStore
    blobs: BlobStore
    settings: Settings
    access: Access
    runs: Callable[[], Runs]
    exports: Callable[[], RunExports]
    cards: Callable[[], Cards]
    profiles: ProfileStore
    clock: Clock

    def write(self, ref: str, path: Path, *, with_data: bool = False) -> Path:
        """To a new zip file; ``with_data`` takes the contents of the datasets along.

        Raises NotFound, Forbidden, Corrupt for a model whose content was damaged, and Conflict where there is
        something already.
        """
        wanted = parse_reference(ref)
        version = self.store.model_version(wanted.name, wanted.selector)
        self.access.require(self.settings.user, "read", f"model:{version.name}@{version.version}")
        if path.exists():
            raise Conflict(f"{path} is there already: name another file, or remove it.")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("xb") as file:
                self._write(version, file, with_data=with_data)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def _write(self, version: ModelVersion, file: IO[bytes], *, with_data: bool) -> None:
        target, files = ZipTarget(file), dict[str, FileEntry]()

        def put(path: str, chunks: Iterable[bytes]) -> FileEntry:
            files[path] = target.write(path, chunks)
            return files[path]

        run = self._run(version)
        datasets = self._datasets(version, run)
        mine = self._contents(version)
        blobs = {digest: self._put_blob(digest, put) for digest in mine}
        data = list(dict.fromkeys(each for row in datasets.rows for each in row.contents))
        missing = list(self._put_data(data, blobs, put)) if with_data else []
        with_run = run is not None and self._put_run(run, put, without={*mine, *data})
        put(MODEL, [_pretty(self._row(version))])
        put(DATASETS, [_pretty(datasets)])
        put("card.md", [self.cards().card_of(version).encode("utf-8", "replace")])
        absent = data if not with_data else missing
        put("README.md", [readme(version, datasets, absent, with_run=with_run).encode("utf-8", "replace")])
        bundle = Bundle(
            kind=KIND,
            format=FORMAT,
            name=version.name,
            version=version.version or 0,
            exported_at=self.clock(),
            exported_by=f"{self.settings.user}@{self.settings.host}",
            origin=workspace_id(self.settings.home),
            written_with=_written_with(),
            files=files,
            blobs=blobs,
            missing=missing,
        )
        target.write(NAME, [_pretty(bundle)])
        target.close()

    def _row(self, version: ModelVersion) -> ModelRow:
        name, number = version.name, version.version or 0
        moves = [
            move
            for alias in self.store.model(name).aliases
            for move in self.store.moves("model", name, alias)
            if number in (move.before, move.after)
        ]
        return ModelRow(
            version=version,
            said=self.store.details("model", name, number),
            keys=self.store.keys("model", name, number),
            moves=moves,
        )

    # contents

    def _contents(self, version: ModelVersion) -> list[str]:
        """The digests of the model, of its files, and of what was kept with it."""
        digests = [version.digest]
        if version.is_folder:
            digests += read_manifest(version.digest, self.blobs)[0].values()
        beside = (version.example_digest, version.requirements_digest, version.code_digest)
        digests += [each for each in beside if each is not None]
        return list(dict.fromkeys(digests))

    def _put_blob(self, digest: str, put: Put) -> str:
        path = f"blobs/{digest}"
        if put(path, chunks_of(self.blobs.path(digest))).digest != digest:
            raise Corrupt(f"The content {digest} changed while it was written out. Export it again.")
        return path

    def _put_data(self, digests: Iterable[str], blobs: dict[str, str], put: Put) -> Iterator[str]:
        """Take the contents along; those that cannot be had are told."""
        for digest in digests:
            if digest in blobs:
                continue
            try:
                blobs[digest] = self._put_blob(digest, put)
            except NotFound:
                yield digest

    # where it came from

    def _run(self, version: ModelVersion) -> RunDetail | None:
        try:
            return self.runs().detail(version.run_id) if version.run_id else None
        except MlopsError:
            return None

    def _put_run(self, run: RunDetail, put: Put, *, without: set[str]) -> bool:
        """The training run as a zip within; False where its journals are not here."""
        with tempfile.TemporaryFile() as file:
            try:
                self.exports().write_zip(run.run.id, file, without=without)
            except NotFound:
                return False
            file.seek(0)
            put(RUN, iter(lambda: file.read(1024 * 1024), b""))
        return True

    def _datasets(self, version: ModelVersion, run: RunDetail | None) -> DatasetRows:
        """The versions that it was made from, as the version and its run tell."""
        refs = list(version.datasets)
        if run is not None:
            refs += [each for each in run.inputs if each.kind == "dataset"]
            refs += [read.version for read in run.data if read.version is not None]
        distinct = {(each.name, each.digest): each for each in refs}.values()
        found = [(ref, self._dataset(ref)) for ref in distinct]
        return DatasetRows(
            rows=[row for _, row in found if row is not None],
            unknown=[ref for ref, row in found if row is None],
        )

    def _dataset(self, ref: VersionRef) -> DatasetRow | None:
        try:
            version = self.store.dataset_of_digest(ref.name, ref.digest)
        except NotFound:
            version = None
        if version is None:
            return None
        return DatasetRow(
            version=version,
            said=self.store.details("dataset", version.name, version.version),
            profile=self._profile(version.digest),
            profile_format=PROFILE_FORMAT,
            contents=self._contents_of(version),
        )

    def _profile(self, digest: str) -> Profile | None:
        try:
            return self.profiles.get(digest, format=PROFILE_FORMAT)
        except MlopsError:
            return None

    def _contents_of(self, version: DatasetVersion) -> list[str]:
        digests = [version.digest]
        if version.kind is DatasetKind.FOLDER:
            with contextlib.suppress(NotFound):  # by reference: only where it lies is known what it holds
                digests += read_manifest(version.digest, self.blobs)[0].values()
        return list(dict.fromkeys(digests))


def _pretty(value: Any) -> bytes:
    return json.dumps(to_json(value), indent=2, ensure_ascii=True).encode("ascii")


def _written_with() -> str:
    from ..._version import __version__

    return __version__
