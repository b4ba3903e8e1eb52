"""What a feature view is made of: a function, its source, keys, timestamp and time to live."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from blake3 import blake3

from ...config import Settings
from ...entities import FeatureViewVersion, VersionStatus
from ...errors import Corrupt, InvalidInput
from ...ownership import workspace_id
from ..quantities import seconds
from ..registry.names import checked_name, parse_reference
from .capturing import MAIN, captured

SEPARATOR = ":"
"""Between a view and one of its features, in references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A function as a feature view of this process, before any registry knows it."""

    function: Callable[..., Any]
    name: str
    source: str
    keys: tuple[str, ...]
    timestamp: str | None
    ttl_s: float | None = None
    description: str = ""

    @property
    def in_notebook(self) -> bool:
        """Whether the function belongs to a notebook or a script, not to a module that is imported."""
        return self.function.__module__ == MAIN

    def version(self, settings: Settings, *, now: float, run_id: str | None = None) -> FeatureViewVersion:
        """As it stands now, pending: another function that it uses makes it another one.

        Raises InvalidInput where it cannot be written down, NotThereYet where a name is missing so far.
        """
        plain = inspect.unwrap(self.function)
        found = captured(self.function)
        version = FeatureViewVersion(
            name=self.name,
            version=None,
            digest="",
            source=self.source,
            keys=list(self.keys),
            timestamp=self.timestamp,
            features=[],
            function=plain.__name__,
            code=found.code,
            created_at=now,
            created_by=settings.user,
            module="" if self.in_notebook else plain.__module__,
            ttl_s=self.ttl_s,
            packages=found.packages,
            run_id=run_id,
            description=self.description,
            origin=workspace_id(settings.home),
            status=VersionStatus.PENDING,
        )
        return replace(version, digest=digest_of(version))


def defined(
    function: Callable[..., Any],
    *,
    source: str,
    keys: str | Sequence[str],
    timestamp: str | None = None,
    ttl: str | float | timedelta | None = None,
    name: str | None = None,
    description: str = "",
) -> Definition:
    """A definition whose words are checked. Raises InvalidInput."""
    if not callable(function) or not (name or hasattr(function, "__name__")):
        raise InvalidInput(f"A feature view is made of a function, not of {function!r}.")
    name = checked_name(name or function.__name__, "feature view's name")
    if SEPARATOR in name:
        raise InvalidInput(f"A feature view's name must not contain {SEPARATOR!r}: {name!r}.")
    reference = parse_reference(source)
    if reference.name == name:
        raise InvalidInput(
            f"The feature view {name!r} is called like its source. What it computes becomes a dataset of its "
            "name: give it another one with name=..."
        )
    columns = tuple(keys) if isinstance(keys, Iterable) and not isinstance(keys, str) else (keys,)
    timed = () if timestamp is None else (timestamp,)
    if not columns or not all(isinstance(each, str) and each for each in (*columns, *timed)):
        raise InvalidInput(f"keys and timestamp are names of columns, not {keys!r} and {timestamp!r}.")
    if len({*columns, *timed}) < len(columns) + len(timed):
        raise InvalidInput(
            f"A column stands for one thing: keys are {list(columns)}, the timestamp {timestamp!r}."
        )
    if ttl is not None and timestamp is None:
        raise InvalidInput(f"{name!r} has a ttl but no timestamp: nothing says how old its rows are.")
    ttl_s = ttl.total_seconds() if isinstance(ttl, timedelta) else seconds(ttl)
    if ttl_s is not None and ttl_s <= 0:
        raise InvalidInput(f"The ttl of {name!r} is how old its rows may be: more than nothing, not {ttl!r}.")
    return Definition(
        function=function,
        name=name,
        source=source,
        keys=columns,
        timestamp=timestamp,
        ttl_s=ttl_s,
        description=description or inspect.getdoc(function) or "",
    )


def digest_of(version: FeatureViewVersion) -> str:
    """BLAKE3 of what decides: the code, the source, the keys, the timestamp and the time to live."""
    decides = (version.code, version.function, version.source, version.keys, version.timestamp, version.ttl_s)
    return blake3(json.dumps(decides, ensure_ascii=True).encode()).hexdigest()


def require_whole(version: FeatureViewVersion) -> None:
    """Raises Corrupt when a stored definition is not what its digest says."""
    if digest_of(version) != version.digest:
        raise Corrupt(
            f"The definition of {version.name}@{version.version} is not what was registered: its digest is "
            f"another. Look at who changed the registry: jupyter mlops audit --verify"
        )
