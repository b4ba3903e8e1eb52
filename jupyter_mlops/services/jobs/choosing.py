"""Where a job runs that may run at several places: the first that can start it now, else the shortest wait.

``--on local,slurm`` makes the second place a backup for the first. As long as a job waits for a machine
whose queue the agent keeps, the choice is open; what is handed over to a cluster stays there.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ...entities import Job
from ...errors import MlopsError
from ...protocols.clock import Clock
from ...protocols.jobs import Cluster, Executor, Outlook
from ..quantities import spoken
from .patience import Patience

ASK_EVERY_S = 10.0
"""How long a cluster's answer that a job would wait is taken to hold for all that want the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where a job goes, and why in words; ``executor`` is empty as long as it waits where it is."""

    executor: str
    why: str


@dataclass(slots=True)
class Views:
    """What is known of one job's places: the outlook at each, or why nobody answers there."""

    outlooks: dict[str, Outlook] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)

    def told(self, chosen: str) -> str:
        """The other places, in words."""
        others = [f"{name}: {_words(view)}" for name, view in self.outlooks.items() if name != chosen]
        return "; ".join([*others, *(f"{name} does not answer: {why}" for name, why in self.silent.items())])


class Chooser:
    """Chooses; remembers for a while what clusters have said."""

    def __init__(self, executors: Mapping[str, Executor], *, patience: Patience, monotonic: Clock) -> None:
        self._executors = executors
        self._patience = patience
        self._monotonic = monotonic
        self._answers: dict[Hashable, tuple[float, Outlook | str]] = {}

    def choose(self, job: Job, machines: Mapping[str, Outlook]) -> Choice:
        """``machines`` are the outlooks of this job at the machines whose queues are kept here."""
        views = Views()
        for name in job.spec.executors:
            outlook = machines.get(name) or self._ask(name, job)
            if isinstance(outlook, str):
                views.silent[name] = outlook
                continue
            views.outlooks[name] = outlook
            if outlook.starts_now:
                return Choice(executor=name, why=_because("it could start there at once", views.told(name)))
        return self._shortest(views, machines)

    def handed_over(self, name: str) -> None:
        """A place there is taken: what was said of it no longer holds."""
        self._answers = {key: said for key, said in self._answers.items() if cast(tuple[str], key)[0] != name}

    def _shortest(self, views: Views, machines: Mapping[str, Outlook]) -> Choice:
        if not views.outlooks:
            return Choice(executor="", why=views.told(""))
        best = min(views.outlooks, key=lambda name: _wait_s(views.outlooks[name]))
        if best in machines:
            return Choice(executor="", why=views.told(""))
        wait = views.outlooks[best].wait_s
        why = "the shortest wait" if wait is None else f"the shortest wait, about {spoken(wait)}"
        return Choice(executor=best, why=_because(why, views.told(best)))

    def _ask(self, name: str, job: Job) -> Outlook | str:
        """The cluster's outlook, or why there is none."""
        if not self._patience.is_due(name):
            return self._patience.trouble(name)
        key = (name, job.spec.resources, repr(sorted(job.spec.options.get(name, {}).items())), job.spec.user)
        until, said = self._answers.get(key, (float("-inf"), ""))
        if self._monotonic() < until:
            return said
        try:
            said = cast(Cluster, self._executors[name]).outlook(job.spec)
        except KeyError:
            said = "there is no such executor here"
        except (MlopsError, OSError) as error:
            said = str(error)
        if isinstance(said, str) or not said.starts_now:
            self._answers[key] = (self._monotonic() + ASK_EVERY_S, said)
        return said


def _wait_s(outlook: Outlook) -> float:
    """What nobody knows is taken to be longer than anything that somebody does."""
    return float("inf") if outlook.wait_s is None else outlook.wait_s


def _words(outlook: Outlook) -> str:
    wait = "" if outlook.wait_s is None else f"about {spoken(outlook.wait_s)}"
    return ", ".join(each for each in (outlook.reason, wait) if each) or "it would wait"


def _because(why: str, others: str) -> str:
    return f"{why} ({others})" if others else why
