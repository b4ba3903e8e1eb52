"""What a submit says of past runs and of where it will run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from jupyter_mlops.entities import GpuSlot, Job, JobSpec, JobStatus, Resources, Size, Used
from jupyter_mlops.errors import Unavailable
from jupyter_mlops.protocols.jobs import Outlook, SlotRoom
from jupyter_mlops.services.showing.jobs import asked_text, placing_facts, used_text
from jupyter_mlops.services.submission.learning import Learned, learned
from jupyter_mlops.services.submission.placing import placed
from jupyter_mlops.services.submission.request import Request, request_of
from jupyter_mlops.testing.jobs import job_spec

GIB = 1024**3


class Machine:
    """A machine with these GPUs."""

    keeps_queue = False

    def __init__(self, rooms: Sequence[SlotRoom] = (), refusal: str = "") -> None:
        self._rooms = list(rooms)
        self._refusal = refusal

    def refusal(self, spec: JobSpec) -> str:
        return self._refusal

    def room(self) -> list[SlotRoom]:
        return self._rooms

    def cpus(self) -> int:
        return 8

    def memory_bytes(self) -> int:
        return 16 * GIB


class Cluster:
    """A cluster with this outlook, or one that does not answer."""

    keeps_queue = True

    def __init__(self, outlook: Outlook | Exception) -> None:
        self._outlook = outlook

    def refusal(self, spec: JobSpec) -> str:
        return ""

    def outlook(self, spec: JobSpec) -> Outlook:
        if isinstance(self._outlook, Exception):
            raise self._outlook
        return self._outlook


class Past:
    """Past runs that say this."""

    def __init__(self, size: Size | None) -> None:
        self._size = size

    def suggest(self, *, user: str, name: str, notebook: str | None) -> Size | None:
        assert (user, name, notebook) == ("ada", "train", "/a.ipynb")
        return self._size


def room(index: int, share: float = 1.0, memory: int | None = 8 * GIB, holders: str = "") -> SlotRoom:
    slot = GpuSlot(uuid=f"GPU-{index}", index=index, name="A100")
    return SlotRoom(slot=slot, share=share, memory_bytes=memory, holders=holders)


def said(spec: JobSpec, **executors: Any) -> str:
    return placed(spec, executors)


def test_of_a_job_without_a_gpu_on_this_machine_there_is_nothing_to_say() -> None:
    assert said(job_spec(), local=Machine()) == ""


def test_free_gpus_are_counted() -> None:
    assert said(job_spec(gpus=1), local=Machine([room(0), room(1)])) == "On local: 2 of 2 GPUs are free."


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Resources(gpus=2), "it waits for 2 GPUs (A100 0: taken by job abc of ada)"),
        (Resources(gpus=0.5), "2 of 2 GPUs have room for it"),
        (Resources(gpus=0.5, gpu_memory_bytes=6 * GIB), "1 of 2 GPUs has room for it"),
        (
            Resources(gpus=0.75, gpu_memory_bytes=12 * GIB),
            "it waits for room on a GPU (A100 0: taken by job abc of ada)",
        ),
    ],
)
def test_a_share_needs_room_and_memory(wanted: Resources, words: str) -> None:
    rooms = [room(0, 0.5, 2 * GIB, holders="taken by job abc of ada"), room(1)]
    spec = replace(job_spec(), resources=wanted)
    assert said(spec, local=Machine(rooms)) == f"On local: {words}."


def test_a_machine_with_one_gpu_says_so() -> None:
    assert said(job_spec(gpus=1), local=Machine([room(0)])) == "On local: the GPU is free."


def test_a_cluster_says_when_it_would_start() -> None:
    spec = job_spec(executor="slurm")
    assert said(spec, slurm=Cluster(Outlook(starts_now=True))) == "On slurm: it can start now."
    waits = Cluster(Outlook(starts_now=False, wait_s=90, reason="2 jobs are before it."))
    assert said(spec, slurm=waits) == "On slurm: it waits for about 1 min 30 s (2 jobs are before it)."
    assert said(spec, slurm=Cluster(Outlook(starts_now=False))) == "On slurm: it waits."


def test_of_several_places_each_is_said_and_one_that_is_silent_stops_nothing() -> None:
    spec = job_spec(gpus=1, executor="local", executors=["local", "slurm", "ray"])
    text = said(
        spec,
        local=Machine([room(0, 0.0, holders="taken by job abc of ada")]),
        slurm=Cluster(Outlook(starts_now=True)),
        ray=Cluster(Unavailable("Ray is away.")),
    )
    assert text == (
        "It runs at the first place that can start it now (local: it waits for a GPU (A100 0: taken by job abc "
        "of ada); slurm: it can start now; ray: not now (Ray is away))."
    )


def test_where_it_can_never_run_the_refusal_speaks() -> None:
    never = Machine(refusal="The job wants 5 GPUs, and there are 2 here.")
    assert said(job_spec(gpus=5), local=never) == ""
    spec = job_spec(gpus=5, executors=["local", "slurm"])
    assert said(spec, local=never, slurm=Cluster(Outlook(starts_now=True))) == (
        "It runs at the first place that can start it now (local: not there (The job wants 5 GPUs, and there are 2 "
        "here); slurm: it can start now)."
    )


def learned_for(request: Request, size: Size | None) -> Learned:
    return learned(
        request, user="ada", name="train", notebook="/a.ipynb", sizing=Past(size), machine=lambda: Machine()
    )


SIZE = Size(
    runs=5, memory_bytes=3 * GIB, gpu_memory_bytes=2 * GIB, cpus=4, expected_s=720.0, peak_bytes=2 * GIB
)


def test_without_past_runs_what_was_asked_for_stays() -> None:
    assert learned_for(request_of(), None) == Learned(resources=Resources())


def test_what_nobody_asked_for_is_taken_from_past_runs() -> None:
    found = learned_for(request_of(), SIZE)
    assert found.resources == Resources(cpus=4, memory_bytes=3 * GIB)
    assert (found.names, found.expected_s) == (["cpus", "memory_bytes"], 720.0)
    assert found.words == (
        "It takes about 12 min 00 s; at most 2.0 GiB of memory (5 past runs). Room is made for 4 CPU cores and "
        "3.0 GiB of memory; --cpus and --memory would say otherwise."
    )


def test_what_somebody_asked_for_stays() -> None:
    found = learned_for(request_of(cpus=1, memory="1G", gpus=1, gpu_memory="1G"), SIZE)
    assert found.resources == Resources(gpus=1, cpus=1, memory_bytes=GIB, gpu_memory_bytes=GIB)
    assert found.names == []
    assert found.words == "It takes about 12 min 00 s; at most 2.0 GiB of memory (5 past runs)."


def test_resources_that_a_program_gives_are_asked_for() -> None:
    found = learned_for(Request(resources=Resources(cpus=2, memory_bytes=GIB)), SIZE)
    assert found.resources == Resources(cpus=2, memory_bytes=GIB)


def test_memory_of_a_gpu_is_learned_for_jobs_with_a_gpu() -> None:
    assert learned_for(request_of(gpus=0.5), SIZE).resources.gpu_memory_bytes == 2 * GIB


def test_no_more_is_asked_for_than_this_machine_has_but_a_cluster_may_have_more() -> None:
    large = Size(runs=1, memory_bytes=64 * GIB, cpus=64)
    here, there = learned_for(request_of(), large), learned_for(request_of(on="slurm"), large)
    assert (here.resources.cpus, here.resources.memory_bytes) == (8, 16 * GIB)
    assert there.resources.cpus == 64


def test_memory_is_learned_for_this_machine_and_limits_no_job_of_a_cluster() -> None:
    both, there = learned_for(request_of(on="local,slurm"), SIZE), learned_for(request_of(on="slurm"), SIZE)
    assert (both.resources.memory_bytes, both.names) == (3 * GIB, ["cpus", "memory_bytes"])
    assert (there.resources.memory_bytes, there.names) == (None, ["cpus"])
    assert "of memory;" not in there.words.partition("Room is made for")[2]


def test_what_a_job_asks_for_and_used_is_said() -> None:
    wanted = Resources(gpus=0.5, gpu_memory_bytes=GIB, cpus=2, memory_bytes=2 * GIB, time_limit_s=7200)
    assert asked_text(wanted, learned=["memory_bytes"]) == (
        "0.5 GPU, 1.0 GiB of GPU memory, 2 CPU cores, 2.0 GiB of memory (learned), at most 2 h"
    )
    used = Used(memory_bytes=GIB, cpu_s=90.0, gpu_memory_bytes=GIB, gpu_load=0.456, gpu_idle_s=30.0)
    assert used_text(used) == (
        "1.0 GiB of memory, 1 min 30 s of CPU, 1.0 GiB of GPU memory, GPU 46% busy, GPU idle for 30 s"
    )
    assert used_text(Used()) == used_text(None) == ""


def test_a_job_that_may_run_at_several_places_names_them_until_one_is_chosen() -> None:
    spec = job_spec(executors=["local", "slurm"], retries=1)
    waiting = Job(spec=spec, status=JobStatus.QUEUED)
    assert placing_facts(waiting)["executor"] == "local or slurm"
    running = Job(
        spec=spec, status=JobStatus.RUNNING, executor="slurm", choice="it could start there at once"
    )
    facts = placing_facts(running)
    assert (facts["executor"], facts["chosen"]) == ("slurm", "it could start there at once")
    assert (facts["attempt"], facts["cause"], facts["used"]) == (1, "", "")
