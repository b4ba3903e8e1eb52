"""Gates as people write them, and as they read them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...entities import Gate, GateKind, Role
from ...errors import InvalidInput
from ..registry.names import checked_name

LOWER, HIGHER = "lower", "higher"

# fmt: off
LOSSES = frozenset((
    "cost", "crossentropy", "distance", "divergence", "duration", "err", "error", "errors", "latency",
    "logloss", "loss", "losses", "mae", "mape", "mse", "nll", "perplexity", "regret", "rmse", "rmsle",
    "smape", "time", "wer",
))
# fmt: on
"""Words in names of metrics that are mostly better when they are lower: which is meant has to be said."""

WORDS = re.compile("[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""Of ``val_loss``, ``valLoss`` and ``RMSE``."""

Better = str | Iterable[str] | Mapping[str, Any]


def gates_of(
    *,
    minimum: Mapping[str, float] | None = None,
    maximum: Mapping[str, float] | None = None,
    better: Better | None = None,
    on: str = "",
    expectations: bool | str | Iterable[str] | None = None,
    approvals: int | None = None,
    role: Role | str = Role.APPROVER,
) -> list[Gate]:
    """The gates that these words declare. Raises InvalidInput.

    ``better`` is a metric, several, or what is better of each: ``"higher"``, ``"lower"``, by how much it must
    be higher (``0.01``), or both (``("lower", 0.01)``). Of a loss or an error it has to be said.
    """
    low, high = _of_metrics("minimum", minimum), _of_metrics("maximum", maximum)
    found = [*_bounds(low, high), *_betters(better, on), *_expectations(expectations)]
    if approvals is not None:
        found.append(_approval(approvals, role))
    return checked(found)


def checked(gates: Iterable[Gate]) -> list[Gate]:
    """Gates that can be judged, whoever wrote them. Raises InvalidInput."""
    found = list(gates)
    for gate in found:
        _check(gate)
    if len(found) != len({_subject(gate) for gate in found}):
        raise InvalidInput("Two gates say the same thing of one metric or dataset: leave one of them out.")
    return found


def in_words(gate: Gate) -> str:
    """What a gate asks for: ``accuracy of at least 0.9``."""
    if gate.kind is GateKind.METRIC:
        bounds = {"at least": gate.minimum, "at most": gate.maximum}
        asked = " and ".join(f"{word} {value:g}" for word, value in bounds.items() if value is not None)
        return f"{gate.metric} of {asked}"
    if gate.kind is GateKind.BETTER:
        by = f" by more than {gate.by:g}" if gate.by else ""
        data = f"version of {gate.dataset!r}" if gate.dataset else "data"
        word = LOWER if gate.lower_is_better else HIGHER
        return f"{gate.metric} {word} than the holder's{by}, on the same {data}"
    if gate.kind is GateKind.EXPECTATIONS:
        return f"the expectations of {_whose(gate)} hold"
    users = "another user" if gate.approvals == 1 else f"{gate.approvals} other users"
    return f"approval by {users} with the role {gate.role} or more"


def _whose(gate: Gate) -> str:
    return f"dataset {gate.dataset!r}" if gate.dataset else "the datasets that it was made from"


def _of_metrics(word: str, given: Any) -> Mapping[str, Any]:
    if given is None or isinstance(given, Mapping):
        return given or {}
    raise InvalidInput(f"{word}= says of which metric: {word}={{'accuracy': 0.9}}, not {given!r}.")


def _bounds(minimum: Mapping[str, float], maximum: Mapping[str, float]) -> Iterator[Gate]:
    for metric in dict.fromkeys([*minimum, *maximum]):
        low, high = (_number(metric, bounds.get(metric)) for bounds in (minimum, maximum))
        yield Gate(kind=GateKind.METRIC, metric=metric, minimum=low, maximum=high)


