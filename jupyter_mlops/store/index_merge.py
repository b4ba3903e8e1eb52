"""What comes in is merged with what is known, by stamp; the rows that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import msgspec

from ..entities import MetricSummary, short_id
from ..protocols.points import summarize
from ..protocols.runs import CHILD, EDITOR, OWNER, Beginning, Delta, Ending, ParamValue, Stamp, Stamped
from .index_document import Details, Document, detail_value
from .index_rows import name_key

LONGEST_INDEXED = 500
"""PostgreSQL indexes no text of more than 2,704 bytes (a third of a page)."""

Row = dict[str, Any]

_to_json = msgspec.json.Encoder().encode

PROCESS = ("host", "boot_id", "pid_namespace", "pid", "start_ticks")
_BEGUN = ("user", "host", "notebook")
_BEGUN_INDEXED = ("experiment", "parent_id", "job_id", "sweep_id")


@dataclass(slots=True)
class RunState:
    """A run while parts of its journals are merged into it.

    ``columns`` is its row in ``runs``. ``details`` is None until they are needed. The sets name what has
    changed; ``texts`` are long texts by digest, not known to be kept already.
    """

    columns: Row
    document: Document = field(default_factory=Document)
    is_new: bool = True
    details: Details | None = None
    details_changed: bool = False
    params: set[str] = field(default_factory=set)
    metrics: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    texts: dict[bytes, str] = field(default_factory=dict)

    @property
    def key(self) -> int:
        key: int = self.columns["key"]
        return key


# ---------------------------------------------------------------------- journals


def new_journal(key: int, run: int, writer: str) -> Row:
    """The row of a journal of which nothing is known yet."""
    return {
        "key": key,
        "run": run,
        "writer": writer,
        "offset": 0,
        "bad_lines": 0,
        "unknown": 0,
        "role": None,
        "closed": False,
        "last_seen": None,
        **dict.fromkeys(PROCESS),
    }


def merge_journal(row: Row, delta: Delta) -> Row:
    """The journal's row after ``delta``."""
    row = dict(row)
    row["offset"] = delta.end
    row["bad_lines"] += delta.bad_lines
    row["unknown"] += delta.unknown
    if row["role"] is None or delta.role == OWNER:
        row["role"] = delta.role
    row["closed"] = bool(row["closed"] or delta.closed)
    row["last_seen"] = _greatest(row["last_seen"], delta.last_seen)
    if row["pid"] is None and delta.process is not None:
        for name in PROCESS:
            row[name] = getattr(delta.process, name)
    return row


def is_open(journal: Mapping[str, Any]) -> bool:
    """Whether its writer counts for the run's life."""
    return not journal["closed"] and journal["role"] not in (None, EDITOR)


# ---------------------------------------------------------------------- runs


def new_run(key: int, run_id: str) -> RunState:
    """A run of which nothing is known yet but its id."""
    columns = {
        "key": key,
        "id": run_id,
        "name": short_id(run_id),
        "experiment": "",
        "kind": "script",
        "status": "running",
        "started_at": None,
        "ended_at": None,
        "archived": False,
        "last_seen": None,
        "open_writers": 0,
        "user": "",
        "host": "",
        "notebook": None,
        "parent_id": None,
        "job_id": None,
        "sweep_id": None,
        "note": "",
        "code": None,
    }
    return RunState(columns, details={})


