"""What a model version was measured on, and with which result."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ...entities import DataRead, ModelVersion, RunDetail, VersionRef, reference_text
from ...errors import MlopsError
from .seams import Runs

SHOWN = 3
"""How many names of data a sentence has at most."""


class Training:
    """A version and, where it can be read from here, the run that made it, read on first use."""

    def __init__(self, version: ModelVersion, runs: Callable[[], Runs]) -> None:
        self.version = version
        self._runs = runs
        self.trouble = ""
        """Why the run cannot be read; empty where it was not tried, or could be."""

    @cached_property
    def run(self) -> RunDetail | None:
        if self.version.run_id is None:
            self.trouble = f"{self.label} was registered outside of a run."
            return None
        try:
            return self._runs().detail(self.version.run_id)
        except (MlopsError, OSError) as error:
            self.trouble = f"The run of {_lower(self.label)} cannot be read from here: {_text(error)}"
            return None

    @property
    def label(self) -> str:
        number = self.version.version
        return "The new version" if number is None else f"Version {number}"

    def value(self, metric: str) -> float | None:
        """A metric as it was at the registration, else the last value of the run."""
        if metric in self.version.metrics:
            return self.version.metrics[metric]
        summary = self.run.run.metrics.get(metric) if self.run else None
        return None if summary is None else summary.last

    @property
    def values(self) -> dict[str, float]:
        """All metrics, those of the registration before those of the run."""
        last = {name: each.last for name, each in self.run.run.metrics.items()} if self.run else {}
        return {**last, **self.version.metrics}

    @property
    def registered(self) -> list[VersionRef]:
        """The registered dataset versions that it was made from, as the version and its run tell."""
        refs = [*self.version.datasets]
        if self.run is not None:
            refs += [each for each in self.run.inputs if each.kind == "dataset"]
            refs += [read.version for read in self.run.data if read.version is not None]
        return list({(each.name, each.digest): each for each in refs}.values())

    @property
    def reads(self) -> list[DataRead]:
        """The files that the run read, registered or not."""
        return list(self.run.data) if self.run is not None else []


@dataclass(frozen=True, slots=True)
class Data:
    """Contents by their digests with the names that people know them by; the ``unknown`` have none."""

    names: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def without(self, other: Data) -> str:
        """The names of what the other one has not."""
        return _listed([name for digest, name in self.names.items() if digest not in other.names])


def difference(held: Training, new: Training, *, dataset: str = "") -> str:
    """Why two versions were not measured on the same data; empty when they were.

    Registered versions decide where both have some, of one ``dataset`` or of all; else the files that the two
    runs read.
    """
    if dataset:
        sides = [_versions(_of(each.registered, dataset)) for each in (held, new)]
        for side, each in zip(sides, (held, new), strict=True):
            if not side.names:
                return _no_data(each, f"a version of {dataset!r}")
    else:
        sides = [_versions(each.registered) for each in (held, new)]
        if not all(side.names for side in sides):
            sides = [_contents(each) for each in (held, new)]
    return _difference(held, new, *sides)


def _difference(held: Training, new: Training, before: Data, after: Data) -> str:
    for side, each in ((before, held), (after, new)):
        if side.unknown:
            unknown = _listed(side.unknown)
            return f"it is not known what {_lower(each.label)} read: there is no digest of {unknown}"
        if not side.names:
            return _no_data(each, "any data")
    if before.names.keys() == after.names.keys():
        return ""
    there, here = before.without(after), after.without(before)
    if there and here:
        return f"measured on other data: {there} against {here}"
    more = f"only {_lower(held.label)} read {there}" if there else f"only {_lower(new.label)} read {here}"
    return f"measured on other data: {more}"


def _no_data(each: Training, what: str) -> str:
    trouble = each.trouble or f"{each.label} is not known to have read {what}."
    return f"it is not known what {_lower(each.label)} was measured on: {trouble}"


def _of(refs: Iterable[VersionRef], name: str) -> list[VersionRef]:
    return [each for each in refs if each.name == name]


def _versions(refs: Iterable[VersionRef]) -> Data:
    return Data({each.digest: reference_text(each) for each in refs})


def _contents(training: Training) -> Data:
    data = _versions(training.registered)
    for read in training.reads:
        name = read.uri.rstrip("/").rpartition("/")[2] or read.uri
        if read.digest and not read.sampled:
            data.names.setdefault(read.digest, f"{name} ({read.digest[:8]})")
        else:  # also what could not be hashed was read, and may be what the two differ in
            data.unknown.append(f"{name} ({read.problem.rstrip('.')})" if read.problem else name)
    return data


def _listed(names: Iterable[str]) -> str:
    found = sorted(dict.fromkeys(names))
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _text(error: BaseException) -> str:
    return error.message if isinstance(error, MlopsError) else str(error)
