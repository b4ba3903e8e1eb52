"""Reading runs, and people's later changes to them."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...capture.processes import current_process
from ...capture.redact import redact_all
from ...config import Settings
from ...entities import (
    Artifact,
    Comparison,
    DataRead,
    FigureTable,
    History,
    ParallelCoordinates,
    Run,
    RunDetail,
    RunPage,
    RunTable,
    is_id,
)
from ...entities.ids import ALPHABET
from ...errors import Ambiguous, InvalidInput, NotFound
from ...journal import JournalWriter
from ...journal.layout import output_tails
from ...journal.records import Close, Data, Edit, Join, Tags
from ...protocols.blobs import BlobStore
from ...protocols.clock import Clock
from ...protocols.points import Points
from ...protocols.runs import EDITOR, IndexedRun, RunIndex, RunRecords, Sight
from ...protocols.sealing import RUN
from ..registry.deciding import Access, EverythingAllowed
from ..sealing.elsewhere import Elsewhere
from .captured import CapturedFile, captured_file
from .comparing import compare
from .data_comparison import FileNameOf, data_differences, no_file_name
from .data_digests import LaterDigests, as_record, content_of, is_pending
from .data_reads import Recognise, data_reads, nothing_recognised
from .details import (
    artifacts,
    cell_timings,
    inputs_read,
    seen_models,
    values_of,
    versions_registered,
)
from .ingest import Ingestor
from .liveness import Liveness, explained
from .outputs import assemble, widget_state, with_waiting
from .side_by_side import figure_table, parallel_coordinates, run_table
from .thinning import thin

SHORTEST_END = 4
DIGESTS_WAIT_S = 1.0
DIGESTS_WAIT_TO_COMPARE_S = 30.0
MOST_SIDE_BY_SIDE = 100


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
        recognise: Recognise = nothing_recognised,
        file_name_of: FileNameOf = no_file_name,
        elsewhere: Elsewhere | None = None,
        access: Access | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._index = index
        self._access = access or EverythingAllowed()
        self._elsewhere = elsewhere or Elsewhere(None, blobs, settings)
        self._ingestor = ingestor
        self._blobs = blobs
        self._settings = settings
        self._liveness = liveness or Liveness(index, settings, clock=clock)
        self._recognise = recognise
        self._file_name_of = file_name_of
        self._digests = LaterDigests(settings, self._data_records, clock=clock)
        ingestor.on_open_data = self._digests.add
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
        total: bool = True,
    ) -> RunPage:
        """One page of the runs that match; ``archived`` ones only when asked for. Raises FilterError.

        Without ``total`` it is not counted how many match, which costs more than the page.
        """
        if limit < 0 or offset < 0:
            raise InvalidInput(f"limit and offset count runs and cannot be negative: {min(limit, offset)}.")
        sight = self._look()
        found, count = self._index.search(
            filter, order_by, sight, limit=limit, offset=offset, archived=archived, total=total
        )
        return RunPage(runs=[explained(each, sight) for each in found], total=count)

    def get(self, run_id: str) -> Run:
        """A run by its id or by the end of it, at least four characters. Raises NotFound, Ambiguous."""
        sight = self._look()
        return explained(self._find(run_id, sight), sight)

    def detail(self, run_id: str, *, digests_wait_s: float = DIGESTS_WAIT_S) -> RunDetail:
        """Everything that a run's page shows. Raises NotFound, Ambiguous.

        Digests of large files that the run read and nobody has computed yet are computed from now on; for
        those that take no longer than ``digests_wait_s`` it waits.
        """
        sight = self._look()
        run = explained(self._find(run_id, sight), sight)
        records = self._index.records(run.id)
        if self._digests_came(run.id, records, digests_wait_s):
            records = self._index.records(run.id)
        details = records.details
        inputs = inputs_read(records)
        messages = with_waiting(records.outputs, self._waiting_outputs(run.id))
        return RunDetail(
            run=run,
            source=values_of(details, "source").get("", ""),
            error=records.error,
            context=values_of(details, "context"),
            params_from=dict(records.params_from),
            outputs=assemble(messages, self._blobs.get),
            widgets=widget_state(messages, self._blobs.get),
            artifacts=artifacts(details.get("artifact", {})),
            cells=cell_timings(details.get("cell", {})),
            data=data_reads(details.get("data", {}), inputs, self._recognise),
            models=seen_models(details.get("context", {})),
            hardware=dict(records.hardware),
            inputs=inputs,
            registered=versions_registered(records),
            children=self._index.children(run.id),
        )

    def artifact(self, run_id: str, name: str) -> bytes:
        """An artifact's content. Raises NotFound when the run has none of that name."""
        return self._blobs.get(self.artifact_entry(run_id, name).digest)

    def artifact_entry(self, run_id: str, name: str) -> Artifact:
        """An artifact without its content. Raises NotFound when the run has none of that name."""
        run = self._find(run_id, self._look()).run
        entries = artifacts(self._index.records(run.id).details.get("artifact", {}))
        found = {each.name: each for each in entries}
        if name not in found:
            known = ", ".join(sorted(found)) or "none"
            raise NotFound(f"Run {run.id} has no artifact {name!r}. It has: {known}.")
        return found[name]

    def captured(self, run_id: str, digest: str) -> CapturedFile:
        """A file captured with a run (patch, lock file, notebook, module) by its digest. Raises NotFound."""
        return captured_file(self.context(run_id), digest)

    def context(self, run_id: str) -> dict[str, Any]:
        """What was captured of a run's surroundings, without the rest of it. Raises NotFound, Ambiguous."""
        run = self._find(run_id, self._look()).run
        return values_of(self._index.records(run.id).details, "context")

    def history(self, run_id: str, name: str, *, max_points: int | None = None) -> History:
        """A metric's points; more than ``max_points`` are thinned without losing extremes.

        Raises NotFound, naming the metrics that there are.
        """
        ((whole_id, points),) = self.curves([run_id], name, max_points=max_points).items()
        return _history(whole_id, name, points)

    def histories(
        self, run_ids: Sequence[str], names: Sequence[str], *, max_points: int | None = None
    ) -> list[History]:
        """Metrics of several runs, each as :meth:`history`; a metric that a run has not is left out."""
        self._ingestor.ingest()
        whole_ids = [self._id_of(run_id) for run_id in run_ids]
        found = (
            (run_id, name, self._points(run_id, name, max_points)) for run_id in whole_ids for name in names
        )
        return [_history(run_id, name, points) for run_id, name, points in found if len(points)]

    def curves(
        self, run_ids: Sequence[str], name: str, *, max_points: int | None = None
    ) -> dict[str, Points]:
        """A metric of several runs by their whole ids; runs that have not logged it are left out.

        Raises NotFound when none of them has, naming the metrics that there are.
        """
        self._ingestor.ingest()
        whole_ids = [self._id_of(run_id) for run_id in run_ids]
        found = {run_id: self._points(run_id, name, max_points) for run_id in whole_ids}
        curves = {run_id: points for run_id, points in found.items() if len(points)}
        if len(curves) < len(found):
            self._check_metric(set(found) - set(curves), name, needed=not curves)
        return curves

    def _points(self, run_id: str, name: str, max_points: int | None) -> Points:
        points = self._index.points(run_id, name)
        return points if max_points is None else thin(points, max_points)

    def _check_metric(self, run_ids: Iterable[str], name: str, *, needed: bool) -> None:
        """Of runs without points of a metric: that they exist; when it is ``needed``, NotFound."""
        runs = [self.get(run_id) for run_id in sorted(run_ids)]
        if needed:
            names = {name for run in runs for name in self._index.metric_names(run.id)}
            known = ", ".join(sorted(names)) or "none"
            if len(runs) == 1:
                raise NotFound(f"Run {runs[0].id} has no metric {name!r}. It has: {known}.")
            raise NotFound(f"None of these {len(runs)} runs has a metric {name!r}. They have: {known}.")

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

    def known(self, run_ids: Collection[str]) -> dict[str, Run]:
        """Those of these runs that there are, by their whole ids."""
        sight = self._look()
        return {each.run.id: explained(each, sight) for each in self._index.get(list(run_ids), sight)}

    def compare(self, a: str, b: str) -> Comparison:
        """What differs between two runs. Raises NotFound, Ambiguous."""
        one, other = (self.detail(each, digests_wait_s=DIGESTS_WAIT_TO_COMPARE_S) for each in (a, b))
        data = data_differences(one, other, self._content_of, self._file_name_of)
        return compare(one, other, data=data)

    def table(self, run_ids: Sequence[str]) -> RunTable:
        """What differs among any number of runs. Raises NotFound, Ambiguous, InvalidInput."""
        return run_table(self._several(run_ids))

    def figures(self, run_ids: Sequence[str]) -> FigureTable:
        """The figures of several runs side by side. Raises NotFound, Ambiguous, InvalidInput."""
        return figure_table(self._several(run_ids))

    def parallel(
        self,
        run_ids: Sequence[str] = (),
        *,
        filter: str = "",
        order_by: str = "started desc",
        limit: int = 200,
        archived: bool = False,
    ) -> ParallelCoordinates:
        """Lines through what varies among these runs, or among those that match.

        Raises NotFound, Ambiguous, FilterError, InvalidInput.
        """
        if run_ids:
            return parallel_coordinates([self.get(each) for each in _distinct(run_ids)])
        page = self.search(filter, order_by=order_by, limit=limit, archived=archived)
        return parallel_coordinates(page.runs)

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
        user: str = "",
    ) -> Run:
        """Change what people say of a run, as records in a journal of this editor; a tag of None goes.

        It is this process's user who does, or the one named. Raises NotFound, Ambiguous, InvalidInput, and
        Forbidden where this user may only look.
        """
        if name is not None and not name.strip():
            raise InvalidInput("A run's name cannot be empty.")
        if any(not key.strip() for key in tags or {}):
            raise InvalidInput("A tag's name cannot be empty.")
        run = self.get(run_id)
        self._access.require(user or self._settings.user, "describe", f"run:{run.id}")
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
        return self.search(limit=0, archived=True).total or 0

    # ------------------------------------------------------------ within
    def _waiting_outputs(self, run_id: str) -> Path:
        """Where the end of a long output lies whose cell goes on, or was killed: here or sealed."""
        folder = output_tails(self._settings.home, run_id)
        if folder.is_dir():
            return folder
        place = self._elsewhere.home_of(RUN, run_id, wanted=lambda path: path.startswith("outputs/"))
        return folder if place is None else output_tails(place, run_id)

    def _data_records(self, run_id: str) -> tuple[str, list[Data]]:
        """The host of a run, and what its records say that it read."""
        found = self._index.get([run_id], self._look())
        details = self._index.records(run_id).details.get("data", {})
        return found[0].run.host if found else "", [as_record(each) for each in details.values()]

    def _content_of(self, read: DataRead) -> Path | None:
        return content_of(read, self._blobs, self._settings.home)

    def _digests_came(self, run_id: str, records: RunRecords, wait_s: float) -> bool:
        """Have the digests computed that are pending; whether that was quickly done."""
        if not any(is_pending(as_record(each)) for each in records.details.get("data", {}).values()):
            return False
        self._digests.add([run_id])
        if not self._digests.wait(run_id, wait_s):
            return False
        self._ingestor.ingest()
        return True

    def _several(self, run_ids: Sequence[str]) -> list[RunDetail]:
        ids = _distinct(run_ids)
        if not 1 <= len(ids) <= MOST_SIDE_BY_SIDE:
            raise InvalidInput(f"Give 1 to {MOST_SIDE_BY_SIDE} runs to show side by side, not {len(ids)}.")
        return [self.detail(each) for each in ids]

    def _look(self) -> Sight:
        self._ingestor.ingest()
        return self._liveness.look(self._ingestor.ingest)

    def _find(self, text: str, sight: Sight) -> IndexedRun:
        found = self._index.get([self._id_of(text)], sight)
        if not found:
            raise NotFound(f"No run {text!r}. List them: %mlops runs")
        return found[0]

    def _id_of(self, text: str) -> str:
        """The whole id that is meant; whether there is such a run is not looked up for a whole one."""
        run_id = text.strip().lower()
        return run_id if is_id(run_id) else self._whole_id(run_id, text)

    def _whole_id(self, end: str, text: str) -> str:
        if not set(end) <= set(ALPHABET):
            return end  # a run of another tool's making has an id of another form
        if len(end) < SHORTEST_END:
            raise NotFound(f"No run {text!r}: give at least the last {SHORTEST_END} characters of its id.")
        ids = self._index.ids_ending(end, limit=6)
        if len(ids) > 1 and end not in ids:
            raise Ambiguous(f"{text!r} is the end of several runs' ids: {', '.join(ids)}. Give more of it.")
        return ids[0] if ids and end not in ids else end


def _history(run_id: str, name: str, points: Points) -> History:
    return History(
        run_id=run_id,
        name=name,
        steps=points.steps_or_none(),
        times=points.times.tolist(),
        values=points.values.tolist(),
    )


def _distinct(run_ids: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(each.strip() for each in run_ids))


def _as_texts(tags: Mapping[str, Any]) -> dict[str, str | None]:
    return {key: None if value is None else str(value) for key, value in tags.items()}
