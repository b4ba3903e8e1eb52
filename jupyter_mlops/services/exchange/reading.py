"""Taking an exported model in: verified first, then part by part, the version itself last but its run."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from blake3 import blake3

from ...config import Settings
from ...entities import DatasetKind, DatasetVersion, Details, ModelVersion, Storage, VersionRef, VersionStatus
from ...errors import Corrupt, InvalidInput, NotFound, Unavailable
from ...journal.layout import IMPORTED as MARK
from ...protocols.blobs import BlobStore
from ...protocols.profiles import ProfileStore
from ...protocols.registry import IMPORTED_KEY, RegistryStore
from ...temporary import HeldFolder
from ...wire import decode
from ..profiles.computing import FORMAT as PROFILE_FORMAT
from ..quantities import size_text
from ..registry.deciding import Access
from ..registry.folders import read_manifest
from ..registry.names import checked_name
from ..registry.trust import IMPORTED
from ..runs.export.places import Source, source_of, write_verified
from .bundle import DATASETS, KIND, MODEL, NAME, RUN, Bundle, DatasetRow, DatasetRows, ModelRow, parse
from .seams import RunImports

MANIFEST_BYTES = 64 * 1024 * 1024
SPARE_BYTES = 256 * 1024 * 1024
"""How much of the disk stays free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedModel:
    """The version, and whether it came in now (``new``) or had been there already."""

    version: ModelVersion
    new: bool


@dataclass(slots=True, kw_only=True)
class ModelImporter:
    """Nothing is published before every file of the export has been verified."""

    store: RegistryStore
    blobs: BlobStore
    settings: Settings
    access: Access
    imports: Callable[[], RunImports]
    profiles: ProfileStore

    def read(self, path: Path, *, name: str | None = None) -> ImportedModel:
        """Take in the export at ``path``, under another ``name`` if one is given.

        Its pickles are nobody's own here: loading one takes ``trust=True``. Raises NotFound, InvalidInput or
        Corrupt for what is no (whole) export, Conflict when its run is here with other content, and
        Forbidden.
        """
        with source_of(path) as source:
            bundle = _bundle(source)
            target = checked_name(bundle.name if name is None else name)
            self.access.require(self.settings.user, "register", f"model:{target}")
            with self._staged(source, bundle) as staged:
                return self._take_in(bundle, staged, target)

    @contextmanager
    def _staged(self, source: Source, bundle: Bundle) -> Iterator[Path]:
        """Every file of the export, verified, in a folder of this home."""
        incoming = self.settings.home / "incoming"
        incoming.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_space(incoming, bundle)
        held = HeldFolder("model-", within=incoming)
        try:
            for number, (path, entry) in enumerate(bundle.files.items()):
                write_verified(source, path, entry, held.path / f"file-{number}")
            yield held.path
        finally:
            held.remove()
            with suppress(OSError):
                incoming.rmdir()

    def _take_in(self, bundle: Bundle, staged: Path, target: str) -> ImportedModel:
        places = {path: staged / f"file-{number}" for number, path in enumerate(bundle.files)}
        row = decode(places[MODEL].read_bytes(), ModelRow)
        datasets = decode(places[DATASETS].read_bytes(), DatasetRows)
        _check_rows(row, datasets)
        run_id = self.imports().check(places[RUN]).run_id if RUN in bundle.files else None
        for path in bundle.blobs.values():
            self.blobs.put_file(places[path])
        self._check_contents(row.version)
        here = {_key(each.version) for each in datasets.rows if self._came(each, bundle)}
        numbers = {
            _key(each.version): self._register_dataset(each, here=_key(each.version) in here)
            for each in datasets.rows
        }
        known = self._known(row, target)
        version = known or self._register(bundle, row, target, numbers, run_id)
        if run_id is not None:
            self.imports().read(places[RUN], registers=False)
        return ImportedModel(version=version, new=known is None)

    def _check_contents(self, version: ModelVersion) -> None:
        """Raises Corrupt when something of the model is neither in the export nor here."""
        needed = [version.digest]
        beside = (version.example_digest, version.requirements_digest, version.code_digest)
        needed += [each for each in beside if each is not None]
        if version.is_folder and self.blobs.exists(version.digest):
            needed += read_manifest(version.digest, self.blobs)[0].values()
        for digest in needed:
            if not self.blobs.exists(digest):
                raise Corrupt(
                    f"The export of {version.name}@{version.version} lacks the content {digest[:12]}: it is "
                    "not whole. Nothing was registered."
                )

    # datasets

    def _came(self, row: DatasetRow, bundle: Bundle) -> bool:
        """Whether the export has the content, all of it, whatever it says that it consists of."""
        version = row.version
        needed = {version.digest, *row.contents}
        if needed <= bundle.blobs.keys() and version.kind is DatasetKind.FOLDER:
            needed.update(read_manifest(version.digest, self.blobs)[0].values())
        return needed <= bundle.blobs.keys()

    def _register_dataset(self, row: DatasetRow, *, here: bool) -> DatasetVersion | None:
        """The version with this content under its name, made where there is none and the content came.

        Without the content there is none: loading it would fail. It is imported, so that ``latest`` stays at
        what was registered here.
        """
        version, user = row.version, self.settings.user
        known = self._dataset(version)
        if known is not None:
            return known
        if not here:
            self._keep_profile(row)
            return None
        return self.store.register_dataset(
            replace(
                version,
                version=None,
                created_by=user,
                description=row.said.description or version.description,
                storage=Storage.COPY,
                uri=None,  # a place of another machine: here it may be anything
                source=version.uri or version.source,
                inputs=[],
                view=None,
                aliases=[],
                tags=row.said.tags,
                imported=True,
                status=VersionStatus.PENDING,
            )
        )

    def _keep_profile(self, row: DatasetRow) -> None:
        """Of a content that is not here all that is known is what the export says."""
        profile, digest = row.profile, row.version.digest
        if profile is None or profile.digest != digest or row.profile_format != PROFILE_FORMAT:
            return
        with suppress(Unavailable):
            if self.profiles.get(digest, format=PROFILE_FORMAT) is None:
                self.profiles.put(profile, format=PROFILE_FORMAT)

    def _dataset(self, version: DatasetVersion) -> DatasetVersion | None:
        try:
            return self.store.dataset_of_digest(version.name, version.digest)
        except NotFound:
            return None

    # the model

    def _known(self, row: ModelRow, target: str) -> ModelVersion | None:
        """The version that an earlier import made, or that was exported from here."""
        for key in row.keys:
            applied = self.store.applied(key)
            if applied is not None and applied[0] == target:
                return self.store.model_version(*applied)
        try:
            versions = self.store.model(target).versions
        except NotFound:
            return None
        wanted = row.version
        same = (wanted.digest, wanted.created_at, wanted.run_id)
        return next((each for each in versions if (each.digest, each.created_at, each.run_id) == same), None)

    def _register(
        self,
        bundle: Bundle,
        row: ModelRow,
        target: str,
        numbers: dict[tuple[str, str], DatasetVersion | None],
        run_id: str | None,
    ) -> ModelVersion:
        version, user = row.version, self.settings.user
        pending = replace(
            version,
            name=target,
            version=None,
            created_by=user,
            origin=IMPORTED,
            aliases=[],
            tags={},
            datasets=[_renumbered(each, numbers) for each in version.datasets],
            status=VersionStatus.PENDING,
        )
        key = self._key_of(bundle, row, target, run_id)
        registered = self.store.register_model(pending, key=key)
        if row.said != Details():
            self.store.describe("model", target, registered.version, row.said, user=user)
        self.store.record(
            "model.import",
            f"model:{target}@{registered.version}",
            user=user,
            detail={
                "was": f"{bundle.name}@{bundle.version}",
                "by": version.created_by,
                "from": bundle.exported_by,
                "workspace": bundle.origin,
                "exported_at": bundle.exported_at,
            },
        )
        return self.store.model_version(target, registered.version)

    def _key_of(self, bundle: Bundle, row: ModelRow, target: str, run_id: str | None) -> str:
        """The key of the record in the run's journal, so that reading the journal makes no second version.

        Where that run is this home's own, a file must not say what became of its records.
        """
        place = self.settings.home / "runs" / str(run_id)
        if run_id is not None and (not place.exists() or (place / MARK).exists()):
            for key in row.keys:
                if key.partition("/")[0] == run_id and self.store.applied(key) is None:
                    return key
        identity = "\0".join((bundle.origin, bundle.name, str(bundle.version), row.version.digest, target))
        return IMPORTED_KEY + blake3(identity.encode("utf-8", "replace")).hexdigest()


