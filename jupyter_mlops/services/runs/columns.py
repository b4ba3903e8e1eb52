"""Metric records of one journal as columns, a :class:`Points` a metric."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, compress

from ...journal.records import Metrics
from ...protocols.points import NO_STEP, Points
from ...wire import NON_FINITE

_INT64 = 1 << 63

Value = float | str


def columns_of(records: Sequence[Metrics]) -> dict[str, Points]:
    """The points of every metric, in the records' order. A text that is no number is left out.

    The records of a training loop mostly log the same metrics: then the columns beside the values are
    made once for all of them.
    """
    if not records:
        return {}
    maps = [record.m for record in records]
    names = maps[0]
    if sum(map(len, maps)) == len(maps) * len(names):
        try:
            return _of_one_shape(records, {name: [each[name] for each in maps] for name in names})
        except KeyError:
            pass
    return _of_many_shapes(records)


def _of_many_shapes(records: Sequence[Metrics]) -> dict[str, Points]:
    """Metrics that stand in the same records share the columns beside their values."""
    shapes: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, record in enumerate(records):
        shapes[tuple(record.m)].append(place)
    holders: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for shape in shapes:
        for name in shape:
            holders[name].append(shape)
    together: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    numbers = {shape: number for number, shape in enumerate(shapes)}
    for name, those in holders.items():
        together[tuple(map(numbers.__getitem__, those))].append(name)
    found: dict[str, Points] = {}
    for names in together.values():
        those = holders[names[0]]
        if len(those) == len(shapes):
            alike = records
        else:
            alike = [records[place] for place in sorted(chain.from_iterable(map(shapes.__getitem__, those)))]
        found |= _of_one_shape(alike, {name: [record.m[name] for record in alike] for name in names})
    return found


def _of_one_shape(records: Sequence[Metrics], series: dict[str, list[Value]]) -> dict[str, Points]:
    times = array("d", [record.t for record in records])
    numbers = array("q", [record.n for record in records])
    steps = _steps([record.s for record in records])
    found = {name: _points(times, numbers, steps, values) for name, values in series.items()}
    return {name: points for name, points in found.items() if points.values}


def _points(times: array[float], numbers: array[int], steps: array[int], values: list[Value]) -> Points:
    try:
        return Points(times, numbers, steps, array("d", values))  # type: ignore[arg-type]
    except TypeError:  # a text: NaN, an infinity, or nonsense
        pass
    known = [type(value) is float or value in NON_FINITE for value in values]
    return Points(
        array("d", compress(times, known)),
        array("q", compress(numbers, known)),
        array("q", compress(steps, known)),
        array("d", [NON_FINITE[v] if isinstance(v, str) else v for v in compress(values, known)]),
    )


def _steps(steps: list[int | None]) -> array[int]:
    try:
        return array("q", steps)  # type: ignore[arg-type]
    except (TypeError, OverflowError):  # without a step, or with one that no database keeps
        return array("q", [NO_STEP if s is None or not -_INT64 < s < _INT64 else s for s in steps])
