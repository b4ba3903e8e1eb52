"""What is to be submitted, all of it checked: notebooks with their values, and what the user should know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...entities import Carried, Distribution
from ..jobs.origin import Origin
from .learning import Learned
from .request import Search

if TYPE_CHECKING:
    from ...notebooks.kernels import KernelChoice
    from ..files.packing import Packing


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What to tell the user before anything is queued.

    ``taken`` says which of the executed cells the jobs replay, ``left_out`` which not and why;
    ``undecided`` is what the texts of the cells do not tell, and ``carried`` what goes along and weighs.
    ``learned`` is what past runs say of this one, ``placed`` where it will run, and why there.
    """

    taken: str = ""
    carried: str = ""
    learned: str = ""
    placed: str = ""
    left_out: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def lines(self, *, whole: bool = False) -> list[str]:
        """In short: the cells that are left out only where nobody asked for just those that are needed."""
        left_out = [f"Left out of the job: {each}." for each in self.left_out] if whole else []
        return [
            *(each for each in (self.taken, self.carried) if each),
            *left_out,
            *(f"Not decided: {each.rstrip('.')}." for each in self.undecided),
            *(f"Note: {each}" for each in self.notes),
            *(each for each in (self.learned, self.placed) if each),
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``notebooks`` are one with its values for each job; for a search the template alone, with an example
    of what is searched over (``space``).
    """

    origin: Origin
    name: str
    notebooks: list[tuple[Any, dict[str, Any]]]
    kernel: KernelChoice
    source_notebook: str | None
    promoted: bool
    varied: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Distribution] = field(default_factory=dict)
    search: Search | None = None
    carried: list[Carried] = field(default_factory=list)
    files: Packing | None = None
    tags: dict[str, str] = field(default_factory=dict)
    learned: Learned | None = None
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What would be submitted: the (first) job's notebook as JSON has it, how many jobs or trials, and what
    the user should know.
    """

    notebook: dict[str, Any]
    jobs: int
    told: Told
    searched: bool = False

    @property
    def text(self) -> str:
        """For people: the cells with their reasons, then what is left out and what is not decided."""
        from ...notebooks.readable import as_text, listed

        told = self.told
        parts = [
            as_text(self.notebook),
            listed("left out", told.left_out),
            listed("not decided", told.undecided),
            listed("notes", [*filter(None, (told.carried, *told.notes, told.learned, told.placed))]),
            self._how_many,
        ]
        return "\n\n".join(filter(None, parts))

    @property
    def _how_many(self) -> str:
        if self.searched:
            return f"# It would be {self.jobs} trials, each with values of its own for what is searched over."
        return f"# It would be {self.jobs} jobs; this is the first one." if self.jobs > 1 else ""
