"""Right-sizing: what a notebook's past attempts say of the next one.

The rule: of the last ``PAST`` attempts that succeeded, of the same user, name and notebook, the highest peak
of memory and of GPU memory, times ``MARGIN``, rounded up to 64 MiB; an attempt since then that ran out of
memory counts with ``AFTER_OOM`` times what it had used. CPU cores are the most that one kept busy on average.
It is expected to take as long as their median, and as long as ``MARGIN`` times the longest at most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from statistics import median

from ...entities import Cause, EndedAttempt, JobStatus, Resources, Size
from ...protocols.usage import AttemptStore
from ..quantities import counted, duration_text, size_text

PAST = 10
LOOKED_AT = 3 * PAST
"""So many attempts are looked through for ``PAST`` successes."""
MARGIN = 1.2
AFTER_OOM = 1.5
STEP_BYTES = 64 * 1024**2
LEAST_BYTES = 256 * 1024**2
"""A kernel that does nothing has half of that."""
SHORT_S = 5.0
"""In less time the start of the kernel is most of what is used: that says nothing of cores."""
SPARE_CORE = 0.25
"""A core that is wanted for less than this part of the time is not asked for."""


class Sizing:
    """Sizes for jobs that are to be submitted."""

    def __init__(self, attempts: AttemptStore) -> None:
        self._attempts = attempts

    def suggest(self, *, user: str, name: str, notebook: str | None) -> Size | None:
        """From that user's past attempts of that notebook; None where none has succeeded."""
        found = self._attempts.of_notebook(user=user, name=name, notebook=notebook, limit=LOOKED_AT)
        return size_of(found)


def size_of(newest_first: Sequence[EndedAttempt]) -> Size | None:
    """The rule above; None where no attempt has succeeded."""
    past = [each for each in newest_first if each.status is JobStatus.SUCCEEDED][:PAST]
    if not past:
        return None
    failed = newest_first[: newest_first.index(past[0])]  # since the last success
    durations = [each.duration_s for each in past]
    return Size(
        runs=len(past),
        memory_bytes=_asked([*_memory(past), *(AFTER_OOM * peak for peak in _memory(_short_of(failed)))]),
        gpu_memory_bytes=_asked([*_gpu_memory(past), *(AFTER_OOM * peak for peak in _gpu_memory(failed))]),
        cpus=max((cores for each in past if (cores := _cores(each))), default=None),
        expected_s=median(durations),
        longest_s=MARGIN * max(durations),
        peak_bytes=int(max(_memory(past), default=0)) or None,
    )


def sized(
    wanted: Resources,
    size: Size,
    *,
    given: Collection[str],
    cpus: int | None = None,
    memory_bytes: int | None = None,
) -> tuple[Resources, list[str]]:
    """What to ask for: ``wanted``, with what was learned where nobody asked; and the names of that.

    ``given`` are the names of the fields that somebody did ask for. No more than ``cpus`` and
    ``memory_bytes`` is asked for, where that is all that there is.
    """
    learned = {
        "memory_bytes": _at_most(size.memory_bytes, memory_bytes),
        "cpus": _at_most(size.cpus, cpus),
        "gpu_memory_bytes": size.gpu_memory_bytes if wanted.gpus else None,
    }
    changes = {
        name: value
        for name, value in learned.items()
        if value and name not in given and value != getattr(wanted, name)
    }
    return replace(wanted, **changes), sorted(changes)


def size_words(size: Size) -> str:
    """For people, before it queues: ``takes about 12 min; at most 2.1 GiB of memory (5 past runs)``."""
    parts = [] if size.expected_s is None else [f"takes about {duration_text(size.expected_s)}"]
    if size.peak_bytes:
        parts.append(f"at most {size_text(size.peak_bytes)} of memory")
    return f"{'; '.join(parts)} ({counted(size.runs, 'past run')})"


def _at_most(value: int | None, there: int | None) -> int | None:
    return value if value is None or there is None else min(value, there)


def _short_of(attempts: Iterable[EndedAttempt]) -> list[EndedAttempt]:
    return [each for each in attempts if each.cause is Cause.MEMORY]


def _memory(attempts: Iterable[EndedAttempt]) -> list[float]:
    return [each.used.memory_bytes for each in attempts if each.used and each.used.memory_bytes]


def _gpu_memory(attempts: Iterable[EndedAttempt]) -> list[float]:
    return [each.used.gpu_memory_bytes for each in attempts if each.used and each.used.gpu_memory_bytes]


def _asked(peaks: Sequence[float]) -> int | None:
    """With a margin, and so rounded that two runs that hardly differ ask for the same."""
    if not peaks:
        return None
    return STEP_BYTES * math.ceil(max(LEAST_BYTES, MARGIN * max(peaks)) / STEP_BYTES)


def _cores(attempt: EndedAttempt) -> int | None:
    if attempt.used is None or attempt.used.cpu_s is None or attempt.duration_s < SHORT_S:
        return None
    return max(1, math.ceil(attempt.used.cpu_s / attempt.duration_s - SPARE_CORE))
