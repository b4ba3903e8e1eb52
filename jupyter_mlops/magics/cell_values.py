"""What a tracked cell's values tell of its run: params before and after it, metrics, fitted models."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Hashable, Mapping
from typing import Any

from ..capture.fits import histories
from ..capture.literals import is_short
from ..capture.metrics import result_values
from ..capture.models import seen_model, state_of
from ..capture.objects import config_params, object_params
from ..capture.reading import names_reached
from ..capture.source import CellFacts
from ..capture.values import number, scalar, shown_scalar
from ..entities import SeenModel
from ..services.tracking.tracker import RunWriter
from ..wire import to_json
from .named_values import NamedValue
from .options import TrackOptions

MAX_PARAMS = 200
"""How many params are taken by themselves from one cell."""
_DAY_S = 86_400.0


class CellValues:
    """Made before the cell runs: what is there then is no work of the cell's.

    Of a name that goes by ``-p`` or ``-m`` only that is taken. ``hidden`` are the shell's own names.
    """

    def __init__(
        self,
        run: RunWriter,
        options: TrackOptions,
        facts: CellFacts,
        namespace: Mapping[str, Any],
        hidden: Collection[str] = (),
    ) -> None:
        self.missing: list[str] = []
        """Names that were asked for and not found."""
        self.models: list[SeenModel] = []
        self._run, self._options, self._facts, self._namespace = run, options, facts, namespace
        self._named = {*options.params, *options.renamed}
        self._taken: dict[str, Any] = {}
        self._left_out: set[str] = set()
        self._before = {name: _mark(namespace[name]) for name in facts.bound if name in namespace}
        reached = names_reached(facts.read, namespace) if options.auto else set()
        self._read = sorted(
            name
            for name in reached - facts.bound
            if name in namespace and not name.startswith("_") and name not in hidden
        )
        self._states: dict[str, Hashable] = {}
        self._lengths: dict[str, dict[str, int]] = {}

    @property
    def left_out(self) -> int:
        """How many params there were beyond :data:`MAX_PARAMS`."""
        return len(self._left_out)

    def before(self) -> None:
        """Params that are known before the cell runs, and the state of what it may go on fitting."""
        if self._options.auto:
            literals: dict[str, Any] = {}
            for name, value in self._facts.literals.items():
                if not histories(name, value):
                    literals |= config_params(name, value)
            self._take(literals, "literal")
            self._take_read()
            for name in {*self._read, *self._before}:
                self._remember(name, self._namespace[name])
        self._run.log_params(self._options.params, source="flag")

    def after(self, result: Any, *, succeeded: bool) -> None:
        """What the cell left; ``result`` is its last value."""
        self._named_params(succeeded)
        left = self._left(succeeded) if self._options.auto else {}
        objects: dict[str, Any] = {}
        for name, value in left.items():
            if name in self._facts.configs and type(value) is dict:
                objects |= {} if histories(name, value) else config_params(name, value)
            else:
                objects |= object_params(name, value, self._facts.arguments)
        if self._options.auto and self._facts.result_params and isinstance(result, Mapping):
            objects |= config_params(self._facts.result_params, dict(result))
        known = [*left.values(), *self._reread().values()]
        if self._options.auto and result is not None and not _is_among(result, known):
            objects |= object_params(type(result).__name__, result, self._facts.arguments)
        self._take(objects, "object")
        if self._options.auto:
            self._take_read()
        self._metrics(left, result, succeeded)
        if self._options.auto:
            self._histories(left)
            self._models(left)

    # params

    def _take_read(self) -> None:
        """What earlier cells left; asked before the cell, and after it for what the cell has changed."""
        read: dict[str, Any] = {}
        objects: dict[str, Any] = {}
        for name, value in self._reread().items():
            if (plain := _plain(value)) is None:
                objects |= object_params(name, value, self._facts.arguments)
            elif not (histories(name, value) or (isinstance(value, list) and name in self._facts.changed)):
                read |= config_params(name, plain)
        self._take(read, "read")
        self._take(objects, "object")

    def _take(self, values: Mapping[str, Any], source: str) -> None:
        """Those that are new or have changed; what is logged or named on the line is left alone."""
        taken: dict[str, Any] = {}
        for name, value in values.items():
            if name.partition(".")[0] in self._named:
                continue
            if name in self._taken:
                if self._taken[name] != value:
                    taken[name] = value
            elif name not in self._run.params:
                taken[name] = value
        new = [name for name in taken if name not in self._taken]
        for name in new[max(0, MAX_PARAMS - len(self._taken)) :]:
            self._left_out.add(name)
            del taken[name]
        self._taken.update(taken)
        self._run.log_params(taken, source=source)

    def _named_params(self, succeeded: bool) -> None:
        found: dict[str, Any] = {}
        for each in self._options.named_params:
            try:
                found[each.name] = self._value(each, succeeded)
            except LookupError:
                self.missing.append(each.path)
        self._run.log_params(found, source="flag")

    # metrics

    def _metrics(self, left: Mapping[str, Any], result: Any, succeeded: bool) -> None:
        values: dict[str, float] = {}
        logged = self._run.metric_names
        for each in self._options.named_metrics:
            value = self._number(each, succeeded)
            if value is not None:
                values[each.name] = value
            elif each.name not in logged:
                self.missing.append(each.path)
        if self._options.auto:
            for name in sorted(self._facts.computed - self._run.params.keys() - self._named):
                if name in left and _is_metric(left[name]):
                    values[name] = number(left[name]) or 0.0
            for name, value in self._of_result(result).items():
                values.setdefault(name, value)
        self._run.log({name: value for name, value in values.items() if name not in logged})

    def _of_result(self, result: Any) -> dict[str, float]:
        if isinstance(result, Mapping):
            return {} if self._facts.result_params else result_values(result)
        name = self._facts.result_name
        return {name: number(result) or 0.0} if name and _is_metric(result) else {}

    def _histories(self, left: Mapping[str, Any]) -> None:
        """The points that the cell added to each series; what it logged itself goes first."""
        logged, taken = self._run.metric_names, set[str]()
        seen: list[Mapping[str, list[float]]] = []
        for name, value in {**self._reread(), **left}.items():
            found = {key: points for key, points in histories(name, value).items() if key not in logged}
            if found in seen:  # a model, and what its evals_result() returns
                continue
            seen.append(found)
            new = _added(found, {} if name in left else self._lengths.get(name, {}))
            if taken & new.keys():  # two histories in one cell: the later goes by its variable
                new = {f"{name}/{key}": points for key, points in new.items()}
            taken |= new.keys()
            by_step: dict[int, dict[str, float]] = {}
            for key, points in new.items():
                for step, point in points.items():
                    by_step.setdefault(step, {})[key] = point
            for step in sorted(by_step):
                self._run.log(by_step[step], step=step)

    # models

    def _models(self, left: Mapping[str, Any]) -> None:
        changed = {
            name: value
            for name, value in self._reread().items()
            if name in self._states and state_of(value) != self._states[name]
        }
        found = [seen_model(name, value) for name, value in {**changed, **left}.items()]
        self.models = [each for each in found if each is not None]
        if self.models:
            self._run.context({"models": to_json(self.models)})

    # inside

    def _remember(self, name: str, value: Any) -> None:
        """Of what the cell may fit or fill: its state now."""
        if (state := state_of(value)) is not None:
            self._states[name] = state
        if found := histories(name, value):
            self._lengths[name] = {key: len(points) for key, points in found.items()}

    def _reread(self) -> dict[str, Any]:
        """What earlier cells left and this one may have changed."""
        return {name: self._namespace[name] for name in self._read if name in self._namespace}

    def _left(self, succeeded: bool) -> dict[str, Any]:
        """The values that the cell bound, but for private ones and what is in the run already."""
        names = sorted(name for name in self._facts.bound if not name.startswith("_"))
        return {
            name: self._namespace[name]
            for name in names
            if not is_short(self._facts.literals.get(name, []), nesting=0)
            and self._was_assigned(name, succeeded)
        }

    def _value(self, named: NamedValue, succeeded: bool) -> Any:
        """Raises LookupError where there is none: of a failed cell, what an earlier cell left is none."""
        name = named.variable
        if not succeeded and name in self._facts.bound and not self._was_assigned(name, succeeded):
            raise LookupError(name)
        return named.of(self._namespace)

    def _number(self, named: NamedValue, succeeded: bool) -> float | None:
        try:
            return number(self._value(named, succeeded))
        except LookupError:
            return None

    def _was_assigned(self, name: str, succeeded: bool) -> bool:
        """Whether the cell bound the name, and not an earlier one."""
        if name not in self._namespace:
            return False
        if succeeded and name in self._facts.certain:
            return True
        return name not in self._before or not _is_same(_mark(self._namespace[name]), self._before[name])


def _added(series: Mapping[str, list[float]], before: Mapping[str, int]) -> dict[str, dict[int, float]]:
    """The points of each series that were not there before, by their steps; all of a series begun anew."""
    anew = any(len(points) < before.get(key, 0) for key, points in series.items())
    added = {
        key: dict(list(enumerate(points))[0 if anew else before.get(key, 0) :])
        for key, points in series.items()
    }
    return {key: points for key, points in added.items() if points}


def _plain(value: Any) -> Any:
    """A scalar, or a short list or dict of them, as a param; None for anything else."""
    if value is not None and is_short(value):
        return value
    return shown_scalar(value) if not isinstance(value, str) else None


def _mark(value: Any) -> tuple[Any, int]:
    """What tells a value from a later one. Only numbers are held on to: other things may be large."""
    return (value, 0) if isinstance(value, (bool, int, float)) else (None, id(value))


def _is_same(mark: tuple[Any, int], before: tuple[Any, int]) -> bool:
    return mark[0] is before[0] and mark[1] == before[1]


def _is_among(value: Any, others: Collection[Any]) -> bool:
    return any(value is each for each in others)


def _is_metric(value: Any) -> bool:
    """Whether a scalar may be a result: a number that is no time of day."""
    if isinstance(scalar(value), (bool, str)) or (found := number(value)) is None:
        return False
    return not _is_now(found)


def _is_now(value: float) -> bool:
    """Whether it is a clock's reading: seconds, milliseconds, micro- or nanoseconds since the epoch."""
    if not math.isfinite(value):
        return False
    now = time.time()
    return any(abs(value / unit - now) < _DAY_S for unit in (1.0, 1e3, 1e6, 1e9))
