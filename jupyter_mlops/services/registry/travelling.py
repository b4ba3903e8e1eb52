"""What a job takes along of the registry to where it cannot be reached: the versions that its code names.

``registered.json`` in a home says that this home has no registry of its own but a job's part of one: versions
are read from it, and what is registered there is pending until the run's journal is read at home.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Protocol, TypeVar

from ...entities import (
    AuditEntry,
    Dataset,
    DatasetKind,
    DatasetVersion,
    Details,
    Model,
    ModelVersion,
    Move,
    Storage,
    reference_text,
)
from ...errors import MlopsError, NotFound, Unavailable
from ...notebooks.source import parse_cell
from ...protocols.blobs import BlobStore
from ...protocols.registry import RegistryChanges
from ...remote.folder import reaches_elsewhere
from ...wire import decode, encode
from ..quantities import size_text
from .folders import read_manifest, store_folder
from .trust import GIVEN, IMPORTED

FILE = "registered.json"
BLOBS = "blobs.json"
LOADERS = {"load_dataset": "dataset", "load_model": "model", "predict": "model"}

N = TypeVar("N", Dataset, Model)
V = TypeVar("V", DatasetVersion, ModelVersion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelling:
    """Versions with their places in the registry; ``blobs`` are what they consist of."""

    datasets: list[DatasetVersion] = field(default_factory=list)
    models: list[ModelVersion] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)
    blobs: list[str] = field(default_factory=list)

    def write(self, files: Path) -> None:
        """Into ``files/`` of a job's folder."""
        files.mkdir(parents=True, exist_ok=True)
        (files / FILE).write_bytes(encode(self))
        (files / BLOBS).write_bytes(encode(self.blobs))


class Registered(Protocol):
    """What is needed of the registry."""

    def dataset_version(self, ref: str) -> DatasetVersion: ...

    def dataset_content(self, version: DatasetVersion) -> Path: ...

    def model_version(self, ref: str) -> ModelVersion: ...

    def is_vouched_for(self, version: ModelVersion) -> bool: ...


def plan(
    sources: Sequence[str],
    registry: Registered,
    blobs: BlobStore,
    *,
    bring: bool = True,
    most_bytes: int = 512 * 1024 * 1024,
) -> tuple[Travelling, list[str]]:
    """What goes along with code that loads datasets and models, and notes on what cannot be told.

    A name is a text in the code, or a variable that is given one there. One that the registry does not know
    is left to the job: it may register it first. ``bring``: have the blobs in this home. A dataset that stays
    in this file system goes along as a copy, up to ``most_bytes``; one that stays behind a URL is read there.
    """
    named = _Named(sources)
    notes = [
        f"The code loads a {kind} whose name it computes. Only those that it names by a text go along."
        for kind in sorted(named.unclear)
    ]
    datasets = _found(registry.dataset_version, named.of("dataset"))
    for ref, version in datasets.items():
        datasets[ref], said = _within_reach(version, registry, blobs, most_bytes)
        notes += [each for each in said if each not in notes]
    models = _found(registry.model_version, named.of("model"))
    models = {ref: _as_vouched_for(each, registry) for ref, each in models.items()}
    newest = {f"dataset {each.name}": each.version for ref, each in datasets.items() if "@" not in ref}
    newest |= {f"model {each.name}": each.version for ref, each in models.items() if "@" not in ref}
    digests = [digest for each in datasets.values() for digest in _blobs_of(each, blobs)]
    digests += [digest for each in models.values() for digest in _blobs_of_model(each, blobs)]
    travelling = Travelling(
        datasets=list(datasets.values()),
        models=list(models.values()),
        newest={name: number for name, number in newest.items() if number is not None},
        blobs=list(dict.fromkeys(digests)),
    )
    for digest in travelling.blobs if bring else ():
        blobs.path(digest)
    return travelling, notes


