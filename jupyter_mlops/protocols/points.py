"""The points of a metric as columns: a curve has many, and an object each would cost more than the file."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

from ..entities import MetricSummary

NO_STEP = -(1 << 63)
"""Stands in ``Points.steps`` for a point without a step."""


def _floats() -> array[float]:
    return array("d")


def _integers() -> array[int]:
    return array("q")


@dataclass(slots=True)
class Points:
    """Four columns of one length: the record's time and number, the step (or NO_STEP), and the value.

    Points of one writer stand in the order of its journal. Columns may be shared between metrics that were
    logged together: whoever adds points makes a Points of its own first.
    """

    times: array[float] = field(default_factory=_floats)
    numbers: array[int] = field(default_factory=_integers)
    steps: array[int] = field(default_factory=_integers)
    values: array[float] = field(default_factory=_floats)

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[tuple[float, int, int | None, float]]:
        """Time, number, step and value of each."""
        return zip(self.times, self.numbers, self.steps_or_none(), self.values, strict=True)

    def steps_or_none(self) -> list[int | None]:
        """The steps with None where there is none."""
        steps: list[int | None] = self.steps.tolist()  # type: ignore[assignment]
        if NO_STEP in self.steps:
            return [None if step == NO_STEP else step for step in steps]
        return steps

    def extend(self, more: Points) -> None:
        """Add ``more`` after the last point."""
        self.times.extend(more.times)
        self.numbers.extend(more.numbers)
        self.steps.extend(more.steps)
        self.values.extend(more.values)

    def part(self, start: int, end: int) -> Points:
        """The points from ``start`` up to ``end``, copied."""
        return Points(
            self.times[start:end], self.numbers[start:end], self.steps[start:end], self.values[start:end]
        )

    def at(self, places: Iterable[int]) -> Points:
        """The points at these places, in this order."""
        if not self.values:
            return Points()
        get = itemgetter(*places, 0, 0)  # two more, so that it returns a tuple whatever was asked for
        return Points(
            array("d", get(self.times)[:-2]),
            array("q", get(self.numbers)[:-2]),
            array("q", get(self.steps)[:-2]),
            array("d", get(self.values)[:-2]),
        )

    @property
    def in_order(self) -> bool:
        """Whether each point is later than the one before it, by time and then number."""
        times, numbers = self.times.tolist(), self.numbers.tolist()
        if times != sorted(times):
            return False
        if numbers == sorted(numbers):
            return True
        stamps = list(zip(times, numbers, strict=True))
        return stamps == sorted(stamps)

    def latest(self) -> int:
        """The place of the last point by time and then number; of none there is no latest (ValueError)."""
        times, end = self.times, len(self.times) - 1
        time = max(times)
        if times[end] == time and (not end or times[end - 1] < time):  # as a rule
            return end
        found = times.index(time)
        for place in range(found + 1, len(self)):
            if times[place] == time and self.numbers[place] >= self.numbers[found]:
                found = place
        return found


def summarize(points: Points, latest: int | None = None) -> MetricSummary:
    """The summary of points of one journal, at least one; NaN counts only where there is nothing else.

    ``latest`` is the place of the last of them, for who has looked for it.
    """
    latest = points.latest() if latest is None else latest
    last, step = points.values[latest], points.steps[latest]
    least, greatest = _extremes(points.values.tolist(), last)  # of a list, whose numbers are made once
    return MetricSummary(
        last=last,
        min=least + 0.0,  # -0.0 and 0.0 are equal: which one is met first must not matter
        max=greatest + 0.0,
        count=len(points.values),
        last_step=None if step == NO_STEP else step,
    )


def _extremes(values: Sequence[float], last: float) -> tuple[float, float]:
    if len(values) == 1:
        return last, last
    total = sum(values)
    if total != total:  # NaN is among them, or opposite infinities are
        values = [value for value in values if value == value] or [last]
    return min(values), max(values)
