"""Answers that are put together for a reader: comparisons, parameters of a notebook, checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .runs import Output, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key and its two values; None where a side has no such key."""

    key: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChange:
    """A column that differs: ``added``, ``removed``, ``type`` (``a`` and ``b`` are dtypes) or ``content``."""

    column: str
    change: str
    a: str = ""
    b: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDifference:
    """Data that one run read and the other did not, or not with the same content.

    ``a`` and ``b`` say what each side read (``train@2 (9f86d081)``); None for a side that did not.
    ``columns`` are those known to differ; ``columns_known`` is False where the contents' columns could
    not be compared, and ``note`` then says why.
    """

    name: str
    a: str | None = None
    b: str | None = None
    rows_a: int | None = None
    rows_b: int | None = None
    columns: list[ColumnChange] = field(default_factory=list)
    columns_known: bool = True
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    """One row of two codes side by side; a side that has no such line has neither number nor text.

    ``change`` is ``same``, ``changed``, ``added`` (only in ``b``), ``removed`` (only in ``a``) or ``gap``,
    which stands for lines that are the same and were left out: ``a_text`` then says how many.
    """

    change: str
    a_line: int | None = None
    a_text: str = ""
    b_line: int | None = None
    b_text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two runs side by side: only what differs, and the code as a unified diff.

    ``environment`` is what differs of the context but packages: Python, platform, git commit, GPU, driver.
    ``code`` is the same diff side by side, empty when the code is the same.
    """

    a: Run
    b: Run
    params: list[Difference] = field(default_factory=list)
    metrics: list[Difference] = field(default_factory=list)
    tags: list[Difference] = field(default_factory=list)
    inputs: list[Difference] = field(default_factory=list)
    data: list[DataDifference] = field(default_factory=list)
    packages: list[Difference] = field(default_factory=list)
    environment: list[Difference] = field(default_factory=list)
    source_diff: str = ""
    code: list[CodeRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTableRow:
    """What several runs have of one thing: a value for each run, None where it has none.

    ``kind`` is ``params``, ``metrics``, ``tags``, ``inputs``, ``data``, ``packages`` or ``environment``.
    """

    kind: str
    key: str
    values: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTable:
    """Any number of runs side by side: only what differs among them."""

    runs: list[Run]
    rows: list[RunTableRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRow:
    """A figure of each run, in the order of the runs; None where a run did not show it."""

    name: str
    outputs: list[Output | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureTable:
    """The figures of several runs side by side, matched by their names, else by their positions."""

    runs: list[Run]
    rows: list[FigureRow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of parallel coordinates.

    ``scale`` is ``linear``, ``log`` or ``category``. ``domain`` is the least and the greatest value, or
    the categories in their order.
    """

    key: str
    scale: str
    domain: list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run's way through the axes: its values, and where on each axis (0 to 1) they lie.

    A position is None where the run has no value there, or one that has no place: NaN, an infinity.
    """

    run_id: str
    name: str
    status: str
    values: list[Any]
    positions: list[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParallelCoordinates:
    """Runs as lines over the params and metrics that vary among them."""

    axes: list[Axis]
    lines: list[RunLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricMatch:
    """A metric of a run and of its reproduction, by last values; None where a side has no such metric.

    ``matches`` is None for one that is not compared, as a duration; ``note`` says what there is to say.
    """

    name: str
    original: float | None = None
    reproduced: float | None = None
    matches: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproduction:
    """A run that is run again as a job, and what came of it.

    ``verdict`` is ``running``, ``reproduced``, ``differs`` or ``failed`` (``reason`` says how);
    ``reasons`` are what is not as it was, and so may be why metrics differ; ``warnings`` what was known
    before it began, and ``left_out`` the executed cells that it does not replay, each with the reason.
    """

    run_id: str
    job_id: str
    verdict: str
    tolerance: float
    reproduced_run_id: str | None = None
    reason: str = ""
    metrics: list[MetricMatch] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter that a notebook takes. ``type`` is the name of the default's Python type."""

    name: str
    default: Any
    type: str
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A literal that could be a parameter: ``default`` as JSON has it, ``source`` as the cell, counted from
    1, would have it.
    """

    name: str
    default: Any
    type: str
    source: str
    cell: int
    help: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellEdit:
    """What is to become of a cell, counted from 0, whose source is ``before``; None: it goes."""

    index: int
    before: str
    after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParametersCell:
    """How a notebook gets its parameters cell: after the edits a new cell with ``source`` comes where
    ``index`` is before them; without a ``source``, the cell there is tagged.
    """

    index: int
    source: str | None = None
    edits: list[CellEdit] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedGpu:
    """A GPU of this machine: what of it can be leased just now, and who has the rest.

    ``free_share`` is 1.0 where all of it is free. ``free_bytes`` is its memory, less what is promised to jobs
    and what others hold; None where that is not known. ``holders`` says for people who has the rest, with
    ``"; "`` between them and jobs as "job" and the end of their id. ``jobs`` are those of them that this
    workspace knows: their names by their ids.
    """

    index: int
    uuid: str
    name: str
    virtual: bool
    memory_bytes: int | None
    free_bytes: int | None
    free_share: float
    holders: str
    jobs: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of ``jupyter mlops doctor``; ``fix`` says what to do when it is not ok."""

    name: str
    ok: bool
    message: str
    fix: str = ""
