"""A part of a journal as the index takes it in: its records folded to what each key ends up with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from ...journal import Chunk, JournalKey
from ...journal import records as journal
from ...protocols.runs import (
    CHILD,
    OWNER,
    Beginning,
    Delta,
    Ending,
    ParamValue,
    RecordedInput,
    RecordedOutput,
    Registration,
    Stamp,
    Stamped,
)
from .columns import columns_of

_INT64 = 1 << 63


def fold(key: JournalKey, chunk: Chunk) -> Delta:
    """What ``chunk`` says. Records with numbers that no database keeps count as bad lines."""
    delta = Delta(key.run_id, key.writer, chunk.start, chunk.end, chunk.bad_lines, chunk.unknown)
    records = _fitting(chunk.records)
    delta.bad_lines += len(chunk.records) - len(records)
    if not records:
        return delta
    delta.role = _role(records[0])
    metrics = [record for record in records if type(record) is journal.Metrics]  # most are
    if len(metrics) < len(records):
        for record in records:
            if type(record) is not journal.Metrics:
                _FOLDS[type(record)](delta, record)
    delta.points = columns_of(metrics)
    times = [record.t for record in records]
    delta.first_seen, delta.last_seen = min(times), max(times)
    return delta


def _role(record: journal.Record) -> str:
    if isinstance(record, journal.Start):
        return OWNER
    return record.role if isinstance(record, journal.Join) else CHILD


_WITH_NUMBERS = frozenset([journal.Start, journal.Join, journal.Input, journal.Step])
"""Records with integers of the user's, which may be greater than a database takes."""


def _fitting(records: Sequence[journal.AnyRecord]) -> Sequence[journal.AnyRecord]:
    numbers = [record.n for record in records]
    in_range = bool(numbers) and min(numbers) >= 0 and max(numbers) < _INT64
    if in_range and all(_fits(record) for record in records if type(record) in _WITH_NUMBERS):
        return records
    return [record for record in records if 0 <= record.n < _INT64 and _fits(record)]


def _fits(record: journal.AnyRecord) -> bool:
    numbers: list[int | None] = []
    if isinstance(record, (journal.Start, journal.Join)) and record.process:
        process = record.process
        numbers += [process.pid, process.pid_namespace, process.start_ticks]
    elif isinstance(record, journal.Input):
        numbers.append(record.version)
    elif isinstance(record, journal.Step):
        numbers += [record.progress.done, record.progress.total]
    return all(number is None or -_INT64 <= number < _INT64 for number in numbers)


def _start(delta: Delta, record: journal.Start) -> None:
    stamp = _stamp(delta, record)
    delta.role = OWNER
    delta.process = delta.process or record.process
    begun = Beginning(
        experiment=record.experiment,
        kind=record.kind,
        user=record.user,
        host=record.process.host if record.process else "",
        notebook=record.notebook,
        cell_id=record.cell_id,
        parent_id=record.parent_id,
        job_id=record.job_id,
        sweep_id=record.sweep_id,
    )
    if delta.begun is None or stamp < delta.begun.stamp:
        delta.begun = Stamped(begun, stamp)
    _set(delta.fields, "name", record.name, stamp)


def _join(delta: Delta, record: journal.Join) -> None:
    delta.process = delta.process or record.process


def _params(delta: Delta, record: journal.Params) -> None:
    stamp, source = _stamp(delta, record), record.source
    for name, value in record.p.items():
        _set(delta.params, name, ParamValue(value, source), stamp)


def _tags(delta: Delta, record: journal.Tags) -> None:
    stamp = _stamp(delta, record)
    for name, value in record.g.items():
        _set(delta.tags, name, value, stamp)


def _edit(delta: Delta, record: journal.Edit) -> None:
    for name in ("name", "note", "archived"):
        value = getattr(record, name)
        if value is not None:
            _set(delta.fields, name, value, _stamp(delta, record))


def _source(delta: Delta, record: journal.Source) -> None:
    _set(delta.details, ("source", ""), record.text, _stamp(delta, record))


def _context(delta: Delta, record: journal.Context) -> None:
    stamp = _stamp(delta, record)
    for name, value in record.values.items():
        _set(delta.details, ("context", name), value, stamp)


def _displayed(delta: Delta, record: journal.Displayed) -> None:
    message: dict[str, Any] = msgspec.to_builtins(record)
    for name in ("k", "v", "t", "n"):
        message.pop(name, None)
    delta.outputs.append(RecordedOutput(record.n, record.t, message))


def _artifact(delta: Delta, record: journal.Artifacts) -> None:
    value = {"digest": record.digest, "size_bytes": record.size_bytes, "media_type": record.media_type}
    _set(delta.details, ("artifact", record.name), value, _stamp(delta, record))


def _input(delta: Delta, record: journal.Input) -> None:
    delta.inputs.append(
        RecordedInput(record.n, record.t, record.kind, record.name, record.version, record.digest)
    )


def _data(delta: Delta, record: journal.Data) -> None:
    value = msgspec.to_builtins(record)
    for name in ("k", "v", "t", "n"):
        value.pop(name, None)
    _set(delta.details, ("data", record.key), value, _stamp(delta, record))


def _register(delta: Delta, record: journal.Register) -> None:
    delta.registrations.append(
        Registration(
            run_id=delta.run_id,
            writer=delta.writer,
            number=record.n,
            time=record.t,
            kind=record.kind,
            name=str(record.version.get("name", "")),
            digest=str(record.version.get("digest", "")),
            user="",
            record=msgspec.to_builtins(record),
        )
    )


def _step(delta: Delta, record: journal.Step) -> None:
    stamp = _stamp(delta, record)
    _set(delta.fields, "progress", record.progress, stamp)
    if record.cell is not None:
        value = {"duration_s": record.cell.duration_s, "ok": record.cell.ok}
        _set(delta.details, ("cell", str(record.cell.index)), value, stamp)


def _beat(delta: Delta, record: journal.Heartbeat) -> None:
    """Only its time matters."""


def _end(delta: Delta, record: journal.End) -> None:
    stamp = _stamp(delta, record)
    if delta.ended is None or stamp > delta.ended.stamp:
        delta.ended = Stamped(Ending(record.status, record.reason, record.error), stamp)


def _close(delta: Delta, record: journal.Close) -> None:
    delta.closed = True


def _stamp(delta: Delta, record: journal.Record) -> Stamp:
    return (record.t, delta.writer, record.n)


def _set(winners: dict[Any, Stamped], key: Any, value: Any, stamp: Stamp) -> None:
    old = winners.get(key)
    if old is None or stamp > old.stamp:
        winners[key] = Stamped(value, stamp)


_FOLDS: Mapping[type[Any], Callable[[Delta, Any], None]] = {
    journal.Start: _start,
    journal.Join: _join,
    journal.Params: _params,
    journal.Tags: _tags,
    journal.Edit: _edit,
    journal.Source: _source,
    journal.Context: _context,
    journal.Displayed: _displayed,
    journal.Artifacts: _artifact,
    journal.Input: _input,
    journal.Data: _data,
    journal.Register: _register,
    journal.Step: _step,
    journal.Heartbeat: _beat,
    journal.End: _end,
    journal.Close: _close,
}
