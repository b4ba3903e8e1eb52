"""Which features are asked for: ``driver_stats``, ``driver_stats:rating``, ``driver_stats@2:rating``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from ...entities import FeatureViewVersion, Materialization
from ...errors import InvalidInput
from ..hints import did_you_mean
from ..registry.names import Reference, parse_reference
from .definition import SEPARATOR

FULL_NAME = "{view}__{feature}"
"""As Feast writes full feature names."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A version of a view, what it was computed as, and those of its features that are wanted, in order."""

    view: FeatureViewVersion
    computed: Materialization
    features: list[str] = field(default_factory=list)


def parsed(reference: str) -> tuple[Reference, str | None]:
    """The view and the feature, None for all of them. Raises InvalidInput."""
    if not isinstance(reference, str):
        raise InvalidInput(
            f"A feature is named by a text such as 'driver_stats' or 'driver_stats:age', not {reference!r}."
        )
    view, colon, feature = reference.partition(SEPARATOR)
    if colon and not feature:
        raise InvalidInput(f"{reference!r} names no feature: write one after the colon, or no colon.")
    return parse_reference(view), feature or None


def listed(features: str | Iterable[str]) -> list[str]:
    """One reference or several as a list. Raises InvalidInput for none."""
    if not isinstance(features, Iterable):
        raise InvalidInput(
            f"Features are named by texts: 'driver_stats', or ['driver_stats:age', 'town']; not {features!r}."
        )
    found = [features] if isinstance(features, str) else list(features)
    if not found:
        raise InvalidInput("No features are asked for. Name views or their features: ['driver_stats'].")
    return found


def selected(
    features: str | Iterable[str],
    look_up: Callable[[Reference], tuple[FeatureViewVersion, Materialization]],
) -> list[Selected]:
    """Each version of a view once, in the order in which it is named first. Raises InvalidInput, NotFound."""
    found: dict[tuple[str, int | None], Selected] = {}
    for each in listed(features):
        reference, feature = parsed(each)
        view, computed = look_up(reference)
        part = found.setdefault((view.name, view.version), Selected(view, computed))
        there = [column.name for column in view.features]
        if feature is not None and feature not in there:
            raise InvalidInput(
                f"{view.name}@{view.version} has no feature {feature!r}: it has {', '.join(there)}."
                f"{did_you_mean(feature, there)}"
            )
        part.features.extend(name for name in ([feature] if feature else there) if name not in part.features)
    return list(found.values())


def names(parts: Sequence[Selected], taken: Collection[str], *, full: bool) -> list[list[str]]:
    """What the columns of each part are called. Raises InvalidInput when two would have one name."""
    found = [
        [FULL_NAME.format(view=part.view.name, feature=each) if full else each for each in part.features]
        for part in parts
    ]
    seen = set(taken)
    for part, columns in zip(parts, found, strict=True):
        for column in columns:
            if column in seen:
                whose = "The labels have" if column in taken else "Another view has"
                way = "Rename it there" if full else "Ask with full_names=True: they are view__feature then"
                raise InvalidInput(f"{whose} a column {column!r}, as {part.view.name} has. {way}.")
            seen.add(column)
    return found