def merge_run(run: RunState, delta: Delta, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Change ``run`` by what ``delta`` says; ``before`` and ``after`` are its journal's rows.

    Of several beginnings the earliest counts, of several ends of the owner the latest; the end that
    another than the owner or its children wrote counts until the owner's is there.
    """
    columns, document = run.columns, run.document
    columns["open_writers"] += is_open(after) - is_open(before)
    if after["role"] != EDITOR:
        columns["last_seen"] = _greatest(columns["last_seen"], delta.last_seen)
    if delta.begun and _replaces(document, "begun", delta.begun.stamp, earlier=True):
        _begin(run, delta.begun.value, delta.begun.stamp)
    elif "begun" not in document.stamps and delta.first_seen is not None:
        columns["started_at"] = min(columns["started_at"] or delta.first_seen, delta.first_seen)
    for name, (value, stamp) in delta.fields.items():
        if _replaces(document, name, stamp):
            if name == "progress":
                document.progress = (value.done, value.total)
            else:
                columns[name] = value
    if delta.ended:
        _end(run, delta.ended, after["role"])
    _merge_params(run, delta)
    _merge_tags(run, delta)
    _merge_metrics(run, delta)
    _merge_details(run, delta)


def _begin(run: RunState, begun: Beginning, stamp: Stamp) -> None:
    columns = run.columns
    for name in _BEGUN:
        columns[name] = getattr(begun, name)
    for name in _BEGUN_INDEXED:
        value = getattr(begun, name)
        columns[name] = value if value is None else value[:LONGEST_INDEXED]
    columns["kind"] = begun.kind.value
    columns["started_at"] = stamp[0]
    run.document.cell_id = begun.cell_id


def _end(run: RunState, ended: Stamped, role: str | None) -> None:
    document = run.document
    if role == OWNER:
        decides = _replaces(document, "ended", ended.stamp)
    elif role != CHILD:
        decides = _replaces(document, "ended_by_other", ended.stamp) and "ended" not in document.stamps
    else:
        decides = False
    if decides:
        end: Ending = ended.value
        run.columns["status"], run.columns["ended_at"] = end.status.value, ended.stamp[0]
        document.reason = end.reason
        document.error = None if end.error is None else asdict(end.error)


def _replaces(document: Document, name: str, stamp: Stamp, *, earlier: bool = False) -> bool:
    """Whether ``stamp`` wins over the one that set ``name`` last; if so it is kept in its place."""
    old = document.stamps.get(name)
    if old is not None and (stamp >= old if earlier else stamp <= old):
        return False
    document.stamps[name] = stamp
    return True


def _greatest(a: float | None, b: float | None) -> float | None:
    return b if a is None else a if b is None else max(a, b)


# ---------------------------------------------------------------------- params, tags, metrics, details


def _merge_params(run: RunState, delta: Delta) -> None:
    params = run.document.params
    for name, (param, stamp) in delta.params.items():
        old = params.get(name)
        if old is None or stamp > old[2]:
            value: ParamValue = param
            params[name] = (value.value, value.source, stamp)
            run.params.add(name)


def _merge_tags(run: RunState, delta: Delta) -> None:
    tags = run.document.tags
    for name, (value, stamp) in delta.tags.items():
        old = tags.get(name)
        if old is None or stamp > old[1]:
            tags[name] = (value, stamp)
            run.tags.add(name)


def _merge_metrics(run: RunState, delta: Delta) -> None:
    """Counts add up, since every part comes in once."""
    metrics = run.document.metrics
    places: dict[int, int] = {}
    for name, points in delta.points.items():
        of_times = id(points.times)  # shared by metrics that were logged together
        latest = places.get(of_times)
        if latest is None:
            latest = places[of_times] = points.latest()
        new = summarize(points, latest)
        stamp = (points.times[latest], delta.writer, points.numbers[latest])
        old = metrics.get(name)
        metrics[name] = (new, stamp) if old is None else _merged(*old, new, stamp)
        run.metrics.add(name)


def _merged(
    old: MetricSummary, old_stamp: Stamp, new: MetricSummary, new_stamp: Stamp
) -> tuple[MetricSummary, Stamp]:
    later, stamp = (new, new_stamp) if new_stamp > old_stamp else (old, old_stamp)
    merged = MetricSummary(
        last=later.last,
        min=_of_numbers(min, old.min, new.min),
        max=_of_numbers(max, old.max, new.max),
        count=old.count + new.count,
        last_step=later.last_step,
    )
    return merged, stamp


def _of_numbers(choose: Any, a: float, b: float) -> float:
    return b if a != a else a if b != b else choose(a, b)


def _merge_details(run: RunState, delta: Delta) -> None:
    if not delta.details:
        return
    details = run.details
    assert details is not None, "details are loaded for the runs whose parts have any"
    for key, (value, stamp) in delta.details.items():
        old = details.get(key)
        if old is None or stamp > old[1]:
            kept, text = detail_value(key[0], value)
            details[key] = (kept, stamp)
            run.details_changed = True
            if text is not None:
                run.texts[kept.digest] = text  # type: ignore[union-attr]


# ---------------------------------------------------------------------- narrow rows


def param_row(run: RunState, name: str) -> tuple[Any, ...]:
    """A param as the number that filters compare, or as text."""
    value = run.document.params[name][0]
    kind = type(value)
    key = run.columns["key"]
    if kind is float or kind is int:
        return name_key(name), key, _float(value), _to_json(value).decode(), None
    text = value if kind is str else _to_json(value).decode()
    return name_key(name), key, None, text, name_key(text)


def tag_row(run: RunState, name: str) -> tuple[Any, ...] | None:
    """A tag; None when it was removed."""
    text = run.document.tags[name][0]
    return None if text is None else (name_key(name), run.key, text, name_key(text))


def metric_row(run: RunState, name: str) -> tuple[Any, ...]:
    """A metric's summary; NaN is NULL everywhere, as SQLite has it."""
    each = run.document.metrics[name][0]
    last, least, most = each.last, each.min, each.max
    if last != last or least != least:
        last, least, most = _number(last), _number(least), _number(most)  # type: ignore[assignment]
    return name_key(name), run.columns["key"], last, least, most


def _number(value: float) -> float | None:
    return value if value == value else None


def _float(value: float) -> float | None:
    try:
        return _number(float(value))
    except OverflowError:  # an integer of more than 308 digits
        return math.inf if value > 0 else -math.inf
