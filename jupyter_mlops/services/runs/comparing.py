"""Two runs side by side: only what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from ...entities import Comparison, Difference, RunDetail, VersionRef, short_id


def compare(a: RunDetail, b: RunDetail) -> Comparison:
    """What differs between two runs; metrics by their last values, NaN being equal to NaN."""
    return Comparison(
        a=a.run,
        b=b.run,
        params=differences(a.run.params, b.run.params),
        metrics=differences(_last(a), _last(b)),
        tags=differences(a.run.tags, b.run.tags),
        inputs=differences(_versions(a.inputs), _versions(b.inputs)),
        packages=differences(_packages(a), _packages(b)),
        source_diff=source_diff(a, b),
    )


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """The keys whose values differ, sorted; None stands for a key that a side does not have."""
    keys = sorted(set(a) | set(b))
    return [
        Difference(key=key, a=a.get(key), b=b.get(key)) for key in keys if not _same(a.get(key), b.get(key))
    ]


def source_diff(a: RunDetail, b: RunDetail) -> str:
    """A unified diff of the code; empty when it is the same."""
    lines = difflib.unified_diff(
        a.source.splitlines(),
        b.source.splitlines(),
        f"{a.run.name} {short_id(a.run.id)}",
        f"{b.run.name} {short_id(b.run.id)}",
        lineterm="",
    )
    return "\n".join(lines)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) is not isinstance(b, bool):
        return False
    return bool(a == b) or (a != a and b != b)


def _last(detail: RunDetail) -> dict[str, float]:
    return {name: summary.last for name, summary in detail.run.metrics.items()}


def _versions(refs: Iterable[VersionRef]) -> dict[str, str]:
    """``dataset train`` to ``2 (9f86d081)``; several versions of one name stand side by side."""
    found: dict[str, list[str]] = {}
    for ref in refs:
        number = "pending" if ref.version is None else str(ref.version)
        found.setdefault(f"{ref.kind} {ref.name}", []).append(f"{number} ({ref.digest[:8]})")
    return {key: ", ".join(sorted(set(versions))) for key, versions in found.items()}


def _packages(detail: RunDetail) -> dict[str, Any]:
    packages = dict(detail.context.get("packages") or {})
    if python := detail.context.get("python"):
        packages["python"] = python
    return packages
