"""What past runs of a notebook say of the next one, put into what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ...entities import Resources, Size
from ..quantities import counted, size_text
from .words import LOCAL

if TYPE_CHECKING:
    from .request import Request


class Sizing(Protocol):
    """What submitting needs of right-sizing."""

    def suggest(self, *, user: str, name: str, notebook: str | None) -> Size | None: ...


class Bounds(Protocol):
    """What this machine has."""

    def cpus(self) -> int: ...

    def memory_bytes(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a job asks for, of which ``names`` come from past runs; ``words`` tell a person."""

    resources: Resources
    names: list[str] = field(default_factory=list)
    expected_s: float | None = None
    words: str = ""


def learned(
    request: Request,
    *,
    user: str,
    name: str,
    notebook: str | None,
    sizing: Sizing,
    machine: Callable[[], Bounds],
) -> Learned:
    """The request's resources, with what its like's past says of those that nobody asked for.

    Memory is learned for this machine: a cluster may end a job that uses more than it asks for, or have no
    node with as much as one here has used.
    """
    from ..usage.sizing import size_words, sized

    size = sizing.suggest(user=user, name=name, notebook=notebook)
    if size is None:
        return Learned(resources=request.resources)
    here = machine() if LOCAL in request.places else None
    resources, names = sized(
        request.resources,
        size,
        given=_given(request) | (set() if here else {"memory_bytes"}),
        cpus=here.cpus() if here else None,
        memory_bytes=here.memory_bytes() if here else None,
    )
    words = f"It {size_words(size)}."
    if names:
        words += f" Room is made for {_listed(resources, names)}; {_flags(names)} would say otherwise."
    return Learned(resources=resources, names=names, expected_s=size.expected_s, words=words)


def _given(request: Request) -> set[str]:
    """The fields that somebody asked for."""
    wanted, default = request.resources, Resources()
    fields = ("cpus", "memory_bytes", "gpu_memory_bytes")
    return {
        each
        for each in fields
        if each not in request.learn or getattr(wanted, each) != getattr(default, each)
    }


def _listed(resources: Resources, names: Sequence[str]) -> str:
    words = {
        "cpus": counted(resources.cpus, "CPU core"),
        "memory_bytes": f"{size_text(resources.memory_bytes or 0)} of memory",
        "gpu_memory_bytes": f"{size_text(resources.gpu_memory_bytes or 0)} of GPU memory",
    }
    return " and ".join(words[name] for name in names)


def _flags(names: Sequence[str]) -> str:
    flags = {"cpus": "--cpus", "memory_bytes": "--memory", "gpu_memory_bytes": "--gpu-memory"}
    return " and ".join(flags[name] for name in names)