def is_model(path: Path) -> bool:
    """Whether what was exported to ``path`` is a model, by its manifest. Raises NotFound, InvalidInput."""
    with source_of(path) as source:
        try:
            return decode(_manifest(source), dict).get("kind") == KIND
        except NotFound:
            return False


def _bundle(source: Source) -> Bundle:
    bundle = parse(_manifest(source))
    for path in (MODEL, DATASETS):  # which are read as a whole, as the manifest is
        if bundle.files[path].size_bytes > MANIFEST_BYTES:
            raise Corrupt(f"The {path} of the export is larger than any that we write.")
    return bundle


def _manifest(source: Source) -> bytes:
    try:
        file = source.open(NAME)
    except NotFound as error:
        raise NotFound(f"{error.message} An export of a model holds a {NAME}.") from error
    with file:
        data = file.read(MANIFEST_BYTES + 1)
    if len(data) > MANIFEST_BYTES:
        raise Corrupt(f"The {NAME} of the export is larger than any that we write.")
    return data


def _check_space(folder: Path, bundle: Bundle) -> None:
    """A small file may unfold into more than the disk holds: what it says of itself is looked at first."""
    needed = sum(entry.size_bytes for entry in bundle.files.values())
    free = shutil.disk_usage(folder).free - SPARE_BYTES
    if needed > free:
        raise InvalidInput(
            f"The export unfolds into {size_text(needed)}, and {folder} has room for "
            f"{size_text(max(free, 0))}."
        )


def _check_rows(row: ModelRow, datasets: DatasetRows) -> None:
    """Raises InvalidInput for names that no registry takes."""
    checked_name(row.version.name)
    for each in datasets.rows:
        checked_name(each.version.name)


def _key(version: DatasetVersion) -> tuple[str, str]:
    return version.name, version.digest


def _renumbered(ref: VersionRef, numbers: dict[tuple[str, str], DatasetVersion | None]) -> VersionRef:
    """With the number that the content has here; none where it is not registered here."""
    found = numbers.get((ref.name, ref.digest))
    return replace(ref, version=None if found is None else found.version)
