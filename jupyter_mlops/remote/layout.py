"""Where things lie below a staging URL, for both ends.

``<url>/<home>/`` is one home's: ``objects/<digest>`` are larger files that several jobs may share, and each
job has ``<job id>/<attempt>/``: ``given/<n>`` batches with what the worker needs, ``given.json`` when they
are complete, ``environment`` (deleted by the worker that reads it), ``claim``, ``wishes.json`` (there as long
as somebody at home wants the job to go on), ``sent/<n>`` batches of the worker and ``objects/<digest>`` of
theirs.
"""

from __future__ import annotations

import re

import msgspec

from ..ownership import ID_FILE

GIVEN, GIVEN_BATCHES = "given.json", "given"
SENT, OBJECTS = "sent", "objects"
ENVIRONMENT, WISHES, CLAIM = "environment", "wishes.json", "claim"
EXIT, STARTED, LOG, PRUNE, WORK = "exit.json", "started.json", "log.txt", "prune", "work"

REGISTERED = "registered.json"
BLOB = r"blobs/[0-9a-f]{2}/[0-9a-f]{64}"
OF_RUN = re.compile(r"runs/(?P<run>[^/\0]+)/(?:journal/(?P<writer>[^/\0]+)\.jsonl|outputs/[^/\0]+)")
"""A journal of a run, or one of its long outputs."""


class Given(msgspec.Struct, kw_only=True, frozen=True):
    """How many batches make up the job; those of another version cannot be read."""

    batches: int
    version: int = 1


class Wishes(msgspec.Struct, kw_only=True, omit_defaults=True, frozen=True):
    """What those at home want of the worker: that it stops, and why the trial is to be pruned."""

    stop: bool = False
    prune: str = ""


def batch_name(folder: str, number: int) -> str:
    return f"{folder}/{number:09d}"


def object_name(digest: str) -> str:
    return f"{OBJECTS}/{digest}"


def attempt_path(job_id: str, attempt: int) -> str:
    """An attempt's folder below a home."""
    return f"jobs/{job_id}/attempts/{attempt}"


def blob_path(digest: str) -> str:
    """A blob's place below a home."""
    return f"blobs/{digest[:2]}/{digest}"


def of_worker(job_id: str, attempt: int) -> re.Pattern[str]:
    """What a worker may write at home: journals of runs, blobs, and its attempt's folder."""
    own = re.escape(attempt_path(job_id, attempt))
    return re.compile(rf"runs/[^/]+/(?:journal/[^/]+\.jsonl|outputs/[^/]+)|{BLOB}|{own}/.+", re.DOTALL)


def of_job(job_id: str) -> re.Pattern[str]:
    """What a home may write at the worker's: blobs, and the job's folder."""
    return re.compile(rf"{BLOB}|jobs/{re.escape(job_id)}/.+|{REGISTERED}|{ID_FILE}", re.DOTALL)
