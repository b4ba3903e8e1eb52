"""The executed cells that a run depended on, and whether the notebook was run from top to bottom."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ...capture.history import Past
from ...capture.redact import redact_source
from ...config import JOB, NOTEBOOK

if TYPE_CHECKING:
    from ...notebooks.order import Order
    from ...notebooks.slicing import Slice, Verdict
    from .writer import RunWriter

MOST_NOTES = 20
KEPT_OF_OTHERS = 300
"""How many characters are kept of a cell that is not needed."""

logger = logging.getLogger(__name__)


def capture_history(
    run: RunWriter,
    *,
    past: Past,
    namespace: Mapping[str, Any] | None = None,
    notebook: str | None = None,
    cap_bytes: int = 16 * 1024 * 1024,
) -> None:
    """Write the run's ``history``; never raises. To be called beside the user's code, not in it.

    ``namespace`` is the kernel's, of which only types are looked at; ``notebook`` the path of the file
    that is open in it.
    """
    try:
        from ...notebooks.slicing import dependencies

        found = dependencies(past.cells, past.target, namespace, beside=True)
        blob = run.put_blob(msgspec.json.encode([_entry(each) for each in found.cells]))
        if blob is not None:
            order = _order(run, past, notebook, cap_bytes)
            summary = {"digest": blob.digest, **_summary(found, order), **_place(namespace)}
            run.context({"history": summary})
    except Exception:  # tracking never breaks the user's cell
        logger.exception("The history of run %s was not captured", run.id)


def _entry(verdict: Verdict) -> dict[str, Any]:
    cell, source = verdict.cell, _redacted(verdict.cell.source)
    if not verdict.needed and len(source) > KEPT_OF_OTHERS:
        source = f"{source[:KEPT_OF_OTHERS]}…"
    return {
        "number": cell.number,
        "source": source,
        "ok": cell.ok,
        "cell_id": cell.cell_id,
        "needed": verdict.needed,
        "why": verdict.why,
    }


_redacted = lru_cache(maxsize=4096)(redact_source)


def _summary(found: Slice, order: Order) -> dict[str, Any]:
    return {
        "cells": len(found.needed),
        "executed": len(found.cells),
        "in_order": order.in_order,
        "reason": order.reason,
        "undecided": list(found.undecided[:MOST_NOTES]),
        "unseeded": list(found.unseeded[:MOST_NOTES]),
    }


def _place(namespace: Mapping[str, Any] | None) -> dict[str, Any]:
    """Where the kernel began, and what its path has beyond the installation's: what a replay needs."""
    visited = (namespace or {}).get("_dh")
    found: dict[str, Any] = {}
    if isinstance(visited, list) and visited:
        found["cwd"] = str(visited[0])
    own = [each for each in sys.path if each and not each.startswith((sys.prefix, sys.base_prefix))]
    if own:
        found["python_path"] = [os.path.abspath(each) for each in own if not each.endswith(".zip")]
    return found


def _order(run: RunWriter, past: Past, notebook: str | None, cap_bytes: int) -> Order:
    """The badge. Whoever executes a notebook without a person does it from top to bottom."""
    from ...notebooks.order import Order, order_of, saved_cells

    if os.environ.get(JOB) or (run.parent_id and os.environ.get(NOTEBOOK)):
        return Order(True)
    if notebook is None:
        return Order(None, "no notebook: cells of a terminal have no order but that in which they ran")
    saved = saved_cells(Path(notebook), cap_bytes=cap_bytes)
    if saved is None:
        return Order(None, f"the notebook file {notebook} could not be read, or is too large")
    return order_of([*past.cells, past.target], saved)
