"""The index of runs: what ingest gives it, what readers ask of it.

A *stamp* is ``(time, writer, number)`` of a record. Wherever several records set the same thing, the one
with the greatest stamp counts, whatever order they reach the index in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..entities import MetricSummary, Process, Run, RunError, RunKind, RunStatus
from .points import Points

Stamp = tuple[float, str, int]

OWNER = "owner"
"""The role of the writer that began a run and will end it."""
CHILD = "child"
"""The role of a further process of the run."""
EDITOR = "editor"
"""The role of a person's later changes: no sign of the run's life."""

HARDWARE = "system/"
"""What the names of the sampler's series begin with: they are no metrics of the user's."""


class Stamped(NamedTuple):
    """A value and the stamp of the record that set it."""

    value: Any
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run's ``start`` record says of it, but for its name."""

    experiment: str
    kind: RunKind
    user: str
    host: str
    notebook: str | None = None
    cell_id: str | None = None
    parent_id: str | None = None
    job_id: str | None = None
    sweep_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What an ``end`` record says."""

    status: RunStatus
    reason: str | None = None
    error: RunError | None = None


@dataclass(frozen=True, slots=True)
class ParamValue:
    """An input value and where it was taken from."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class RecordedInput:
    """A registered version that the run read."""

    number: int
    time: float
    kind: str
    name: str
    version: int | None
    digest: str


@dataclass(frozen=True, slots=True)
class RecordedOutput:
    """A message that the front end got: the fields of a ``Displayed`` record."""

    number: int
    time: float
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Registration:
    """A version that the run registered. ``version`` is None until the registry has said which it is.

    ``record`` holds the fields of the ``Register`` record, to apply it again later; ``problem`` says why
    the registry refused it for good.
    """

    run_id: str
    writer: str
    number: int
    time: float
    kind: str
    name: str
    digest: str
    user: str
    record: Mapping[str, Any]
    version: int | None = None
    problem: str = ""

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.writer}/{self.number}"


@dataclass(slots=True)
class Delta:
    """What the lines of one journal between two offsets say.

    ``begun``, ``ended`` and the items of ``fields`` (``name``, ``note``, ``archived``, ``progress``) are
    this part's winners by stamp. ``details`` are keyed by kind (``source``, ``context``, ``artifact``,
    ``cell``) and name; their values are JSON-like. ``points`` are in the journal's order.
    """

    run_id: str
    writer: str
    start: int
    end: int
    bad_lines: int = 0
    unknown: int = 0
    role: str | None = None
    process: Process | None = None
    closed: bool = False
    first_seen: float | None = None
    last_seen: float | None = None
    begun: Stamped | None = None
    ended: Stamped | None = None
    fields: dict[str, Stamped] = field(default_factory=dict)
    params: dict[str, Stamped] = field(default_factory=dict)
    tags: dict[str, Stamped] = field(default_factory=dict)
    points: dict[str, Points] = field(default_factory=dict)
    details: dict[tuple[str, str], Stamped] = field(default_factory=dict)
    outputs: list[RecordedOutput] = field(default_factory=list)
    inputs: list[RecordedInput] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JournalState:
    """How far a journal is in the index, and what is known of its writer.

    ``role`` is None before its first record; ``last_seen`` is the time of its last one.
    """

    run_id: str
    writer: str
    offset: int = 0
    bad_lines: int = 0
    unknown: int = 0
    role: str | None = None
    process: Process | None = None
    closed: bool = False
    last_seen: float | None = None


class Standing(NamedTuple):
    """Where an index stands: when every journal of the home was last looked at, None for a new or emptied
    index; and whether registrations wait for their number."""

    scanned_at: float | None
    pending: bool


@dataclass(frozen=True, slots=True)
class OpenWriter:
    """A writer of a running run that has not closed; ``seq`` is the run's."""

    run_id: str
    writer: str
    process: Process | None
    last_seen: float
    seq: int


@dataclass(frozen=True, slots=True)
class Sight:
    """What a reader sees of the running world when it reads.

    ``alive`` are the runs with a process that is seen to live. A run that nobody sees is silent when its
    last record is older than ``silent_before`` and lost when it is older than ``lost_before``.
    """

    now: float
    silent_before: float
    lost_before: float
    alive: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class IndexedRun:
    """A run with its status derived under a Sight, and the signs that it was derived from.

    ``dead`` says that every process with an unclosed writer was seen to be gone.
    """

    run: Run
    last_seen: float
    dead: bool
    open_writers: int