def _found(look_up: Any, references: Iterable[str]) -> dict[str, Any]:
    found = {}
    for reference in dict.fromkeys(references):
        try:
            found[reference] = look_up(reference)
        except MlopsError:  # the job says so, if it gets there
            continue
    return found


def _as_vouched_for(version: ModelVersion, registry: Registered) -> ModelVersion:
    """The key by which this home knows its own stays here, so what is not its own must not say that it is."""
    if version.origin == GIVEN or registry.is_vouched_for(version):
        return version
    return replace(version, origin=IMPORTED)


def _within_reach(
    version: DatasetVersion, registry: Registered, blobs: BlobStore, most_bytes: int
) -> tuple[DatasetVersion, list[str]]:
    """The version as a job elsewhere can load it, and a note where it may not, or depends on a server."""
    if version.storage is Storage.COPY or version.uri is None:
        return version, []
    name = reference_text(version)
    if reaches_elsewhere(version.uri):
        return version, [f"The dataset {name} does not go along: the job reads it at {version.uri}."]
    if version.size_bytes > most_bytes:
        return version, [
            f"The dataset {name} stays at {version.uri} and is too large to go along "
            f"({size_text(version.size_bytes)} of at most {size_text(most_bytes)}, "
            "JUPYTER_MLOPS_FILES_CAP_BYTES): the job finds it only where it sees the same files. Register it "
            "from a URL that the job reaches, or with copy=True."
        ]
    try:
        path = registry.dataset_content(version)
        stored = store_folder(path, blobs).digest if path.is_dir() else blobs.put_file(path).digest
    except (MlopsError, OSError) as error:
        return version, [f"The dataset {name} does not go along: {error}"]
    if stored != version.digest:
        return version, [f"The dataset {name} does not go along: it changed while it was copied."]
    return replace(version, storage=Storage.COPY, uri=None), []


def _blobs_of(version: DatasetVersion, blobs: BlobStore) -> Iterator[str]:
    if version.storage is Storage.COPY or version.kind is DatasetKind.FOLDER:
        yield version.digest
    if version.storage is Storage.COPY and version.kind is DatasetKind.FOLDER:
        yield from read_manifest(version.digest, blobs)[0].values()


def _blobs_of_model(version: ModelVersion, blobs: BlobStore) -> Iterator[str]:
    yield version.digest
    if version.is_folder:
        yield from read_manifest(version.digest, blobs)[0].values()


class _Named:
    """The texts that loading functions are called with."""

    def __init__(self, sources: Sequence[str]) -> None:
        self._references: list[tuple[str, str]] = []
        self.unclear: set[str] = set()
        texts: dict[str, set[str]] = {}
        trees = [tree for source in sources if (tree := parse_cell(source).tree) is not None]
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.Assign) and (text := _text(node.value)) is not None:
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        texts.setdefault(target.id, set()).add(text)
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.Call) and (kind := LOADERS.get(_called(node))):
                self._take(kind, _first(node), texts, sure=_called(node) != "predict")

    def of(self, kind: str) -> list[str]:
        return [reference for each, reference in self._references if each == kind]

    def _take(self, kind: str, argument: ast.expr | None, texts: dict[str, set[str]], *, sure: bool) -> None:
        """``predict`` is a method of most models as well: then its argument is no name, or names nothing."""
        text = _text(argument)
        if text is not None:
            self._references.append((kind, text))
            return
        known = texts.get(argument.id, set()) if isinstance(argument, ast.Name) else set()
        self._references += [(kind, each) for each in sorted(known)]
        if not known and sure:
            self.unclear.add(kind)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _first(call: ast.Call) -> ast.expr | None:
    named = {each.arg: each.value for each in call.keywords}
    return call.args[0] if call.args else named.get("ref", named.get("reference"))


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


