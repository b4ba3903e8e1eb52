"""The ids of nodes, and what they are made from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ...entities import VersionRef, VersionStatus, reference_text

VERSIONS = ("dataset", "model", "view")
KINDS = ("run", "job", *VERSIONS, "alias", "notebook")
PENDING = VersionStatus.PENDING.value


def version_node(version: VersionRef) -> str:
    """``dataset:train@2``; ``@pending`` for a version that has no number yet."""
    return f"{version.kind}:{reference_text(version)}"


def alias_node(version: VersionRef, alias: str) -> str:
    """``alias:digits@champion``; of a dataset ``alias:dataset:train@gold``, since both kinds have aliases."""
    return f"alias:{alias_text(version.kind, version.name, alias)}"


def alias_text(kind: str, name: str, alias: str) -> str:
    """An alias as a reference that tells the kinds apart: ``digits@champion``, ``dataset:train@gold``."""
    return f"{name}@{alias}" if kind == "model" else f"{kind}:{name}@{alias}"


def alias_parts(key: str) -> tuple[str, str, str]:
    """(kind, name, alias) of what stands after ``alias:``."""
    kind, colon, rest = key.partition(":")
    if not colon or kind not in VERSIONS:
        kind, rest = "model", key
    name, _, alias = rest.rpartition("@")
    return kind, name, alias


def version_of(node: str) -> VersionRef | None:
    """The version of a node, without its digest; None for one that has no number."""
    kind, _, key = node.partition(":")
    name, _, number = key.rpartition("@")
    if kind not in VERSIONS or not number.isdecimal():
        return None
    return VersionRef(kind=kind, name=name, version=int(number), digest="")


def pending_of(node: str) -> VersionRef:
    """The version of a node that has no number yet."""
    kind, _, key = node.partition(":")
    return VersionRef(kind=kind, name=key.rpartition("@")[0], version=None, digest="")


def by_kind(nodes: Iterable[str]) -> dict[str, list[str]]:
    """The keys of nodes by their kinds."""
    found: dict[str, list[str]] = defaultdict(list)
    for node in nodes:
        kind, _, key = node.partition(":")
        found[kind].append(key)
    return found
