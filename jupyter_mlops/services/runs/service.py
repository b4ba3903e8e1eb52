"""Reading runs, and people's later changes to them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from ...capture.processes import current_process
from ...capture.redact import redact_all
from ...config import Settings
from ...entities import (
    Artifact,
    CellTiming,
    Comparison,
    DataRead,
    History,
    Run,
    RunDetail,
    RunPage,
    SeenModel,
    VersionRef,
    is_id,
)
from ...entities.ids import ALPHABET
from ...errors import Ambiguous, InvalidInput, NotFound
from ...journal import JournalWriter
from ...journal.records import Close, Edit, Join, Tags
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.runs import EDITOR, IndexedRun, Point, RunIndex, RunRecords, Sight, Stamped
from .comparing import compare
from .ingest import Ingestor
from .liveness import Liveness, explained
from .outputs import assemble
from .thinning import thin

SHORTEST_END = 4


class RunService:
    """Every answer is of now: what is new in the journals is taken in first, and processes are looked at."""

    def __init__(
        self,
        index: RunIndex,
        ingestor: Ingestor,
        blobs: BlobStore,
        settings: Settings,
        *,
        liveness: Liveness | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._index = index
        self._ingestor = ingestor
        self._blobs = blobs
        self._settings = settings
        self._liveness = liveness or Liveness(index, settings, clock=clock)
        self._clock = clock

    # ------------------------------------------------------------ reading
    def search(
        self,
        filter: str = "",
        *,
        order_by: str = "started desc",
        limit: int = 100,
        offset: int = 0,
        archived: bool = False,
    ) -> RunPage:
        """One page of the runs that match; ``archived`` ones only when asked for. Raises FilterError."""
        if limit < 0 or offset < 0:
            raise InvalidInput(f"limit and offset count runs and cannot be negative: {min(limit, offset)}.")
        sight = self._look()
        found, total = self._index.search(
            filter, order_by, sight, limit=limit, offset=offset, archived=archived
        )
        return RunPage(runs=[explained(each, sight) for each in found], total=total)

    def get(self, run_id: str) -> Run:
        """A run by its id or by the end of it, at least four characters. Raises NotFound, Ambiguous."""
        sight = self._look()
        return explained(self._find(run_id, sight), sight)

    def detail(self, run_id: str) -> RunDetail:
        """Everything that a run's page shows. Raises NotFound, Ambiguous."""
        sight = self._look()
        run = explained(self._find(run_id, sight), sight)
        records = self._index.records(run.id)
        details = records.details
        return RunDetail(
            run=run,
            source=_values(details, "source").get("", ""),
            error=records.error,
            context=_values(details, "context"),
            params_from=dict(records.params_from),
            outputs=assemble(records.outputs, self._blobs.get),
            artifacts=_artifacts(details.get("artifact", {})),
            cells=_cells(details.get("cell", {})),
            data=_data(details.get("data", {})),
            models=_models(details.get("context", {})),
            inputs=_inputs(records),
            registered=_registered(records),
            children=self._index.children(run.id),
        )

    def artifact(self, run_id: str, name: str) -> bytes:
        """An artifact's content. Raises NotFound when the run has none of that name."""
        return self._blobs.get(self.artifact_entry(run_id, name).digest)

    def artifact_entry(self, run_id: str, name: str) -> Artifact:
        """An artifact without its content. Raises NotFound when the run has none of that name."""
        run = self._find(run_id, self._look()).run
        artifacts = {
            each.name: each for each in _artifacts(self._index.records(run.id).details.get("artifact", {}))
        }
        if name not in artifacts:
            known = ", ".join(sorted(artifacts)) or "none"
            raise NotFound(f"Run {run.id} has no artifact {name!r}. It has: {known}.")
        return artifacts[name]

    def history(self, run_id: str, name: str, *, max_points: int | None = None) -> History:
        """A metric's points; more than ``max_points`` are thinned without losing extremes.

        Raises NotFound, naming the metrics that there are.
        """
        run = self.get(run_id)
        if name not in run.metrics:
            known = ", ".join(sorted(run.metrics)) or "none"
            raise NotFound(f"Run {run.id} has no metric {name!r}. It has: {known}.")
        points: Sequence[Point] = self._index.points(run.id, name)
        if max_points is not None:
            points = thin(points, max_points)
        return History(
            run_id=run.id,
            name=name,
            steps=[point[2] for point in points],
            times=[point[0] for point in points],
            values=[point[3] for point in points],
        )

    def experiments(self) -> list[str]:
        """The names in use, sorted."""
        self._ingestor.ingest()
        return self._index.experiments()

    def children(self, run_id: str) -> list[Run]:
        """The runs whose parent it is, oldest first. Raises NotFound, Ambiguous."""
        sight = self._look()
        run = self._find(run_id, sight).run
        found = self._index.get(self._index.children(run.id), sight)
        return [explained(each, sight) for each in found]

    def compare(self, a: str, b: str) -> Comparison:
        """What differs between two runs. Raises NotFound, Ambiguous."""
        return compare(self.detail(a), self.detail(b))

    def of_jobs(self, job_ids: Sequence[str]) -> dict[str, Run]:
        """The newest run of kind JOB for each job that has one."""
        sight = self._look()
        ids = self._index.of_jobs(job_ids)
        found = {each.run.id: explained(each, sight) for each in self._index.get(list(ids.values()), sight)}
        return {job_id: found[run_id] for job_id, run_id in ids.items() if run_id in found}

    def reading(self, kind: str, name: str, version: int | None, *, digest: str | None = None) -> list[str]:
        """Ids of the runs that read this version of a dataset or model, oldest first."""
        self._ingestor.ingest()
        return self._index.reading(kind, name, version, digest)

    # ------------------------------------------------------------ following
    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present sequence number, and the ids of the runs that changed after ``since``.

        A run that turned silent or lost is among them once.
        """
        self._index.note_silence(self._look())
        return self._index.changes(since)

    # ------------------------------------------------------------ changing
    def edit(
        self,
        run_id: str,
        *,
        name: str | None = None,
        note: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        archived: bool | None = None,
    ) -> Run:
        """Change what people say of a run, as records in a journal of this editor; a tag of None goes.

        Raises NotFound, Ambiguous, InvalidInput.
        """
        if name is not None and not name.strip():
            raise InvalidInput("A run's name cannot be empty.")
        if any(not key.strip() for key in tags or {}):
            raise InvalidInput("A tag's name cannot be empty.")
        run = self.get(run_id)
        journal = JournalWriter(self._settings.home, run.id, clock=self._clock)
        try:
            journal.append(Join(process=current_process(), role=EDITOR))
            if (name, note, archived) != (None, None, None):
                journal.append(Edit(name=name, note=note, archived=archived))
            if tags:
                journal.append(Tags(g=_as_texts(redact_all(tags))))
            journal.append(Close())
        finally:
            journal.close()
        return self.get(run.id)

    def rebuild(self) -> int:
        """Make the index anew from the journals; returns the number of runs."""
        self._ingestor.rebuild()
        return self.search(limit=0, archived=True).total

    # ------------------------------------------------------------ within
    def _look(self) -> Sight:
        self._ingestor.ingest()
        return self._liveness.look(self._ingestor.ingest)

    def _find(self, text: str, sight: Sight) -> IndexedRun:
        run_id = text.strip().lower()
        if not is_id(run_id):
            run_id = self._whole_id(run_id, text)
        found = self._index.get([run_id], sight)
        if not found:
            raise NotFound(f"No run {text!r}. List them: %mlops runs")
        return found[0]

    def _whole_id(self, end: str, text: str) -> str:
        if not set(end) <= set(ALPHABET):
            return end  # a run of another tool's making has an id of another form
        if len(end) < SHORTEST_END:
            raise NotFound(f"No run {text!r}: give at least the last {SHORTEST_END} characters of its id.")
        ids = self._index.ids_ending(end, limit=6)
        if len(ids) > 1 and end not in ids:
            raise Ambiguous(f"{text!r} is the end of several runs' ids: {', '.join(ids)}. Give more of it.")
        return ids[0] if ids and end not in ids else end


def _as_texts(tags: Mapping[str, Any]) -> dict[str, str | None]:
    return {key: None if value is None else str(value) for key, value in tags.items()}


def _values(details: Mapping[str, Mapping[str, Stamped]], kind: str) -> dict[str, Any]:
    return {name: stamped.value for name, stamped in details.get(kind, {}).items()}


def _artifacts(details: Mapping[str, Stamped]) -> list[Artifact]:
    return [Artifact(name=name, **value, time=stamp[0]) for name, (value, stamp) in details.items()]


def _cells(details: Mapping[str, Stamped]) -> list[CellTiming]:
    cells = [CellTiming(index=int(index), **stamped.value) for index, stamped in details.items()]
    return sorted(cells, key=lambda cell: cell.index)


def _data(details: Mapping[str, Stamped]) -> list[DataRead]:
    reads = [DataRead(**_known_fields(stamped.value), time=stamped.stamp[0]) for stamped in details.values()]
    return sorted(reads, key=lambda read: (read.time, read.uri))


def _known_fields(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value[name] for name in _DATA_FIELDS if name in value}


_DATA_FIELDS = {field.name for field in fields(DataRead)} - {"time", "version"}


def _models(context: Mapping[str, Stamped]) -> list[SeenModel]:
    seen = context.get("models")
    return [] if seen is None else [SeenModel(**model) for model in seen.value]


def _inputs(records: RunRecords) -> list[VersionRef]:
    """Each version once, however often it was read."""
    refs = {
        (each.kind, each.name, each.version, each.digest): VersionRef(
            kind=each.kind, name=each.name, version=each.version, digest=each.digest
        )
        for each in records.inputs
    }
    return list(refs.values())


def _registered(records: RunRecords) -> list[VersionRef]:
    refs = {
        (each.kind, each.name, each.version, each.digest): VersionRef(
            kind=each.kind, name=each.name, version=each.version, digest=each.digest
        )
        for each in records.registrations
        if not each.problem
    }
    return list(refs.values())
