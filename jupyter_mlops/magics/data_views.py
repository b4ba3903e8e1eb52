"""What ``%mlops profile``, ``diff`` and ``check`` show."""

from __future__ import annotations

import json
from typing import Any

from ..api.expectations import Check
from ..api.profiles import DatasetDiff, DatasetProfile
from ..wire import to_json
from ..workspace import Workspace
from .refusals import BadArguments


def profile(workspace: Workspace, reference: str, *, as_json: bool) -> str | DatasetProfile:
    """What a dataset version is like."""
    found = workspace.profiles.of(reference)
    return _json(found) if as_json else DatasetProfile(found, reference)


def diff(workspace: Workspace, before: str, after: str, *words: str, as_json: bool) -> str | DatasetDiff:
    """What differs between two dataset versions; with ``--keys id,day`` also row by row."""
    if words and (words[0] != "--keys" or len(words) != 2):
        raise BadArguments("Write %mlops diff A B, and --keys COL,COL to match rows by columns.")
    found = workspace.diffs.diff(before, after, words[1].split(",") if words else ())
    return _json(found) if as_json else DatasetDiff(found)


def check(workspace: Workspace, reference: str, *, as_json: bool) -> str | Check:
    """Whether a dataset version is as its dataset is expected to be."""
    found = workspace.expectations.check(reference)
    return _json(found) if as_json else Check(found)


def _json(value: Any) -> str:
    return json.dumps(to_json(value), indent=2, ensure_ascii=False)
