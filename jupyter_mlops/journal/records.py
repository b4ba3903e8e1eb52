"""What a journal's lines say: one JSON object a line, tagged by ``k`` and versioned by ``v``.

A field's name is short where it stands on every line: ``t`` is the time (seconds since the epoch),
``n`` the number of the record within its writer. Records of all writers of a run merge by
``(t, writer, n)``. Unknown tags and fields are skipped by readers and stay in the file.
"""

from __future__ import annotations

from typing import Any, Union

from msgspec import Struct

from ..entities import CellTiming, Process, Progress, RunError, RunKind, RunStatus

VERSION = 1


class Record(Struct, tag_field="k", kw_only=True, omit_defaults=True, frozen=True):
    """What every record carries; the writer stamps all three."""

    v: int = 0
    t: float = 0.0
    n: int = 0


class Start(Record, tag="start", frozen=True, kw_only=True):
    """The run's first record, by the writer that owns it and will end it."""

    name: str
    experiment: str
    kind: RunKind
    user: str = ""
    notebook: str | None = None
    cell_id: str | None = None
    parent_id: str | None = None
    job_id: str | None = None
    sweep_id: str | None = None
    process: Process | None = None


class Join(Record, tag="join", frozen=True, kw_only=True):
    """The first record of any further writer (a child process, an editor)."""

    process: Process | None = None
    role: str = "child"


class Metrics(Record, tag="metric", frozen=True, kw_only=True, gc=False):
    """Values of one step. Non-finite values are strings, as in ``wire``.

    It is no business of the garbage collector: there are many, and they hold nothing that could be a cycle.
    """

    m: dict[str, Union[float, str]]
    s: int | None = None


class Params(Record, tag="param", frozen=True, kw_only=True):
    """Input values; ``source`` says where they were taken from (RunDetail). Later ones win."""

    p: dict[str, Any]
    source: str = "logged"


class Tags(Record, tag="tag", frozen=True, kw_only=True):
    """Tags to set; None removes one."""

    g: dict[str, str | None]


class Edit(Record, tag="edit", frozen=True, kw_only=True):
    """A later change by a person; None leaves a field as it is."""

    name: str | None = None
    note: str | None = None
    archived: bool | None = None


class Source(Record, tag="source", frozen=True, kw_only=True):
    """The code of the cell, script or notebook, as it was run."""

    text: str


class Context(Record, tag="context", frozen=True, kw_only=True):
    """Surroundings: keys are merged into the run's ``context``."""

    values: dict[str, Any]


class Displayed(Record, tag="output", frozen=True, kw_only=True):
    """A message that the front end got; ``message`` is its type.

    One of ``stream``, ``display_data``, ``execute_result``, ``update_display_data``, ``error``,
    ``clear_output``, and ``widget_state`` for what widgets ended up with. ``blobs`` maps MIME types to
    digests of values too large for the journal. ``cut`` marks the place where the cap was reached;
    ``dropped_bytes`` of text and so many ``dropped`` messages are missing there. ``at`` is when the
    message was shown, where it was written later.
    """

    message: str
    data: dict[str, Any] = {}
    blobs: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    name: str | None = None
    display_id: str | None = None
    wait: bool = False
    cut: bool = False
    dropped_bytes: int = 0
    dropped: int = 0
    at: float = 0.0


class Artifacts(Record, tag="artifact", frozen=True, kw_only=True):
    """A blob that the run names; a later one of the same name replaces it."""

    name: str
    digest: str
    size_bytes: int
    media_type: str = "application/octet-stream"


class Input(Record, tag="input", frozen=True, kw_only=True):
    """A registered dataset or model version that the run read."""

    kind: str
    name: str
    version: int | None
    digest: str


class Data(Record, tag="data", frozen=True, kw_only=True):
    """A file or URL that the run read, as it was then; a later record of the same ``key`` adds to it.

    ``uri`` is an absolute path or a URL without credentials, ``reader`` the function that read it
    (``pandas.read_csv``). ``digest`` is BLAKE3 of the whole content, empty until somebody has computed it;
    of a ``sampled`` one only parts of the content went in. ``columns`` maps names to dtypes, in order.
    Of a folder, whose ``uri`` ends with a slash, ``files`` were read, and the digest is of its manifest.
    """

    uri: str
    reader: str
    size_bytes: int | None = None
    mtime_ns: int | None = None
    digest: str = ""
    sampled: bool = False
    files: int | None = None
    rows: int | None = None
    columns: dict[str, str] = {}
    column_digests: dict[str, str] = {}
    problem: str = ""

    @property
    def key(self) -> str:
        """Tells what was read from what the same place held at another time."""
        return f"{self.uri}@{self.mtime_ns}:{self.size_bytes}"


class Register(Record, tag="register", frozen=True, kw_only=True):
    """A version registered by the run; its key is (run, writer, ``n``) and it is applied once.

    ``kind`` is ``dataset`` or ``model``; ``version`` the JSON of a DatasetVersion or ModelVersion
    without its number.
    """

    kind: str
    version: dict[str, Any]
    alias: str | None = None


class Step(Record, tag="progress", frozen=True, kw_only=True):
    """Progress through a notebook, and the cell that has just ended."""

    progress: Progress
    cell: CellTiming | None = None


class Heartbeat(Record, tag="beat", frozen=True, kw_only=True):
    """A sign of life, every 30 s also when nothing is logged."""


class End(Record, tag="end", frozen=True, kw_only=True):
    """The end of the run, by its owner."""

    status: RunStatus
    reason: str | None = None
    error: RunError | None = None


class Close(Record, tag="close", frozen=True, kw_only=True):
    """The writer's last record: nothing will follow in this file."""


AnyRecord = Union[
    Start,
    Join,
    Metrics,
    Params,
    Tags,
    Edit,
    Source,
    Context,
    Displayed,
    Artifacts,
    Input,
    Data,
    Register,
    Step,
    Heartbeat,
    End,
    Close,
]
