"""``gc``, ``fsck``, ``backup`` and ``restore``."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from ..entities.upkeep import BackupReport, Damage, GarbageReport, HealthReport
from ..services.quantities import counted, duration_text, seconds, size_text
from ..workspace import current
from .tables import console, print_json

SHOWN_AFFECTED = 5
PROGRESS_EVERY_S = 0.2


def gc(arguments: Namespace) -> int:
    """``jupyter mlops gc``."""
    older_than_s = seconds(arguments.older_than) or 0.0
    report = current().upkeep.gc(delete=arguments.delete, older_than_s=older_than_s)
    if arguments.json:
        print_json({**asdict(report), "count": report.count, "size_bytes": report.size_bytes})
    else:
        for line in _garbage_lines(report):
            console().print(line, markup=False, soft_wrap=True)
    return 0


def fsck(arguments: Namespace) -> int:
    """``jupyter mlops fsck``; exit status 1 when something is damaged."""
    with _progress(quiet=arguments.json) as progress:
        report = current().upkeep.fsck(repair=arguments.repair, remote=arguments.remote, progress=progress)
    if arguments.json:
        print_json({**asdict(report), "whole": report.whole})
    else:
        for line in _health_lines(report):
            console().print(line, markup=False, soft_wrap=True)
    return 0 if report.whole else 1


def backup(arguments: Namespace) -> int:
    """``jupyter mlops backup``."""
    _tell_backup(current().upkeep.backup(Path(arguments.path)), "Saved to", arguments)
    return 0


def restore(arguments: Namespace) -> int:
    """``jupyter mlops restore``."""
    into = Path(arguments.into) if arguments.into else None
    report = current().upkeep.restore(Path(arguments.path), into=into, force=arguments.force)
    _tell_backup(report, "Restored to", arguments)
    return 0


def _garbage_lines(report: GarbageReport) -> Iterator[str]:
    before = datetime.fromtimestamp(report.before).isoformat(sep=" ", timespec="minutes")
    if report.because:
        yield f"Only what was stored before {before} counts: {report.because}."
    did = "Deleted" if report.deleted else "Nobody needs"
    for part in report.parts:
        yield f"{did} {part.count} {part.kind}, {size_text(part.size_bytes)}."
    if not report.parts:
        yield "There is no garbage."
    young = f"; {report.young} more that nobody refers to are younger" if report.young else ""
    yield f"{counted(report.kept, 'blob')} ({size_text(report.kept_bytes)}) are in use{young}."
    if report.count and not report.deleted:
        yield "Nothing was deleted. To do so: jupyter mlops gc --delete"


def _health_lines(report: HealthReport) -> Iterator[str]:
    rate = report.size_bytes / max(report.duration_s, 1e-6)
    yield (
        f"Verified {counted(report.blobs, 'blob')} ({size_text(report.size_bytes)}, "
        f"{size_text(round(rate))}/s), {counted(report.versions, 'version')} and "
        f"{counted(report.journals, 'journal')} in {duration_text(report.duration_s)}."
    )
    for damage in report.damages:
        yield from _damage_lines(damage)
    if not report.damages:
        yield "Nothing is damaged."


def _damage_lines(damage: Damage) -> Iterator[str]:
    yield f"{'repaired' if damage.repaired else 'DAMAGED'}  {damage.problem}"
    for what in damage.affects[:SHOWN_AFFECTED]:
        yield f"    affects {what}"
    if (more := len(damage.affects) - SHOWN_AFFECTED) > 0:
        yield f"    and {more} more"
    if damage.remedy:
        yield f"    → {damage.remedy}"


def _tell_backup(report: BackupReport, words: str, arguments: Namespace) -> None:
    if arguments.json:
        print_json(asdict(report))
        return
    console().print(
        f"{words} {report.path}: {counted(report.files, 'file')} and {counted(report.blobs, 'blob')}, "
        f"{size_text(report.size_bytes)}, {report.new} of them new.",
        markup=False,
        soft_wrap=True,
    )
    for note in report.notes:
        console().print(note, markup=False, soft_wrap=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A line that says how far it has come and how fast, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    began, told = time.monotonic(), 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= PROGRESS_EVERY_S:
            told = now
            rate = size_text(round(done / max(now - began, 1e-6)))
            sys.stderr.write(f"\r\x1b[K{size_text(done)} of {size_text(total)}, {rate}/s")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
