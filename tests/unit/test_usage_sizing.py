"""Right-sizing: what past attempts say of the next one."""

from __future__ import annotations

import pytest

from jupyter_mlops.entities import Cause, JobStatus, Resources, Size, Used
from jupyter_mlops.services.usage.sizing import MARGIN, PAST, size_of, size_words, sized
from jupyter_mlops.testing.usage import BEGAN, ended_attempt

GIB = 1024**3
MIB = 1024**2


def past(*peaks: int, **changes):
    """Successes with these peaks of memory, the newest first."""
    return [ended_attempt(peak=peak, **changes) for peak in peaks]


def lasting(*durations: float):
    return [ended_attempt(ended_at=BEGAN + each) for each in durations]


def out_of_memory(peak: int):
    return ended_attempt(status=JobStatus.FAILED, cause=Cause.MEMORY, peak=peak)


def test_nothing_is_said_where_nothing_has_succeeded():
    assert size_of([]) is None
    assert size_of([ended_attempt(status=JobStatus.FAILED, peak=GIB)]) is None


def test_the_highest_peak_counts_with_a_margin():
    size = size_of(past(GIB, 4 * GIB, 2 * GIB))
    assert (size.runs, size.peak_bytes) == (3, 4 * GIB)
    assert MARGIN * 4 * GIB <= size.memory_bytes < MARGIN * 4 * GIB + 64 * MIB
    assert size.memory_bytes % (64 * MIB) == 0


def test_only_the_last_runs_count():
    assert size_of([*past(*[GIB] * PAST), *past(100 * GIB)]).peak_bytes == GIB


def test_a_run_that_did_nothing_gets_room_for_its_kernel():
    assert size_of(past(40 * MIB)).memory_bytes == 256 * MIB


def test_out_of_memory_since_the_last_success_asks_for_half_as_much_again():
    size = size_of([out_of_memory(4 * GIB), *past(GIB)])
    assert size.memory_bytes >= MARGIN * 1.5 * 4 * GIB
    assert size.peak_bytes == GIB
    assert size_of([*past(GIB), out_of_memory(4 * GIB)]).memory_bytes < 2 * GIB


def test_other_failures_say_nothing_of_memory():
    failed = ended_attempt(status=JobStatus.FAILED, cause=Cause.ERROR, peak=40 * GIB)
    assert size_of([failed, *past(GIB)]).memory_bytes < 2 * GIB


def test_runs_that_were_not_measured_say_how_long_they_took():
    assert size_of(lasting(100)) == Size(runs=1, expected_s=100.0, longest_s=120.0)


def test_the_median_is_expected_and_the_longest_bounds_it():
    size = size_of(lasting(10, 12, 100))
    assert (size.expected_s, size.longest_s) == (12.0, 120.0)


@pytest.mark.parametrize(
    ("cpu_s", "duration_s", "cores"),
    [(100, 100, 1), (120, 100, 1), (130, 100, 2), (400, 100, 4), (1, 100, 1), (8, 4, None)],
)
def test_cores_are_those_kept_busy_on_average_and_short_runs_do_not_tell(cpu_s, duration_s, cores):
    assert size_of([ended_attempt(cpu_s=float(cpu_s), ended_at=BEGAN + duration_s)]).cpus == cores


def test_gpu_memory_is_asked_for_by_jobs_with_a_gpu_only():
    size = size_of([ended_attempt(used=Used(gpu_memory_bytes=10 * GIB))])
    assert size.gpu_memory_bytes == 12 * GIB
    assert sized(Resources(gpus=0.5), size, given=[])[0].gpu_memory_bytes == 12 * GIB
    assert sized(Resources(), size, given=[]) == (Resources(), [])


def test_what_somebody_asked_for_is_not_touched():
    size = Size(runs=3, memory_bytes=8 * GIB, cpus=4)
    wanted = Resources(memory_bytes=GIB, cpus=1)
    assert sized(wanted, size, given=["memory_bytes", "cpus"]) == (wanted, [])
    filled, learned = sized(wanted, size, given=["memory_bytes"])
    assert (filled.memory_bytes, filled.cpus, learned) == (GIB, 4, ["cpus"])


def test_no_more_is_asked_for_than_there_is():
    size = Size(runs=1, memory_bytes=64 * GIB, cpus=16)
    filled, learned = sized(Resources(), size, given=[], cpus=2, memory_bytes=32 * GIB)
    assert (filled.cpus, filled.memory_bytes, learned) == (2, 32 * GIB, ["cpus", "memory_bytes"])
    assert sized(Resources(cpus=2), size, given=[], cpus=2, memory_bytes=32 * GIB)[1] == ["memory_bytes"]


def test_it_is_said_in_words():
    size = Size(runs=5, expected_s=720.0, peak_bytes=2 * GIB)
    assert size_words(size) == "takes about 12 min 00 s; at most 2.0 GiB of memory (5 past runs)"
    assert size_words(Size(runs=1, expected_s=3.0)) == "takes about 3.0 s (1 past run)"
