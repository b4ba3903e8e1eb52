"""Two runs side by side: only what differs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...entities import (
    CodeRow,
    Comparison,
    DataDifference,
    Difference,
    RunDetail,
    VersionRef,
    number_text,
    short_id,
)

CONTEXT_LINES = 3
"""How many lines that are the same are shown around those that differ."""


def compare(a: RunDetail, b: RunDetail, *, data: Sequence[DataDifference] = ()) -> Comparison:
    """What differs between two runs; metrics by their last values, NaN being equal to NaN."""
    return Comparison(
        a=a.run,
        b=b.run,
        params=differences(a.run.params, b.run.params),
        metrics=differences(last_values(a), last_values(b)),
        tags=differences(a.run.tags, b.run.tags),
        inputs=differences(versions(a.inputs), versions(b.inputs)),
        data=list(data),
        packages=differences(packages(a), packages(b)),
        environment=differences(environment(a), environment(b)),
        source_diff=source_diff(a, b),
        code=code_rows(a.source, b.source),
    )


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[Difference]:
    """The keys whose values differ, sorted; None stands for a key that a side does not have."""
    keys = sorted(set(a) | set(b))
    return [
        Difference(key=key, a=a.get(key), b=b.get(key)) for key in keys if not same(a.get(key), b.get(key))
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


def code_rows(a: str, b: str, *, context: int = CONTEXT_LINES) -> list[CodeRow]:
    """The diff side by side: lines that replace each other stand in one row. Empty when there is none."""
    left, right = a.splitlines(), b.splitlines()
    if left == right:
        return []
    rows: list[CodeRow] = []
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    reached = 0
    for group in matcher.get_grouped_opcodes(context):
        if skipped := group[0][1] - reached:
            rows.append(_gap(skipped))
        for _, a_from, a_to, b_from, b_to in group:
            rows += _rows(left, right, range(a_from, a_to), range(b_from, b_to))
        reached = group[-1][2]
    if skipped := len(left) - reached:
        rows.append(_gap(skipped))
    return rows


def _rows(left: list[str], right: list[str], a: range, b: range) -> list[CodeRow]:
    """Of a block that was replaced, its first lines stand beside each other."""
    rows = []
    for offset in range(max(len(a), len(b))):
        a_index, b_index = (side[offset] if offset < len(side) else None for side in (a, b))
        a_text = "" if a_index is None else left[a_index]
        b_text = "" if b_index is None else right[b_index]
        if a_index is None or b_index is None:
            change = "added" if a_index is None else "removed"
        else:
            change = "same" if a_text == b_text else "changed"
        numbers = (None if index is None else index + 1 for index in (a_index, b_index))
        a_line, b_line = numbers
        rows.append(CodeRow(change=change, a_line=a_line, a_text=a_text, b_line=b_line, b_text=b_text))
    return rows


def _gap(lines: int) -> CodeRow:
    return CodeRow(change="gap", a_text=f"{lines} line{'' if lines == 1 else 's'} the same")


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same to a reader: NaN is NaN, and True is not 1."""
    if isinstance(a, bool) is not isinstance(b, bool):
        return False
    return bool(a == b) or (a != a and b != b)


def last_values(detail: RunDetail) -> dict[str, float]:
    """Metrics by their last values."""
    return {name: summary.last for name, summary in detail.run.metrics.items()}


def versions(refs: Iterable[VersionRef]) -> dict[str, str]:
    """``dataset train`` to ``2 (9f86d081)``; several versions of one name stand side by side."""
    found: dict[str, list[str]] = {}
    for ref in refs:
        shown = f"{number_text(ref.version)} ({ref.digest[:8]})"
        found.setdefault(f"{ref.kind} {ref.name}", []).append(shown)
    return {key: ", ".join(sorted(set(each))) for key, each in found.items()}


def packages(detail: RunDetail) -> dict[str, Any]:
    """Installed packages and their versions."""
    found = detail.context.get("packages")
    return dict(found) if isinstance(found, Mapping) else {}


def environment(detail: RunDetail) -> dict[str, Any]:
    """What else the run depended on: Python, the machine, the state of the repository, own modules."""
    context = detail.context
    git, hardware = _mapping(context.get("git")), _mapping(context.get("hardware"))
    gpus = [_mapping(gpu).get("name") for gpu in hardware.get("gpus") or ()]
    found: dict[str, Any] = {
        "python": context.get("python"),
        "platform": context.get("platform"),
        "host": detail.run.host,
        "cpus": context.get("cpus"),
        "cpu": hardware.get("cpu_model"),
        "memory_bytes": hardware.get("memory_bytes"),
        "gpus": ", ".join(str(gpu) for gpu in gpus if gpu),
        "driver": hardware.get("driver"),
        "git.branch": git.get("branch"),
        "git.commit": git.get("commit"),
        "git.patch": str(git.get("patch_digest") or "")[:12],
    }
    for module in context.get("modules") or ():
        name, digest = _mapping(module).get("name"), str(_mapping(module).get("digest") or "")
        found[f"module {name}"] = digest[:12]
    return {key: value for key, value in found.items() if value not in (None, "")}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
