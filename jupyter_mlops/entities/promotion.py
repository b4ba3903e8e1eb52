"""Who decides that a model version becomes the champion, and by what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .profiles import DatasetDiff
from .views import CodeRow, Comparison, FigureTable


class GateKind(str, Enum):
    """A bound on a metric; a metric that beats the present holder's on the same dataset versions; a dataset's
    expectations hold; enough others approve."""

    METRIC = "metric"
    BETTER = "better"
    EXPECTATIONS = "expectations"
    APPROVAL = "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What must hold before an alias may move.

    ``minimum`` and ``maximum`` bound ``metric``; ``by`` is how much better it must be than the holder's, in
    the metric's own unit, ``lower_is_better`` for losses; ``dataset`` is then the one of which both must have
    read the same version (empty: all that they read). Of expectations it is the dataset that must keep them
    (empty: all that the model was made from). ``approvals`` is how many users other than the author must
    approve, each at least of ``role``.
    """

    kind: GateKind
    metric: str = ""
    minimum: float | None = None
    maximum: float | None = None
    by: float = 0.0
    lower_is_better: bool = False
    dataset: str = ""
    approvals: int = 1
    role: str = "approver"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """The gates of one alias of a model."""

    model: str
    alias: str
    gates: list[Gate]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Whether a gate lets a version pass, and the values that decided it."""

    gate: Gate
    passed: bool
    message: str
    value: float | None = None
    reference: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A user's verdict on a version becoming an alias's; a later one of the same user replaces it."""

    model: str
    version: int
    alias: str
    user: str
    approved: bool
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What would change if ``alias`` moved to ``version``, and whether it may.

    ``holder`` is the version that has the alias now. ``comparison`` and ``figures`` are those of the two
    training runs, the holder's first; ``source_diff`` and ``code`` are there also where the runs cannot be
    read and their code was kept with the versions. ``data`` are the differences of the datasets that both
    read, by name. ``notes`` say what could not be compared, and why.
    """

    model: str
    version: int
    alias: str
    holder: int | None
    allowed: bool
    gates: list[GateResult] = field(default_factory=list)
    approvals: list[Approval] = field(default_factory=list)
    metrics_before: dict[str, float] = field(default_factory=dict)
    metrics_after: dict[str, float] = field(default_factory=dict)
    packages_changed: dict[str, list[str]] = field(default_factory=dict)
    comparison: Comparison | None = None
    figures: FigureTable | None = None
    source_diff: str = ""
    code: list[CodeRow] = field(default_factory=list)
    data: list[DatasetDiff] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
