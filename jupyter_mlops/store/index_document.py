"""A run's document: its params, tags and metric summaries in one value, as lists read them.

Packed with MessagePack, in a form that depends on nothing but what it holds: entries stand in the order of
their names. What a list shows comes first, in maps that are decoded as they are; what merging needs beside
it (stamps, sources) is packed for itself. Writers and sources, which repeat, are places in a sorted list of
words. A value that MessagePack does not have (a list, an integer of more than 64 bits) is JSON in bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import nan
from typing import Any, Union

import msgspec

from ..entities import MetricSummary
from ..protocols.runs import HARDWARE, Stamp

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode
_to_json = msgspec.json.Encoder().encode
_from_json = msgspec.json.Decoder().decode

Param = tuple[Any, str, Stamp]
"""Value, source and stamp."""
Tag = tuple[Union[str, None], Stamp]
"""Value (None: removed) and stamp."""
Metric = tuple[MetricSummary, Stamp]
"""Summary and the stamp of its last point."""

SHORT_TEXT_BYTES = 200
"""Longer values of details are kept once for all runs."""


@dataclass(slots=True)
class Document:
    """What is known of a run beside its columns. ``stamps`` say which records set those."""

    cell_id: str | None = None
    reason: str | None = None
    error: Mapping[str, str] | None = None
    progress: tuple[int, int] | None = None
    stamps: dict[str, Stamp] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    metrics: dict[str, Metric] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)


class Listed(msgspec.Struct, array_like=True):
    """What a list shows, and packed for itself what it does not.

    ``in_json`` are the params whose value is JSON, ``with_nan`` the metrics that have NaN somewhere.
    """

    params: dict[str, Any]
    metrics: dict[str, MetricSummary]
    tags: dict[str, str]
    in_json: list[str]
    with_nan: list[str]
    cell_id: Union[str, None]
    reason: Union[str, None]
    progress: Union[tuple[int, int], None]
    hardware: bytes
    rest: bytes


_decode_listed = msgspec.msgpack.Decoder(Listed).decode
_decode_metrics = msgspec.msgpack.Decoder(dict[str, MetricSummary]).decode
_NONE = _encode({})


def pack(document: Document) -> bytes:
    """The document as bytes."""
    words, places = _words(document)
    params, metrics, tags = (sorted(each.items()) for each in _groups(document))
    plain = {name: _plain(value) for name, (value, _, _) in params}
    summaries = {name: each for name, (each, _) in metrics}
    hardware = {name: each for name, each in summaries.items() if name.startswith(HARDWARE)}
    for name in hardware:
        del summaries[name]
    rest = [
        words,
        document.error,
        {name: (time, places[writer], n) for name, (time, writer, n) in sorted(document.stamps.items())},
        [(places[source], time, places[writer], n) for _, (_, source, (time, writer, n)) in params],
        {name: (time, places[writer], n) for name, (_, (time, writer, n)) in metrics},
        {name: (time, places[writer], n) for name, (_, (time, writer, n)) in tags},
    ]
    return _encode(
        Listed(
            plain,
            summaries,
            {name: value for name, (value, _) in tags if value is not None},
            [name for name, value in plain.items() if type(value) is bytes],
            [name for name, each in summaries.items() if each.min != each.min or each.last != each.last],
            document.cell_id,
            document.reason,
            document.progress,
            _encode(hardware) if hardware else _NONE,
            _encode(rest),
        )
    )


def unpack(data: bytes) -> Document:
    """The document with all its stamps."""
    shown = listed(data)
    words, error, stamps, params, metrics, tags = _decode(shown.rest)
    summaries = shown.metrics | _decode_metrics(shown.hardware)
    return Document(
        cell_id=shown.cell_id,
        reason=shown.reason,
        error=error,
        progress=shown.progress,
        stamps={name: _stamp(each, words) for name, each in stamps.items()},
        params={
            name: (value, words[source], (time, words[writer], n))
            for (name, value), (source, time, writer, n) in zip(shown.params.items(), params, strict=True)
        },
        metrics={name: (summaries[name], _stamp(each, words)) for name, each in metrics.items()},
        tags={name: (shown.tags.get(name), _stamp(each, words)) for name, each in tags.items()},
    )


def listed(data: bytes) -> Listed:
    """What a list shows: params, the user's own metrics and tags in the order of their names."""
    shown = _decode_listed(data)
    for name in shown.in_json:
        shown.params[name] = _from_json(shown.params[name])
    for name in shown.with_nan:
        shown.metrics[name] = _of_one_nan(shown.metrics[name])
    return shown


def _groups(document: Document) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    return document.params, document.metrics, document.tags


def _words(document: Document) -> tuple[list[str], dict[str, int]]:
    """All writers and sources, sorted, and their places."""
    words = {writer for _, writer, _ in document.stamps.values()}
    words |= {source for _, source, _ in document.params.values()}
    for group in _groups(document):
        words |= {each[-1][1] for each in group.values()}
    found = sorted(words)
    return found, {word: place for place, word in enumerate(found)}


def _stamp(packed: list[Any], words: list[str]) -> Stamp:
    return packed[0], words[packed[1]], packed[2]


def _of_one_nan(each: MetricSummary) -> MetricSummary:
    """One NaN for all, so that equal summaries compare equal."""
    last, least, most = (value if value == value else nan for value in (each.last, each.min, each.max))
    return MetricSummary(last=last, min=least, max=most, count=each.count, last_step=each.last_step)


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is float or kind is bool or value is None:
        return value
    if kind is int and -(1 << 63) <= value < 1 << 63:
        return value
    return _to_json(value)


# ---------------------------------------------------------------------- details


@dataclass(frozen=True, slots=True)
class LongText:
    """Stands for a value that is kept once for all runs, by its digest."""

    digest: bytes


Detail = tuple["bytes | LongText", Stamp]
"""JSON, or what stands for it, and the stamp."""
Details = dict[tuple[str, str], Detail]
"""By kind and name."""


def detail_value(kind: str, value: Any) -> tuple[bytes | LongText, str | None]:
    """What the details hold of a value, and the text to keep elsewhere if it is long. Sources always are."""
    encoded = _to_json(value)
    if kind == "source":
        text = str(value)
    elif len(encoded) <= SHORT_TEXT_BYTES:
        return encoded, None
    else:
        text = encoded.decode()
    return LongText(blake2b(text.encode(), digest_size=16).digest()), text


def pack_details(details: Details) -> bytes:
    """Details as bytes."""
    words = sorted({stamp[1] for _, stamp in details.values()})
    places = {word: place for place, word in enumerate(words)}
    rows = [
        [kind, name, [value.digest] if isinstance(value, LongText) else value, time, places[writer], n]
        for (kind, name), (value, (time, writer, n)) in sorted(details.items())
    ]
    return _encode([words, rows])


def unpack_details(data: bytes) -> Details:
    """The inverse of :func:`pack_details`."""
    words, rows = _decode(data)
    return {
        (kind, name): (LongText(value[0]) if type(value) is list else value, (time, words[writer], n))
        for kind, name, value, time, writer, n in rows
    }


def long_texts(values: Iterable[bytes | LongText]) -> set[bytes]:
    """Digests of the values that are kept elsewhere."""
    return {value.digest for value in values if isinstance(value, LongText)}


def detail_from(kind: str, value: bytes | LongText, texts: Mapping[bytes, str]) -> Any:
    """The value of a detail; ``texts`` has those that are kept elsewhere."""
    if isinstance(value, LongText):
        return texts[value.digest] if kind == "source" else _from_json(texts[value.digest])
    return _from_json(value)
