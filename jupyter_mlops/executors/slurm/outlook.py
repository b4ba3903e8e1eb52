"""Whether, and how soon, Slurm would start a job: its own answer to ``sbatch --test-only``."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import dataclass

from ...entities import JobSpec
from ...errors import Unavailable
from ...protocols.jobs import Outlook
from .programs import FULL, Programs, Refused
from .questions import Kind, Questions
from .requests import options_of, resource_options, suggestion

SCRIPT = "#!/bin/sh\ntrue\n"
STARTS = re.compile(r"to start at (\d+) ")
AT_ONCE_S = 60.0
"""A start that Slurm reckons with so soon is one at once: it plans in steps of half a minute."""
GIBIBYTE = 1024**3
NOBODY_KNOWS_S = 60 * 86400.0
"""Where jobs have no time limits Slurm reckons with years."""
REMEMBER_S = 60.0
NEVER = "requested node configuration is not available"
UNRECOGNIZED = re.compile(r"unrecognized option '--([^'=]+)")
UP = ("idle", "mix", "alloc", "comp", "plnd", "planned", "allocated", "mixed", "completing")


@dataclass(frozen=True, slots=True)
class Node:
    """A node as ``sinfo`` lists it, once a partition."""

    partition: str
    cpus: int
    memory_mb: int
    gpus: int
    state: str

    @property
    def is_up(self) -> bool:
        return self.state.rstrip("*~#!%$@^-+") in UP


class Forecast:
    """Asks the controller about jobs that are not in the queue: at once, or by a thread of its own."""

    def __init__(self, programs: Programs) -> None:
        self._programs = programs
        self._lock = threading.Lock()
        self._accepted: dict[Kind, float] = {}
        self._questions = Questions(self._look_ahead)

    def refusal(self, spec: JobSpec) -> str:
        """Why Slurm would never take it; empty when it would. Raises Unavailable."""
        asked = tuple(resource_options(spec))
        with self._lock:
            if time.monotonic() - self._accepted.get(asked, float("-inf")) < REMEMBER_S:
                return ""  # the trials of a sweep ask for the same
        try:
            self._test(asked)
        except Refused as error:
            if refusal := self._judge(spec, str(error)):
                return refusal
        with self._lock:
            self._accepted[asked] = time.monotonic()
        return ""

    def outlook(self, spec: JobSpec) -> Outlook:
        """When it would start, by an answer of the last half minute. Raises Unavailable."""
        return self._questions.outlook(tuple(resource_options(spec)))

    def outdate(self) -> None:
        """A job is handed over: that there is room no longer holds."""
        self._questions.outdate()

    def _look_ahead(self, kind: Kind) -> Outlook:
        try:
            said = self._test(kind)
        except Refused as error:
            return Outlook(starts_now=False, reason=f"Slurm: {error}")
        found = STARTS.search(said)
        wait_s = float(found[1]) - time.time() if found else None
        if wait_s is None or wait_s > NOBODY_KNOWS_S:
            return Outlook(starts_now=False, reason="Slurm has no room now, and cannot say when it will")
        if wait_s > AT_ONCE_S:
            return Outlook(
                starts_now=False, wait_s=wait_s, reason=f"Slurm expects to start it in {_minutes(wait_s)}"
            )
        return Outlook(starts_now=True, wait_s=0.0, reason="Slurm can start it now")

    def _test(self, kind: Kind) -> str:
        return self._ask(["sbatch", "--test-only", *kind])

    def _judge(self, spec: JobSpec, said: str) -> str:
        """Slurm says the same of nodes that there are not and of nodes that are down just now."""
        if any(each in said.lower() for each in FULL):
            return ""
        if found := UNRECOGNIZED.search(said):
            return f"Slurm's sbatch knows no --{found[1]}.{suggestion(found[1])}"
        if NEVER in said.lower():
            nodes = self._nodes()
            if any(not node.is_up for node in nodes) and any(_fits(spec, node) for node in nodes):
                return ""
            return f"{_asks(spec)} {_what_there_is(nodes)} Slurm says: {said}."
        return f"Slurm refuses the job: {said}."

    def _ask(self, command: list[str]) -> str:
        try:
            return self._programs.run(command, text=SCRIPT, environ=os.environ)
        except Unavailable as error:
            raise Unavailable(f"Slurm does not answer: {error.message}") from error

    def _nodes(self) -> list[Node]:
        said = self._ask(["sinfo", "--noheader", "--Node", "--format=%R|%c|%m|%G|%t"])
        return [_node(line) for line in said.splitlines() if line.count("|") == 4]


def _node(line: str) -> Node:
    partition, cpus, memory, gres, state = line.split("|")
    gpus = sum(int(count) for count in re.findall(r"\bgpu(?::[A-Za-z][^:,()]*)?:(\d+)", gres))
    return Node(partition, _number(cpus), _number(memory), gpus, state)


def _number(text: str) -> int:
    digits = re.match(r"\d+", text)
    return int(digits[0]) if digits else 0


def _fits(spec: JobSpec, node: Node) -> bool:
    wanted = spec.resources
    memory_mb = (spec.asked_memory_bytes or 0) / 1024**2
    partition = options_of(spec).get("partition")
    elsewhere = partition is not None and node.partition not in partition.split(",")
    return (
        not elsewhere
        and wanted.gpus <= node.gpus
        and wanted.cpus <= node.cpus
        and memory_mb <= node.memory_mb
    )


def _asks(spec: JobSpec) -> str:
    wanted, memory_bytes = spec.resources, spec.asked_memory_bytes
    said = [f"--slurm-{name}{f' {value}' if value else ''}" for name, value in options_of(spec).items()]
    words = [
        f"{wanted.gpus:g} GPUs" if wanted.gpus else "",
        f"{wanted.cpus} CPU core{'s' if wanted.cpus > 1 else ''}",
        f"{memory_bytes / GIBIBYTE:.1f} GiB of memory" if memory_bytes else "",
        *said,
    ]
    return f"The job wants {', '.join(each for each in words if each)}."


def _what_there_is(nodes: list[Node]) -> str:
    kinds: dict[tuple[str, int, int, int], int] = {}
    for node in nodes:
        kind = (node.partition, node.cpus, node.memory_mb, node.gpus)
        kinds[kind] = kinds.get(kind, 0) + 1
    words = [
        f"{count} in partition {partition} of {cpus} CPU cores, {memory_mb / 1024:.1f} GiB and {gpus} GPUs"
        for (partition, cpus, memory_mb, gpus), count in sorted(kinds.items())
    ]
    return f"Slurm's nodes: {'; '.join(words)}." if words else "sinfo shows no nodes."


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