def _betters(better: Better | None, on: str) -> Iterator[Gate]:
    if not better:
        if on:
            raise InvalidInput(f"on={on!r} says on which dataset something is better: give better= as well.")
        return
    dataset = checked_name(on, "dataset's name") if on else ""
    names = [better] if isinstance(better, str) else better
    if not isinstance(names, Iterable):
        raise InvalidInput(
            "better= names metrics: better='accuracy', ['accuracy', 'f1'], {'loss': 'lower'}; "
            f"not {better!r}."
        )
    wanted = names.items() if isinstance(names, Mapping) else ((name, None) for name in names)
    for metric, how in wanted:
        word, by = _direction(metric, how)
        lower = word == LOWER
        yield Gate(kind=GateKind.BETTER, metric=metric, lower_is_better=lower, by=by, dataset=dataset)


def _direction(metric: Any, how: Any) -> tuple[str, float]:
    if metric in (LOWER, HIGHER):
        raise InvalidInput(f"{metric!r} is no metric: say of which one, better={{'loss': {metric!r}}}.")
    if isinstance(how, (tuple, list)) and len(how) == 2:
        word, by = how
    else:
        word, by = (how, 0.0) if isinstance(how, str) else (None, how)
    if word is None:
        if LOSSES.intersection(word.lower() for word in WORDS.findall(str(metric))):
            raise InvalidInput(
                f"Is a {metric!r} better when it is lower, or higher? Say: better={{{metric!r}: 'lower'}}, "
                f"or {{{metric!r}: ('lower', 0.01)}} for by how much (--better {metric}=lower)."
            )
        word = HIGHER
    if word not in (LOWER, HIGHER):
        raise InvalidInput(
            f"What is better of {metric!r}? 'higher', 'lower', by how much (0.01), or both "
            f"(('lower', 0.01)); not {how!r}."
        )
    return word, _number(metric, by) or 0.0


def _expectations(wanted: bool | str | Iterable[str] | None) -> Iterator[Gate]:
    if not wanted:
        return
    if wanted is True:
        yield Gate(kind=GateKind.EXPECTATIONS)
        return
    if not isinstance(wanted, Iterable):
        raise InvalidInput(f"expectations= is True, or names datasets: 'train', ['train']; not {wanted!r}.")
    for name in [wanted] if isinstance(wanted, str) else wanted:
        yield Gate(kind=GateKind.EXPECTATIONS, dataset=checked_name(name, "dataset's name"))


def _approval(approvals: Any, role: Role | str) -> Gate:
    if isinstance(approvals, bool) or not isinstance(approvals, int):
        raise InvalidInput(f"approvals= is how many other users have to approve, not {approvals!r}.")
    return Gate(
        kind=GateKind.APPROVAL,
        approvals=approvals,
        role=role.value if isinstance(role, Role) else str(role),
    )


def _number(metric: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        raise InvalidInput(f"A bound of {metric!r} is a number, not {value!r}.")
    return float(value)


def _check(gate: Gate) -> None:
    if gate.kind in (GateKind.METRIC, GateKind.BETTER) and not (
        isinstance(gate.metric, str) and gate.metric.strip()
    ):
        raise InvalidInput(f"A gate of kind {gate.kind.value} needs the name of a metric.")
    if gate.kind is GateKind.METRIC and (gate.minimum, gate.maximum) == (None, None):
        raise InvalidInput(f"A gate of the metric {gate.metric!r} needs a minimum or a maximum.")
    if gate.minimum is not None and gate.maximum is not None and gate.minimum > gate.maximum:
        raise InvalidInput(
            f"No value of {gate.metric!r} is at least {gate.minimum:g} and at most {gate.maximum:g}."
        )
    if not math.isfinite(gate.by) or gate.by < 0:
        raise InvalidInput(f"By how much {gate.metric!r} must be better is 0 or more, not {gate.by:g}.")
    if gate.kind is GateKind.APPROVAL and gate.approvals < 1:
        raise InvalidInput(f"A gate asks for 1 approval or more, not {gate.approvals}.")
    if gate.role not in {role.value for role in Role}:
        roles = ", ".join(role.value for role in Role)
        raise InvalidInput(f"No role {gate.role!r}: there are {roles}.")


def _subject(gate: Gate) -> tuple[str, ...]:
    return gate.kind.value, gate.metric, gate.dataset, gate.role if gate.kind is GateKind.APPROVAL else ""
