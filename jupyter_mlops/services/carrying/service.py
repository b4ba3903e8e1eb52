"""Packing live objects for a job, each in the format that keeps it exactly.

Memory while packing: what is pickled is streamed to a file, with large buffers written from where they
lie, and arrays likewise. A table takes one further copy of itself (Arrow's) and some hundred MiB of it
that are read back, tensors that go as safetensors one further copy. Pickles up to 32 MiB are unpickled
once to try them. Files lie in the home folder until they are blobs.
"""

from __future__ import annotations

import difflib
import errno
import keyword
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config import Settings
from ...entities import Carried
from ...errors import InvalidInput, PromotionRefused
from ...protocols.blobs import BlobStore
from ..quantities import size_text
from . import arrays, tables
from .describing import kind_text
from .refusals import refusal

NUMPY, SAFETENSORS, PICKLE = "numpy", "safetensors", "pickle"
TRIED_BYTES = 32 * 1024 * 1024
"""Pickles up to this size are unpickled once, here, where the person sees what is wrong with them."""

DISK_PROBLEMS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)
FOLDER = "packing-"
ABANDONED_AFTER_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Packed:
    """One file, before it is a blob: what is in it, by name, and what else it is made of."""

    names: tuple[str, ...]
    format: str
    path: Path
    met: Mapping[int, Any]
    note: str = ""


class Carrying:
    """Packs objects of a namespace into the blobs."""

    def __init__(self, blobs: BlobStore, settings: Settings) -> None:
        self._blobs = blobs
        self._settings = settings

    def pack(self, namespace: Mapping[str, Any], names: Sequence[str]) -> list[Carried]:
        """Store the objects of these names; those that share parts with each other lie in one blob.

        The same object packed again is the same blob. Raises InvalidInput for a name that is none, and
        PromotionRefused for what cannot be carried, with the reason and the way out.
        """
        values = {name: _value(namespace, name) for name in dict.fromkeys(names)}
        for name, value in values.items():
            if why := refusal(name, value):
                raise PromotionRefused(why)
        if not values:
            return []
        try:
            with self._folder() as folder:
                return self._stored(values, list(_grouped(values, folder)))
        except OSError as error:
            raise PromotionRefused(
                f"{', '.join(values)} cannot be stored in {self._settings.home}: {error}. Make room there, "
                "or submit without --carry."
            ) from error

    def _stored(self, values: Mapping[str, Any], packed: Sequence[_Packed]) -> list[Carried]:
        found: dict[str, Carried] = {}
        for each in packed:
            blob = self._blobs.put_file(each.path)
            each.path.unlink()
            for name in each.names:
                found[name] = Carried(
                    name=name,
                    digest=blob.digest,
                    format=each.format,
                    size_bytes=blob.size_bytes,
                    kind=kind_text(values[name]),
                    note=each.note,
                    together=list(each.names) if len(each.names) > 1 else [],
                )
        return [found[name] for each in packed for name in each.names]

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        home = self._settings.home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_abandoned(home)
        with tempfile.TemporaryDirectory(prefix=FOLDER, dir=home) as folder:
            yield Path(folder)


def weighing(items: Sequence[Carried]) -> str:
    """What is carried and what it weighs, for the submit's message; empty where nothing is."""
    parts: dict[str, str] = {}
    for each in items:
        names = each.together or [each.name]
        kinds = dict.fromkeys(other.kind for other in items if other.name in names and other.kind)
        size = size_text(each.size_bytes)
        facts = ", ".join([*kinds, f"together {size}" if each.together else size])
        parts[names[0]] = f"{' and '.join(names)} ({facts})"
    if not parts:
        return ""
    total = sum({each.digest: each.size_bytes for each in items}.values())
    return f"Carries {', '.join(parts.values())}" + (
        f": {size_text(total)} in all." if len(parts) > 1 else "."
    )


def notes(items: Iterable[Carried]) -> list[str]:
    """What a person should know of what is carried, a line each."""
    return list(dict.fromkeys(each.note for each in items if each.note))