@dataclass(frozen=True, slots=True)
class RunRecords:
    """What the index holds of one run beyond its row; lists are in merged order."""

    error: RunError | None
    details: Mapping[str, Mapping[str, Stamped]]
    params_from: Mapping[str, str]
    hardware: Mapping[str, MetricSummary]
    outputs: Sequence[RecordedOutput]
    inputs: Sequence[RecordedInput]
    registrations: Sequence[Registration]


class RunIndex(Protocol):
    """The disposable index. It holds only what journals say, and notes of what readers saw.

    Any number of processes may use one index at once.
    """

    # ------------------------------------------------------------ taking in
    def standing(self) -> Standing:
        """Where the index stands."""
        ...

    def note_scan(self, now: float) -> None:
        """Every journal of the home has been looked at."""
        ...

    def journals(self, run_ids: Iterable[str]) -> dict[tuple[str, str], JournalState]:
        """The known journals of these runs, by (run id, writer)."""
        ...

    def apply(self, deltas: Sequence[Delta]) -> list[Delta]:
        """Take in parts of journals, in one transaction with their offsets.

        A part that does not begin where the index stands (somebody else was faster) is left out and
        returned. All runs that are touched get one new ``seq``.
        """
        ...

    def users(self, run_ids: Iterable[str]) -> dict[str, str]:
        """Who began these runs, where that is known."""
        ...

    def pending_registrations(self) -> list[Registration]:
        """Those that the registry has not numbered yet nor refused, oldest first."""
        ...

    def settle_registration(self, key: Registration, *, version: int | None, problem: str = "") -> None:
        """Keep what the registry said. The run counts as changed."""
        ...

    def forget(self, run_ids: Iterable[str]) -> None:
        """Forget these runs of an index that several homes push to; each home is then scanned again."""
        ...

    def clear(self) -> None:
        """Forget everything but the counter behind ``seq``."""
        ...

    # ------------------------------------------------------------ liveness
    def open_writers(self, here: Process) -> list[OpenWriter]:
        """All unclosed writers (not editors) of the running runs that ``here``'s host has a writer on.

        Runs that are noted dead are left out.
        """
        ...

    def note_dead(self, runs: Mapping[str, int]) -> None:
        """Every process of these runs (id and ``seq`` when that was seen) is gone; they count as changed.

        A run that changed in between is left as it is; a later record of the run undoes the note.
        """
        ...

    def note_silence(self, sight: Sight) -> None:
        """Runs that turned silent or lost by the passing of time count as changed, once for each."""
        ...

    # ------------------------------------------------------------ reading
    def search(
        self,
        filter: str,
        order_by: str,
        sight: Sight,
        *,
        limit: int,
        offset: int,
        archived: bool,
        total: bool = True,
    ) -> tuple[list[IndexedRun], int | None]:
        """A page and, when asked for, the number of all that match. Raises FilterError."""
        ...

    def get(self, run_ids: Sequence[str], sight: Sight) -> list[IndexedRun]:
        """Those of these runs that exist, in the order asked for."""
        ...

    def ids_ending(self, text: str, *, limit: int) -> list[str]:
        """Whole ids that end so."""
        ...

    def records(self, run_id: str) -> RunRecords:
        """Everything else about one run."""
        ...

    def metric_names(self, run_id: str) -> list[str]:
        """Names of all the run's series, sorted: its metrics and those of the hardware."""
        ...

    def points(self, run_id: str, name: str) -> Points:
        """A metric's values in merged order."""
        ...

    def experiments(self) -> list[str]:
        """Their names, sorted."""
        ...

    def children(self, run_id: str) -> list[str]:
        """Ids of the runs whose parent it is, oldest first."""
        ...

    def of_jobs(self, job_ids: Sequence[str]) -> dict[str, str]:
        """The newest run of kind JOB for each job that has one."""
        ...

    def reading(self, kind: str, name: str, version: int | None, digest: str | None) -> list[str]:
        """Ids of the runs that read this version, oldest first.

        A run that read it while it was pending is known by ``digest``, and so is one that only read a file
        with the content of the dataset.
        """
        ...

    def changes(self, since: int) -> tuple[int, list[str]]:
        """The present ``seq``, and the ids of the runs whose own is greater than ``since``."""
        ...
