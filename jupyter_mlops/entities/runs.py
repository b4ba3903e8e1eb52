"""Runs: one tracked execution of a cell, a notebook, a script or a job."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol


class RunStatus(str, Enum):
    """Where a run stands. ``LOST`` is derived when reading and never written."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


class RunKind(str, Enum):
    """What was tracked."""

    CELL = "cell"
    NOTEBOOK = "notebook"
    SCRIPT = "script"
    JOB = "job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process, so that it is never taken for a later one with the same pid.

    ``start_ticks`` is field 22 of ``/proc/<pid>/stat`` (clock ticks since boot, proc(5)); elsewhere
    hundredths of a second since the epoch. ``boot_id`` changes with every boot of the host.
    """

    host: str
    boot_id: str
    pid_namespace: int
    pid: int
    start_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSummary:
    """What is known of one metric without its history; values may be NaN or infinite."""

    last: float
    min: float
    max: float
    count: int
    last_step: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``done`` of ``total`` cells have been executed."""

    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """The exception that ended a run: its class, its text and its traceback without colours."""

    name: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as lists show it. Times are seconds since the epoch, durations seconds."""

    id: str
    name: str
    experiment: str
    kind: RunKind
    status: RunStatus
    started_at: float
    status_reason: str | None = None
    ended_at: float | None = None
    duration_s: float | None = None
    notebook: str | None = None
    cell_id: str | None = None
    parent_id: str | None = None
    job_id: str | None = None
    sweep_id: str | None = None
    user: str = ""
    host: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, MetricSummary] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    note: str = ""
    archived: bool = False
    progress: Progress | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One thing that a run displayed, in the form of nbformat's outputs.

    ``kind`` is ``stream``, ``display_data``, ``execute_result`` or ``error``. ``data`` maps MIME types
    to values, as in an nbformat output; for a stream it is ``{"text/plain": text}`` and ``name`` says
    which; for an error it is ``{"text/plain": traceback}`` and ``name`` the exception's class.
    """

    position: int
    kind: str
    data: dict[str, Any]
    time: float
    name: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A named blob of a run."""

    name: str
    digest: str
    size_bytes: int
    media_type: str = "application/octet-stream"
    time: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CellTiming:
    """How long cell ``index`` (from 0) of a tracked notebook took, and whether it succeeded."""

    index: int
    duration_s: float
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRef:
    """A dataset or model version as a run names it. ``version`` is None while it is pending."""

    kind: str
    name: str
    version: int | None
    digest: str

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a cell shows of it: a line (IPython's protocol of pretty printing)."""
        printer.text(f"VersionRef {reference_text(self)}: {self.kind}, {self.digest[:8]}")


class Versioned(Protocol):
    """A version of a name; one that is pending has no number yet."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int | None: ...


def reference_text(version: Versioned) -> str:
    """``digits@3``; ``digits@pending`` where no registry has numbered it yet."""
    return f"{version.name}@{number_text(version.version)}"


def number_text(version: int | None) -> str:
    """The number of a version as people read it."""
    return "pending" if version is None else str(version)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRead:
    """A file or URL that a run read. ``version`` is the registered dataset version with that content.

    ``digest`` is BLAKE3 of the whole content; empty while it has not been computed, and ``sampled`` when
    only parts of the content went in. ``columns`` maps a table's columns to their dtypes, in order;
    ``column_digests`` those whose content was hashed. ``files`` counts those read of a folder, whose
    ``uri`` ends with a slash and whose digest is that of a registered folder with the same content.
    """

    uri: str
    reader: str
    size_bytes: int | None = None
    digest: str = ""
    sampled: bool = False
    files: int | None = None
    rows: int | None = None
    columns: dict[str, str] = field(default_factory=dict)
    column_digests: dict[str, str] = field(default_factory=dict)
    time: float = 0.0
    problem: str = ""
    version: VersionRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenModel:
    """A fitted model that a cell left in the namespace; ``size_bytes`` is None where it is not known."""

    name: str
    class_name: str
    size_bytes: int | None = None
    parameters: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """Everything that a run's page shows.

    ``context`` holds what was captured of the surroundings: ``python``, ``packages``, ``git``
    (``commit``, ``branch``, ``dirty``, ``patch_digest``), ``platform``, ``hardware``, ``modules``,
    ``notebook_file``, ``history``. ``params_from`` says for each param where it was taken from:
    ``literal`` (assigned in the cell), ``read`` (from an earlier cell), ``object`` (the arguments of an
    estimator or a config), ``flag`` (``-p``), ``parameters`` (a notebook's or job's), ``logged``.
    ``hardware`` are the series of the sampler, by name (``system/cpu_percent``); their points are read as
    those of metrics. ``widgets`` is the last state of the widgets among the outputs, as an nbformat
    notebook's metadata have it (``application/vnd.jupyter.widget-state+json``).
    """

    run: Run
    source: str = ""
    error: RunError | None = None
    context: dict[str, Any] = field(default_factory=dict)
    params_from: dict[str, str] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    widgets: dict[str, Any] | None = None
    artifacts: list[Artifact] = field(default_factory=list)
    cells: list[CellTiming] = field(default_factory=list)
    inputs: list[VersionRef] = field(default_factory=list)
    data: list[DataRead] = field(default_factory=list)
    models: list[SeenModel] = field(default_factory=list)
    hardware: dict[str, MetricSummary] = field(default_factory=dict)
    registered: list[VersionRef] = field(default_factory=list)
    children: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The points of one metric in merged order; the three lists have one length."""

    run_id: str
    name: str
    steps: list[int | None]
    times: list[float]
    values: list[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """One page of a search; ``total`` counts all that match, where that was asked for."""

    runs: list[Run]
    total: int | None