def _value(namespace: Mapping[str, Any], name: str) -> Any:
    if name in namespace:
        return namespace[name]
    if not name.isidentifier() or keyword.iskeyword(name):
        raise InvalidInput(f"--carry takes names of variables, not {name!r}. Assign it first: part = {name}")
    own = [each for each in namespace if not each.startswith("_")]
    near = difflib.get_close_matches(name, own, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else "Run the cell that makes it first."
    raise InvalidInput(f"There is no variable {name!r} to carry in this kernel. {hint}")


# ------------------------------------------------------------------ files
def _grouped(values: Mapping[str, Any], folder: Path) -> Iterator[_Packed]:
    """A file each, or one for several that share parts."""
    alone = [_alone(name, value, folder, watch=len(values) > 1) for name, value in values.items()]
    for group in _sharing(alone):
        if len(group) == 1:
            yield from group
            continue
        names = tuple(name for each in group for name in each.names)
        for each in group:
            each.path.unlink()
        yield _pickled({name: values[name] for name in names}, folder / f"{names[0]}.pickle", watch=False)


def _alone(name: str, value: Any, folder: Path, *, watch: bool) -> _Packed:
    path, itself = folder / name, {id(value): value}
    if (kind := tables.kind_of(value)) is not None and tables.write(value, kind, path):
        return _Packed((name,), kind, path, itself)
    if arrays.is_array(value):
        arrays.write_array(value, path)
        return _Packed((name,), NUMPY, path, itself)
    if arrays.is_state(value) and arrays.write_state(value, path):
        return _Packed((name,), SAFETENSORS, path, itself | arrays.parts(value))
    return _pickled({name: value}, path, watch=watch)


def _pickled(values: Mapping[str, Any], path: Path, *, watch: bool) -> _Packed:
    """One value as it is, several as a tuple. Raises PromotionRefused."""
    from . import pickling

    whole = tuple(values.values()) if len(values) > 1 else next(iter(values.values()))
    with path.open("wb") as file:
        pickler = (pickling.WatchingPickler if watch else pickling.Pickler)(file)
        try:
            pickler.dump(whole)
        except Exception as error:  # a __reduce__ may raise anything
            if isinstance(error, OSError) and error.errno in DISK_PROBLEMS:
                raise
            raise _refused(values, error) from error
    if path.stat().st_size <= TRIED_BYTES:
        _try(values, path)
    return _Packed(
        tuple(values), PICKLE, path, getattr(pickler, "met", {}), _of_devices(values, pickler.devices)
    )


def _refused(values: Mapping[str, Any], error: Exception) -> PromotionRefused:
    name, value = next(iter(values.items()))
    return PromotionRefused(refusal(name, value, error) or str(error))


def _try(values: Mapping[str, Any], path: Path) -> None:
    from . import pickling

    try:
        with path.open("rb") as file:
            pickling.load(file)
    except Exception as error:  # a __setstate__ may raise anything
        name, value = next(iter(values.items()))
        raise PromotionRefused(
            f"{name!r} ({type(value).__qualname__}) cannot be carried: it can be pickled, but unpickling it "
            f"failed with {type(error).__name__}: {error}. Carry the parts of it that you need, or give its "
            "class a __reduce__ that works."
        ) from error


def _of_devices(values: Mapping[str, Any], devices: set[str]) -> str:
    if not devices:
        return ""
    where = ", ".join(sorted(devices))
    return (
        f"{' and '.join(values)}: tensors lie on {where}, so the job needs GPUs (--gpus); or carry a copy "
        "that was moved with .cpu()."
    )


def _sharing(packed: Sequence[_Packed]) -> list[list[_Packed]]:
    """Those that have an object in common, together; in the order in which they came."""
    groups: list[tuple[set[int], list[_Packed]]] = []
    for each in packed:
        met, members = set(each.met), [each]
        apart = []
        for keys, group in groups:
            if keys.isdisjoint(met):
                apart.append((keys, group))
            else:
                met |= keys
                members = [*group, *members]
        groups = [*apart, (met, members)]
    return [members for _, members in groups]


def _remove_abandoned(home: Path) -> None:
    """What packers that were killed left behind."""
    oldest = time.time() - ABANDONED_AFTER_S
    for path in home.glob(f"{FOLDER}*"):
        try:
            if path.stat().st_mtime < oldest:
                shutil.rmtree(path)
        except OSError:
            continue  # another packer's, which has just ended
