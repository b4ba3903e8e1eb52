"""What went along with a job, as it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..config import ATTEMPT, JOB
from ..entities import JobSpec
from ..errors import InvalidInput, MlopsError
from ..workspace import current

MOST_JOBS = 1000


def carried(digest: str, format: str, *names: str, trust: bool = False) -> Any:
    """An object that ``%%submit --carry`` sent along; a tuple of those that share parts.

    The cell that calls this is written by ``%%submit``. The content is verified. A pickle is loaded only
    if a job of this user's carries it, or with ``trust=True``. Raises NotFound when the blob is gone,
    Corrupt, Untrusted, MissingPackage, and InvalidInput for what cannot be unpacked here.
    """
    from ..services.carrying.loading import unpack
    from ..services.carrying.service import PICKLE
    from ..services.registry.trust import require_trust_in_carried

    workspace = current()
    what = " and ".join(names) or digest[:8]
    if format == PICKLE and not trust:
        require_trust_in_carried(what, _submitters(digest), workspace.settings)
    if any(not name.isidentifier() for name in names):
        raise InvalidInput(f"{what!r} is no name of a variable.")
    return unpack(workspace.blobs, digest, format, names)


def _submitters(digest: str) -> Iterator[str]:
    """Who submitted jobs that carry a blob: the one that this process belongs to, and the newest.

    A job that is said to be this user's counts where this home made it: anybody may have written the row.
    """
    own = _own_job()
    if own is not None and _carries(own, digest):
        yield own.user
    workspace = current()
    for job in workspace.jobs.search(limit=MOST_JOBS):
        mine = job.spec.user == workspace.settings.user
        if _carries(job.spec, digest) and (not mine or workspace.jobs.is_here(job)):
            yield job.spec.user


def _carries(spec: JobSpec, digest: str) -> bool:
    return any(each.digest == digest for each in spec.carried)


def _own_job() -> JobSpec | None:
    from ..services.jobs.folder import JobFolder

    attempt = os.environ.get(ATTEMPT)
    if not attempt or not os.environ.get(JOB):
        return None
    try:
        return JobFolder(Path(attempt).parents[1]).spec()
    except (MlopsError, OSError, IndexError):
        return None
