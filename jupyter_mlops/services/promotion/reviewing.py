"""What would change if an alias moved: metrics, packages, code, data, figures."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from ...entities import CodeRow, Comparison, DatasetDiff, FigureTable, Review, VersionRef
from ...errors import MlopsError
from ...protocols.blobs import BlobStore
from ..registry.deciding import Verdict
from ..runs.comparing import code_rows
from .judging import Case
from .measured import Training
from .seams import Diffs, Runs

T = TypeVar("T")

MOST_CODE_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewer:
    """Puts a review together; what is missing becomes one of its notes."""

    runs: Callable[[], Runs]
    diffs: Callable[[], Diffs]
    blobs: BlobStore

    def review(self, case: Case, verdict: Verdict) -> Review:
        """Of a version against the one that has the alias now."""
        new, held, notes = case.new, case.holder, list[str]()
        comparison, figures = self._runs(held, new, notes)
        source_diff, code = self._code(held, new, comparison, notes)
        return Review(
            model=new.version.name,
            version=new.version.version or 0,
            alias=case.alias,
            holder=held.version.version if held else None,
            allowed=verdict.allowed,
            gates=list(verdict.results),
            approvals=list(case.approvals),
            metrics_before=held.values if held else {},
            metrics_after=new.values,
            packages_changed=_changed(held.version.packages, new.version.packages) if held else {},
            comparison=comparison,
            figures=figures,
            source_diff=source_diff,
            code=code,
            data=self._data(held, new, notes) if held else [],
            notes=notes,
        )

    def _runs(
        self, held: Training | None, new: Training, notes: list[str]
    ) -> tuple[Comparison | None, FigureTable | None]:
        """The training runs side by side, and their figures."""
        sides = [each for each in (held, new) if each is not None]
        ids = [each.run.run.id for each in sides if each.run is not None]
        notes += [each.trouble for each in sides if each.trouble]
        if held is None:
            notes.append("Nothing has the alias yet: there is nothing to compare with.")
        elif held.version.version == new.version.version:
            notes.append(f"{new.label} has the alias already.")
            return None, None
        elif len(set(ids)) == 1 and len(ids) == 2:
            notes.append("Both versions were made by the same run.")
        runs = self.runs() if ids else None
        figures = _tried(lambda: runs.figures(list(dict.fromkeys(ids))), "figures", notes) if runs else None
        if runs is None or len(set(ids)) < 2:
            return None, _any(figures)
        return _tried(lambda: runs.compare(*ids), "training runs", notes), _any(figures)

    def _code(
        self, held: Training | None, new: Training, comparison: Comparison | None, notes: list[str]
    ) -> tuple[str, list[CodeRow]]:
        """The difference of the code: of the runs, else of what was kept with the versions."""
        if comparison is not None:
            return comparison.source_diff, list(comparison.code)
        if held is None or held.version.version == new.version.version:
            return "", []
        kept = [self._kept_code(each, notes) for each in (held, new)]
        if kept[0] is None or kept[1] is None:
            return "", []
        labels = [f"{each.version.name}@{each.version.version}" for each in (held, new)]
        return _unified(kept[0], kept[1], *labels), code_rows(kept[0], kept[1])

    def _kept_code(self, training: Training, notes: list[str]) -> str | None:
        if training.run is not None:
            return training.run.source
        digest = training.version.code_digest
        if digest is None:
            notes.append(f"No code was kept with {training.label[:1].lower()}{training.label[1:]}.")
            return None
        data = _tried(
            lambda: self.blobs.get(digest), f"code of {training.label[:1].lower()}{training.label[1:]}", notes
        )
        return None if data is None else data[:MOST_CODE_BYTES].decode("utf-8", "replace")

    def _data(self, held: Training, new: Training, notes: list[str]) -> list[DatasetDiff]:
        """The differences of the datasets that both read in different versions."""
        before, after = (_newest(each.registered) for each in (held, new))
        for name in sorted(before.keys() ^ after.keys()):
            who = held if name in before else new
            notes.append(f"Only {who.label[:1].lower()}{who.label[1:]} was made from dataset {name!r}.")
        return list(self._diffs(before, after, notes))

    def _diffs(
        self, before: Mapping[str, VersionRef], after: Mapping[str, VersionRef], notes: list[str]
    ) -> Iterator[DatasetDiff]:
        for name in sorted(before.keys() & after.keys()):
            one, other = before[name], after[name]
            if one.digest == other.digest or one.version is None or other.version is None:
                continue
            refs = f"{name}@{one.version}", f"{name}@{other.version}"
            found = _tried(partial(self._diff, *refs), f"data {' and '.join(refs)}", notes)
            if found is not None:
                yield found

    def _diff(self, before: str, after: str) -> DatasetDiff:
        return self.diffs().diff(before, after)


def _tried(find: Callable[[], T], what: str, notes: list[str]) -> T | None:
    try:
        return find()
    except (MlopsError, OSError, ValueError) as error:
        said = error.message if isinstance(error, MlopsError) else str(error)
        notes.append(f"The {what} cannot be compared: {said}")
        return None


def _unified(before: str, after: str, label: str, other: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), label, other, lineterm="")
    return "\n".join(lines)


def _any(figures: FigureTable | None) -> FigureTable | None:
    return figures if figures is not None and figures.rows else None


def _changed(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, list[str]]:
    """Both versions of each package that differs; empty where a side has none."""
    names = sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
    return {name: [before.get(name, ""), after.get(name, "")] for name in names}


def _newest(refs: Sequence[VersionRef]) -> dict[str, VersionRef]:
    return {each.name: each for each in sorted(refs, key=lambda each: each.version or 0)}