class TravellingStore:
    """A job's part of the registry, to be read: a ``RegistryStore`` in which nothing can be decided."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def _part(self) -> Travelling:
        return decode(self._path.read_bytes(), Travelling)

    def dataset_version(self, name: str, selector: int | str | None = None) -> DatasetVersion:
        part = self._part
        return _selected("dataset", part.datasets, part.newest, name, selector)

    def model_version(self, name: str, selector: int | str | None = None) -> ModelVersion:
        part = self._part
        return _selected("model", part.models, part.newest, name, selector)

    def datasets(self) -> list[Dataset]:
        return [Dataset(name=name, versions=found) for name, found in _by_name(self._part.datasets)]

    def models(self) -> list[Model]:
        return [
            Model(
                name=name,
                versions=found,
                aliases={alias: each.version for each in found for alias in each.aliases if each.version},
            )
            for name, found in _by_name(self._part.models)
        ]

    def dataset(self, name: str) -> Dataset:
        return _named("dataset", self.datasets(), name)

    def model(self, name: str) -> Model:
        return _named("model", self.models(), name)

    def dataset_of_digest(self, name: str, digest: str) -> DatasetVersion | None:
        return next((each for each in self.datasets_of_digests([digest]) if each.name == name), None)

    def datasets_of_digests(self, digests: Collection[str]) -> list[DatasetVersion]:
        return [each for each in self._part.datasets if each.digest in digests]

    def model_of_digest(self, name: str, digest: str) -> ModelVersion | None:
        return next((each for each in self._part.models if (each.name, each.digest) == (name, digest)), None)

    def register_dataset(self, version: DatasetVersion, **_: Any) -> DatasetVersion:
        """The version that is there already; else Unavailable, so that the run's journal carries it home."""
        return self.dataset_of_digest(version.name, version.digest) or _cannot("registered")

    def register_model(self, *_: Any, **__: Any) -> NoReturn:
        _cannot("registered")

    def move_alias(self, *_: Any, **__: Any) -> NoReturn:
        _cannot("changed")

    def describe(self, *_: Any, **__: Any) -> NoReturn:
        _cannot("changed")

    def record(self, *_: Any, **__: Any) -> NoReturn:
        _cannot("decided")

    def model_proof(self, name: str, version: int | None) -> None:
        """None: the home has looked at the proofs before it sent these."""

    def applied(self, key: str) -> None:
        """None: what was registered there is not known here."""

    def keys(self, kind: str, name: str, version: int) -> list[str]:
        return []

    def moves(self, kind: str, name: str, alias: str) -> list[Move]:
        return []

    def details(self, kind: str, name: str, version: int | None) -> Details:
        return Details()

    def changes(self, since: int) -> RegistryChanges:
        return RegistryChanges(seq=0)

    def audit(self, **_: Any) -> list[AuditEntry]:
        return []

    def verify_audit(self) -> list[str]:
        return []


def _selected(
    kind: str, versions: Iterable[V], newest: Mapping[str, int], name: str, selector: int | str | None
) -> V:
    wanted = newest.get(f"{kind} {name}") if selector is None else selector
    for each in versions:
        if each.name == name and (each.version == wanted or wanted in each.aliases):
            return each
    raise _left_at_home(kind, name, selector)


def _named(kind: str, named: Iterable[N], name: str) -> N:
    for each in named:
        if each.name == name:
            return each
    raise _left_at_home(kind, name, None)


def _by_name(versions: Iterable[V]) -> list[tuple[str, list[V]]]:
    found: dict[str, list[V]] = {}
    for each in sorted(versions, key=lambda each: -(each.version or 0)):
        if each not in found.setdefault(each.name, []):
            found[each.name].append(each)
    return sorted(found.items())


def _left_at_home(kind: str, name: str, selector: int | str | None) -> NotFound:
    reference = name if selector is None else f"{name}@{selector}"
    return NotFound(
        f"The {kind} {reference!r} did not go along with this job, which cannot reach the registry. What "
        f"the code names by a text does, if it is there at the submit: load_{kind}({reference!r})."
    )


def _cannot(what: str) -> NoReturn:
    raise Unavailable(f"Nothing can be {what} from here: this job runs where the registry cannot be reached.")
