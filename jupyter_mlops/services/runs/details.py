"""What the index keeps of a run, as the parts of its detail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ...entities import Artifact, CellTiming, SeenModel, VersionRef
from ...protocols.runs import RecordedInput, Registration, RunRecords, Stamped


def values_of(details: Mapping[str, Mapping[str, Stamped]], kind: str) -> dict[str, Any]:
    """The values of one kind (``source``, ``context``) by name."""
    return {name: stamped.value for name, stamped in details.get(kind, {}).items()}


def artifacts(details: Mapping[str, Stamped]) -> list[Artifact]:
    """By the names that they were logged under."""
    return [Artifact(name=name, **value, time=stamp[0]) for name, (value, stamp) in details.items()]


def cell_timings(details: Mapping[str, Stamped]) -> list[CellTiming]:
    """In the notebook's order."""
    cells = [CellTiming(index=int(index), **stamped.value) for index, stamped in details.items()]
    return sorted(cells, key=lambda cell: cell.index)


def seen_models(context: Mapping[str, Stamped]) -> list[SeenModel]:
    """The fitted models that the run left in the namespace; fields of later versions are passed over."""
    seen = context.get("models")
    return [] if seen is None else msgspec.convert(seen.value, list[SeenModel])


def inputs_read(records: RunRecords) -> list[VersionRef]:
    """Each version once, however often it was read."""
    return _distinct(records.inputs)


def versions_registered(records: RunRecords) -> list[VersionRef]:
    """Those that the registry has not refused."""
    return _distinct(each for each in records.registrations if not each.problem)


def _distinct(versions: Iterable[RecordedInput | Registration]) -> list[VersionRef]:
    refs = (
        VersionRef(kind=each.kind, name=each.name, version=each.version, digest=each.digest)
        for each in versions
    )
    return list(dict.fromkeys(refs))
